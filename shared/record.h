/*
 * The keepalive record: what one report of one client says.
 *
 * POD of fixed size: copied into shared memory as it is. Every text is UTF-8 that passed
 * vps_valid_text(), ends in NUL and is "" when unknown; bytes behind the NUL are 0.
 */
#ifndef VPS_RECORD_H
#define VPS_RECORD_H

#include <stdint.h>

#include "addr.h"
#include "valid.h"

/* Limits of the texts, in bytes of UTF-8 without the NUL. */
#define VPS_LOCATION_MAX 64
#define VPS_CITY_MAX 100
#define VPS_REGION_MAX 64
#define VPS_COUNTRY_MAX 64
#define VPS_DNS_LOC_MAX 64
#define VPS_DNS_COLO_MAX 16
#define VPS_PROVIDER_MAX 64
#define VPS_TIMEZONE_MAX 40
#define VPS_CLIENT_VERSION_MAX 32

/* Yes, no, or not known. */
typedef enum vps_answer_t { VPS_UNKNOWN = 0, VPS_NO = 1, VPS_YES = 2 } vps_answer_t;

/*
 * Where dns_loc comes from: the place of dns_resolver_ip, which is where DNS really comes out; or
 * Cloudflare's trace, which is where HTTP does.
 */
typedef enum vps_dns_source_t {
    VPS_DNS_UNKNOWN = 0,
    VPS_DNS_RESOLVER = 1,
    VPS_DNS_TRACE = 2
} vps_dns_source_t;

/* Whether what is asked of the system's resolvers leaves by the VPN's tunnel. */
typedef enum vps_dns_path_t {
    VPS_DNS_PATH_UNKNOWN = 0,
    VPS_DNS_PATH_TUNNEL = 1, /* of all of them */
    VPS_DNS_PATH_OUTSIDE = 2 /* of one at least not */
} vps_dns_path_t;

/* What the client makes of its DNS. Without one the server compares dns_loc with the exit's country. */
typedef enum vps_dns_verdict_t {
    VPS_DNS_VERDICT_UNKNOWN = 0,
    VPS_DNS_VERDICT_TUNNEL = 1,     /* it goes by the tunnel */
    VPS_DNS_VERDICT_ALLOWED = 2,    /* it does not, or that is not known, but may come out there */
    VPS_DNS_VERDICT_LEAK = 3,       /* it goes past the tunnel */
    VPS_DNS_VERDICT_INTERCEPTED = 4 /* somebody on the way answers in place of the servers */
} vps_dns_verdict_t;

/* What becomes of IPv6, which may go another way than IPv4. */
typedef enum vps_ipv6_verdict_t {
    VPS_IPV6_VERDICT_UNKNOWN = 0,
    VPS_IPV6_VERDICT_TUNNEL = 1,  /* it goes by the tunnel */
    VPS_IPV6_VERDICT_BLOCKED = 2, /* it goes nowhere */
    VPS_IPV6_VERDICT_LEAK = 3     /* it goes past the tunnel */
} vps_ipv6_verdict_t;

typedef struct vps_record_t {
    uint32_t timestamp; /* sec since epoch by the client's clock, good until 2106; 0 = unknown */
    char client_id[VPS_CLIENT_ID_MAX + 1];           /* never empty */
    char location[VPS_LOCATION_MAX + 1];             /* country of the exit, any spelling */
    char city[VPS_CITY_MAX + 1];                     /* of the exit */
    char region[VPS_REGION_MAX + 1];                 /* of the exit */
    char country[VPS_COUNTRY_MAX + 1];               /* of the exit, any spelling */
    char dns_loc[VPS_DNS_LOC_MAX + 1];               /* country where DNS comes out, any spelling */
    char dns_colo[VPS_DNS_COLO_MAX + 1];             /* Cloudflare's data centre, an IATA code */
    char provider[VPS_PROVIDER_MAX + 1];             /* network of the exit: "AS9009 M247" */
    char timezone[VPS_TIMEZONE_MAX + 1];             /* of the exit: "Europe/Berlin" */
    char client_version[VPS_CLIENT_VERSION_MAX + 1]; /* of the reporting program */
    vps_addr_t public_ip;                            /* the exit's address */
    vps_addr_t public_ip6;      /* the exit's IPv6 address; version 6, or unknown */
    vps_addr_t dns_resolver_ip; /* as which the system's resolver asks the world */
    uint8_t dns_source;         /* vps_dns_source_t */
    uint8_t dns_path;           /* vps_dns_path_t */
    uint8_t dns_verdict;        /* vps_dns_verdict_t */
    uint8_t ipv6_verdict;       /* vps_ipv6_verdict_t */
    uint8_t vpn_connected;      /* vps_answer_t */
} vps_record_t;

#endif
