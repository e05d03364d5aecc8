/*
 * Which lights a client went through since what was announced, into its history.
 *
 * Pure, no allocation, thread-safe.
 */
#ifndef LIGHTS_H
#define LIGHTS_H

#include "assess.h"
#include "client.h"

/*
 * Bring a copy of the client's history up to date: the light that it has now, from when on it has it;
 * those of its journal's entries behind base (what was announced), for as long as they were so; what
 * a keepalive told of the past, at its time; a silence that nobody looked at, as grey. To do so again
 * changes nothing. client: a copy out of the registry with its seen; facts as of now; wall: usec since
 * epoch, now.
 */
void lights_note(history_t *history, const client_t *client, int64_t seen, const announced_t *base,
                 const assess_facts_t *facts, int64_t wall);

#endif
