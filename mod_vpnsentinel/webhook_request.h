/*
 * What a webhook is sent for an event: id, body and signature, by the Standard Webhooks convention.
 *
 * Pure functions, thread-safe.
 */
#ifndef WEBHOOK_REQUEST_H
#define WEBHOOK_REQUEST_H

#include "event.h"
#include "webhook_target.h"

#define WEBHOOK_ID_SIZE 37        /* bytes with the NUL: "msg_" and 32 digits */
#define WEBHOOK_SIGNATURE_SIZE 48 /* bytes with the NUL: "v1," and base64 of 32 bytes */

/* Which server it comes from. */
typedef struct webhook_server_t {
    const char *name;     /* ServerName */
    uint64_t incarnation; /* see registry.h: another one after each stop */
} webhook_server_t;

/* The same for the same event and destination, ever, so that a receiver can drop repeats. */
char *webhook_id(char out[WEBHOOK_ID_SIZE], const webhook_target_t *target, const event_t *event);

/* event_json() and "server". malloc'ed; NULL when memory is out. */
char *webhook_body(const event_t *event, const webhook_server_t *server);

/* With the target's secret, which there is. timestamp: sec since epoch. */
char *webhook_signature(char out[WEBHOOK_SIGNATURE_SIZE], const webhook_target_t *target,
                        const char *id, int64_t timestamp, const char *body);

#endif
