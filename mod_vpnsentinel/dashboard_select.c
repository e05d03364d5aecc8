#include "dashboard_select.h"

#include <stdlib.h>
#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"

/* --- what is searched for --- */

/* Letters of ASCII only: what is beyond is to be written as it is. */
static void lower(char *text)
{
    for (; *text != '\0'; text++) {
        *text = (char)apr_tolower(*text);
    }
}

static bool has_word(const char *text, const char *word)
{
    const size_t len = strlen(word);
    size_t i;

    for (; *text != '\0'; text++) {
        for (i = 0; i < len && apr_tolower(text[i]) == (unsigned char)word[i]; i++) {
        }
        if (i == len) {
            return true;
        }
    }
    return false;
}

static bool report_has_word(const vps_record_t *report, const char *word)
{
    const char *const texts[] = {report->client_id, report->city,     report->region,
                                 report->country,   report->location, report->provider,
                                 report->dns_loc,   report->dns_colo, report->client_version};
    const vps_addr_t *const addrs[] = {&report->public_ip, &report->public_ip6};
    char text[VPS_ADDR_TEXT_SIZE];
    size_t i;

    for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (has_word(texts[i], word)) {
            return true;
        }
    }
    for (i = 0; i < sizeof addrs / sizeof addrs[0]; i++) {
        if (has_word(vps_addr_format(text, addrs[i]), word)) {
            return true;
        }
    }
    return false;
}

static bool matches(const selection_t *selection, const vps_record_t *report, light_t light)
{
    char *const *word;

    if (selection->query->light != QUERY_ANY_LIGHT && (light_t)selection->query->light != light) {
        return false;
    }
    for (word = selection->words; *word != NULL; word++) {
        if (!report_has_word(report, *word)) {
            return false;
        }
    }
    return true;
}

/* --- what is sorted by --- */

static void key_number(candidate_t *candidate, uint64_t number)
{
    unsigned int i;

    for (i = 0; i < sizeof number; i++) {
        candidate->key[i] = (unsigned char)(number >> (56 - 8 * i));
    }
}

static void key_text(candidate_t *candidate, const char *text)
{
    char *key = (char *)candidate->key;

    candidate->is_unknown = text[0] == '\0';
    apr_cpystrn(key, text, SELECT_KEY);
    lower(key);
}

static void key_address(candidate_t *candidate, const vps_addr_t *addr)
{
    candidate->is_unknown = addr->version == 0;
    memcpy(candidate->key, addr, sizeof *addr);
}

/* City, region, country as the table shows them: by what is seen first. */
static const char *place(const vps_record_t *report)
{
    return report->city[0] != '\0'      ? report->city
           : report->region[0] != '\0'  ? report->region
           : report->country[0] != '\0' ? report->country
                                        : report->location;
}

static void set_key(candidate_t *candidate, const client_view_t *view, light_t light, sort_t sort)
{
    const vps_record_t *report = &view->client.report;

    switch (sort) {
    case SORT_STATUS:
        key_number(candidate, LIGHTS - 1 - light);
        break;
    case SORT_IP:
        key_address(candidate, &report->public_ip);
        break;
    case SORT_LOCATION:
        key_text(candidate, place(report));
        break;
    case SORT_SEEN:
        candidate->is_unknown = view->client.last_seen == 0;
        key_number(candidate, UINT32_MAX - view->client.last_seen);
        break;
    case SORT_PROVIDER:
        key_text(candidate, report->provider);
        break;
    case SORT_VPN:
        candidate->is_unknown = report->vpn_connected == VPS_UNKNOWN;
        key_number(candidate, report->vpn_connected);
        break;
    case SORT_DNS:
        key_text(candidate, report->dns_loc);
        break;
    case SORT_VERSION:
        key_text(candidate, report->client_version);
        break;
    case SORT_ID:
    case SORTS:
        key_text(candidate, report->client_id);
        break;
    }
}

static int ascending(const void *a, const void *b)
{
    const candidate_t *one = a, *other = b;
    int difference = one->is_unknown - other->is_unknown;

    if (difference == 0) {
        difference = memcmp(one->key, other->key, SELECT_KEY);
    }
    return difference != 0 ? difference : strcmp(one->client_id, other->client_id);
}

/* What is not known stays last. */
static int descending(const void *a, const void *b)
{
    const candidate_t *one = a, *other = b;

    return one->is_unknown != other->is_unknown ? one->is_unknown - other->is_unknown
                                                : ascending(other, one);
}

/* --- the selection --- */

void select_begin(selection_t *selection, const query_t *query, apr_pool_t *pool)
{
    char *search = apr_pstrdup(pool, query->search);
    size_t words = 0;
    char *state;

    memset(selection, 0, sizeof *selection);
    selection->query = query;
    lower(search);
    while ((selection->words[words] = apr_strtok(search, " ", &state)) != NULL) {
        search = NULL;
        words++;
    }
    selection->keep = query->page * SELECT_ROWS;
    selection->candidates = apr_palloc(pool, 2 * selection->keep * sizeof *selection->candidates);
}

static void sort_out(selection_t *selection)
{
    qsort(selection->candidates, selection->count, sizeof *selection->candidates,
          selection->query->descending ? descending : ascending);
    if (selection->count > selection->keep) {
        selection->count = selection->keep;
    }
}

void select_offer(selection_t *selection, const client_view_t *view, const assessment_t *assessment)
{
    const vps_record_t *report = &view->client.report;
    candidate_t *candidate;

    if (!matches(selection, report, assessment->light)) {
        return;
    }
    selection->matches++;
    candidate = &selection->candidates[selection->count++];
    memset(candidate, 0, sizeof *candidate);
    candidate->uid = view->client.uid;
    candidate->slot = view->slot;
    set_key(candidate, view, assessment->light, selection->query->sort);
    memcpy(candidate->client_id, report->client_id, sizeof candidate->client_id);
    if (selection->count == 2 * selection->keep) {
        sort_out(selection);
    }
}

uint32_t select_pages(int64_t matches)
{
    const int64_t pages = (matches + SELECT_ROWS - 1) / SELECT_ROWS;

    return pages < 1 ? 1 : pages > QUERY_PAGE_MAX ? QUERY_PAGE_MAX : (uint32_t)pages;
}

uint32_t select_end(selection_t *selection, const candidate_t **first, size_t *count)
{
    const uint32_t pages = select_pages(selection->matches);
    const uint32_t page = selection->query->page < pages ? selection->query->page : pages;
    const size_t skip = (page - 1) * (size_t)SELECT_ROWS;

    sort_out(selection);
    *first = selection->candidates + skip;
    *count = selection->count - skip;
    return page;
}
