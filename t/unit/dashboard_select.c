/*
 * mod_vpnsentinel/dashboard_select.h: a comparison with a naive search and sort over random fleets
 * and queries, what a word of the search finds, what it does not, and the edges of the pages.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dashboard_select.h"
#include "pool.h"
#include "random.h"

#define FLEET_MAX 2000u

/* The fleet that is offered; in which order is no matter. */
static struct {
    client_view_t views[FLEET_MAX];
    assessment_t assessments[FLEET_MAX];
    uint32_t count;
} fleet;

static selection_t selection;

static void offer_all(const query_t *query)
{
    uint32_t i;

    select_begin(&selection, query, pool);
    for (i = 0; i < fleet.count; i++) {
        select_offer(&selection, &fleet.views[i], &fleet.assessments[i]);
    }
}

static query_t any(void)
{
    return (query_t){.search = "", .light = QUERY_ANY_LIGHT, .sort = SORT_STATUS, .page = 1};
}

/* Another client in the fleet, of which nothing is known. */
static vps_record_t *add_client(const char *client_id, light_t light)
{
    const uint32_t slot = fleet.count++;
    client_view_t *view = &fleet.views[slot];

    memset(view, 0, sizeof *view);
    view->slot = slot;
    view->client.uid = 1000 + slot;
    snprintf(view->client.report.client_id, sizeof view->client.report.client_id, "%s", client_id);
    fleet.assessments[slot] = (assessment_t){.light = light};
    return &view->client.report;
}

static int start(void **state)
{
    (void)state;
    fleet.count = 0;
    return 0;
}

/* --- the model --- */

static const query_t *wanted; /* what the fleet is sorted by */

/* Text of the member that a sort is by; NULL when it is by none. */
static const char *text_of(const vps_record_t *report, sort_t sort)
{
    switch (sort) {
    case SORT_ID:
        return report->client_id;
    case SORT_LOCATION:
        return report->city[0] != '\0'      ? report->city
               : report->region[0] != '\0'  ? report->region
               : report->country[0] != '\0' ? report->country
                                            : report->location;
    case SORT_PROVIDER:
        return report->provider;
    case SORT_DNS:
        return report->dns_loc;
    case SORT_VERSION:
        return report->client_version;
    default:
        return NULL;
    }
}

static bool is_unknown(uint32_t slot, sort_t sort)
{
    const client_t *client = &fleet.views[slot].client;
    const char *text = text_of(&client->report, sort);

    return (text != NULL && text[0] == '\0') ||
           (sort == SORT_IP && client->report.public_ip.version == 0) ||
           (sort == SORT_SEEN && client->last_seen == 0) ||
           (sort == SORT_VPN && client->report.vpn_connected == VPS_UNKNOWN);
}

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_member(uint32_t a, uint32_t b, sort_t sort)
{
    const client_t *one = &fleet.views[a].client, *other = &fleet.views[b].client;
    const vps_addr_t *addr = &one->report.public_ip, *other_addr = &other->report.public_ip;

    switch (sort) {
    case SORT_STATUS: /* the worst first */
        return compare_numbers(fleet.assessments[b].light, fleet.assessments[a].light);
    case SORT_SEEN: /* the newest first */
        return compare_numbers(other->last_seen, one->last_seen);
    case SORT_VPN:
        return compare_numbers(one->report.vpn_connected, other->report.vpn_connected);
    case SORT_IP:
        return addr->version != other_addr->version
                   ? compare_numbers(addr->version, other_addr->version)
                   : memcmp(addr->bytes, other_addr->bytes, sizeof addr->bytes);
    default:
        return strcasecmp(text_of(&one->report, sort), text_of(&other->report, sort));
    }
}

