/* mod_vpnsentinel/telegram_update.h: what getUpdates and getMe bring, and what they should not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "telegram_update.h"
#include "valid.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define NEXT 1000 /* the offset that was asked for */
#define SEEN_MAX 8

/* What an answer brought. */
typedef struct seen_t {
    bool is_answer;
    int64_t next;
    size_t count;
    telegram_update_t updates[SEEN_MAX];
} seen_t;

static void visit(void *ctx, const telegram_update_t *update)
{
    seen_t *seen = ctx;

    assert_true(seen->count < SEEN_MAX);
    assert_true(vps_valid_text(update->text, strnlen(update->text, sizeof(update->text))));
    assert_true(strnlen(update->text, sizeof(update->text)) < sizeof(update->text));
    seen->updates[seen->count++] = *update;
}

/* A copy exactly as large as the text, so that a sanitizer sees what is read behind it. */
static char *exact_copy(const char *text, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);

    assert_non_null(copy);
    memcpy(copy, text, size);
    return copy;
}

static seen_t read_updates(const char *body)
{
    char *copy = exact_copy(body, strlen(body));
    seen_t seen = {.next = NEXT};

    seen.is_answer = telegram_read_updates(copy, strlen(body), &seen.next, visit, &seen);
    free(copy);
    return seen;
}

/* The only update of an answer. */
static telegram_update_t read_one(const char *body)
{
    const seen_t seen = read_updates(body);

    assert_true(seen.is_answer);
    assert_int_equal(seen.count, 1);
    return seen.updates[0];
}

#define ANSWER(updates) "{\"ok\":true,\"result\":[" updates "]}"
#define MESSAGE(members) ANSWER("{\"update_id\":1001,\"message\":{" members "}}")

static void test_private(void **state)
{
    const telegram_update_t update = read_one(
        MESSAGE("\"message_id\":7,\"from\":{\"id\":42,\"is_bot\":false,\"first_name\":\"A\"},"
                "\"chat\":{\"id\":42,\"first_name\":\"A\",\"username\":\"Alice_1\","
                "\"type\":\"private\"},\"date\":1700000000,\"text\":\"/status\","
                "\"entities\":[{\"offset\":0,\"length\":7,\"type\":\"bot_command\"}]"));

    (void)state;
    assert_int_equal(update.id, 1001);
    assert_int_equal(update.chat, 42);
    assert_string_equal(update.chat_name, "Alice_1");
    assert_true(update.is_private);
    assert_int_equal(update.thread, 0);
    assert_int_equal(update.message, 7);
    assert_int_equal(update.date, 1700000000);
    assert_false(update.is_from_bot);
    assert_string_equal(update.text, "/status");
}

static void test_topic(void **state)
{
    const telegram_update_t update = read_one(
        MESSAGE("\"message_id\":12,\"from\":{\"id\":42,\"is_bot\":false},"
                "\"chat\":{\"id\":-1001234567890,\"type\":\"supergroup\",\"is_forum\":true},"
                "\"message_thread_id\":5,\"is_topic_message\":true,\"text\":\"/ping@OurBot\","
                "\"reply_to_message\":{\"message_id\":5,\"text\":\"/mute\",\"chat\":{\"id\":1}}"));

    (void)state;
    assert_int_equal(update.chat, INT64_C(-1001234567890));
    assert_string_equal(update.chat_name, "");
    assert_false(update.is_private);
    assert_int_equal(update.thread, 5);
    assert_int_equal(update.message, 12);
    assert_int_equal(update.date, 0);
    assert_string_equal(update.text, "/ping@OurBot");
}

static void test_channel(void **state)
{
    const telegram_update_t update =
        read_one(ANSWER("{\"update_id\":1001,\"channel_post\":{\"message_id\":3,\"sender_chat\":{"
                        "\"id\":-1009},\"chat\":{\"id\":-1009,\"username\":\"channel\",\"type\":"
                        "\"channel\"},\"date\":1,\"text\":\"/help\"}}"));

    (void)state;
    assert_int_equal(update.chat, -1009);
    assert_string_equal(update.chat_name, "channel");
    assert_false(update.is_private);
    assert_false(update.is_from_bot);
    assert_string_equal(update.text, "/help");
}

