#include "commands.h"

#include <stdio.h>

#include "exits.h"
#include "api_json.h"
#include "screen.h"
#include "table.h"
#include "tell.h"

#define FAULT_SIZE 2048 /* bytes */
#define LABEL_WIDTH 14  /* columns, with the gap */

int command_failed(const asker_t *asker, const ask_answer_t *answer)
{
    char fault[FAULT_SIZE];

    tell("%s", ask_fault(fault, sizeof(fault), asker, answer));
    return EXIT_FAILED;
}

int command_foreign(const asker_t *asker, ask_answer_t *answer)
{
    answer->kind = ASK_FOREIGN;
    snprintf(answer->reason, sizeof(answer->reason), "it tells what no server would");
    return command_failed(asker, answer);
}

int command_json(json_object *json)
{
    json_write(stdout, json);
    putchar('\n');
    return EXIT_OK;
}

fleet_view_t command_view(const arguments_t *arguments)
{
    return (fleet_view_t){
        .width = screen_width(), .is_plain = screen_is_plain(), .is_utc = arguments->is_utc};
}

void command_line(const fleet_view_t *view, const char *label, const char *text)
{
    const size_t room = view->width > LABEL_WIDTH ? view->width - LABEL_WIDTH : view->width;

    fputs(view->is_plain ? "" : STYLE_HEAD, stdout);
    table_pad(stdout, label, LABEL_WIDTH);
    fputs(view->is_plain ? "" : STYLE_END, stdout);
    table_cut(stdout, text[0] != '\0' ? text : "unknown", room);
    putchar('\n');
}
