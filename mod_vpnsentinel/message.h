/*
 * An event in words: for Telegram (HTML of the Bot API, or plain) and for the log.
 *
 * The titles are a public contract (specification 4.3). Text of clients is escaped for the form.
 * Pure functions but for localtime_r(); thread-safe; no allocation.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "assess.h"
#include "event.h"
#include "logline.h"
#include "text.h"

#define MESSAGE_SIZE 4096 /* bytes, enough for the longest line of the log with its NUL */

typedef struct message_options_t {
    text_form_t form; /* how it is written */
    int64_t now;      /* sec since epoch; 0 = do not say how long ago it was */
    unsigned repeats; /* the client flaps: so many times before, 0 = it does not */
    int64_t window;   /* sec: within that time */
} message_options_t;

/* "✅ VPN Connected!" and so on, literally the same in every form. */
const char *message_title(event_kind_t kind);

/*
 * The message: title and client, then a fact a line ("Light: …"), the time at last; no newline at
 * the end. Returns out.
 */
char *message_text(char out[TEXT_SIZE], const event_t *event, const message_options_t *options);

/*
 * The same in one line, for the log: "⚠️ VPN BYPASS WARNING: Client office-vpn has same IP as
 * server". Not escaped: the log does that. Returns out.
 */
char *message_line(char out[MESSAGE_SIZE], const event_t *event);

/* What there is to say behind title and client in a list: "public IP 203.0.113.1"; maybe nothing. */
void message_fact(text_t *text, const event_t *event);

/* How bad it is: 0 = worst; no two kinds have the same. Good news come behind all others. */
unsigned message_rank(event_kind_t kind);

/* Is it good news, which need not make a sound? */
bool message_is_good(event_kind_t kind);

/* How loud the log says it: leaks, bypasses, disconnections, silence VPS_WARN, the rest VPS_INFO. */
vps_level_t message_level(event_kind_t kind);

/* Whose line of the log it is: "security" for leaks and bypasses, else "monitor". */
const char *message_component(event_kind_t kind);

/* A light: "🟢", "secure"; the other meanings name what it may be. */
const char *message_light_sign(light_t light);
const char *message_light_meaning(light_t light);

/* Put it: "🟢 green". */
void message_put_light(text_t *text, light_t light);

#endif
