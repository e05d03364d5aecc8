/*
 * Digests of many shapes against a simple model: Telegram takes each of them, and each alert counts
 * in exactly one line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "digest_world.h"
#include "random.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct tally_t {
    size_t alerts[EVENT_KINDS]; /* by kind */
    size_t named;               /* the section, from 1, that named it last */
} tally_t;

/* What must be told; the client of uid 0 is the server. */
typedef struct model_t {
    tally_t clients[ALERTS_MAX + 1];
    size_t uids;
    size_t alerts[EVENT_KINDS];
    size_t sections; /* so far */
} model_t;

static model_t model;
static world_t world;

/* --- the model --- */

static event_kind_t kind_of(unsigned rank)
{
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        if (message_rank((event_kind_t)kind) == rank) {
            return (event_kind_t)kind;
        }
    }
    fail_msg("no kind of rank %u", rank);
    return EVENT_KINDS;
}

static bool flaps(size_t uid)
{
    size_t sum = 0, most = 0;

    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        const size_t alerts = model.clients[uid].alerts[kind];

        sum += alerts;
        most = alerts > most ? alerts : most;
    }
    return uid != 0 && sum >= 3 && most >= 2;
}

static void learn(void)
{
    memset(&model, 0, sizeof model);
    for (size_t i = 0; i < world.count; i++) {
        const alert_t *entry = &world.entries[i];

        model.clients[entry->uid].alerts[entry->kind]++;
        model.alerts[entry->kind]++;
        model.uids = entry->uid >= model.uids ? entry->uid + 1 : model.uids;
    }
}

static size_t count_flapping(unsigned *worst)
{
    size_t count = 0;

    *worst = EVENT_KINDS;
    for (size_t uid = 0; uid < model.uids; uid++) {
        if (flaps(uid)) {
            count++;
            for (unsigned rank = 0; rank < *worst; rank++) {
                *worst = model.clients[uid].alerts[kind_of(rank)] > 0 ? rank : *worst;
            }
        }
    }
    return count;
}

/* Of those that do not flap: alerts, and the lines they make. */
static size_t count_kind(event_kind_t kind, size_t *lines)
{
    size_t count = model.clients[0].alerts[kind];

    *lines = count;
    for (size_t uid = 1; uid < model.uids; uid++) {
        if (!flaps(uid) && model.clients[uid].alerts[kind] > 0) {
            count += model.clients[uid].alerts[kind];
            ++*lines;
        }
    }
    return count;
}

/* --- what a line must begin with --- */

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void write_times(char *out, const char *words, size_t count)
{
    strcat(out, words);
    if (count > 1) {
        sprintf(out + strlen(out), " ×%zu", count);
    }
}

static void write_client_line(char *out, size_t uid, event_kind_t kind, bool is_flapping)
{
    const size_t *alerts = model.clients[uid].alerts;
    char name[VPS_CLIENT_ID_MAX + 1];
    const char *comma = ": ";

    world_name(&world, name, uid);
    *out = '\0';
    write_times(out, name, is_flapping ? 1 : alerts[kind]);
    for (unsigned rank = 0; is_flapping && rank < EVENT_KINDS; rank++) {
        if (alerts[kind_of(rank)] > 0) {
            strcat(out, comma);
            write_times(out, message_title(kind_of(rank)), alerts[kind_of(rank)]);
            comma = ", ";
        }
    }
}

static void write_first_line(char *out)
{
    size_t more = world.count;
    unsigned headed = 0;

    *out = '\0';
    for (unsigned rank = 0; rank < EVENT_KINDS; rank++) {
        const event_kind_t kind = kind_of(rank);

        if (model.alerts[kind] > 0 && headed < 3) {
            sprintf(out + strlen(out), "%s%s: %zu", headed++ > 0 ? ", " : "", message_title(kind),
                    model.alerts[kind]);
            more -= model.alerts[kind];
        }
    }
    if (more > 0) {
        sprintf(out + strlen(out), ", + %zu more", more);
    }
}

/* --- reading along the lines --- */

/* Take the next line off *text; NULL at the end. */
static char *next_line(char **text)
{
    return *text != NULL ? strsep(text, "\n") : NULL;
}

