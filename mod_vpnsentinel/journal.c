#include "journal.h"

#include <string.h>

#include "killpoint.h"

/* Make room for one entry: the two oldest become one. */
static void fold_oldest(change_t changes[CLIENT_CHANGES])
{
    unsigned int merged = (unsigned int)changes[0].merged + changes[1].merged;

    memmove(&changes[0], &changes[1], (CLIENT_CHANGES - 1) * sizeof *changes);
    changes[0].kind = CHANGE_FOLDED;
    changes[0].merged = (uint8_t)(merged < UINT8_MAX ? merged : UINT8_MAX);
    memset(&changes[0].from, 0, sizeof changes[0].from);
    memset(&changes[0].to, 0, sizeof changes[0].to);
}

static change_t *add_change(client_t *client, change_kind_t kind, int64_t when)
{
    unsigned int i = 0;

    while (i < CLIENT_CHANGES && client->changes[i].kind != CHANGE_NONE) {
        i++;
    }
    if (i == CLIENT_CHANGES) {
        fold_oldest(client->changes);
        i--;
    }
    memset(&client->changes[i], 0, sizeof client->changes[i]);
    client->changes[i].seq = ++client->seq;
    client->changes[i].when = (uint32_t)when;
    client->changes[i].kind = (uint8_t)kind;
    client->changes[i].merged = 1;
    client->last_change = when;
    killpoint();
    return &client->changes[i];
}

static void judge_address(client_t *client, const sighting_t *sighting)
{
    const vps_addr_t *seen = &sighting->judged.public_ip;
    vps_addr_t *known = &client->judged.public_ip;
    change_t *change;

    if (seen->version == 0 || vps_addr_equal(seen, known)) {
        return;
    }
    if (known->version != 0) {
        change = add_change(client, CHANGE_ADDRESS, sighting->when);
        change->from.addr = *known;
        change->to.addr = *seen;
    }
    *known = *seen;
}

static void judge_country(client_t *client, change_kind_t kind, char known[3], const char seen[3],
                          int64_t when)
{
    change_t *change;

    if (seen[0] == '\0' || memcmp(seen, known, 3) == 0) {
        return;
    }
    if (known[0] != '\0') {
        change = add_change(client, kind, when);
        memcpy(change->from.country, known, 3);
        memcpy(change->to.country, seen, 3);
    }
    memcpy(known, seen, 3);
}

static void judge_vpn(client_t *client, const sighting_t *sighting)
{
    uint8_t seen = sighting->judged.vpn_connected;
    uint8_t *known = &client->judged.vpn_connected;
    change_t *change;

    if (seen == VPS_UNKNOWN || seen == *known) {
        return;
    }
    if (*known != VPS_UNKNOWN) {
        change = add_change(client, CHANGE_VPN, sighting->when);
        change->from.answer = *known;
        change->to.answer = seen;
    }
    *known = seen;
}

static void judge_gap(client_t *client, int64_t seen, const sighting_t *sighting)
{
    int64_t gap = sighting->now - seen;
    uint32_t seconds;
    change_t *change;

    if (seen == CLIENT_NEVER_SEEN || gap < sighting->offline_threshold) {
        return;
    }
    seconds = (uint32_t)(gap / 1000000 < UINT32_MAX ? gap / 1000000 : UINT32_MAX);
    change = add_change(client, CHANGE_RETURN, sighting->when);
    memcpy(change->from.seconds, &seconds, sizeof seconds);
}

void journal_judge(client_t *client, int64_t seen, const sighting_t *sighting)
{
    judge_gap(client, seen, sighting);
    judge_address(client, sighting);
    judge_country(client, CHANGE_PLACE, client->judged.place, sighting->judged.place,
                  sighting->when);
    judge_country(client, CHANGE_DNS, client->judged.dns, sighting->judged.dns, sighting->when);
    judge_vpn(client, sighting);
}
