/*
 * The server's own public address: what a bypass is recognised by.
 *
 * One wrong answer would be an alarm of the whole fleet, so an address that is new counts only when
 * two answers agree: of two providers, or of one at two times. A failed look-up changes nothing.
 */
#ifndef SERVER_IP_H
#define SERVER_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

typedef enum server_ip_source_t {
    SERVER_IP_UNKNOWN,
    SERVER_IP_CONFIGURED,
    SERVER_IP_IPINFO,
    SERVER_IP_IPAPI
} server_ip_source_t;

/* What the fleet is judged by; in shared memory. */
typedef struct server_ip_t {
    vps_addr_t addr[2]; /* IPv4, IPv6; or unknown */
    uint8_t source;     /* server_ip_source_t; of both */
} server_ip_t;

/* "configured", "ipinfo", "ip-api"; NULL for unknown. */
const char *server_ip_source_name(server_ip_source_t source);

#define SERVER_IP_TEXT_SIZE 112 /* bytes with the NUL */

/* As one text for the store, "ipinfo 203.0.113.1", and back; false, *out unknown, when it is none. */
char *server_ip_format(char out[SERVER_IP_TEXT_SIZE], const server_ip_t *ip);
bool server_ip_parse(server_ip_t *out, const char *text);

/* An address that was said once. */
typedef struct server_ip_candidate_t {
    vps_addr_t addr; /* unknown = none */
    uint8_t source;  /* server_ip_source_t */
} server_ip_candidate_t;

/* The judge of answers, about each kind of address for itself. Zeroed = nothing known. Pure. */
typedef struct server_ip_judge_t {
    server_ip_t known;                  /* in force */
    server_ip_candidate_t candidate[2]; /* IPv4, IPv6: different from what is known */
} server_ip_judge_t;

/* Take note of an answer: a known address. Returns true when the address in force has changed. */
bool server_ip_answered(server_ip_judge_t *judge, server_ip_source_t source,
                        const vps_addr_t *addr);

/* Is no address known, or one said that waits for a second answer? */
bool server_ip_is_in_doubt(const server_ip_judge_t *judge);

#endif
