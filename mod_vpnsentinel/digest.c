#include "digest.h"

#include "digest_plan.h"
#include "message.h"

#define HEADED_MAX 3         /* kinds that the first line names */
#define NAMED_MAX 80         /* lines that name somebody, so that it stays readable */
#define SECTION_NAMED_MAX 30 /* of them in one section */

/* Units that are kept for what must be told, with numbers of up to 10 digits. */
#define HEADING_UNITS 64 /* of a section, with the line that parts it from the one before */
#define MORE_UNITS 32    /* whom it does not name */
#define CENSUS_UNITS 128

/* --- words --- */

static const char *title_of(unsigned rank)
{
    int kind = 0;

    while (message_rank((event_kind_t)kind) != rank) {
        kind++;
    }
    return message_title((event_kind_t)kind);
}

/* "1 client", "2 clients". */
static void put_count(text_t *text, size_t count, const char *noun)
{
    text_put_number(text, count);
    text_put(text, " ");
    text_put(text, noun);
    text_put(text, count == 1 ? "" : "s");
}

/* " ×3", if it is more than one. */
static void put_times(text_t *text, size_t count)
{
    if (count > 1) {
        text_put(text, " ×");
        text_put_number(text, count);
    }
}

static bool is_of_clients(const section_t *section)
{
    return section->lines->items->uid != 0;
}

/* "❌ Client Offline: 12, of 9 clients". */
static void put_section_title(text_t *text, const section_t *section)
{
    if (section->lines->is_flapping) {
        text_put(text, "🔁 Flapping: ");
        put_count(text, section->count, "client");
        return;
    }
    text_put(text, title_of(section->lines->rank));
    text_put(text, ": ");
    text_put_number(text, section->alerts);
    if (section->alerts != section->count) {
        text_put(text, ", of ");
        put_count(text, section->count, "client");
    }
}

/* "⚠️ VPN BYPASS WARNING: 2, ❌ Client Offline: 9744, + 5 more". */
static void put_kinds(text_t *text, const plan_t *plan)
{
    size_t headed = 0, more = plan->digest->count;

    for (unsigned rank = 0; rank < EVENT_KINDS && headed < HEADED_MAX; rank++) {
        if (plan->alerts[rank] > 0) {
            text_put(text, headed > 0 ? ", " : "");
            text_put(text, title_of(rank));
            text_put(text, ": ");
            text_put_number(text, plan->alerts[rank]);
            more -= plan->alerts[rank];
            headed++;
        }
    }
    if (more > 0) {
        text_put(text, ", + ");
        text_put_number(text, more);
        text_put(text, " more");
    }
}

/* Is the first line the title of all there is? */
static bool is_single(const plan_t *plan)
{
    return plan->section_count == 1 && !plan->lines->is_flapping;
}

static void put_first_line(text_t *text, const plan_t *plan)
{
    text_put_tag(text, "<b>");
    if (is_single(plan)) {
        const section_t section = plan_section(plan, 0);

        put_section_title(text, &section);
    } else {
        put_kinds(text, plan);
    }
    text_put_tag(text, "</b>");
}

static void put_mute(text_t *text, const digest_t *digest)
{
    if (digest->muted != 0) {
        text_put(text, "\n🔕 While muted (");
        text_put_duration(text, digest->muted);
        text_put(text, "): ");
        put_count(text, digest->count, "alert");
    }
}

/* --- a line --- */

/* The fact behind a client, or alone; an event may have none. */
static void put_fact(text_t *text, const event_t *event, const char *colon)
{
    const text_mark_t mark = text_mark(text);
    size_t empty;

    text_put(text, colon);
    empty = text->used;
    message_fact(text, event);
    if (text->used == empty && !text->is_over) {
        text_rewind(text, mark);
    }
}

/* "office ×2: public IP 203.0.113.1 · 15:30:00". */
static void put_newest(text_t *text, const plan_t *plan, const line_t *line, const event_t *event)
{
    const digest_t *digest = plan->digest;
    const bool is_of_client = line->items->uid != 0;
    const size_t empty = text->used;

    if (is_of_client) {
        text_put_code(text, event->client_id);
        put_times(text, line->count);
    }
    put_fact(text, event, is_of_client ? ": " : "");
    text_put(text, text->used > empty ? " · " : "");
    text_put_clock(text, digest->entries[line->newest].when, digest->now);
}

