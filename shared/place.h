/*
 * Answers of the look-up services: where is this address, and which is it.
 *
 * Formats: ipinfo.io (developers: /json, ISO alpha-2 country, "org" = AS and name); ip-api.com
 * (docs/api:json, HTTP 200 also for a failure, told by "status"); ipwhois (ipwho.is, with objects
 * "connection" and "timezone", and the flat one of ipwhois.app; a failure is told by "success");
 * gluetun's control server (/v1/publicip/ip, no code of the country).
 * Pure, thread-safe.
 */
#ifndef VPS_PLACE_H
#define VPS_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "record.h"

#define VPS_PLACE_BODY_MAX 65536 /* bytes of an answer worth reading */

typedef enum vps_place_source_t {
    VPS_PLACE_IPINFO,
    VPS_PLACE_IPAPI,
    VPS_PLACE_IPWHOIS,
    VPS_PLACE_GLUETUN
} vps_place_source_t;

/* Texts as in record.h: valid UTF-8, cut to their limit, "" = unknown. */
typedef struct vps_place_t {
    vps_addr_t public_ip;                /* always known after success */
    char location[VPS_LOCATION_MAX + 1]; /* ISO alpha-2; given, or that of a known country */
    char city[VPS_CITY_MAX + 1];
    char region[VPS_REGION_MAX + 1];
    char country[VPS_COUNTRY_MAX + 1]; /* name when the service gave one, else its code */
    char provider[VPS_PROVIDER_MAX + 1];
    char timezone[VPS_TIMEZONE_MAX + 1];
} vps_place_t;

/*
 * Read the body of a successful HTTP answer of the service. Members of a wrong type or with an
 * invalid text count as unknown. Returns false, *out all unknown, when it is no JSON object of at
 * most VPS_PLACE_BODY_MAX bytes, tells a failure ("status":"fail", "error", "bogon":true,
 * "success":false) or has no public address.
 */
bool vps_place_parse(vps_place_t *out, vps_place_source_t source, const char *body, size_t len);

#endif
