/*
 * What somebody wrote to the bot, as a command.
 *
 * Pure functions, thread-safe, no allocation.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMMAND_ARGUMENT_SIZE 129              /* bytes with the NUL */
#define COMMAND_DURATION_MAX (365 * 24 * 3600) /* sec */
#define COMMAND_MUTE_INITIAL 3600              /* sec of a mute when nobody says how long */

typedef enum command_kind_t {
    COMMAND_NONE, /* not for us: another bot's, or nothing at all */
    COMMAND_START,
    COMMAND_HELP,
    COMMAND_STATUS,
    COMMAND_PING,
    COMMAND_CLIENT,
    COMMAND_MUTE,
    COMMAND_UNMUTE,
    COMMAND_UNKNOWN, /* begins with a slash, but we have no such command */
    COMMAND_TALK     /* anything else */
} command_kind_t;

typedef struct command_t {
    command_kind_t kind;
    char argument[COMMAND_ARGUMENT_SIZE]; /* the first word behind the command, cut at a
                                             character's end; "" = none */
    bool has_more;                        /* more words follow: "/mute 2 hours" is not "/mute 2" */
} command_t;

/*
 * Read a message's text, valid as telegram_update.h gives it. Case counts in no command and no bot's
 * name. bot_name: ours, without "@"; "" = not known yet: then what names a bot is not for us.
 */
void command_parse(command_t *out, const char *text, const char *bot_name);

/*
 * Read a duration: a number with a unit (s, m or min, h, d, w), or several, the greatest unit first
 * ("1h30m"); a number alone is minutes. Returns sec, 1 to COMMAND_DURATION_MAX, or 0 for anything
 * else.
 */
uint32_t command_duration(const char *text);

/* How long a COMMAND_MUTE is to last, sec; 0 = it cannot be read. */
uint32_t command_mute_length(const command_t *command);

/* A command as people are told of it. */
typedef struct command_help_t {
    command_kind_t kind;
    const char *name;        /* "mute": 1-32 of [a-z0-9_] */
    const char *description; /* one line, plain text, far below 256 characters */
    const char *usage;       /* as it is typed: "/mute [DURATION]" */
} command_help_t;

/*
 * All that people are told of, *count of them, in the order of the help. /start is understood, too:
 * Telegram's clients send it by themselves.
 */
const command_help_t *command_table(size_t *count);

#endif
