/*
 * What outlives the server: clients, what was announced, events, messages to deliver, settings.
 *
 * Used by the monitor alone, from one thread. One transaction at a time: any number of store_put…()
 * and store_remove…(), then store_commit(), whose completion tells what became of all of them
 * together. (SQLite completes before store_commit() returns; a back end over a network would not.)
 *
 * When the disk fails, the store goes on in memory (STORE_DEGRADED): it takes over the messages
 * that can still be read, so that alerting goes on, keeps events, messages, announced states and
 * settings, and no reports. store_tend() tries the disk again and brings it what happened
 * meanwhile; clients, and that some were removed, are the caller's to tell it again.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apr_pools.h"

#include "client.h"
#include "event.h"
#include "question.h"
#include "vitals.h"

typedef struct store_t store_t;

typedef enum store_result_t {
    STORE_DURABLE,  /* on the disk */
    STORE_VOLATILE, /* in memory only: it ends with this process */
    STORE_FAILED    /* nothing of it happened as far as is known; the store may have degraded: read
                       store_get_announced() and repeat */
} store_result_t;

typedef void store_done_t(void *ctx, store_result_t result);

/*
 * Open the store in a folder (file "vpnsentinel.db", mode 0600), or one in memory when it is NULL.
 * Never fails but for lack of memory (NULL): what cannot be used makes STORE_DEGRADED. A file that
 * is damaged, no store of ours or of a newer version is set aside under another name; one that
 * another process has open is left alone. An older version is migrated.
 * Messages and questions that nobody could ever be handed are removed from it.
 */
store_t *store_open(const char *folder, apr_pool_t *pool);

/* Roll back what is not committed and close. */
void store_close(store_t *store);

store_state_t store_state(const store_t *store);
const char *store_driver(const store_t *store); /* "sqlite" or "none" */

/*
 * Why it degraded, or what was set aside or removed, newest first; "" = nothing to tell. When it
 * works again, only what was set aside or removed stays, and what nobody could be told before. Plain
 * ASCII.
 */
const char *store_error(const store_t *store);

/* Does it keep reports, so that store_put_client() and store_put_seen() have a sense? */
bool store_keeps_clients(const store_t *store);

/*
 * Try the disk again while degraded; now: monotonic usec; it does so every few seconds. Also finds
 * out that the file was taken away. Returns true when the store has just come back: then its
 * clients are to be read again, as after store_open().
 */
bool store_tend(store_t *store, int64_t now);

/* --- a transaction --- */

/*
 * Its rows, report and all: also what was announced, history, last_seen and keepalives. A client stored
 * under the same client_id with another uid gives way.
 */
void store_put_client(store_t *store, const client_t *client);
void store_put_announced(store_t *store, const client_t *client); /* and its history */
void store_put_seen(store_t *store, const client_t *client);      /* last_seen and keepalives */
void store_remove_client(store_t *store, uint64_t uid);           /* its events stay */

/*
 * Record an event, and a message to deliver when deliver; its id is set. One that was recorded
 * before (same uid and number) is not recorded again, nor its message: id becomes 0.
 */
void store_put_event(store_t *store, event_t *event, bool deliver);

/* Record one that was recorded before and lost with its file, under its id, without a message. */
void store_restore_event(store_t *store, const event_t *event);

/*
 * A message for one more destination of an event that has just been recorded: a webhook's number, from
 * 1 to INT64_MAX.
 */
#define STORE_TELEGRAM UINT64_C(0) /* the destination of store_put_event() */
void store_put_message(store_t *store, uint64_t event, uint64_t destination);

void store_remove_message(store_t *store, uint64_t message);   /* delivered, or given up */
void store_remove_queue(store_t *store, uint64_t destination); /* all that waits for it */
void store_put_setting(store_t *store, const char *name, const char *value);

/* Keep a question until it is answered. Those of the disk are not taken over into memory. */
void store_put_question(store_t *store, const question_t *question);
void store_remove_question(store_t *store, uint64_t question);

/* Remove events recorded before this time (sec since epoch) that have no message waiting. */
void store_expire_events(store_t *store, int64_t before);

/* Drop the transaction: nothing of it happened. */
void store_rollback(store_t *store);

/* End the transaction; without anything in it, it is STORE_DURABLE (or _VOLATILE) at once. */
void store_commit(store_t *store, store_done_t *done, void *ctx);

/* --- reading; outside a transaction. A visitor does not call the store. --- */

/*
 * The next stored clients behind this uid, at most limit, in order of uid: report, uid, times,
 * keepalives, seq, announced, history; judged is what was announced, the journal empty. A row that is not as
 * it should be is left out. Returns how many rows there were, 0 = the end; *last is the uid to go
 * on behind.
 */
size_t store_read_clients(store_t *store, uint64_t after, size_t limit, uint64_t *last,
                          void (*visit)(void *ctx, const client_t *client), void *ctx);

/* What was announced of a client, as far as recorded; false = nothing. */
bool store_get_announced(store_t *store, uint64_t uid, announced_t *out);

/* The newest events, at most limit, with an id above after, oldest first. */
void store_read_events(store_t *store, uint64_t after, size_t limit,
                       void (*visit)(void *ctx, const event_t *event), void *ctx);

/* The oldest message to Telegram behind this one (0 = of all) and its event; false = none. */
bool store_next_message(store_t *store, uint64_t after, uint64_t *message, event_t *event);

/* The same of any destination. */
bool store_next_message_to(store_t *store, uint64_t destination, uint64_t after, uint64_t *message,
                           event_t *event);

/* The next destination behind this one (0: the first webhook) that something waits for; false = none. */
bool store_next_destination(store_t *store, uint64_t after, uint64_t *destination);

/*
 * How many events of the same client and kind were recorded before this one, at most so long before
 * it (sec), and among the STORE_REPEATS_MAX events before it.
 */
#define STORE_REPEATS_MAX 64
uint32_t store_count_repeats(store_t *store, const event_t *event, int64_t window);

/* The oldest question; false = none. */
bool store_next_question(store_t *store, question_t *out);

/* A number that is another one whenever a message, a question or a setting may have come or gone. */
uint64_t store_changes(const store_t *store);

/* Is no message of this client waiting, for whomever? */
bool store_is_settled(store_t *store, uint64_t uid);

/* How many messages to Telegram wait, and since when (sec since epoch, 0 = none, or not known). */
uint64_t store_queue(store_t *store, int64_t *oldest);

/* The same of any destination. */
uint64_t store_queue_to(store_t *store, uint64_t destination, int64_t *oldest);

/* A setting into size bytes; false, out "", when there is none. */
bool store_get_setting(store_t *store, const char *name, char *out, size_t size);

#endif
