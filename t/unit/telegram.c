/* mod_vpnsentinel/telegram.h: forms of requests, and every kind of answer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "telegram.h"
#include "valid.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define TOKEN "7654321:AAtest-token_0123456789"

static void test_token(void **state)
{
    static const char *const good[] = {TOKEN, "1:a", "0:-", "123:_Az09-"};
    static const char *const bad[] = {
        "",      ":",     "1",     "1:",    ":a",   "a:b",  "1a:b",   "-1:a",
        "1:a:b", "1:a/b", "1:a b", "1:a\n", "1: a", " 1:a", "bot1:a", "1:\xc3\xa4",
        "1:a?",  "1:a#",  "1:%41", "1:a&b", "1;a",  "1::a", "+1:a",   "1.2:a",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(telegram_is_token(good[i]));
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(telegram_is_token(bad[i]));
    }
}

static void test_chat(void **state)
{
    static const char *const good[] = {
        "1",  "-1",        "-1001234567890", "9223372036854775807", "-9223372036854775808",
        "@a", "@My_chat1",
    };
    static const char *const bad[] = {
        "",
        "-",
        "0",
        "-0",
        "01",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "1e3",
        "@",
        "name",
        "@@a",
        "@a b",
        "@a-b",
        "@\xc3\xa4",
        "--1",
        "0x1",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999999",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(telegram_is_chat(good[i]));
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(telegram_is_chat(bad[i]));
    }
}

static void test_url(void **state)
{
    static const char expected[] = "https://b/bot1:a/sendMessage";
    char url[sizeof(expected)];

    (void)state;
    assert_true(telegram_url(url, sizeof(url), "https://b", "1:a", "sendMessage"));
    assert_string_equal(url, expected);
    assert_false(telegram_url(url, sizeof(url) - 1, "https://b", "1:a", "sendMessage"));
}

/* Frees body. */
static void expect_body(char *body, const char *expected)
{
    assert_non_null(body);
    assert_string_equal(body, expected);
    free(body);
}

static void test_message_body(void **state)
{
#define REST "\"link_preview_options\":{\"is_disabled\":true}}"
    static const struct {
        telegram_message_t message;
        const char *body;
    } cases[] = {
        {{.chat = "-1001234567890", .text = "<b>a</b>", .is_html = true},
         "{\"chat_id\":-1001234567890,\"text\":\"<b>a</b>\",\"parse_mode\":\"HTML\"," REST},
        {{.chat = "@name", .text = "a"}, "{\"chat_id\":\"@name\",\"text\":\"a\"," REST},
        {{.chat = "9223372036854775807", .text = "\"\\\n/ ✅"},
         "{\"chat_id\":9223372036854775807,\"text\":\"\\\"\\\\\\n/ ✅\"," REST},
        {{.chat = "1", .text = "a", .is_silent = true},
         "{\"chat_id\":1,\"text\":\"a\",\"disable_notification\":true," REST},
        {{.chat = "1", .text = "a", .thread = 17},
         "{\"chat_id\":1,\"message_thread_id\":17,\"text\":\"a\"," REST},
        {{.chat = "1", .text = "a", .thread = TELEGRAM_ID_MAX, .reply_to = 4503599627370495},
         "{\"chat_id\":1,\"message_thread_id\":4503599627370495,\"reply_parameters\":{"
         "\"message_id\":4503599627370495,\"allow_sending_without_reply\":true},"
         "\"text\":\"a\"," REST},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        expect_body(telegram_message_body(&cases[i].message), cases[i].body);
    }
}

static void test_poll_body(void **state)
{
#define KINDS "\"allowed_updates\":[\"message\",\"channel_post\"]}"
    (void)state;
    expect_body(telegram_poll_body(0, 50, 10), "{\"limit\":10,\"timeout\":50," KINDS);
    expect_body(telegram_poll_body(INT64_MAX, 0, 100),
                "{\"offset\":9223372036854775807,\"limit\":100,\"timeout\":0," KINDS);
}

