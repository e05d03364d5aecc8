/*
 * registry_validate(): every invariant of the registry's memory, by reading all of it.
 */
#include "registry.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "registry_head.h"
#include "registry_slots.h"

typedef struct fault_t {
    char *why;
    size_t size;
} fault_t;

static bool __attribute__((format(printf, 2, 3))) fail(fault_t *fault, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(fault->why, fault->size, format, args);
    va_end(args);
    return false;
}

static bool check_head(const registry_t *registry, fault_t *fault)
{
    const registry_head_t *head = registry->head;
    const registry_counts_t *counts = &head->counts;

    if (!registry_is_compatible(head)) {
        return fail(fault, "head: magic, layout or record size is wrong");
    }
    if (counts->clients > counts->slots || counts->slots > head->capacity) {
        return fail(fault, "counts: %u clients in %u slots of %u", counts->clients, counts->slots,
                    head->capacity);
    }
    if (head->buckets < INDEX_FIRST_BUCKETS || head->buckets > head->capacity) {
        return fail(fault, "index: %u buckets", head->buckets);
    }
    if ((int32_t)(head->stamp - head->revision) < 0) {
        return fail(fault, "revisions: %u told of %u", head->revision, head->stamp);
    }
    if (!history_gaps_are_valid(&head->gaps)) {
        return fail(fault, "head: the gaps are none");
    }
    if (head->undo.last != 0) {
        return fail(fault, "undo log: not empty outside a change");
    }
    return true;
}

/* A text ends in NUL within its field, holds valid text, and nothing behind. */
static bool is_field(const char *field, size_t size)
{
    size_t len = strnlen(field, size);
    size_t i;

    for (i = len; i < size; i++) {
        if (field[i] != '\0') {
            return false;
        }
    }
    return len < size && vps_valid_text(field, len);
}

#define FIELD_OK(report, name) is_field((report)->name, sizeof(report)->name)

static bool are_fields(const vps_record_t *report)
{
    return FIELD_OK(report, location) && FIELD_OK(report, city) && FIELD_OK(report, region) &&
           FIELD_OK(report, country) && FIELD_OK(report, dns_loc) && FIELD_OK(report, dns_colo) &&
           FIELD_OK(report, provider) && FIELD_OK(report, timezone) &&
           FIELD_OK(report, client_version);
}

static bool are_answers(const vps_record_t *report)
{
    return report->dns_source <= VPS_DNS_TRACE && report->dns_path <= VPS_DNS_PATH_OUTSIDE &&
           report->dns_verdict <= VPS_DNS_VERDICT_INTERCEPTED &&
           report->ipv6_verdict <= VPS_IPV6_VERDICT_LEAK && report->vpn_connected <= VPS_YES;
}

/* All that the bits of ipv6_verdict can hold is one. */
static bool are_facts(const judged_t *facts)
{
    return facts->vpn_connected <= VPS_YES && facts->dns_verdict <= VPS_DNS_VERDICT_INTERCEPTED &&
           facts->is_servers_ipv6 <= VPS_YES && facts->unused == 0;
}

/* Those that are known, that were announced, and that entries have. */
static bool are_all_facts(const client_t *client)
{
    bool valid = are_facts(&client->judged) && are_facts(&client->announced.facts);

    for (unsigned int i = 0; i < CLIENT_CHANGES; i++) {
        valid = valid && are_facts(&client->changes[i].facts);
    }
    return valid;
}

/* Entries follow each other up to the client's newest change; those that are gone were announced;
 * nothing is announced that has not happened. */
static bool is_journal(const client_t *client)
{
    const change_t *oldest = &client->changes[0];
    unsigned int i;

    if (client->announced.seq > client->seq ||
        (oldest->merged < UINT8_MAX && oldest->seq > client->announced.seq + oldest->merged)) {
        return false;
    }
    for (i = 0; i < CLIENT_CHANGES && client->changes[i].merged > 0; i++) {
        if (i > 0 && client->changes[i].seq != client->changes[i - 1].seq + 1) {
            return false;
        }
    }
    return i == 0 ? client->seq == client->announced.seq
                  : client->changes[i - 1].seq == client->seq;
}