static void check_named(const char *line, event_kind_t kind, bool is_flapping)
{
    const size_t uid = strtoul(line, NULL, 10);
    char expected[2048];

    assert_in_range(uid, 1, model.uids - 1);
    assert_int_equal(flaps(uid), is_flapping);
    assert_true(is_flapping || model.clients[uid].alerts[kind] > 0);
    assert_int_not_equal(model.clients[uid].named, model.sections);
    model.clients[uid].named = model.sections;
    write_client_line(expected, uid, kind, is_flapping);
    if (strncmp(line, expected, strlen(expected)) != 0) {
        fail_msg("\"%s\" does not begin with \"%s\"", line, expected);
    }
}

/*
 * The lines of a section up to the empty one, which stand for so many. Returns how many are named.
 * kind: EVENT_KINDS = of clients that flap.
 */
static size_t check_lines(char **text, event_kind_t kind, size_t lines)
{
    const bool is_flapping = kind == EVENT_KINDS;
    const bool is_of_server = !is_flapping && model.clients[0].alerts[kind] > 0;
    size_t named = 0, more = 0;
    char *line;

    model.sections++;
    while ((line = next_line(text)) != NULL && *line != '\0') {
        assert_int_equal(more, 0); /* is told last */
        if (sscanf(line, "… and %zu more", &more) == 0) {
            named++;
            if (!is_of_server) {
                check_named(line, kind, is_flapping);
            }
        }
    }
    assert_int_equal(named + more, lines);
    assert_in_range(named, 0, 30);
    return named;
}

static size_t check_flapping(char **text, size_t clients)
{
    char title[64];

    snprintf(title, sizeof title, "🔁 Flapping: %zu client%s", clients, plural(clients));
    assert_string_equal(next_line(text), title);
    return check_lines(text, EVENT_KINDS, clients);
}

static void write_title(char *out, event_kind_t kind, size_t alerts, size_t lines)
{
    sprintf(out, "%s: %zu", message_title(kind), alerts);
    if (alerts != lines) {
        sprintf(out + strlen(out), ", of %zu client%s", lines, plural(lines));
    }
}

/* The kind of which all is, if none flaps; else EVENT_KINDS. */
static event_kind_t single_kind(void)
{
    unsigned worst;

    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        if (model.alerts[kind] == world.count && count_flapping(&worst) == 0) {
            return (event_kind_t)kind;
        }
    }
    return EVENT_KINDS;
}

static size_t check_sections(char **text)
{
    unsigned worst;
    const size_t flapping = count_flapping(&worst);
    size_t named = 0;

    for (unsigned rank = 0; rank < EVENT_KINDS; rank++) {
        size_t lines, alerts = count_kind(kind_of(rank), &lines);
        char title[128];

        if (flapping > 0 && rank == worst) {
            named += check_flapping(text, flapping);
        }
        if (alerts > 0) {
            write_title(title, kind_of(rank), alerts, lines);
            assert_string_equal(next_line(text), title);
            named += check_lines(text, kind_of(rank), lines);
        }
    }
    return named;
}

/* Returns how many are named in all. */
static size_t check_text(char *text)
{
    const event_kind_t single = single_kind();
    char expected[256];
    size_t named, lines;

    if (single != EVENT_KINDS) {
        count_kind(single, &lines);
        write_title(expected, single, world.count, lines);
    } else {
        write_first_line(expected);
    }
    assert_string_equal(next_line(&text), expected);
    sprintf(expected, "🔕 While muted (49710 d 6 h): %zu alert%s", world.count, plural(world.count));
    assert_string_equal(next_line(&text), expected);
    if (single != EVENT_KINDS) {
        named = check_lines(&text, single, lines);
    } else {
        assert_string_equal(next_line(&text), "");
        named = check_sections(&text);
    }
    assert_string_equal(
        next_line(&text),
        "Now: 🟢 4294967295 green · 🟡 4294967295 yellow · 🔴 4294967295 red · "
        "⚫ 4294967295 grey, 4294967295 clients");
    assert_null(text);
    return named;
}

/* --- the shapes --- */