static void test_commands_body(void **state)
{
    static const telegram_command_t commands[] = {{"ping", "Says \"pong\""},
                                                  {"status", "Wer ist da? Ü"}};

    (void)state;
    expect_body(telegram_commands_body(commands, COUNT(commands)),
                "{\"commands\":[{\"command\":\"ping\",\"description\":\"Says \\\"pong\\\"\"},"
                "{\"command\":\"status\",\"description\":\"Wer ist da? Ü\"}]}");
    expect_body(telegram_commands_body(commands, 0), "{\"commands\":[]}");
}

/* --- answers --- */

static telegram_answer_t read_answer(long status, const char *body, int64_t retry_after)
{
    /* Exactly as large as the body, so that a sanitizer sees what is read behind it. */
    const size_t size = strlen(body);
    char *copy = malloc(size > 0 ? size : 1);
    const telegram_response_t response = {.status = status,
                                          .body = copy,
                                          .size = size,
                                          .retry_after = retry_after,
                                          .reason = "Could not resolve host"};
    telegram_answer_t answer;

    assert_non_null(copy);
    memcpy(copy, body, size);
    memset(&answer, 0xff, sizeof(answer));
    telegram_read_answer(&answer, &response, TOKEN);
    free(copy);
    assert_true(vps_valid_text(answer.reason, strnlen(answer.reason, sizeof(answer.reason))));
    return answer;
}

#define ERROR(code, description)                                                                   \
    "{\"ok\":false,\"error_code\":" #code ",\"description\":\"" description "\"}"
#define CANNOT_PARSE "Bad Request: can't parse entities: Unsupported start tag \\\"x\\\" at byte 5"
#define UNPARSABLE(words)                                                                          \
    {                                                                                              \
        400, ERROR(400, words), TELEGRAM_UNPARSABLE, "HTTP 400: " words                            \
    }
#define NO_THREAD(words)                                                                           \
    {                                                                                              \
        400, ERROR(400, words), TELEGRAM_NO_THREAD, "HTTP 400: " words                             \
    }
#define FOREIGN "HTTP 200, but not from the Bot API"