/* They are counted, and that is all. */
static void test_nothing_to_read(void **state)
{
#define CHAT "\"chat\":{\"id\":42,\"type\":\"private\",\"username\":\"alice\"}"
#define OTHER(members) ANSWER("{\"update_id\":1001" members "}")
    static const char *const cases[] = {
        OTHER(""),
        OTHER(",\"edited_message\":{\"message_id\":7," CHAT ",\"text\":\"/mute\"}"),
        OTHER(",\"my_chat_member\":{" CHAT ",\"date\":1}"),
        OTHER(",\"callback_query\":{\"message\":{\"message_id\":7," CHAT "}}"),
        OTHER(",\"message\":null"),
        OTHER(",\"message\":[{" CHAT "}]"),
        OTHER(",\"message\":\"/status\""),
        MESSAGE(""),
        MESSAGE("\"text\":\"/status\",\"is_topic_message\":true,\"message_thread_id\":4"),
        MESSAGE("\"message_id\":7,\"chat\":42,\"text\":\"/status\""),
        MESSAGE("\"message_id\":7,\"chat\":{\"type\":\"private\"},\"text\":\"/status\""),
        MESSAGE("\"message_id\":7,\"chat\":{\"id\":0},\"text\":\"/status\""),
        MESSAGE("\"message_id\":7,\"chat\":{\"id\":\"42\"},\"text\":\"/status\""),
        MESSAGE("\"message_id\":7,\"chat\":{\"id\":42.0},\"text\":\"/status\""),
        MESSAGE("\"message_id\":7,\"chat\":{\"id\":true},\"text\":\"/status\""),
        MESSAGE("\"message_id\":7,\"chat\":{\"id\":4503599627370496},\"text\":\"/status\""),
        MESSAGE("\"message_id\":7,\"chat\":{\"id\":-4503599627370496},\"text\":\"/status\""),
        MESSAGE("\"message_id\":7,\"chat\":{\"id\":18446744073709551615},\"text\":\"/status\""),
        MESSAGE("\"message_id\":7,\"chat\":{\"id\":-99999999999999999999},\"text\":\"/status\""),
    };
    static const telegram_update_t nothing = {.id = 1001};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const seen_t seen = read_updates(cases[i]);

        assert_true(seen.is_answer);
        assert_int_equal(seen.next, 1002);
        assert_int_equal(seen.count, 1);
        assert_memory_equal(&seen.updates[0], &nothing, sizeof(nothing));
    }
}

