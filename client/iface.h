/*
 * Interfaces of the network: what each of them is, as far as the kernel tells. Needs no rights.
 */
#ifndef IFACE_H
#define IFACE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "vpn_judge.h"

/* What is the interface of this name? VPN_LINK_UNSEEN when the kernel does not tell. */
vpn_link_t iface_link(const char *name);

/* How many packets have come in by it so far, modulo 2^32? Returns false when the kernel does not tell. */
bool iface_received(const char *name, uint32_t *packets);

/* Find a tunnel interface, up or down, the way of anything or not; out is "" when there is none. */
void iface_find_tunnel(char out[IF_NAMESIZE]);

#endif
