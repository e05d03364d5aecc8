/* mod_vpnsentinel/command.h: what is written to the bot, and for how long. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "command.h"
#include "valid.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define BOT "OurBot"

/* Nothing is left of what was there before. */
static command_t parse(const char *text, const char *bot_name)
{
    command_t command;

    memset(&command, 0xff, sizeof(command));
    command_parse(&command, text, bot_name);
    return command;
}

static void test_kinds(void **state)
{
    static const struct {
        const char *text;
        command_kind_t kind;
    } cases[] = {
        {"/start", COMMAND_START},
        {"/help", COMMAND_HELP},
        {"/status", COMMAND_STATUS},
        {"/ping", COMMAND_PING},
        {"/client", COMMAND_CLIENT},
        {"/mute", COMMAND_MUTE},
        {"/unmute", COMMAND_UNMUTE},
        {"/STATUS", COMMAND_STATUS},
        {"/Status", COMMAND_STATUS},
        {"  /status ", COMMAND_STATUS},
        {"\n\t/status\r\n", COMMAND_STATUS},
        /* to whom */
        {"/status@OurBot", COMMAND_STATUS},
        {"/status@ourbot", COMMAND_STATUS},
        {"/STATUS@OURBOT extra", COMMAND_STATUS},
        {"/nothing@ourbot", COMMAND_UNKNOWN},
        {"/@ourbot", COMMAND_UNKNOWN},
        {"/status@", COMMAND_NONE},
        {"/status@OtherBot", COMMAND_NONE},
        {"/status@OurBo", COMMAND_NONE},
        {"/status@OurBot2", COMMAND_NONE},
        {"/status@OurBot@OurBot", COMMAND_NONE},
        {"/nothing@OtherBot", COMMAND_NONE},
        {"/status @OtherBot", COMMAND_STATUS},
        /* no command of ours */
        {"/", COMMAND_UNKNOWN},
        {"/ status", COMMAND_UNKNOWN},
        {"//status", COMMAND_UNKNOWN},
        {"/statu", COMMAND_UNKNOWN},
        {"/statuss", COMMAND_UNKNOWN},
        {"/status/", COMMAND_UNKNOWN},
        {"/st\xc3\xa4tus", COMMAND_UNKNOWN},
        {"/mute30m", COMMAND_UNKNOWN},
        /* no command */
        {"status", COMMAND_TALK},
        {"Hi /status", COMMAND_TALK},
        {"@OurBot /status", COMMAND_TALK},
        {"@OtherBot", COMMAND_TALK},
        {"\xef\xbc\x8fstatus", COMMAND_TALK}, /* a full-width slash */
        {"", COMMAND_NONE},
        {"   ", COMMAND_NONE},
        {" \t\r\n\v\f", COMMAND_NONE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(parse(cases[i].text, BOT).kind, cases[i].kind);
    }
}

/* A bot that does not know its name takes what names none. */
static void test_nameless(void **state)
{
    (void)state;
    assert_int_equal(parse("/status", "").kind, COMMAND_STATUS);
    assert_int_equal(parse("/status@", "").kind, COMMAND_NONE);
    assert_int_equal(parse("/status@OurBot", "").kind, COMMAND_NONE);
    assert_int_equal(parse("/nothing@OurBot", "").kind, COMMAND_NONE);
    assert_int_equal(parse("/nothing", "").kind, COMMAND_UNKNOWN);
}

static void test_arguments(void **state)
{
    static const struct {
        const char *text, *argument;
        bool has_more;
    } cases[] = {
        {"/client", "", false},
        {"/client ", "", false},
        {"/client office", "office", false},
        {"/client office  ", "office", false},
        {"/client  office   x", "office", true},
        {"/client\noffice\tx y", "office", true},
        {"/client@ourbot office", "office", false},
        {"/client Office-VPN", "Office-VPN", false},
        {"/client @x", "@x", false},
        {"/client \xc3\xa4\xe2\x9c\x85", "\xc3\xa4\xe2\x9c\x85", false},
        {"/mute 2 hours", "2", true},
        {"/unknown word", "word", false},
        {"some free text", "", false},
        {"  ", "", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const command_t command = parse(cases[i].text, BOT);

        assert_string_equal(command.argument, cases[i].argument);
        assert_int_equal(command.has_more, cases[i].has_more);
    }
}

/* One with too long a word. */
static void test_long_argument(void **state)
{
    static const struct {
        const char *character;
        size_t len; /* of what is kept, bytes */
    } cases[] = {{"x", 128}, {"\xc3\xa4", 128}, {"\xe2\x9c\x85", 126}, {"\xf0\x9f\x94\xb4", 128}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[4096] = "/client ";
        command_t command;

        while (strlen(text) < sizeof(text) - 16) {
            strcat(text, cases[i].character);
        }
        command = parse(text, BOT);
        assert_int_equal(command.kind, COMMAND_CLIENT);
        assert_int_equal(strlen(command.argument), cases[i].len);
        assert_true(vps_valid_text(command.argument, cases[i].len));
        assert_false(command.has_more);
        strcat(text, " y");
        assert_true(parse(text, BOT).has_more);
    }
}

/* A word of exactly the size is whole; of one byte more, that is cut off. */
static void test_longest_argument(void **state)
{
    char word[COMMAND_ARGUMENT_SIZE] = "";
    char text[256] = "/client ";
    command_t command;

    (void)state;
    memset(word, 'x', sizeof(word) - 1);
    strcat(text, word);
    assert_string_equal(parse(text, BOT).argument, word);
    strcat(text, "x");
    command = parse(text, BOT);
    assert_int_equal(strnlen(command.argument, sizeof(command.argument)), sizeof(word) - 1);
    assert_string_equal(command.argument, word);
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        uint32_t seconds;
    } cases[] = {
        {"90s", 90},
        {"30m", 1800},
        {"30min", 1800},
        {"2h", 7200},
        {"1d", 86400},
        {"1w", 604800},
        {"1h30m", 5400},
        {"1h30min", 5400},
        {"1w2d3h4m5s", 604800 + 2 * 86400 + 3 * 3600 + 4 * 60 + 5},
        {"1d5s", 86405},
        {"5min30s", 330},
        {"45", 2700},
        {"1", 60},
        {"2H", 7200},
        {"30MIN", 1800},
        {"1H30M", 5400},
        {"007m", 420},
        {"1s", 1},
        {"1h0m", 3600},
        {"0h5m", 300},
        {"90m", 5400},
        {"1h90m", 3600 + 5400},
        /* limits */
        {"0", 0},
        {"0s", 0},
        {"0w0d0h0m0s", 0},
        {"365d", 31536000},
        {"365d1s", 0},
        {"366d", 0},
        {"52w1d", 31536000},
        {"53w", 0},
        {"31536000s", 31536000},
        {"31536001s", 0},
        {"525600", 31536000},
        {"525601", 0},
        {"999999999w", 0},
        {"4294967297s", 0},
        {"7102w", 0}, /* 2^32 s and a little more */
        {"99999999999999d", 0},
        {"18446744073709551617s", 0},
        {"00000060s", 60},
        {"000000060s", 0}, /* more digits than any number needs */
        /* nothing of the kind */
        {"", 0},
        {"s", 0},
        {"h1", 0},
        {"1x", 0},
        {"1h30", 0},
        {"1h30mi", 0},
        {"30m1h", 0},
        {"1h1h", 0},
        {"1min1m", 0},
        {"1hm", 0},
        {"1.5h", 0},
        {"1,5h", 0},
        {"-5m", 0},
        {"+5m", 0},
        {" 5m", 0},
        {"5m ", 0},
        {"5 m", 0},
        {"5ms", 0},
        {"1hour", 0},
        {"5\xc2\xb5s", 0},
        {"\xd9\xa5m", 0}, /* an Arabic digit */
        {"0x10", 0},
        {"1e3", 0},
        {"office", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(command_duration(cases[i].text), cases[i].seconds);
    }
}

static void test_mute_lengths(void **state)
{
    static const struct {
        const char *text;
        uint32_t seconds;
    } cases[] = {
        {"/mute", COMMAND_MUTE_INITIAL},
        {"/mute ", COMMAND_MUTE_INITIAL},
        {"/mute 2h", 7200},
        {"/mute 365d", COMMAND_DURATION_MAX},
        {"/mute 366d", 0},
        {"/mute 0", 0},
        {"/mute soon", 0},
        {"/mute 2 hours", 0}, /* is not 2 min */
        {"/mute 2h please", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const command_t command = parse(cases[i].text, BOT);

        assert_int_equal(command_mute_length(&command), cases[i].seconds);
    }
}

/* What people are told of is understood, and Telegram takes it (setMyCommands). */
static void test_table(void **state)
{
    static const char *const names[] = {"status", "client", "mute", "unmute", "ping", "help"};
    size_t count;
    const command_help_t *table = command_table(&count);

    (void)state;
    assert_int_equal(count, COUNT(names));
    for (size_t i = 0; i < count; i++) {
        const size_t len = strlen(table[i].description);

        assert_string_equal(table[i].name, names[i]);
        assert_int_equal(strspn(names[i], "abcdefghijklmnopqrstuvwxyz0123456789_"),
                         strlen(names[i]));
        assert_int_equal(parse(table[i].usage, BOT).kind, table[i].kind);
        assert_memory_equal(table[i].usage + 1, names[i], strlen(names[i]));
        assert_in_range(len, 1, 100);
        assert_true(vps_valid_text(table[i].description, len));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_nameless),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_long_argument),
        cmocka_unit_test(test_longest_argument),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_mute_lengths),
        cmocka_unit_test(test_table),
    };

    return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