/* A member that is not what it should be leaves the others as they are. */
static void test_absent(void **state)
{
    static const struct {
        const char *body;
        int64_t thread, message, date;
        bool is_from_bot;
    } cases[] = {
        {MESSAGE(CHAT), 0, 0, 0, false},
        /* the numbers */
        {MESSAGE(CHAT ",\"message_id\":-1,\"date\":-1"), 0, 0, 0, false},
        {MESSAGE(CHAT ",\"message_id\":\"1\",\"date\":\"1\""), 0, 0, 0, false},
        {MESSAGE(CHAT ",\"message_id\":1e3,\"date\":{}"), 0, 0, 0, false},
        {MESSAGE(CHAT ",\"message_id\":4503599627370495,\"date\":4503599627370496"), 0,
         INT64_C(4503599627370495), 0, false},
        /* the thread */
        {MESSAGE(CHAT ",\"message_thread_id\":5"), 0, 0, 0, false},
        {MESSAGE(CHAT ",\"message_thread_id\":5,\"is_topic_message\":false"), 0, 0, 0, false},
        {MESSAGE(CHAT ",\"message_thread_id\":5,\"is_topic_message\":1"), 0, 0, 0, false},
        {MESSAGE(CHAT ",\"message_thread_id\":5,\"is_topic_message\":\"true\""), 0, 0, 0, false},
        {MESSAGE(CHAT ",\"message_thread_id\":-5,\"is_topic_message\":true"), 0, 0, 0, false},
        {MESSAGE(CHAT ",\"is_topic_message\":true"), 0, 0, 0, false},
        /* the sender: a bot, an administrator who hides, a channel */
        {MESSAGE(CHAT ",\"from\":{\"is_bot\":true}"), 0, 0, 0, true},
        {MESSAGE(CHAT ",\"from\":{\"is_bot\":true},\"sender_chat\":{\"id\":-1}"), 0, 0, 0, false},
        {MESSAGE(CHAT ",\"from\":{\"is_bot\":true},\"sender_chat\":-1"), 0, 0, 0, true},
        {MESSAGE(CHAT ",\"from\":{\"is_bot\":1}"), 0, 0, 0, false},
        {MESSAGE(CHAT ",\"from\":[{\"is_bot\":true}]"), 0, 0, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const telegram_update_t update = read_one(cases[i].body);

        assert_int_equal(update.chat, 42);
        assert_string_equal(update.chat_name, "alice");
        assert_true(update.is_private);
        assert_int_equal(update.thread, cases[i].thread);
        assert_int_equal(update.message, cases[i].message);
        assert_int_equal(update.date, cases[i].date);
        assert_int_equal(update.is_from_bot, cases[i].is_from_bot);
        assert_string_equal(update.text, "");
    }
}

static void test_private_only(void **state)
{
    static const char *const types[] = {"\"group\"", "\"PRIVATE\"", "\"privateer\"",
                                        "\"\"",      "true",        "[\"private\"]"};

    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        char body[200] = "{\"result\":[{\"update_id\":1,\"message\":{\"chat\":{\"id\":1,\"type\":";

        strcat(strcat(body, types[i]), "}}}]}");
        assert_int_equal(read_one(body).chat, 1);
        assert_false(read_one(body).is_private);
    }
}

static void test_text(void **state)
{
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"\"Gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x94\xb4\"",
         "Gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x94\xb4"},
        {"\"\\u00fc \\ud83d\\udd34\"", "\xc3\xbc \xf0\x9f\x94\xb4"},
        {"\"a\\nb\\tc\\u001b[31m\\u007f\"", "a b c [31m "},
        {"\"a\\u0085b\\ufeffc\\u0000d\"", "a b c d"},
        {"\"\\u00a0\"", "\xc2\xa0"},
        {"\"a<b>&\\\"\"", "a<b>&\""},
        {"\"\"", ""},
        {"7", ""},
        {"[\"/status\"]", ""},
        {"null", ""},
        {"\"/status\xff\"", ""},
        {"\"\xc0\xaf\"", ""},
        {"\"\xed\xa0\x80\"", ""},
        {"\"\xc3\"", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char body[300] = "{\"result\":[{\"update_id\":1,\"message\":{\"chat\":{\"id\":1},\"text\":";

        strcat(strcat(body, cases[i].json), "}}]}");
        assert_string_equal(read_one(body).text, cases[i].text);
    }
}

/* A photo's words are no command. */
static void test_caption(void **state)
{
    (void)state;
    assert_string_equal(read_one(MESSAGE(CHAT ",\"photo\":[],\"caption\":\"/status\"")).text, "");
}

/* A text is cut behind a whole character, whatever it becomes. */
static void test_long_text(void **state)
{
    static const struct {
        const char *first, *character;
        size_t len; /* of what is kept, bytes */
    } cases[] = {
        {"", "x", 511},
        {"", "\xc3\xa4", 510},
        {"x", "\xc3\xa4", 511},
        {"", "\xf0\x9f\x94\xb4", 508},
        {"xxx", "\xf0\x9f\x94\xb4", 511},
        {"\\n", "\xe2\x9c\x85", 511},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char body[2000] =
            "{\"result\":[{\"update_id\":1,\"message\":{\"chat\":{\"id\":1},\"text\":\"";

        strcat(body, cases[i].first);
        while (strlen(body) < 1900) {
            strcat(body, cases[i].character);
        }
        strcat(body, "\"}}]}");
        assert_int_equal(strlen(read_one(body).text), cases[i].len);
    }
}