/* "office: ❌ Client Offline ×4, ✅ VPN Connected! ×4 in 9 min, now ✅ VPN Connected!". */
static void put_flapping(text_t *text, const plan_t *plan, const line_t *line, const event_t *event)
{
    const alert_t *oldest = &plan->digest->entries[line->oldest];
    const alert_t *newest = &plan->digest->entries[line->newest];
    size_t len;

    text_put_code(text, event->client_id);
    for (size_t i = 0; i < line->count; i += len) {
        len = plan_count_kind(&line->items[i], line->count - i);
        text_put(text, i == 0 ? ": " : ", ");
        text_put(text, title_of(line->items[i].rank));
        put_times(text, len);
    }
    if (newest->when > oldest->when) {
        text_put(text, " in ");
        text_put_duration(text, (uint64_t)newest->when - (uint64_t)oldest->when);
    }
    text_put(text, ", now ");
    text_put(text, message_title((event_kind_t)newest->kind));
}

/* Returns false, nothing written, when its event cannot be read, or less than reserve is left. */
static bool put_line(text_t *text, const plan_t *plan, const line_t *line, size_t reserve)
{
    const digest_t *digest = plan->digest;
    const text_mark_t mark = text_mark(text);
    event_t event;

    if (!digest->get(digest->ctx, digest->entries[line->newest].message, &event)) {
        return false;
    }
    text_put(text, "\n");
    if (line->is_flapping) {
        put_flapping(text, plan, line, &event);
    } else {
        put_newest(text, plan, line, &event);
    }
    if (!text_fits(text, reserve)) {
        text_rewind(text, mark);
        return false;
    }
    return true;
}

/* --- a section --- */

/* "… and 12 more clients". */
static void put_more(text_t *text, const section_t *section, size_t named)
{
    const size_t more = section->count - named;

    if (more > 0) {
        text_put(text, "\n… and ");
        if (is_of_clients(section)) {
            put_count(text, more, "more client");
        } else {
            text_put_number(text, more);
            text_put(text, " more");
        }
    }
}

/* Name at most room, keeping reserve for what comes behind; returns how many. */
static size_t put_section(text_t *text, const plan_t *plan, const section_t *section, size_t room,
                          size_t reserve)
{
    size_t named = 0;

    if (!is_single(plan)) {
        text_put(text, "\n\n");
        text_put_tag(text, "<b>");
        put_section_title(text, section);
        text_put_tag(text, "</b>");
    }
    room = room < SECTION_NAMED_MAX ? room : SECTION_NAMED_MAX;
    for (size_t i = 0; i < section->count && i < room; i++) {
        named += put_line(text, plan, &section->lines[i], reserve + MORE_UNITS) ? 1 : 0;
    }
    put_more(text, section, named);
    return named;
}

static void put_sections(text_t *text, const plan_t *plan)
{
    size_t later = plan->section_count, room = NAMED_MAX;
    section_t section;

    for (size_t i = 0; i < plan->line_count; i += section.count) {
        section = plan_section(plan, i);
        later--;
        room -= put_section(text, plan, &section, room,
                            later * (HEADING_UNITS + MORE_UNITS) + CENSUS_UNITS);
    }
}

/* --- the whole --- */

/* "Now: 🟢 3 green · 🟡 0 yellow · 🔴 2 red · ⚫ 9744 grey, 9749 clients". */
static void put_census(text_t *text, const census_t *census)
{
    static const light_t order[LIGHTS] = {LIGHT_GREEN, LIGHT_YELLOW, LIGHT_RED, LIGHT_GREY};

    text_put(text, "\n\nNow: ");
    for (size_t i = 0; i < LIGHTS; i++) {
        text_put(text, i > 0 ? " · " : "");
        text_put(text, message_light_sign(order[i]));
        text_put(text, " ");
        text_put_number(text, (uint64_t)census->lights[order[i]]);
        text_put(text, " ");
        text_put(text, assess_light_name(order[i]));
    }
    text_put(text, ", ");
    put_count(text, (size_t)census->total, "client");
}

char *digest_text(char out[TEXT_SIZE], const digest_t *digest, text_form_t form)
{
    text_t text = text_begin(out, TEXT_SIZE, form);
    plan_t plan;
    char *written = NULL;

    if (plan_begin(&plan, digest)) {
        put_first_line(&text, &plan);
        put_mute(&text, digest);
        put_sections(&text, &plan);
        if (digest->census != NULL) {
            put_census(&text, digest->census);
        }
        written = out;
    }
    plan_end(&plan);
    return written;
}

bool digest_is_good(const alert_t *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!message_is_good((event_kind_t)entries[i].kind)) {
            return false;
        }
    }
    return true;
}
