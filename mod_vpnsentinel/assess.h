/*
 * Judging a client: from its report and what the server knows of itself to light and conditions.
 *
 * Pure functions, no allocation, thread-safe.
 */
#ifndef ASSESS_H
#define ASSESS_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "light.h"

typedef enum condition_t {
    CONDITION_DNS_LEAK = 1 << 0, /* by the client's verdict, else by DNS' country, not the exit's */
    CONDITION_DNS_UNKNOWN = 1 << 1, /* no verdict, and one of the two countries is not known */
    CONDITION_BYPASS = 1 << 2,      /* the client's public IP, or IPv6, is the server's own */
    CONDITION_VPN_DOWN = 1 << 3,    /* the client says that its VPN is not connected */
    CONDITION_OFFLINE = 1 << 4,     /* no keepalive within the threshold, or never one */
    CONDITION_IPV6_LEAK = 1 << 5    /* the client says that its IPv6 goes past the tunnel */
} condition_t;
#define CONDITIONS 6

/* What a judgement needs besides the client. Times on the monotonic clock, usec. */
typedef struct assess_facts_t {
    int64_t now;
    int64_t serving_since;     /* start of service, or the end of a pause of the whole machine */
    int64_t offline_threshold; /* usec */
    vps_addr_t server_ip[2];   /* the server's own public addresses, IPv4 and IPv6, or unknown */
} assess_facts_t;

typedef struct assessment_t {
    light_t light;
    unsigned int
        conditions; /* condition_t, or-ed; an offline client has no other, its report is history */
} assessment_t;

/* seen: last keepalive, monotonic usec, or one of client.h's words. */
assessment_t assess(const client_t *client, int64_t seen, const assess_facts_t *facts);

/*
 * Has the client been silent for the threshold, counted from the start of service at the earliest?
 */
bool assess_is_offline(int64_t seen, const assess_facts_t *facts);

/*
 * Is it offline for whoever asks? So it is, too, when it was announced as offline and has not reported
 * since, whatever became of threshold and start of service.
 */
bool assess_is_silent(const client_t *client, int64_t seen, const assess_facts_t *facts);

/* When that will be if it stays silent, monotonic usec; INT64_MAX for one that is offline by its
 * seen alone. */
int64_t assess_deadline(int64_t seen, const assess_facts_t *facts);

/* The facts of a report that changes are judged by; what is not known, or no known country, stays
 * unknown, and so does whether its IPv6 is the server's. */
void assess_judged(judged_t *out, const vps_record_t *report);

/*
 * Is the report's public_ip6 the server's own? It takes what is known of the server to tell, so that it
 * is no part of assess_judged(); only the answer is kept, for addresses of IPv6 come and go. A client
 * that says that its IPv6 is blocked has none.
 */
vps_answer_t assess_is_servers_ipv6(const vps_record_t *report, const assess_facts_t *facts);

/*
 * Add facts to those that are known: what is not known replaces nothing; but facts without a verdict on
 * DNS that know both countries undo the verdict that was known. Returns true when a known one was
 * replaced by another.
 */
bool assess_learn(judged_t *known, const judged_t *seen);

/* The conditions that follow from facts alone: all but CONDITION_OFFLINE. */
unsigned int assess_conditions(const judged_t *judged, const assess_facts_t *facts);

/* What they make of a client's light. */
light_t assess_light(unsigned int conditions);

/* "green", "yellow", "grey", "red". */
const char *assess_light_name(light_t light);

/* The name of condition number n (0 to CONDITIONS - 1), as in the API: "dns_leak" and so on. */
const char *assess_condition_name(unsigned int n);

#endif
