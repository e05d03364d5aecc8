#include "event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api_json.h"
#include "light.h"
#include "moment.h"
#include "text.h"

#define WORD_SIZE 96 /* bytes of one text in the detail */

/* What is known of an event beside its name. */
typedef struct facts_t {
    char from[WORD_SIZE], to[WORD_SIZE], city[WORD_SIZE], place[WORD_SIZE], provider[WORD_SIZE];
    char note[WORD_SIZE], light[WORD_SIZE];
    int64_t seconds, merged;
} facts_t;

static bool read_facts(facts_t *out, json_object *json)
{
    return json_text(out->from, WORD_SIZE, json, "from") &&
           json_text(out->to, WORD_SIZE, json, "to") &&
           json_text(out->city, WORD_SIZE, json, "city") &&
           json_text(out->place, WORD_SIZE, json, "place") &&
           json_text(out->provider, WORD_SIZE, json, "provider") &&
           json_text(out->note, WORD_SIZE, json, "note") &&
           json_text(out->light, WORD_SIZE, json, "light") &&
           json_number(&out->seconds, json, "seconds") && json_number(&out->merged, json, "merged");
}

static void write_detail(event_t *event, const facts_t *facts)
{
    char part[2 * WORD_SIZE + 8], span[MOMENT_SIZE];

    if (facts->from[0] != '\0' && facts->to[0] != '\0') {
        snprintf(part, sizeof(part), "%s %s %s", facts->from, text_is_utf8() ? "→" : "->",
                 facts->to);
        text_append(event->detail, sizeof(event->detail), ", ", part);
    } else {
        text_append(event->detail, sizeof(event->detail), ", ", facts->from);
        text_append(event->detail, sizeof(event->detail), ", ", facts->to);
    }
    text_append(event->detail, sizeof(event->detail), ", ", facts->city);
    text_append(event->detail, sizeof(event->detail), ", ", facts->place);
    text_append(event->detail, sizeof(event->detail), ", ", facts->provider);
    if (facts->seconds > 0) {
        text_append(event->detail, sizeof(event->detail), ", ", moment_span(span, facts->seconds));
    }
    if (facts->merged > 0) {
        snprintf(part, sizeof(part), "%" PRId64 " merged", facts->merged);
        text_append(event->detail, sizeof(event->detail), ", ", part);
    }
    text_append(event->detail, sizeof(event->detail), ", ", facts->note);
}

static bool read_name(event_t *out, json_object *json)
{
    if (!json_text(out->what, sizeof(out->what), json, "event")) {
        return false;
    }
    for (char *c = out->what; *c != '\0'; c++) {
        if (*c == '_') {
            *c = ' ';
        }
    }
    return out->what[0] != '\0';
}

static bool read_light(int *out, const char *name)
{
    light_t light = LIGHT_GREEN;
    const bool is_known = light_parse(&light, name);

    *out = is_known ? (int)light : -1;
    return is_known || name[0] == '\0';
}

const char *event_read(event_t *out, json_object *json)
{
    facts_t facts;

    memset(out, 0, sizeof(*out));
    if (!json_moment(&out->when, json, "time") || out->when == 0 || !read_name(out, json) ||
        !json_text(out->id, sizeof(out->id), json, "client_id") || !read_facts(&facts, json) ||
        !read_light(&out->light, facts.light)) {
        return "it tells of an event what no server would";
    }
    write_detail(out, &facts);
    return NULL;
}
