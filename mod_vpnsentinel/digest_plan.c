#include "digest_plan.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"

#define FLAPPING_MIN 3 /* alerts of a client, some of the same kind */

/* Which of two numbers comes first? */
static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_items(const void *one, const void *other)
{
    const item_t *a = one, *b = other;

    return a->uid != b->uid ? compare(a->uid, b->uid) : compare(a->rank, b->rank);
}

static int compare_lines(const void *one, const void *other)
{
    const line_t *a = one, *b = other;

    if (a->place != b->place) {
        return compare(a->place, b->place);
    }
    return a->rank != b->rank ? compare(a->rank, b->rank) : compare(a->newest, b->newest);
}

/* Those that flap come before the section of the kind. */
static unsigned place_of(unsigned rank, bool is_flapping)
{
    return 2 * rank + (is_flapping ? 0 : 1);
}

static void make_items(plan_t *plan)
{
    const alert_t *entries = plan->digest->entries;

    for (size_t i = 0; i < plan->digest->count; i++) {
        const unsigned rank = message_rank((event_kind_t)entries[i].kind);

        plan->items[i] = (item_t){entries[i].uid, rank, i};
        plan->alerts[rank]++;
    }
    qsort(plan->items, plan->digest->count, sizeof *plan->items, compare_items);
}

static void add_line(plan_t *plan, bool is_flapping, const item_t *items, size_t count)
{
    line_t *line = &plan->lines[plan->line_count++];

    *line = (line_t){.place = place_of(items->rank, is_flapping),
                     .rank = items->rank,
                     .is_flapping = is_flapping,
                     .items = items,
                     .count = count,
                     .oldest = items->entry,
                     .newest = items->entry};
    for (size_t i = 1; i < count; i++) {
        line->oldest = items[i].entry < line->oldest ? items[i].entry : line->oldest;
        line->newest = items[i].entry > line->newest ? items[i].entry : line->newest;
    }
}

/* How many items from the first of them are of its client? */
static size_t count_client(const item_t *items, size_t count)
{
    size_t i = 1;

    while (i < count && items[i].uid == items->uid) {
        i++;
    }
    return i;
}

static bool flaps(const item_t *items, size_t count)
{
    bool is_repeated = false;

    for (size_t i = 1; i < count; i++) {
        is_repeated = is_repeated || items[i].rank == items[i - 1].rank;
    }
    return items->uid != 0 && count >= FLAPPING_MIN && is_repeated;
}

/* A line for each kind; of the server for each alert, there are few of them. */
static void add_lines_of_kinds(plan_t *plan, const item_t *items, size_t count)
{
    size_t len;

    for (size_t i = 0; i < count; i += len) {
        len = items->uid != 0 ? plan_count_kind(&items[i], count - i) : 1;
        add_line(plan, false, &items[i], len);
    }
}

/* All that flap stand where the worst that one of them has belongs. */
static void place_flapping(plan_t *plan)
{
    unsigned worst = EVENT_KINDS;

    for (size_t i = 0; i < plan->line_count; i++) {
        if (plan->lines[i].is_flapping && plan->lines[i].rank < worst) {
            worst = plan->lines[i].rank;
        }
    }
    for (size_t i = 0; i < plan->line_count; i++) {
        if (plan->lines[i].is_flapping) {
            plan->lines[i].place = place_of(worst, true);
        }
    }
}

static void make_lines(plan_t *plan)
{
    size_t len;

    for (size_t i = 0; i < plan->digest->count; i += len) {
        const item_t *items = &plan->items[i];

        len = count_client(items, plan->digest->count - i);
        if (flaps(items, len)) {
            add_line(plan, true, items, len);
        } else {
            add_lines_of_kinds(plan, items, len);
        }
    }
    place_flapping(plan);
    qsort(plan->lines, plan->line_count, sizeof *plan->lines, compare_lines);
}

size_t plan_count_kind(const item_t *items, size_t count)
{
    size_t i = 1;

    while (i < count && items[i].rank == items->rank) {
        i++;
    }
    return i;
}

section_t plan_section(const plan_t *plan, size_t first)
{
    section_t section = {.lines = &plan->lines[first]};

    for (size_t i = first; i < plan->line_count && plan->lines[i].place == section.lines->place;
         i++) {
        section.count++;
        section.alerts += plan->lines[i].count;
    }
    return section;
}

static void count_sections(plan_t *plan)
{
    for (size_t i = 0; i < plan->line_count; i += plan_section(plan, i).count) {
        plan->section_count++;
    }
}

bool plan_begin(plan_t *plan, const digest_t *digest)
{
    memset(plan, 0, sizeof *plan);
    plan->digest = digest;
    plan->items = calloc(digest->count, sizeof *plan->items);
    plan->lines = calloc(digest->count, sizeof *plan->lines);
    if (plan->items == NULL || plan->lines == NULL) {
        return false;
    }
    make_items(plan);
    make_lines(plan);
    count_sections(plan);
    return true;
}

void plan_end(plan_t *plan)
{
    free(plan->items);
    free(plan->lines);
}
