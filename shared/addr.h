/*
 * IP addresses: text to bytes and back, always in canonical form.
 *
 * Pure functions, no allocation, thread-safe.
 */
#ifndef VPS_ADDR_H
#define VPS_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest canonical text of an address with its NUL (INET6_ADDRSTRLEN). */
#define VPS_ADDR_TEXT_SIZE 46

/* An IPv4 or IPv6 address, or none. POD: lives in shared memory; all unused bytes are 0. */
typedef struct vps_addr_t {
    uint8_t version;   /* 4, 6, or 0 = unknown */
    uint8_t bytes[16]; /* network order; IPv4 in the first four */
} vps_addr_t;

/*
 * Read exactly one address of len bytes (text need not end in NUL). IPv4 is dotted decimal with
 * four parts and no leading zeros, IPv6 is RFC 4291 section 2.2 without zone or brackets; an
 * IPv4-mapped address (::ffff:a.b.c.d) becomes IPv4. Surrounding space is not accepted. Returns
 * false, and *out unknown, when the text is anything else.
 */
bool vps_addr_parse(vps_addr_t *out, const char *text, size_t len);

/*
 * Take the bytes of an address in network order, 4 of them for version 4, 16 for version 6; an
 * IPv4-mapped one becomes IPv4.
 */
void vps_addr_from_bytes(vps_addr_t *out, uint8_t version, const void *bytes);

/*
 * Write the canonical text (IPv6 by RFC 5952) and a NUL; "" for an unknown address.
 * Returns out.
 */
char *vps_addr_format(char out[VPS_ADDR_TEXT_SIZE], const vps_addr_t *addr);

/*
 * May this be somebody's address on the Internet? Not unknown ones, and none of a range that is
 * private, of one machine or link, a stand-in for a name (198.18.0.0/15), multicast or reserved.
 * The ranges for documentation are left usable: tests live in them.
 */
bool vps_addr_is_public(const vps_addr_t *addr);

/* Two known addresses that are the same. An unknown address equals nothing, not even another. */
bool vps_addr_equal(const vps_addr_t *a, const vps_addr_t *b);

#endif