static void test_kinds(void **state)
{
    static const struct {
        long status;
        const char *body;
        telegram_kind_t kind;
        const char *reason;
    } cases[] = {
        {200, "{\"ok\":true,\"result\":{\"message_id\":7}}", TELEGRAM_OK, ""},
        {200, " {\"ok\":true}\n", TELEGRAM_OK, ""},
        {200, "{\"ok\":true,\"result\":[]}", TELEGRAM_OK, ""},
        {200, "{\"ok\":true,\"result\":true}", TELEGRAM_OK, ""},
        /* only that is a yes */
        {200, "", TELEGRAM_LATER, FOREIGN},
        {200, "{}", TELEGRAM_LATER, FOREIGN},
        {200, "{\"ok\":false}", TELEGRAM_LATER, FOREIGN},
        {200, "{\"ok\":1}", TELEGRAM_LATER, FOREIGN},
        {200, "{\"ok\":\"true\"}", TELEGRAM_LATER, FOREIGN},
        {200, "{\"result\":{\"ok\":true}}", TELEGRAM_LATER, FOREIGN},
        {200, "[{\"ok\":true}]", TELEGRAM_LATER, FOREIGN},
        {200, "{\"ok\":true", TELEGRAM_LATER, FOREIGN},
        {200, "{\"ok\":true}}", TELEGRAM_LATER, FOREIGN},
        {200, "<html>ok:true</html>", TELEGRAM_LATER, FOREIGN},
        {201, "{\"ok\":true}", TELEGRAM_LATER, "HTTP 201"},
        {302, "", TELEGRAM_LATER, "HTTP 302"},
        /* not now */
        {0, "", TELEGRAM_LATER, "Could not resolve host"},
        {0, "{\"ok\":true}", TELEGRAM_LATER, "Could not resolve host"},
        {500, ERROR(500, "Internal Server Error"), TELEGRAM_LATER, "HTTP 500"},
        {502, "<html>Bad Gateway</html>", TELEGRAM_LATER, "HTTP 502"},
        {500, "{\"ok\":true}", TELEGRAM_LATER, "HTTP 500"},
        {429, ERROR(429, "Too Many Requests: retry after 34"), TELEGRAM_LATER, "HTTP 429"},
        {999, ERROR(400, "odd"), TELEGRAM_LATER, "HTTP 999"},
        /* an answer of somebody in between */
        {403, "<html>Forbidden</html>", TELEGRAM_LATER, "HTTP 403"},
        {404, "", TELEGRAM_LATER, "HTTP 404"},
        {400, "{\"ok\":true}", TELEGRAM_LATER, "HTTP 400"},
        {407, "{\"error\":\"proxy\"}", TELEGRAM_LATER, "HTTP 407"},
        /* no */
        {400, ERROR(400, "Bad Request: chat not found"), TELEGRAM_REFUSED,
         "HTTP 400: Bad Request: chat not found"},
        {401, ERROR(401, "Unauthorized"), TELEGRAM_REFUSED, "HTTP 401: Unauthorized"},
        {403, ERROR(403, "Forbidden: bot was blocked by the user"), TELEGRAM_REFUSED,
         "HTTP 403: Forbidden: bot was blocked by the user"},
        {404, ERROR(404, "Not Found"), TELEGRAM_REFUSED, "HTTP 404: Not Found"},
        {403, "{\"ok\":false}", TELEGRAM_REFUSED, "HTTP 403"},
        {403, "{\"ok\":false,\"description\":7}", TELEGRAM_REFUSED, "HTTP 403"},
        {403, ERROR(403, "can't parse entities"), TELEGRAM_REFUSED,
         "HTTP 403: can't parse entities"},
        {400, ERROR(400, "Conflict: of another status"), TELEGRAM_REFUSED,
         "HTTP 400: Conflict: of another status"},
        /* not like this */
        {400, ERROR(400, CANNOT_PARSE), TELEGRAM_UNPARSABLE,
         "HTTP 400: Bad Request: can't parse entities: Unsupported start tag \"x\" at byte 5"},
        UNPARSABLE("Bad Request: message is too long"),
        UNPARSABLE("Bad Request: MESSAGE IS TOO LONG"),
        UNPARSABLE("Bad Request: Text is too long"),
        UNPARSABLE("Bad Request: message text is empty"),
        UNPARSABLE("Bad Request: message must be non-empty"),
        /* not there */
        NO_THREAD("Bad Request: message thread not found"),
        NO_THREAD("Bad Request: Message Thread not found"),
        NO_THREAD("Bad Request: TOPIC_CLOSED"),
        NO_THREAD("Bad Request: TOPIC_DELETED"),
        NO_THREAD("Bad Request: topic_deleted"),
        {403, ERROR(403, "TOPIC_CLOSED"), TELEGRAM_REFUSED, "HTTP 403: TOPIC_CLOSED"},
        /* not you */
        {409, ERROR(409, "Conflict: terminated by other getUpdates request"), TELEGRAM_CONFLICT,
         "HTTP 409: Conflict: terminated by other getUpdates request"},
        {409, "{\"ok\":false}", TELEGRAM_CONFLICT, "HTTP 409"},
        {409, "<html>Conflict</html>", TELEGRAM_LATER, "HTTP 409"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const telegram_answer_t answer = read_answer(cases[i].status, cases[i].body, 0);

        assert_int_equal(answer.kind, cases[i].kind);
        assert_string_equal(answer.reason, cases[i].reason);
        assert_int_equal(answer.migrated_to, 0);
    }
}

/* A group's new number is believed in a 400, when it can be one. */
static void test_migrated(void **state)
{
#define UPGRADED "group chat was upgraded to a supergroup chat"
#define MIGRATE(chat)                                                                              \
    "{\"ok\":false,\"description\":\"" UPGRADED "\",\"parameters\":{\"migrate_to_chat_id\":" chat  \
    "}}"
    static const struct {
        long status;
        const char *body;
        int64_t chat; /* 0 = refused */
    } cases[] = {
        {400, MIGRATE("-1001234567890"), INT64_C(-1001234567890)},
        {400, MIGRATE("-1"), -1},
        {400, MIGRATE("-4503599627370495"), INT64_C(-4503599627370495)},
        {400, MIGRATE("-4503599627370496"), 0},
        {400, MIGRATE("-99999999999999999999999"), 0},
        {400, MIGRATE("0"), 0},
        {400, MIGRATE("1001234567890"), 0},
        {400, MIGRATE("\"-1001234567890\""), 0},
        {400, MIGRATE("-1001234567890.0"), 0},
        {400, MIGRATE("[-1]"), 0},
        {400, "{\"ok\":false,\"description\":\"" UPGRADED "\"}", 0},
        {400, "{\"ok\":false,\"parameters\":[-1],\"description\":\"" UPGRADED "\"}", 0},
        {403, MIGRATE("-1001234567890"), 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const telegram_answer_t answer = read_answer(cases[i].status, cases[i].body, 0);

        assert_int_equal(answer.kind, cases[i].chat != 0 ? TELEGRAM_MIGRATED : TELEGRAM_REFUSED);
        assert_int_equal(answer.migrated_to, cases[i].chat);
        assert_non_null(strstr(answer.reason, UPGRADED));
    }
    assert_int_equal(read_answer(500, MIGRATE("-1"), 0).migrated_to, 0);
    assert_int_equal(
        read_answer(200, "{\"ok\":true,\"parameters\":{\"migrate_to_chat_id\":-1}}", 0).migrated_to,
        0);
}

static void test_wait(void **state)
{
#define WAIT(seconds) "{\"ok\":false,\"parameters\":{\"retry_after\":" seconds "}}"
    static const struct {
        long status;
        const char *body;
        int64_t header, wait;
    } cases[] = {
        {429, WAIT("34"), 0, 34},
        {429, WAIT("34"), 7, 34},
        {429, "{\"ok\":false}", 7, 7},
        {429, "garbage", 7, 7},
        {429, "garbage", 0, 1},
        {429, WAIT("0"), 7, 1},
        {429, WAIT("-5"), 0, 1},
        {429, WAIT("3600"), 0, 3600},
        {429, WAIT("3601"), 0, 3600},
        {429, WAIT("99999999999999999999999"), 0, 3600},
        {429, WAIT("\"34\""), 0, 1},
        {429, WAIT("1e9"), 0, 1},
        {429, "{\"ok\":false,\"parameters\":[34]}", 0, 1},
        {429, "", INT64_MAX, 3600},
        {503, "", 20, 20},
        {503, "", 0, 0},
        {0, "", 0, 0},
        {403, "{\"ok\":false}", 20, 0},
        {200, "{\"ok\":true}", 20, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(read_answer(cases[i].status, cases[i].body, cases[i].header).retry_after,
                         cases[i].wait);
    }
}

/* What is no text stays out, a long one is cut between characters, the token is masked. */
static void test_description(void **state)
{
    static const struct {
        const char *body, *reason;
    } cases[] = {
        {ERROR(400, "a\\nb"), "HTTP 400"},
        {ERROR(400, "a\\u0000b"), "HTTP 400: a"},
        {ERROR(400, "\\u001b[31m"), "HTTP 400"},
        {ERROR(400, "\xc0\x80"), "HTTP 400"},
        {ERROR(400, "\xff"), "HTTP 400"},
        {ERROR(400, "Não"), "HTTP 400: Não"},
        {ERROR(400, "no bot " TOKEN "!"), "HTTP 400: no bot ***!"},
        {ERROR(400, "7654321%3AAAtest-token_0123456789"), "HTTP 400: ***"},
        {ERROR(400, "\\u0037654321:AAtest-token_0123456789"), "HTTP 400: ***"},
    };
    char body[4000] = "{\"ok\":false,\"description\":\"x";
    telegram_answer_t answer;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        answer = read_answer(400, cases[i].body, 0);
        assert_int_equal(answer.kind, TELEGRAM_REFUSED);
        assert_string_equal(answer.reason, cases[i].reason);
    }
    while (strlen(body) < sizeof(body) - 10) {
        strcat(body, "é");
    }
    strcat(body, "\"}");
    answer = read_answer(400, body, 0);
    assert_true(strlen(answer.reason) > TELEGRAM_REASON_SIZE - 10);
    assert_memory_equal(answer.reason, "HTTP 400: xé", strlen("HTTP 400: xé"));
}

/* {"ok":true,"a":[[…]]} with this many levels of arrays; the caller frees it. */
static char *nested(size_t levels)
{
    static const char head[] = "{\"ok\":true,\"a\":";
    char *body = malloc(sizeof(head) + 2 * levels + 1);

    assert_non_null(body);
    memcpy(body, head, sizeof(head));
    memset(body + sizeof(head) - 1, '[', levels);
    memset(body + sizeof(head) - 1 + levels, ']', levels);
    strcpy(body + sizeof(head) - 1 + 2 * levels, "}");
    return body;
}

/* Neither the depth nor the size of an answer is theirs to choose. */
static void test_excess(void **state)
{
    static const struct {
        size_t levels;
        telegram_kind_t kind;
    } cases[] = {{100, TELEGRAM_OK}, {128, TELEGRAM_LATER}, {30000, TELEGRAM_LATER}};
    char *body = malloc(TELEGRAM_UPDATES_MAX + 2);

    (void)state;
    assert_non_null(body);
    memset(body, ' ', TELEGRAM_UPDATES_MAX + 1);
    body[TELEGRAM_UPDATES_MAX + 1] = '\0';
    memcpy(body, "{\"ok\":true}", strlen("{\"ok\":true}"));
    assert_int_equal(read_answer(200, body, 0).kind, TELEGRAM_LATER);
    body[TELEGRAM_UPDATES_MAX] = '\0';
    assert_int_equal(read_answer(200, body, 0).kind, TELEGRAM_OK);
    free(body);
    for (size_t i = 0; i < COUNT(cases); i++) {
        body = nested(cases[i].levels);
        assert_int_equal(read_answer(200, body, 0).kind, cases[i].kind);
        free(body);
    }
}

/* --- another try --- */

static void test_retry(void **state)
{
    static const struct {
        telegram_kind_t kind;
        int64_t asked; /* sec that they ask to wait */
        unsigned failures;
        int64_t wait; /* sec */
    } cases[] = {
        {TELEGRAM_LATER, 0, 0, 1},
        {TELEGRAM_LATER, 0, 1, 2},
        {TELEGRAM_LATER, 0, 5, 32},
        {TELEGRAM_LATER, 0, 6, 60},
        {TELEGRAM_LATER, 0, 7, 60},
        {TELEGRAM_LATER, 0, 64, 60},
        {TELEGRAM_LATER, 0, UINT32_MAX, 60},
        {TELEGRAM_LATER, 1, 0, 1},
        {TELEGRAM_LATER, 34, 0, 34},
        {TELEGRAM_LATER, 3, 3, 8},
        {TELEGRAM_LATER, 59, 9, 60},
        {TELEGRAM_LATER, TELEGRAM_WAIT_MAX, 9, TELEGRAM_WAIT_MAX},
        {TELEGRAM_CONFLICT, 0, 0, 60},
        {TELEGRAM_CONFLICT, 0, 9, 60},
        {TELEGRAM_REFUSED, 0, 0, 300},
        {TELEGRAM_REFUSED, 0, 9, 300},
        {TELEGRAM_UNPARSABLE, 0, 0, 300},
        {TELEGRAM_NO_THREAD, 0, 0, 300},
        {TELEGRAM_MIGRATED, 0, 0, 300},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const telegram_answer_t answer = {.kind = cases[i].kind, .retry_after = cases[i].asked};

        assert_int_equal(telegram_retry(&answer, cases[i].failures), cases[i].wait * 1000000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token),     cmocka_unit_test(test_chat),
        cmocka_unit_test(test_url),       cmocka_unit_test(test_message_body),
        cmocka_unit_test(test_poll_body), cmocka_unit_test(test_commands_body),
        cmocka_unit_test(test_kinds),     cmocka_unit_test(test_migrated),
        cmocka_unit_test(test_wait),      cmocka_unit_test(test_description),
        cmocka_unit_test(test_excess),    cmocka_unit_test(test_retry),
    };

    return cmocka_run_group_tests_name("telegram", tests, NULL, NULL);
}
