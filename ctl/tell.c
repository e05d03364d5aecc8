#include "tell.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "text.h"
#include "version.h"

#define LINE_SIZE 2048 /* bytes; longer ones are cut */

void tell_hide(const char *key)
{
    log_hide(key, "", "");
}

void tell(const char *format, ...)
{
    char line[LINE_SIZE], safe[LINE_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    log_mask(line, sizeof(line), line);
    fprintf(stderr, "%s: %s\n", VERSION_NAME, text_safe(safe, sizeof(safe), line, strlen(line)));
}