/* In their order, each once; the offset is that behind the highest. */
static void test_order(void **state)
{
    static const struct {
        const char *body;
        int64_t next;
        size_t count;
        int64_t ids[4];
    } cases[] = {
        {ANSWER(""), NEXT, 0, {0}},
        {ANSWER("{\"update_id\":1000},{\"update_id\":1001}"), 1002, 2, {1000, 1001}},
        {ANSWER("{\"update_id\":1005},{\"update_id\":1001},{\"update_id\":1003}"),
         1006,
         3,
         {1005, 1001, 1003}},
        {ANSWER("{\"update_id\":999},{\"update_id\":1001}"), 1002, 2, {999, 1001}},
        /* numbered anew */
        {ANSWER("{\"update_id\":7},{\"update_id\":8}"), 9, 2, {7, 8}},
        /* without an id */
        {ANSWER("{\"message\":{" CHAT "}},7,null,\"x\",[],{},{\"update_id\":1001}"),
         1002,
         1,
         {1001}},
        {ANSWER("{\"update_id\":\"1001\"}"), NEXT, 0, {0}},
        {ANSWER("{\"update_id\":1001.0}"), NEXT, 0, {0}},
        {ANSWER("{\"update_id\":0},{\"update_id\":-5}"), NEXT, 0, {0}},
        /* no id is so high that the next one could not be asked for */
        {ANSWER("{\"update_id\":4503599627370495}"),
         INT64_C(4503599627370496),
         1,
         {INT64_C(4503599627370495)}},
        {ANSWER("{\"update_id\":4503599627370496}"), NEXT, 0, {0}},
        {ANSWER("{\"update_id\":9223372036854775807}"), NEXT, 0, {0}},
        {ANSWER("{\"update_id\":18446744073709551615}"), NEXT, 0, {0}},
        {ANSWER("{\"update_id\":99999999999999999999999}"), NEXT, 0, {0}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const seen_t seen = read_updates(cases[i].body);

        assert_true(seen.is_answer);
        assert_int_equal(seen.next, cases[i].next);
        assert_int_equal(seen.count, cases[i].count);
        for (size_t k = 0; k < seen.count; k++) {
            assert_int_equal(seen.updates[k].id, cases[i].ids[k]);
        }
    }
}

static void test_no_answer(void **state)
{
#define UPDATE "{\"update_id\":1001}"
    static const char *const cases[] = {
        "",
        "null",
        "[" UPDATE "]",
        "{}",
        "{\"ok\":true}",
        "{\"ok\":true,\"result\":true}",
        "{\"ok\":true,\"result\":{\"0\":" UPDATE "}}",
        "{\"ok\":true,\"result\":null}",
        "{\"ok\":true,\"result\":[" UPDATE "]",
        "{\"ok\":true,\"result\":[" UPDATE "]}}",
        "{\"ok\":true,\"result\":[" UPDATE "]} x",
        "<html>" UPDATE "</html>",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const seen_t seen = read_updates(cases[i]);

        assert_false(seen.is_answer);
        assert_int_equal(seen.next, NEXT);
        assert_int_equal(seen.count, 0);
    }
}

/* An answer as large as it may be, and one byte more. */
static void test_size(void **state)
{
    char *body = malloc(TELEGRAM_UPDATES_MAX + 2);

    (void)state;
    assert_non_null(body);
    memset(body, ' ', TELEGRAM_UPDATES_MAX + 1);
    body[TELEGRAM_UPDATES_MAX + 1] = '\0';
    memcpy(body, ANSWER(UPDATE), strlen(ANSWER(UPDATE)));
    assert_false(read_updates(body).is_answer);
    body[TELEGRAM_UPDATES_MAX] = '\0';
    assert_int_equal(read_updates(body).next, 1002);
    free(body);
}

/* A rich message that nests as deep as Telegram lets it: lists in lists. */
static void test_depth(void **state)
{
    char body[4000] =
        "{\"result\":[{\"update_id\":1,\"message\":{\"chat\":{\"id\":1},\"rich_message\":"
        "{\"blocks\":[";

    (void)state;
    for (int i = 0; i < 16; i++) {
        strcat(body, "{\"items\":[{\"blocks\":[");
    }
    for (int i = 0; i < 16; i++) {
        strcat(body, "]}]}");
    }
    strcat(body, "]},\"text\":\"/status\"}}]}");
    assert_string_equal(read_one(body).text, "/status");
}

static void test_name(void **state)
{
#define ME(name) "{\"ok\":true,\"result\":{\"id\":1,\"is_bot\":true,\"username\":" name "}}"
#define LONGEST "abcdefghijklmnopqrstuvwxyz_12345"
    static const struct {
        const char *body, *name; /* "" = none */
    } cases[] = {
        {ME("\"OurBot\""), "OurBot"},
        {ME("\"our_bot_2\""), "our_bot_2"},
        {ME("\"Abcd\""), "Abcd"},
        {ME("\"" LONGEST "\""), LONGEST},
        {ME("\"" LONGEST "6\""), ""},
        {ME("\"abc\""), ""},
        {ME("\"\""), ""},
        {ME("\"@OurBot\""), ""},
        {ME("\"Our-Bot\""), ""},
        {ME("\"Our Bot\""), ""},
        {ME("\"OurBot\\n\""), ""},
        {ME("\"OurBot\\u0000x\""), ""},
        {ME("\"OurB\xc3\xb6t\""), ""},
        {ME("12345"), ""},
        {ME("[\"OurBot\"]"), ""},
        {"{\"ok\":true,\"result\":{\"id\":1}}", ""},
        {"{\"ok\":true,\"result\":[{\"username\":\"OurBot\"}]}", ""},
        {"{\"ok\":true,\"result\":\"OurBot\"}", ""},
        {"{\"ok\":true,\"username\":\"OurBot\"}", ""},
        {"OurBot", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *body = exact_copy(cases[i].body, strlen(cases[i].body));
        char name[2 * TELEGRAM_NAME_SIZE] = "old"; /* more room allows no longer one */

        assert_int_equal(telegram_read_name(name, sizeof(name), body, strlen(cases[i].body)),
                         cases[i].name[0] != '\0');
        assert_string_equal(name, cases[i].name);
        free(body);
    }
}

static void test_name_size(void **state)
{
    static const char body[] = ME("\"OurBot\"");
    char name[7] = "old";

    (void)state;
    assert_false(telegram_read_name(name, sizeof(name) - 1, body, strlen(body)));
    assert_string_equal(name, "");
    assert_true(telegram_read_name(name, sizeof(name), body, strlen(body)));
    assert_string_equal(name, "OurBot");
}

/* A chat's name that is none does not make its message unreadable. */
static void test_chat_name(void **state)
{
    const telegram_update_t update =
        read_one(MESSAGE("\"chat\":{\"id\":42,\"username\":\"a b c d\"},\"text\":\"/status\""));

    (void)state;
    assert_string_equal(update.chat_name, "");
    assert_string_equal(update.text, "/status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_private),   cmocka_unit_test(test_topic),
        cmocka_unit_test(test_channel),   cmocka_unit_test(test_nothing_to_read),
        cmocka_unit_test(test_absent),    cmocka_unit_test(test_private_only),
        cmocka_unit_test(test_text),      cmocka_unit_test(test_caption),
        cmocka_unit_test(test_long_text), cmocka_unit_test(test_order),
        cmocka_unit_test(test_no_answer), cmocka_unit_test(test_size),
        cmocka_unit_test(test_depth),     cmocka_unit_test(test_name),
        cmocka_unit_test(test_name_size), cmocka_unit_test(test_chat_name),
    };

    return cmocka_run_group_tests_name("telegram_update", tests, NULL, NULL);
}