static int compare(const void *a, const void *b)
{
    const uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    const bool unknown = is_unknown(one, wanted->sort);
    int difference;

    if (unknown != is_unknown(other, wanted->sort)) {
        return unknown ? 1 : -1;
    }
    difference = unknown ? 0 : compare_member(one, other, wanted->sort);
    if (difference == 0) {
        difference = strcmp(fleet.views[one].client.report.client_id,
                            fleet.views[other].client.report.client_id);
    }
    return wanted->descending ? -difference : difference;
}

/* All that a search looks through, in one text. */
static bool has_words(uint32_t slot, const char *search)
{
    const vps_record_t *report = &fleet.views[slot].client.report;
    char text[1024], words[QUERY_SEARCH_MAX + 1], ip[VPS_ADDR_TEXT_SIZE], ip6[VPS_ADDR_TEXT_SIZE];
    char *word, *state = NULL;

    snprintf(text, sizeof text, "%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s", report->client_id,
             report->location, report->city, report->region, report->country, report->dns_loc,
             report->dns_colo, report->provider, report->client_version,
             vps_addr_format(ip, &report->public_ip), vps_addr_format(ip6, &report->public_ip6));
    snprintf(words, sizeof words, "%s", search);
    for (word = strtok_r(words, " ", &state); word != NULL; word = strtok_r(NULL, " ", &state)) {
        if (strcasestr(text, word) == NULL) {
            return false;
        }
    }
    return true;
}

static uint32_t model(uint32_t slots[FLEET_MAX], const query_t *query)
{
    uint32_t slot, count = 0;

    for (slot = 0; slot < fleet.count; slot++) {
        if ((query->light == QUERY_ANY_LIGHT ||
             (light_t)query->light == fleet.assessments[slot].light) &&
            has_words(slot, query->search)) {
            slots[count++] = slot;
        }
    }
    wanted = query;
    qsort(slots, count, sizeof slots[0], compare);
    return count;
}

/* The selection is what the model says. */
static void assert_page(const query_t *query)
{
    static uint32_t slots[FLEET_MAX];
    const uint32_t matches = model(slots, query);
    const uint32_t pages = matches == 0 ? 1 : (matches + SELECT_ROWS - 1) / SELECT_ROWS;
    const uint32_t page = query->page < pages ? query->page : pages;
    const uint32_t skipped = (page - 1) * SELECT_ROWS;
    const candidate_t *first;
    size_t count, i;

    offer_all(query);
    assert_int_equal(selection.matches, matches);
    assert_int_equal(select_pages(selection.matches), pages);
    assert_int_equal(select_end(&selection, &first, &count), page);
    assert_int_equal(count, matches - skipped < SELECT_ROWS ? matches - skipped : SELECT_ROWS);
    for (i = 0; i < count; i++) {
        const uint32_t slot = slots[skipped + i];

        assert_string_equal(first[i].client_id, fleet.views[slot].client.report.client_id);
        assert_int_equal(first[i].slot, slot);
        assert_int_equal(first[i].uid, fleet.views[slot].client.uid);
    }
}

/* --- random fleets --- */

/* Few texts, so that many clients have the same; some differ in case only. */
static void random_text(char *out, size_t size)
{
    static const char *const texts[] = {"",     "Paris", "paris", "PARMA", "São Paulo",
                                        "東京", "東方",  "A&T",   "1.2",   "x y"};

    snprintf(out, size, "%s", texts[random_below(sizeof texts / sizeof texts[0])]);
}