static bool check_client(const registry_t *registry, uint32_t slot, fault_t *fault)
{
    const client_t *client = &registry->clients[slot];
    const char *id = client->report.client_id;

    if (!vps_valid_client_id(id, strnlen(id, sizeof client->report.client_id)) ||
        !are_fields(&client->report)) {
        return fail(fault, "slot %u: a text is torn", slot);
    }
    if (!are_answers(&client->report) || !are_all_facts(client)) {
        return fail(fault, "slot %u: an answer is none", slot);
    }
    if (registry->index.hash[slot] != slot_hash(registry, id)) {
        return fail(fault, "slot %u: hash is not its id's", slot);
    }
    if (registry->revision[slot] == 0) {
        return fail(fault, "slot %u: was never changed", slot);
    }
    if (client->uid == 0) {
        return fail(fault, "slot %u: uid %llu", slot, (unsigned long long)client->uid);
    }
    if ((registry->seen[slot] == CLIENT_NEVER_SEEN) != (client->keepalives == 0) ||
        (client->last_seen == 0) != (client->keepalives == 0)) {
        return fail(fault, "slot %u: keepalives and last_seen disagree", slot);
    }
    if (!history_is_valid(&client->history)) {
        return fail(fault, "slot %u: the history is none", slot);
    }
    if (!is_journal(client)) {
        return fail(fault, "slot %u: the journal has a gap", slot);
    }
    return true;
}

static bool check_clients(const registry_t *registry, fault_t *fault)
{
    const registry_counts_t *counts = &registry->head->counts;
    uint32_t slot, found = 0;

    for (slot = 0; slot < counts->slots; slot++) {
        if (registry->seen[slot] != 0) {
            found++;
            if (!check_client(registry, slot, fault)) {
                return false;
            }
        }
    }
    if (found != counts->clients) {
        return fail(fault, "counts: %u clients, %u slots are taken", counts->clients, found);
    }
    return true;
}

/* Every taken slot is in the chain of its hash's bucket, once: chains hold only such, and as many
 * as there are. */
static bool check_chains(const registry_t *registry, fault_t *fault)
{
    const index_t *index = &registry->index;
    uint32_t bucket, link, linked = 0;

    for (bucket = 0; bucket < *index->buckets; bucket++) {
        for (link = index->bucket[bucket]; link != 0; link = index->next[link - 1]) {
            if (link > registry->head->counts.slots || registry->seen[link - 1] == 0) {
                return fail(fault, "bucket %u: links to no client", bucket);
            }
            if (index_bucket_of(index->hash[link - 1], *index->buckets) != bucket) {
                return fail(fault, "bucket %u: holds a slot of another", bucket);
            }
            if (++linked > registry->head->counts.clients) {
                return fail(fault, "index: a chain is a ring");
            }
        }
    }
    if (linked != registry->head->counts.clients) {
        return fail(fault, "index: %u of %u clients", linked, registry->head->counts.clients);
    }
    return true;
}

static bool check_free_list(const registry_t *registry, fault_t *fault)
{
    const registry_counts_t *counts = &registry->head->counts;
    uint32_t link, length = 0;

    for (link = counts->free_slot; link != 0; link = registry->index.next[link - 1]) {
        if (link > counts->slots || registry->seen[link - 1] != 0) {
            return fail(fault, "free list: slot %u is not free", link - 1);
        }
        if (++length > counts->slots - counts->clients) {
            return fail(fault, "free list: too long");
        }
    }
    if (length != counts->slots - counts->clients) {
        return fail(fault, "free list: %u of %u slots", length, counts->slots - counts->clients);
    }
    return true;
}

bool registry_validate(registry_t *registry, char *why, size_t size)
{
    fault_t fault = {why, size};
    bool valid;

    if (!registry_acquire(registry)) {
        return fail(&fault, "the lock could not be had");
    }
    valid = check_head(registry, &fault) && check_clients(registry, &fault) &&
            check_chains(registry, &fault) && check_free_list(registry, &fault);
    registry_release(registry);
    return valid;
}
