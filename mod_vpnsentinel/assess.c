#include "assess.h"

#include <string.h>

#include "country.h"

static const char *const light_names[LIGHTS] = {"green", "yellow", "grey", "red"};
static const char *const condition_names[CONDITIONS] = {"dns_leak", "dns_unknown", "bypass",
                                                        "vpn_down", "offline",     "ipv6_leak"};

const char *assess_light_name(light_t light)
{
    return light_names[light];
}

const char *assess_condition_name(unsigned int n)
{
    return condition_names[n];
}

void assess_judged(judged_t *out, const vps_record_t *report)
{
    memset(out, 0, sizeof *out);
    out->public_ip = report->public_ip;
    out->vpn_connected = report->vpn_connected;
    if (!vps_country_code(out->place, report->location)) {
        (void)vps_country_code(out->place, report->country);
    }
    (void)vps_country_code(out->dns, report->dns_loc);
    out->dns_verdict = report->dns_verdict;
    out->ipv6_verdict = report->ipv6_verdict;
}

vps_answer_t assess_is_servers_ipv6(const vps_record_t *report, const assess_facts_t *facts)
{
    const vps_addr_t *own = &facts->server_ip[1];

    if (report->public_ip6.version == 0) {
        return report->ipv6_verdict == VPS_IPV6_VERDICT_BLOCKED ? VPS_NO : VPS_UNKNOWN;
    }
    if (own->version == 0) {
        return VPS_UNKNOWN;
    }
    return vps_addr_equal(&report->public_ip6, own) ? VPS_YES : VPS_NO;
}

/* Each makes *replaced true when a known fact was replaced by another. */
static void learn_address(vps_addr_t *known, const vps_addr_t *seen, bool *replaced)
{
    if (seen->version != 0 && !vps_addr_equal(seen, known)) {
        *replaced = *replaced || known->version != 0;
        *known = *seen;
    }
}

static void learn_country(char known[3], const char seen[3], bool *replaced)
{
    if (seen[0] != '\0' && memcmp(seen, known, 3) != 0) {
        *replaced = *replaced || known[0] != '\0';
        memcpy(known, seen, 3);
    }
}

/* One of a few words, 0 = unknown. Returns what is known then. */
static uint8_t learn_word(uint8_t known, uint8_t seen, bool *replaced)
{
    if (seen == 0 || seen == known) {
        return known;
    }
    *replaced = *replaced || known != 0;
    return seen;
}

static bool are_countries_known(const judged_t *judged)
{
    return judged->place[0] != '\0' && judged->dns[0] != '\0';
}

/* Who sends no verdict any more but what there is to compare must not be stuck with the last one. */
static void learn_dns_verdict(judged_t *known, const judged_t *seen, bool *replaced)
{
    known->dns_verdict = learn_word(known->dns_verdict, seen->dns_verdict, replaced);
    if (seen->dns_verdict == VPS_DNS_VERDICT_UNKNOWN && are_countries_known(seen)) {
        *replaced = *replaced || known->dns_verdict != VPS_DNS_VERDICT_UNKNOWN;
        known->dns_verdict = VPS_DNS_VERDICT_UNKNOWN;
    }
}

bool assess_learn(judged_t *known, const judged_t *seen)
{
    bool replaced = false;

    learn_address(&known->public_ip, &seen->public_ip, &replaced);
    learn_country(known->place, seen->place, &replaced);
    learn_country(known->dns, seen->dns, &replaced);
    learn_dns_verdict(known, seen, &replaced);
    known->ipv6_verdict = learn_word(known->ipv6_verdict, seen->ipv6_verdict, &replaced);
    known->is_servers_ipv6 = learn_word(known->is_servers_ipv6, seen->is_servers_ipv6, &replaced);
    known->vpn_connected = learn_word(known->vpn_connected, seen->vpn_connected, &replaced);
    return replaced;
}

int64_t assess_deadline(int64_t seen, const assess_facts_t *facts)
{
    int64_t since = seen > facts->serving_since ? seen : facts->serving_since;

    if (seen == CLIENT_NEVER_SEEN || seen == CLIENT_WAS_OFFLINE) {
        return INT64_MAX;
    }
    return since + facts->offline_threshold;
}

bool assess_is_offline(int64_t seen, const assess_facts_t *facts)
{
    return seen == CLIENT_NEVER_SEEN || seen == CLIENT_WAS_OFFLINE ||
           facts->now >= assess_deadline(seen, facts);
}

/* Is there a return, or the first keepalive, that the monitor has not announced? */
static bool awaits_return(const client_t *client)
{
    unsigned int i;

    for (i = 0; i < CLIENT_CHANGES && client->changes[i].merged > 0; i++) {
        if (client->changes[i].seq > client->announced.seq &&
            (client->changes[i].marks & ~CHANGE_PAST) != 0) {
            return true;
        }
    }
    return false;
}

bool assess_is_silent(const client_t *client, int64_t seen, const assess_facts_t *facts)
{
    return assess_is_offline(seen, facts) ||
           ((client->announced.state & ANNOUNCED_OFFLINE) != 0 && !awaits_return(client));
}

static bool is_bypass(const judged_t *judged, const assess_facts_t *facts)
{
    return vps_addr_equal(&judged->public_ip, &facts->server_ip[0]) ||
           vps_addr_equal(&judged->public_ip, &facts->server_ip[1]) ||
           (judged->is_servers_ipv6 == VPS_YES && facts->server_ip[1].version != 0);
}

/* The client's own verdict, if there is one, whatever the countries are. */
static unsigned int dns_conditions(const judged_t *judged)
{
    switch (judged->dns_verdict) {
    case VPS_DNS_VERDICT_TUNNEL:
    case VPS_DNS_VERDICT_ALLOWED:
        return 0;
    case VPS_DNS_VERDICT_LEAK:
    case VPS_DNS_VERDICT_INTERCEPTED:
        return CONDITION_DNS_LEAK;
    default:
        break;
    }
    if (!are_countries_known(judged)) {
        return CONDITION_DNS_UNKNOWN;
    }
    return strcmp(judged->place, judged->dns) != 0 ? CONDITION_DNS_LEAK : 0;
}

unsigned int assess_conditions(const judged_t *judged, const assess_facts_t *facts)
{
    unsigned int conditions = dns_conditions(judged);

    if (is_bypass(judged, facts)) {
        conditions |= CONDITION_BYPASS;
    }
    if (judged->vpn_connected == VPS_NO) {
        conditions |= CONDITION_VPN_DOWN;
    }
    if (judged->ipv6_verdict == VPS_IPV6_VERDICT_LEAK) {
        conditions |= CONDITION_IPV6_LEAK;
    }
    return conditions;
}

light_t assess_light(unsigned int conditions)
{
    if (conditions & CONDITION_OFFLINE) {
        return LIGHT_GREY;
    }
    if (conditions & (CONDITION_BYPASS | CONDITION_VPN_DOWN | CONDITION_IPV6_LEAK)) {
        return LIGHT_RED;
    }
    return conditions != 0 ? LIGHT_YELLOW : LIGHT_GREEN;
}

assessment_t assess(const client_t *client, int64_t seen, const assess_facts_t *facts)
{
    unsigned int conditions = CONDITION_OFFLINE;
    judged_t judged;

    if (!assess_is_silent(client, seen, facts)) {
        assess_judged(&judged, &client->report); /* what it says now, not what was known once */
        judged.is_servers_ipv6 = assess_is_servers_ipv6(&client->report, facts);
        conditions = assess_conditions(&judged, facts);
    }
    return (assessment_t){assess_light(conditions), conditions};
}
