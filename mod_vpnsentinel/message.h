/*
 * An event in words: for Telegram (HTML of the Bot API, or plain) and for the log.
 *
 * The titles are a public contract (specification 4.3). Text of clients is escaped for the form.
 * Pure functions but for localtime_r(); thread-safe; no allocation.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stddef.h>

#include "event.h"
#include "logline.h"

#define MESSAGE_SIZE 4096 /* bytes, enough for the longest message in HTML with its NUL */

typedef enum message_form_t { MESSAGE_PLAIN, MESSAGE_HTML } message_form_t;

/* "✅ VPN Connected!" and so on, literally the same in every form. */
const char *message_title(event_kind_t kind);

/* The message: the title, then a fact a line ("Client: …"); no newline at the end. Returns out. */
char *message_text(char out[MESSAGE_SIZE], const event_t *event, message_form_t form);

/*
 * The same in one line, for the log: "⚠️ VPN BYPASS WARNING: Client office-vpn has same IP as
 * server". Not escaped: the log does that. Returns out.
 */
char *message_line(char out[MESSAGE_SIZE], const event_t *event);

/* How loud the log says it: leaks, bypasses, disconnections, silence VPS_WARN, the rest VPS_INFO. */
vps_level_t message_level(event_kind_t kind);

/* Whose line of the log it is: "security" for leaks and bypasses, else "monitor". */
const char *message_component(event_kind_t kind);

#endif
