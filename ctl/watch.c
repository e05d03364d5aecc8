/* watch: the clients, again and again; drawn on a terminal, else a line for each change. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "exits.h"
#include "fetch.h"
#include "interrupt.h"
#include "moment.h"
#include "screen.h"
#include "table.h"
#include "tell.h"
#include "text.h"

#define FAULT_SIZE 1024 /* bytes */

typedef struct watch_t {
    const arguments_t *arguments;
    asker_t *asker;
    bool is_drawn;          /* else lines are written */
    bool has_fleet;         /* there was a good answer */
    fleet_t fleet;          /* of the last good answer */
    ask_answer_t answer;    /* the last one */
    int64_t away_since;     /* by our monotonic clock, sec; 0 = the server answers */
    ask_kind_t away_kind;   /* why it does not */
    char fault[FAULT_SIZE]; /* the same in a sentence, as it came */
    bool is_over;
} watch_t;

/* ms by the monotonic clock. */
static int64_t elapsed(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- drawn --- */

/* A line of our words and the texts of others, in a style of ours, cut to the width. */
static void write_line(FILE *out, const fleet_view_t *view, const char *style, const char *text)
{
    char safe[2 * FAULT_SIZE];

    fputs(view->is_plain ? "" : style, out);
    table_cut(out, text_safe(safe, sizeof(safe), text, strlen(text)), view->width);
    fputs(view->is_plain ? "\n" : STYLE_END "\n", out);
}

static void write_census(FILE *out, const fleet_t *fleet, const fleet_view_t *view)
{
    const size_t widest = 80; /* columns; the longest census with its marks is not wider */

    if (view->width >= widest) {
        fleet_write_census(out, fleet, view);
        fputc('\n', out);
    } else {
        const fleet_view_t plain = {.is_plain = true};
        char text[128] = "";
        FILE *line = fmemopen(text, sizeof(text), "w");

        if (line != NULL) {
            fleet_write_census(line, fleet, &plain);
            fclose(line);
        }
        write_line(out, view, "", text);
    }
}

/* Where that is from, or what is the matter. */
static void write_state(FILE *out, const watch_t *watch, const fleet_view_t *view)
{
    const char *url = watch->asker->settings->options.server_url;
    char line[FAULT_SIZE + 128], time_text[VPS_TIME_TEXT_SIZE], span[MOMENT_SIZE];

    if (watch->away_since > 0) {
        snprintf(line, sizeof(line), "Away for %s: %s",
                 moment_span(span, elapsed() / 1000 - watch->away_since), watch->fault);
        write_line(out, view, light_style(LIGHT_RED), line);
    } else {
        snprintf(line, sizeof(line), "%s at %.8s UTC, every %ld s; q ends it", url,
                 vps_time_format(time_text, watch->fleet.now) + 11, watch->arguments->interval);
        write_line(out, view, "", line);
    }
}

/* The rows that there is room for, beside so many other lines. */
static void write_rows(FILE *out, const watch_t *watch, const fleet_view_t *view, size_t others)
{
    const size_t height = screen_height();
    const size_t room = height > others ? height - others : 0;
    const size_t count = watch->fleet.count;
    const size_t shown = count <= room ? count : room > 0 ? room - 1 : 0;

    fleet_write(out, &watch->fleet, view, shown);
    if (shown < count && room > 0) {
        char more[64];

        snprintf(more, sizeof(more), "... and %zu more", count - shown);
        write_line(out, view, "", more);
    }
}

/* Returns false when the terminal is gone. */
static bool draw(const watch_t *watch)
{
    const fleet_view_t view = command_view(watch->arguments);
    char *frame = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&frame, &size);
    bool drawn;

    if (out == NULL) {
        return true; /* no memory now; perhaps next time */
    }
    if (watch->has_fleet) {
        write_census(out, &watch->fleet, &view);
    }
    write_state(out, watch, &view);
    if (watch->has_fleet) {
        fputc('\n', out);
        write_rows(out, watch, &view, 4); /* census, state, nothing, heads */
    }
    drawn = fclose(out) != 0 || screen_draw(frame);
    free(frame);
    return drawn;
}

/* --- in lines --- */

static void write_time(int64_t when)
{
    char text[VPS_TIME_TEXT_SIZE];

    printf("%s ", vps_time_format(text, when));
}

/* fleet_tell_t */
static void write_change(void *user, const row_t *before, const row_t *after)
{
    const watch_t *watch = user;

    write_time(watch->fleet.now);
    if (after == NULL) {
        printf("%s: gone\n", before->id);
        return;
    }
    printf("%s: %s (%s)", after->id, light_name(after->light), after->why);
    if (before == NULL) {
        printf(", new");
    } else if (before->light != after->light || strcmp(before->why, after->why) != 0) {
        printf(", was %s (%s)", light_name(before->light), before->why);
    }
    if (before != NULL && strcmp(before->address, after->address) != 0) {
        printf(", %s instead of %s", after->address[0] != '\0' ? after->address : "unknown",
               before->address[0] != '\0' ? before->address : "unknown");
    }
    putchar('\n');
}

