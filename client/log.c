#include "log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static vps_level_t threshold = VPS_INFO;
static const char *hidden[3] = {"", "", ""};

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

static void mask(char *message, const char *secret)
{
    size_t len = strlen(secret);

    if (len < LOG_HIDDEN_MIN) {
        return;
    }
    for (char *at = strstr(message, secret); at != NULL; at = strstr(at, secret)) {
        memset(at, '*', len);
        at += len;
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
    mask(message, hidden[0]);
    mask(message, hidden[1]);
    len = vps_logline(line, sizeof(line), time(NULL), component, "%s", message);
    /* A log that cannot be written is no reason to stop watching. */
    if (write(STDERR_FILENO, line, len) < 0) {
        return;
    }
}