typedef struct shape_t {
    const char *name;
    size_t alerts_of_one; /* a client has about so many */
    bool is_of_one_kind;
    bool has_server;
} shape_t;

static const shape_t shapes[] = {
    {"each another, one kind", 1, true, false},
    {"each another", 1, false, false},
    {"some twice", 2, false, true},
    {"twice, one kind", 2, true, false},
    {"all flap", 32, false, false},
    {"some flap, and the server", 4, false, true},
};

static void fill(const shape_t *shape, size_t count)
{
    world.count = world.asked = 0;
    while (world.count < count) {
        const size_t i = world.count;
        const unsigned rank =
            shape->is_of_one_kind ? message_rank(EVENT_OFFLINE) : random_below(EVENT_KINDS);
        event_kind_t kind = kind_of(rank);
        uint64_t uid = i + 1;

        if (kind == EVENT_STARTED || kind == EVENT_SERVER_ADDRESS) {
            uid = 0;
            kind = shape->has_server ? kind : EVENT_ADDRESS;
        }
        if (uid == 0 && !shape->has_server) {
            uid = i + 1;
        }
        if (uid != 0 && shape->alerts_of_one > 1) {
            uid = 1 + random_below((uint32_t)(count / shape->alerts_of_one + 1));
        }
        world_add(&world, uid, kind, NOON - (int64_t)(count - i));
    }
    learn();
}

static void check_digest(text_form_t form)
{
    static const census_t census = {.total = UINT32_MAX,
                                    .lights = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}};
    digest_t digest = world_digest(&world);
    char text[TEXT_SIZE], read[TEXT_SIZE];
    size_t named;

    digest.census = &census;
    digest.muted = UINT32_MAX;
    assert_ptr_equal(digest_text(text, &digest, form), text);
    assert_true(strlen(text) < TEXT_SIZE);
    if (form == TEXT_HTML) {
        assert_in_range(read_html(read, text), 1, TEXT_UNITS_MAX);
    } else {
        assert_in_range(count_units(text), 1, TEXT_UNITS_MAX);
        strcpy(read, text);
    }
    named = check_text(read);
    assert_in_range(named, world.unreadable == 0 ? 1 : 0, world.unreadable == 1 ? 0 : 80);
    if (world.unreadable == 0 && world.count <= 4) {
        assert_null(strstr(text, "… and"));
    }
}

/* Ids as long as they get, of what becomes long: the last fills them with what is two units. */
static void set_filler(int number)
{
    static const char *const parts[] = {"", "-vpn", "&", "<b>&\"", "\xf0\x9f\x94\xb4"};

    world.filler[0] = '\0';
    for (size_t len = strlen(parts[number]), i = 0;
         len > 0 && (number > 1 || i == 0) && (i + 1) * len <= VPS_CLIENT_ID_MAX; i++) {
        strcat(world.filler, parts[number]);
    }
}

#define FILLERS 5

static void check_shapes(size_t count)
{
    static const uint64_t unreadable[] = {0, 3, 1};
    static char note[EVENT_NOTE_SIZE];

    memset(note, '"', sizeof note - 1);
    memset(&world, 0, sizeof world);
    world.note = note;
    for (size_t i = 0; i < COUNT(shapes) * FILLERS * COUNT(unreadable); i++) {
        set_filler((int)(i % FILLERS));
        world.unreadable = unreadable[i / FILLERS % COUNT(unreadable)];
        fill(&shapes[i / FILLERS / COUNT(unreadable)], count);
        check_digest(TEXT_HTML);
        learn();
        check_digest(TEXT_PLAIN);
    }
}

static void test_one(void **state)
{
    (void)state;
    check_shapes(1);
}

static void test_few(void **state)
{
    (void)state;
    check_shapes(4);
}

static void test_one_more_than_are_named(void **state)
{
    (void)state;
    check_shapes(81);
}

static void test_as_many_as_there_are(void **state)
{
    (void)state;
    check_shapes(ALERTS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_few),
        cmocka_unit_test(test_one_more_than_are_named),
        cmocka_unit_test(test_as_many_as_there_are),
    };

    return cmocka_run_group_tests_name("digest_model", tests, NULL, NULL);
}
