#include "command.h"

#include <string.h>
#include <strings.h>

#include "valid.h"

#define DIGITS "0123456789"
#define SPACES " \t\n\v\f\r"
#define DIGITS_MAX 8 /* of a number in a duration: as many as the longest one has, sec */

static const command_help_t table[] = {
    {COMMAND_STATUS, "status", "All clients and how they are", "/status"},
    {COMMAND_CLIENT, "client", "Everything about one client", "/client ID"},
    {COMMAND_MUTE, "mute", "Keep alerts back, for an hour or as long as you say (30m, 2h, 1d)",
     "/mute [DURATION]"},
    {COMMAND_UNMUTE, "unmute", "Send alerts again, and sum up what was kept back", "/unmute"},
    {COMMAND_PING, "ping", "Is anybody there?", "/ping"},
    {COMMAND_HELP, "help", "What this bot understands", "/help"},
};

#define COMMANDS (sizeof(table) / sizeof(table[0]))

const command_help_t *command_table(size_t *count)
{
    *count = COMMANDS;
    return table;
}

/* --- commands --- */

/* Are these len bytes the word? Not of its beginning alone. */
static bool is_word(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

static command_kind_t find_command(const char *name, size_t len)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (is_word(name, len, table[i].name)) {
            return table[i].kind;
        }
    }
    return is_word(name, len, "start") ? COMMAND_START : COMMAND_UNKNOWN;
}

/* What a word that begins with a slash asks for. */
static command_kind_t read_kind(const char *word, size_t len, const char *bot_name)
{
    const char *name = word + 1;
    const char *at = memchr(word, '@', len);
    const char *end = at != NULL ? at : word + len;

    /* An empty name must not be ours while we do not know that. */
    if (at != NULL &&
        (bot_name[0] == '\0' || !is_word(at + 1, (size_t)(word + len - (at + 1)), bot_name))) {
        return COMMAND_NONE;
    }
    return find_command(name, (size_t)(end - name));
}

void command_parse(command_t *out, const char *text, const char *bot_name)
{
    const char *word = text + strspn(text, SPACES);
    size_t len = strcspn(word, SPACES);

    memset(out, 0, sizeof(*out));
    if (word[0] != '/') {
        out->kind = len > 0 ? COMMAND_TALK : COMMAND_NONE;
        return;
    }
    out->kind = read_kind(word, len, bot_name);
    word += len;
    word += strspn(word, SPACES);
    len = strcspn(word, SPACES);
    vps_text_copy(out->argument, sizeof(out->argument), word, len);
    word += len;
    out->has_more = word[strspn(word, SPACES)] != '\0';
}

/* --- durations --- */

/* Step over a unit. Returns its length, sec; 0 = there is none. */
static uint32_t read_unit(const char **text)
{
    static const struct {
        const char *name; /* what another one begins with comes behind it */
        uint32_t length;  /* sec */
    } units[] = {{"w", 7 * 86400}, {"d", 86400}, {"h", 3600}, {"min", 60}, {"m", 60}, {"s", 1}};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        const size_t len = strlen(units[i].name);

        if (strncasecmp(*text, units[i].name, len) == 0) {
            *text += len;
            return units[i].length;
        }
    }
    return 0;
}

/* Step over a number. Returns false when there is none, or one of too many digits. */
static bool read_number(uint64_t *out, const char **text)
{
    const size_t digits = strspn(*text, DIGITS);

    if (digits == 0 || digits > DIGITS_MAX) {
        return false;
    }
    *out = 0;
    for (size_t i = 0; i < digits; i++) {
        *out = *out * 10 + (uint64_t)((*text)[i] - '0');
    }
    *text += digits;
    return true;
}

uint32_t command_duration(const char *text)
{
    const bool has_unit = text[strspn(text, DIGITS)] != '\0';
    uint32_t last = UINT32_MAX; /* length of the unit before, sec */
    uint64_t total = 0;         /* sec */

    do {
        uint64_t number;
        uint32_t unit;

        if (!read_number(&number, &text)) {
            return 0;
        }
        unit = has_unit ? read_unit(&text) : 60;
        if (unit == 0 || unit >= last) {
            return 0;
        }
        total += number * unit;
        last = unit;
    } while (*text != '\0');
    return total <= COMMAND_DURATION_MAX ? (uint32_t)total : 0;
}

uint32_t command_mute_length(const command_t *command)
{
    if (command->has_more) {
        return 0;
    }
    return command->argument[0] == '\0' ? COMMAND_MUTE_INITIAL
                                        : command_duration(command->argument);
}