/* How all begins: the count, and those that are not well. */
static void write_beginning(watch_t *watch)
{
    const fleet_view_t plain = {.is_plain = true};

    write_time(watch->fleet.now);
    fleet_write_census(stdout, &watch->fleet, &plain);
    putchar('\n');
    for (size_t i = 0; i < watch->fleet.count; i++) {
        const row_t *row = &watch->fleet.rows[i];

        if (row->light != LIGHT_GREEN) {
            write_time(watch->fleet.now);
            printf("%s: %s (%s)\n", row->id, light_name(row->light), row->why);
        }
    }
}

/* --- looking --- */

static void tell_return(const watch_t *watch)
{
    char span[MOMENT_SIZE];

    if (watch->away_since > 0 && !watch->is_drawn) {
        tell("the server answers again after %s",
             moment_span(span, elapsed() / 1000 - watch->away_since));
    }
}

static void take_fleet(watch_t *watch, fleet_t *fleet)
{
    fleet_t before = watch->fleet;

    tell_return(watch);
    watch->away_since = 0;
    watch->fleet = *fleet;
    if (watch->is_drawn) {
        fleet_sort(&watch->fleet);
    } else {
        fleet_sort_by_id(&watch->fleet);
        if (watch->has_fleet) {
            fleet_compare(&before, &watch->fleet, write_change, watch);
        } else {
            write_beginning(watch);
        }
        fflush(stdout);
    }
    watch->has_fleet = true;
    fleet_clear(&before);
}

/* The server is away: that is told once for each new kind of it, and waited for. */
static void take_fault(watch_t *watch)
{
    const bool is_new = watch->away_since == 0;

    ask_fault(watch->fault, sizeof(watch->fault), watch->asker, &watch->answer);
    if (!watch->is_drawn && (is_new || watch->answer.kind != watch->away_kind)) {
        tell("%s; waiting", watch->fault);
    }
    watch->away_kind = watch->answer.kind;
    if (is_new) {
        watch->away_since = elapsed() / 1000;
    }
}

/* Returns false when there is no use in going on. */
static bool look(watch_t *watch)
{
    const fetch_t wanted = {.light = -1};
    fleet_t fleet = {0};

    if (fetch_fleet(&fleet, watch->asker, &watch->answer, &wanted)) {
        take_fleet(watch, &fleet);
        return true;
    }
    fleet_clear(&fleet);
    if (watch->answer.kind == ASK_STOPPED) {
        return true;
    }
    if (!ask_may_pass(&watch->answer)) {
        return false;
    }
    take_fault(watch);
    return true;
}

/* --- the loop --- */

static bool show(const watch_t *watch)
{
    return watch->is_drawn ? draw(watch) : ferror(stdout) == 0;
}

static void pause_all(const watch_t *watch)
{
    if (watch->is_drawn) {
        screen_leave();
    }
    raise(SIGSTOP);
    if (watch->is_drawn) {
        screen_enter();
    }
}

/* Do what signals and keys say. */
static void attend(watch_t *watch)
{
    switch (interrupt_take()) {
    case INTERRUPT_STOP:
        watch->is_over = true;
        break;
    case INTERRUPT_PAUSE:
        pause_all(watch);
        watch->is_over = !show(watch);
        break;
    case INTERRUPT_REDRAW:
        watch->is_over = !show(watch);
        break;
    default:
        break;
    }
}

static void rest(watch_t *watch)
{
    const int64_t asked = watch->answer.retry_after;
    const int64_t interval = watch->arguments->interval;
    const int64_t end = elapsed() + 1000 * (asked > interval ? asked : interval);

    attend(watch);
    for (int64_t left = end - elapsed(); left > 0 && !watch->is_over; left = end - elapsed()) {
        interrupt_wait(left);
        attend(watch);
    }
}

/* Returns the exit status. */
static int run(watch_t *watch)
{
    while (!watch->is_over) {
        if (!look(watch)) {
            if (watch->is_drawn) {
                screen_leave();
            }
            return command_failed(watch->asker, &watch->answer);
        }
        watch->is_over = !show(watch);
        if (!watch->is_over) {
            rest(watch);
        }
    }
    return EXIT_OK;
}

int watch_run(const arguments_t *arguments, asker_t *asker)
{
    watch_t watch = {.arguments = arguments, .asker = asker, .is_drawn = screen_can_draw()};
    int status;

    asker->stop_fd = interrupt_open(watch.is_drawn && isatty(STDIN_FILENO) == 1);
    if (asker->stop_fd < 0) {
        tell("the system does not let signals be waited for");
        return EXIT_FAILED;
    }
    if (watch.is_drawn) {
        screen_enter();
    }
    status = run(&watch);
    screen_leave();
    fleet_clear(&watch.fleet);
    return status;
}
