/*
 * The keepalive on the wire: JSON text to record and back.
 *
 * Two forms are read, one member at a time, so they may be mixed:
 *   flat {"client_id":…,"public_ip":…,"location":"DE","city":…,"dns_loc":"DE","dns_colo":"FRA",…}
 *   nested  {"client_id":…,"location":{"country","city","region","org","timezone"},
 *            "dns_test":{"location","colo"},…}, as the released Python client sends it
 * What the Python client does not know is the same in both: "public_ip6" and "dns_resolver_ip",
 * addresses, and "dns_source", "dns_path", "dns_verdict" and "ipv6_verdict", each one of the words
 * that record.h has for it.
 * "journal" is an array of {"at":time,"field":name of a fact (past.h),"value":as that member has it}.
 * The nested "country" fills both location and country, "org" the provider. A flat member that is
 * known wins over its nested twin. Where a member occurs twice, the last one counts. Unknown
 * members are ignored.
 *
 * No state; thread-safe. Everything allocated is freed before return unless said otherwise.
 */
#ifndef VPS_KEEPALIVE_H
#define VPS_KEEPALIVE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "past.h"
#include "record.h"

#define VPS_KEEPALIVE_BODY_MAX 16384 /* bytes of JSON text; more are refused */
#define VPS_KEEPALIVE_DEPTH_MAX 16   /* nested arrays and objects */

/* The members that are one of a few words. */
typedef enum vps_word_t {
    VPS_WORD_DNS_SOURCE,
    VPS_WORD_DNS_PATH,
    VPS_WORD_DNS_VERDICT,
    VPS_WORD_IPV6_VERDICT,
    VPS_WORDS
} vps_word_t;

/* The word for what record.h has of such a member: "leak"; "" for unknown and what is none of it. */
const char *vps_word(vps_word_t member, uint8_t number);

/* And back; 0, unknown, when it is no word of this member. */
uint8_t vps_word_parse(vps_word_t member, const char *text, size_t len);

/* Why a body was refused. Both texts are plain ASCII of our own, never the client's bytes. */
typedef struct vps_fault_t {
    char member[32];   /* "city", "location.country", or "body" when no member is at fault */
    char message[120]; /* a sentence that names the member and says what is allowed */
} vps_fault_t;

/*
 * Read a body of len bytes (no NUL needed) into *out. Strict: UTF-8 without byte-order mark, JSON
 * by RFC 8259 (no NaN, Infinity, comments, trailing bytes or commas, lone surrogates, raw control
 * characters), an object, every known member of its type, range and length, a client_id.
 * null, "", "unknown", "Unknown" are unknown.
 * past: NULL = the journal is not looked at; its times are sec since epoch, by the client's clock, in
 * the order in which they came.
 * Returns true with *out and *past filled; or false with *fault filled and these unspecified.
 */
bool vps_keepalive_parse(vps_record_t *out, vps_past_t *past, vps_fault_t *fault, const char *body,
                         size_t len);

/*
 * The record as a JSON object in flat form, every member of record.h but the timestamp always
 * present, unknown = null. The caller owns the object (json_object_put) and may add members.
 * Returns NULL when memory is out.
 */
json_object *vps_record_to_json(const vps_record_t *record);

/* The journal as its array; times are sec since epoch. As above. */
json_object *vps_past_to_json(const vps_past_t *past);

#endif