static void random_client(uint32_t number)
{
    static const char *const addrs[] = {"192.0.2.1",    "192.0.2.10",  "198.51.100.1",
                                        "2001:db8::a1", "2001:db8::1", "192.0.2.9"};
    const uint32_t addr = random_below(sizeof addrs / sizeof addrs[0] + 1);
    char client_id[16];
    vps_record_t *report;

    /* The number behind the last hyphen makes it its own; the letters say nothing of the order. */
    snprintf(client_id, sizeof client_id, "%c%c-%u", "aAbBzZ"[random_below(6)],
             "aAbBzZ"[random_below(6)], number);
    report = add_client(client_id, (light_t)random_below(LIGHTS));
    random_text(report->location, sizeof report->location);
    random_text(report->city, sizeof report->city);
    random_text(report->region, sizeof report->region);
    random_text(report->country, sizeof report->country);
    random_text(report->dns_loc, sizeof report->dns_loc);
    random_text(report->dns_colo, sizeof report->dns_colo);
    random_text(report->provider, sizeof report->provider);
    random_text(report->client_version, sizeof report->client_version);
    if (addr < sizeof addrs / sizeof addrs[0]) {
        assert_true(vps_addr_parse(&report->public_ip, addrs[addr], strlen(addrs[addr])));
    }
    report->vpn_connected = (uint8_t)random_below(3);
    fleet.views[number].client.last_seen = random_below(3) == 0 ? 0 : random_below(50) * 90001 + 1;
}

static void any_fleet_and_query(void **state)
{
    static const char *const searches[] = {"",      "",     "par",     "PARIS", "são",  "東",
                                           "a 192", "db8 ", "no such", "-1 a",  "x y z"};
    int round;

    for (round = 0; round < 600; round++) {
        const uint32_t size = random_below(round % 20 == 0 ? FLEET_MAX : 350);
        query_t query = {.search = searches[random_below(sizeof searches / sizeof searches[0])],
                         .light = (int)random_below(LIGHTS + 3) - 3,
                         .sort = (sort_t)random_below(SORTS),
                         .descending = random_below(2) == 1,
                         .page = random_below(round % 20 == 0 ? 22 : 5) + 1};

        (void)start(state);
        query.light = query.light < 0 ? QUERY_ANY_LIGHT : query.light;
        while (fleet.count < size) {
            random_client(fleet.count);
        }
        assert_page(&query);
        apr_pool_clear(pool);
    }
}

/* --- what a search finds --- */

/* How many of the fleet it finds. */
static int64_t found(const char *search)
{
    query_t query = any();

    query.search = search;
    offer_all(&query);
    return selection.matches;
}

static void each_member_is_searched(void **state)
{
    vps_record_t *report = add_client("the-id", LIGHT_GREEN);
    static const char *const words[] = {"the-id",   "city",    "region",     "country",
                                        "location", "dns-loc", "dns-colo",   "provider",
                                        "version",  "192.0.2", "2001:db8::7"};
    size_t i;

    (void)state;
    strcpy(report->city, "city");
    strcpy(report->region, "region");
    strcpy(report->country, "country");
    strcpy(report->location, "location");
    strcpy(report->dns_loc, "dns-loc");
    strcpy(report->dns_colo, "dns-colo");
    strcpy(report->provider, "provider");
    strcpy(report->client_version, "version");
    assert_true(vps_addr_parse(&report->public_ip, "192.0.2.7", 9));
    assert_true(vps_addr_parse(&report->public_ip6, "2001:db8::7", 11));
    (void)add_client("other", LIGHT_GREEN);
    for (i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_int_equal(found(words[i]), 1);
    }
    assert_int_equal(found("e"), 2);
    assert_int_equal(found("unknown"), 0);
}

static void words_are_found_anywhere_in_any_case(void **state)
{
    vps_record_t *report = add_client("Office-1", LIGHT_RED);

    (void)state;
    strcpy(report->city, "São Paulo");
    strcpy(report->provider, "AS1 東京 Net");
    assert_int_equal(found("office"), 1);
    assert_int_equal(found("OFFICE-1"), 1);
    assert_int_equal(found("ffic"), 1);
    assert_int_equal(found("paulo office"), 1);
    assert_int_equal(found("   net  1   PAULO "), 1);
    assert_int_equal(found("paulo offices"), 0); /* all of them */
    assert_int_equal(found("são"), 1);
    assert_int_equal(found("東京"), 1);
    assert_int_equal(found("京東"), 0);
    assert_int_equal(found("   "), 1);
    assert_int_equal(
        found("office-1 1 of fi ce - 1 of fi ce - 1 of fi ce - 1 o f f i c e o f f i c e"), 1);
}

