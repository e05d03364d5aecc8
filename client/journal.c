#include "journal.h"

#include <string.h>

#include "clock.h"

static bool is_known(vps_fact_t fact, const vps_record_t *record)
{
    static const vps_record_t nothing;

    return !vps_fact_is_same(fact, record, &nothing);
}

/* The oldest that a later one of its fact follows: there are more places than facts. */
static size_t find_superseded(const vps_past_t *past)
{
    for (size_t i = 0; i < past->count; i++) {
        for (size_t later = i + 1; later < past->count; later++) {
            if (past->changes[later].fact == past->changes[i].fact) {
                return i;
            }
        }
    }
    return 0;
}

_Static_assert((int)VPS_PAST_MAX > (int)VPS_FACTS, "a full journal has two changes of some fact");

static void forget(vps_past_t *past, size_t gone)
{
    past->count--;
    memmove(&past->changes[gone], &past->changes[gone + 1],
            (past->count - gone) * sizeof(past->changes[0]));
}

static void note(journal_t *journal, vps_fact_t fact, const vps_record_t *seen, int64_t now)
{
    vps_past_t *past = &journal->past;
    vps_change_t *change;

    if (past->count == VPS_PAST_MAX) {
        forget(past, find_superseded(past));
    }
    change = &past->changes[past->count++];
    vps_change_take(change, fact, seen, now);
    vps_change_apply(&journal->known, change);
    journal->changes++;
}

void journal_note(journal_t *journal, const vps_record_t *seen, int64_t now)
{
    for (int i = 0; i < VPS_FACTS; i++) {
        const vps_fact_t fact = (vps_fact_t)i;

        if (is_known(fact, seen) && !vps_fact_is_same(fact, seen, &journal->known)) {
            note(journal, fact, seen, now);
        }
    }
}

void journal_fill(vps_past_t *out, const journal_t *journal, const vps_record_t *report,
                  int64_t now)
{
    out->count = 0;
    for (size_t i = 0; i < journal->past.count; i++) {
        vps_change_t change = journal->past.changes[i];
        const int64_t age = now - change.at;

        if (age > 0) {
            change.at = report->timestamp - age / CLOCK_SECOND;
            out->changes[out->count++] = change;
        }
    }
}

void journal_told(journal_t *journal)
{
    if (journal->past.count > 0) {
        journal->past.count = 0;
        journal->changes++;
    }
}
