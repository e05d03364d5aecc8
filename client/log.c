#include "log.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 100 /* with a reader that has stopped */

static vps_level_t threshold = VPS_INFO;
static const char *hidden[3] = {"", "", ""};
static unsigned long dropped; /* lines, since the last one that could be written */

void log_set_level(vps_level_t level)
{
    threshold = level;
}

void log_hide(const char *api_key, const char *token, const char *gluetun_key)
{
    hidden[0] = api_key;
    hidden[1] = token;
    hidden[2] = gluetun_key;
}

/* Bytes at text that are a secret, or what a cut has left of one; else 0. */
static size_t secret_length(const char *text)
{
    size_t longest = 0;

    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        const char *secret = hidden[i];
        size_t same = 0;

        while (secret[same] != '\0' && secret[same] == text[same]) {
            same++;
        }
        if (same >= LOG_HIDDEN_MIN && same > longest &&
            (secret[same] == '\0' || text[same] == '\0')) {
            longest = same;
        }
    }
    return longest;
}

char *log_mask(char *out, size_t size, const char *text)
{
    size_t hide = 0; /* bytes from here on; secrets may overlap */
    size_t used = 0;

    for (; text[used] != '\0' && used + 1 < size; used++) {
        const size_t len = secret_length(text + used);

        hide = len > hide ? len : hide;
        out[used] = (char)(hide > 0 ? '*' : text[used]);
        hide -= hide > 0;
    }
    out[used] = '\0';
    return out;
}

/*
 * Returns whether the line is written. A full pipe must not hold us, as no signal could end that
 * write; and who has not read for a while is not waited for again at each line.
 */
static bool put(const char *line, size_t len)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&out, 1, dropped > 0 ? 0 : PATIENCE_MS) == 1 &&
           write(STDERR_FILENO, line, len) == (ssize_t)len;
}

static void tell_dropped(void)
{
    char line[VPS_LOGLINE_SIZE];
    const size_t len = vps_logline(line, sizeof(line), time(NULL), "log",
                                   "⚠️ Lines that could not be written: %lu", dropped);

    if (put(line, len)) {
        dropped = 0;
    }
}

void log_write(vps_level_t level, const char *component, const char *format, ...)
{
    char message[VPS_LOGLINE_SIZE];
    char line[VPS_LOGLINE_SIZE];
    size_t len;
    va_list args;

    if (level > threshold) {
        return;
    }
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    len = vps_logline(line, sizeof(line), time(NULL), component, "%s",
                      log_mask(message, sizeof(message), message));
    if (dropped > 0) {
        tell_dropped();
    }
    /* A log that cannot be written is no reason to stop watching. */
    if (dropped > 0 || !put(line, len)) {
        dropped++;
    }
}