/* As many words as fit. */
static void a_search_of_words_only(void **state)
{
    char search[QUERY_SEARCH_MAX + 1];
    int i;

    (void)state;
    (void)add_client("a", LIGHT_GREEN);
    for (i = 0; i < QUERY_SEARCH_MAX; i++) {
        search[i] = i % 2 == 0 ? 'a' : ' ';
    }
    search[i] = '\0';
    assert_int_equal(found(search), 1);
    search[QUERY_SEARCH_MAX - 2] = 'b';
    assert_int_equal(found(search), 0);
}

/* --- texts of the greatest length --- */

static void the_last_byte_counts(void **state)
{
    query_t query = any();
    const candidate_t *first;
    vps_record_t *report;
    size_t count;

    (void)state;
    query.sort = SORT_LOCATION;
    report = add_client("a", LIGHT_GREEN);
    memset(report->city, 'x', VPS_CITY_MAX);
    report->city[VPS_CITY_MAX - 1] = 'z';
    report = add_client("b", LIGHT_GREEN);
    memset(report->city, 'X', VPS_CITY_MAX);
    report->city[VPS_CITY_MAX - 1] = 'Y';
    offer_all(&query);
    assert_int_equal(select_end(&selection, &first, &count), 1);
    assert_int_equal(count, 2);
    assert_string_equal(first[0].client_id, "b");
}

/* --- memory --- */

/* What is kept is bounded by the page, whatever comes. */
static void memory_is_bounded_by_the_page(void **state)
{
    query_t query = any();
    const candidate_t *first;
    char client_id[16];
    uint32_t number;
    size_t count;

    (void)state;
    query.sort = SORT_ID;
    query.descending = true; /* each one that comes is better than all before */
    query.page = 2;
    select_begin(&selection, &query, pool);
    (void)add_client("", LIGHT_GREEN);
    for (number = 100000; number < 110000; number++) {
        snprintf(client_id, sizeof client_id, "%u", number);
        strcpy(fleet.views[0].client.report.client_id, client_id);
        select_offer(&selection, &fleet.views[0], &fleet.assessments[0]);
        assert_true(selection.count < 4 * SELECT_ROWS);
    }
    assert_int_equal(selection.keep, 2 * SELECT_ROWS);
    assert_int_equal(selection.matches, 10000);
    assert_int_equal(select_end(&selection, &first, &count), 2);
    assert_int_equal(count, SELECT_ROWS);
    assert_string_equal(first[0].client_id, "109899");
    assert_string_equal(first[SELECT_ROWS - 1].client_id, "109800");
}

static void pages(void **state)
{
    (void)state;
    assert_int_equal(select_pages(0), 1);
    assert_int_equal(select_pages(1), 1);
    assert_int_equal(select_pages(SELECT_ROWS), 1);
    assert_int_equal(select_pages(SELECT_ROWS + 1), 2);
    assert_int_equal(select_pages(QUERY_PAGE_MAX * (int64_t)SELECT_ROWS), QUERY_PAGE_MAX);
    assert_int_equal(select_pages(QUERY_PAGE_MAX * (int64_t)SELECT_ROWS + 1), QUERY_PAGE_MAX);
    assert_int_equal(select_pages(INT64_C(1) << 40), QUERY_PAGE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(any_fleet_and_query, start),
        cmocka_unit_test_setup(each_member_is_searched, start),
        cmocka_unit_test_setup(words_are_found_anywhere_in_any_case, start),
        cmocka_unit_test_setup(a_search_of_words_only, start),
        cmocka_unit_test_setup(the_last_byte_counts, start),
        cmocka_unit_test_setup(memory_is_bounded_by_the_page, start),
        cmocka_unit_test(pages),
    };

    return cmocka_run_group_tests(tests, pool_start, pool_stop);
}
