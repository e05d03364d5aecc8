/* delete: make the server forget clients. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "exits.h"
#include "tell.h"

#define PATH_SIZE 160
#define REPLY_SIZE 16 /* bytes of what is typed */

/* Is the user sure? Only "y" and "yes" say so. */
static bool confirm(const arguments_t *arguments)
{
    char reply[REPLY_SIZE] = "";

    fputs("Remove ", stderr);
    for (int i = 0; i < arguments->ids_count; i++) {
        fprintf(stderr, "%s%s", i > 0 ? ", " : "", arguments->ids[i]);
    }
    fputs("? [y/N] ", stderr);
    fflush(stderr);
    if (fgets(reply, sizeof(reply), stdin) == NULL) {
        fputs("\n", stderr);
    }
    return strcmp(reply, "y\n") == 0 || strcmp(reply, "yes\n") == 0;
}

static int delete_one(const arguments_t *arguments, asker_t *asker, const char *id)
{
    char path[PATH_SIZE];
    ask_answer_t answer;
    json_object *json;

    snprintf(path, sizeof(path), "/clients/%s", id);
    json = ask(asker, &answer, "DELETE", path);
    if (json == NULL && answer.kind == ASK_NOT_FOUND) {
        tell("there is no client %s", id);
        return EXIT_FAILED;
    }
    if (json == NULL) {
        return command_failed(asker, &answer);
    }
    if (arguments->is_json) {
        command_json(json);
    } else {
        printf("Removed %s\n", id);
    }
    json_object_put(json);
    return EXIT_OK;
}

int delete_run(const arguments_t *arguments, asker_t *asker)
{
    int status = EXIT_OK;

    if (!arguments->is_sure && isatty(STDIN_FILENO) != 1) {
        tell("delete asks before, and nobody is there to answer: give --yes");
        return EXIT_USAGE;
    }
    if (!arguments->is_sure && !confirm(arguments)) {
        tell("nothing is removed");
        return EXIT_FAILED;
    }
    for (int i = 0; i < arguments->ids_count; i++) {
        if (delete_one(arguments, asker, arguments->ids[i]) != EXIT_OK) {
            status = EXIT_FAILED;
        }
    }
    return status;
}
