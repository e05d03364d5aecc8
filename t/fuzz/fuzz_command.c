/* What people write to the bot, whatever it is: as a command, and as a duration. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "valid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_command(const char *text, const char *bot_name)
{
    command_t command;
    size_t len;

    memset(&command, 0xff, sizeof(command));
    command_parse(&command, text, bot_name);
    len = strnlen(command.argument, sizeof(command.argument));
    check(command.kind <= COMMAND_TALK);
    check(len < sizeof(command.argument));
    check(strcspn(command.argument, " \t\r\n\v\f") == len);
    check(vps_valid_text(command.argument, len));
    check(len > 0 || !command.has_more || !vps_valid_text(text, strlen(text)));
    check(strchr(text, '/') != NULL || command.kind == COMMAND_TALK ||
          command.kind == COMMAND_NONE);
    check(command_duration(command.argument) <= COMMAND_DURATION_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A text of exactly this size, so that a sanitizer sees what is read behind its NUL. */
    char *text = malloc(size + 1);

    check(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    check_command(text, "OurBot");
    check_command(text, "");
    check(command_duration(text) <= COMMAND_DURATION_MAX);
    free(text);
    return 0;
}
