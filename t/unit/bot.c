/*
 * mod_vpnsentinel/bot.h: who is listened to, what becomes a question, what a command does. The store
 * is played here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bot.h"
#include "clock_ahead.h"
#include "command.h"
#include "httpd_log.h"
#include "pool.h"
#include "store_played.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define CHAT INT64_C(-1001234567890)
#define NAME "SentinelBot"
#define STRANGERS 16      /* that are remembered */
#define STRANGER_LINES 20 /* an hour */
#define QUESTIONS 20      /* a minute */

static chat_t chat;
static mute_t mute;
static bot_t *bot;

static int start(void **state)
{
    const bot_setup_t setup = {&chat, &mute, &store};

    (void)state;
    empty_store();
    forget_lines();
    chat = (chat_t){.configured = "-1001234567890"};
    mute = (mute_t){0};
    bot = bot_create(&setup, pool);
    bot_set_name(bot, NAME);
    return 0;
}

static telegram_update_t update_of(const char *text)
{
    telegram_update_t update = {
        .id = 1, .chat = CHAT, .thread = 12, .message = 34, .date = wall_seconds()};

    (void)snprintf(update.text, sizeof(update.text), "%s", text);
    return update;
}

/* Returns whether it is a question now. is_prompt: as in bot.h. */
static bool hears_at(const telegram_update_t *update, bool is_prompt)
{
    const size_t before = store.is.question_count;
    const bool is_heard = bot_hear(bot, update, wall_seconds(), is_prompt);

    keep_changes();
    assert_int_equal(is_heard, store.is.question_count > before);
    return is_heard;
}

static bool hears(const telegram_update_t *update)
{
    return hears_at(update, false);
}

static bool hears_text(const char *text)
{
    const telegram_update_t update = update_of(text);

    return hears(&update);
}

static void test_its_name(void **state)
{
    const bot_setup_t setup = {&chat, &mute, &store};

    (void)state;
    assert_string_equal(bot_name(bot), NAME);
    bot = bot_create(&setup, pool);
    assert_string_equal(bot_name(bot), "");
    assert_true(hears_text("/status"));
    assert_false(hears_text("/status@" NAME)); /* who is that? */
    assert_false(hears_text("/status@"));
    bot_set_name(bot, NAME);
    assert_true(hears_text("/status@" NAME));
    bot_set_name(bot, "12345678901234567890123456789012345");
    assert_int_equal(strlen(bot_name(bot)), TELEGRAM_NAME_SIZE - 1);
}

static void test_a_question(void **state)
{
    const question_t *question = &store.is.questions[0];

    (void)state;
    assert_true(hears_text(" /client office-vpn "));
    assert_string_equal(question->text, " /client office-vpn ");
    assert_int_equal(question->thread, 12);
    assert_int_equal(question->message, 34);
    assert_in_range(question->asked, wall_seconds() - 20, wall_seconds());
    assert_int_equal(count_lines(VPS_DEBUG, "[telegram] Asked:  /client office-vpn "), 1);
    assert_int_equal(log_lines.count, 1);
}

/* As much as is read of a message. */
static void test_a_long_question(void **state)
{
    telegram_update_t update = update_of("/client ");

    (void)state;
    memset(update.text + 8, 'x', sizeof(update.text) - 9);
    assert_true(hears(&update));
    assert_string_equal(store.is.questions[0].text, update.text);
}

/* --- who is listened to --- */

static void test_whom_it_hears(void **state)
{
    static const struct {
        const char *configured, *moved;
        int64_t chat;
        const char *name;
        bool is_heard;
    } cases[] = {
        {"-1001234567890", "", CHAT, "", true},
        {"-1001234567890", "", -CHAT, "", false},
        {"-1001234567890", "", CHAT + 1, "", false},
        {"-5", "-1001234567890", CHAT, "", true},
        {"-5", "-1001234567890", -5, "", true},
        {"-5", "", CHAT, "", false},
        {"@alerts", "", CHAT, "Alerts", true},
        {"@alerts", "", CHAT, "alerts2", false},
        {"@alerts", "", CHAT, "", false},
        {"-1001234567890", "", 0, "", false}, /* nothing that is read */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        telegram_update_t update = update_of("/mute");

        chat.configured = cases[i].configured;
        strcpy(chat.moved, cases[i].moved);
        strcpy(update.chat_name, cases[i].name);
        update.chat = cases[i].chat;
        mute = (mute_t){0};
        assert_int_equal(hears(&update), cases[i].is_heard);
        assert_int_equal(mute_is_on(&mute, wall_seconds()), cases[i].is_heard);
    }
    assert_int_equal(count_lines(VPS_WARN, ""), 3); /* chats; what has none is no stranger */
}

static unsigned strangers_told(void)
{
    return count_lines(VPS_WARN, "writes to the bot, but is not VPNSentinelTelegramChatID");
}

/* Each once, as long as they are not too many. */
static void test_strangers(void **state)
{
    telegram_update_t update = update_of("/status");

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int64_t id = 1; id <= STRANGERS; id++) {
            update.chat = id;
            assert_false(hears(&update));
        }
        assert_int_equal(strangers_told(), STRANGERS);
    }
    assert_int_equal(count_lines(VPS_WARN, "[telegram] ⚠️ Chat 7 writes to the bot"), 1);
    update.chat = -99; /* takes the place of the first one */
    assert_false(hears(&update));
    assert_false(hears(&update));
    assert_int_equal(strangers_told(), STRANGERS + 1);
    update.chat = 2;
    assert_false(hears(&update));
    assert_int_equal(strangers_told(), STRANGERS + 1);
    update.chat = 1;
    assert_false(hears(&update));
    assert_int_equal(strangers_told(), STRANGERS + 2);
    assert_int_equal(store.changes, 0);
}

/* Whoever has more chats than are remembered could fill the log. */
static void test_many_strangers(void **state)
{
    telegram_update_t update = update_of("/status");

    (void)state;
    for (unsigned hour = 1; hour <= 2; hour++) {
        for (int round = 0; round < 50; round++) {
            for (int64_t id = 1; id <= STRANGERS + 1; id++) {
                update.chat = id;
                assert_false(hears(&update));
            }
        }
        assert_int_equal(strangers_told(), hour * STRANGER_LINES);
        assert_int_equal(count_lines(VPS_WARN, "More such chats"), hour);
        clock_ahead += 3601;
        update.date = 0;
    }
}

/* Neither a bot nor silence makes a stranger. */
static void test_strangers_who_say_nothing(void **state)
{
    telegram_update_t update = update_of("");

    (void)state;
    update.chat = 5;
    assert_false(hears(&update));
    update = update_of("/status");
    update.chat = 5;
    update.is_from_bot = true;
    assert_false(hears(&update));
    assert_int_equal(log_lines.count, 0);
}

static void test_what_it_does_not_hear(void **state)
{
    static const char *const texts[] = {
        "", " ", "\t", "/status@OtherBot", "/mute@Sentinel", "/mute@SentinelBot2 1h"};
    telegram_update_t update = update_of("/mute");

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_false(hears_text(texts[i]));
    }
    update.is_from_bot = true;
    assert_false(hears(&update));
    assert_int_equal(store.changes, 0);
    assert_int_equal(mute.since, 0);
    assert_int_equal(log_lines.count, 0);
}

static void test_old_ones(void **state)
{
    static const struct {
        int64_t age;
        bool is_heard;
    } cases[] = {
        {0, true},
        {QUESTION_AGE_MAX - 5, true},
        {QUESTION_AGE_MAX + 5, false},
        {-100, true},
        /* their clock is ahead */ {1000000, false},
    };
    telegram_update_t update = update_of("/mute");

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        update.date = wall_seconds() - cases[i].age;
        mute = (mute_t){0};
        assert_int_equal(hears(&update), cases[i].is_heard);
        assert_int_equal(mute.since != 0, cases[i].is_heard);
    }
    assert_int_equal(count_lines(VPS_INFO, "s ago gets no answer"), 2);
    update.date = 0; /* not given */
    assert_true(hears(&update));
    update.date = INT64_C(1) << 51;
    assert_true(hears(&update));
}

/* What is old although it was just written: that is told once an hour, with how many there were. */
static void test_wrong_clock(void **state)
{
    telegram_update_t update = update_of("/mute");

    (void)state;
    update.date = wall_seconds() - QUESTION_AGE_MAX + 5;
    assert_true(hears_at(&update, true));
    update.date -= 10;
    assert_false(hears_at(&update, false));
    assert_int_equal(count_lines(VPS_WARN, ""), 0);
    assert_false(hears_at(&update, true));
    assert_int_equal(count_lines(VPS_WARN, "⚠️ Is the clock right? "), 1);
    assert_int_equal(count_lines(VPS_WARN, "(1 "), 1);
    for (int i = 0; i < 4; i++) {
        assert_false(hears_at(&update, true));
        assert_false(hears_at(&update, false));
    }
    assert_int_equal(count_lines(VPS_WARN, ""), 1);
    clock_ahead += 3601;
    assert_false(hears_at(&update, true));
    assert_int_equal(count_lines(VPS_WARN, "Is the clock right? "), 2);
    assert_int_equal(count_lines(VPS_WARN, "(5 "), 1);
}

/* --- talk, and too much of it --- */

/* People talk to each other, and give commands to other bots. */
static void test_talk(void **state)
{
    static const char *const texts[] = {"Is anybody there?", "/weather"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        telegram_update_t update = update_of(texts[i]);

        assert_true(hears(&update));
        assert_false(hears(&update));
        clock_ahead += 3590;
        update.date = 0;
        assert_false(hears(&update));
        assert_true(hears_text("/status"));
        clock_ahead += 20;
        assert_true(hears(&update));
        assert_false(hears(&update));
        update.is_private = true;
        assert_true(hears(&update));
        assert_true(hears(&update));
    }
}

static void test_too_much(void **state)
{
    (void)state;
    for (int minute = 0; minute < 3; minute++) {
        for (int i = 0; i < QUESTIONS; i++) {
            assert_true(hears_text("/status"));
        }
        for (int i = 0; i < 3; i++) {
            assert_false(hears_text("/status"));
            assert_false(hears_text("/mute 1h"));
        }
        assert_int_equal(mute.since, 0);
        clock_ahead += 50; /* and nobody gets more by asking all the time */
        assert_false(hears_text("/status"));
        clock_ahead += 10;
    }
}

/* Only what would be answered counts. */
static void test_what_does_not_count(void **state)
{
    telegram_update_t stranger = update_of("/status");

    (void)state;
    stranger.chat = 5;
    assert_true(hears_text("talk"));
    for (int i = 0; i < 100; i++) {
        assert_false(hears(&stranger));
        assert_false(hears_text("/status@OtherBot"));
        assert_false(hears_text("more talk"));
    }
    for (int i = 1; i < QUESTIONS; i++) {
        assert_true(hears_text("/status"));
    }
    assert_false(hears_text("/status"));
}

/* --- what commands do --- */

static void test_mute(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* 0 = it is not muted */
    } cases[] = {
        {"/mute", COMMAND_MUTE_INITIAL},
        {"/MUTE", COMMAND_MUTE_INITIAL},
        {"/mute@sentinelbot", COMMAND_MUTE_INITIAL},
        {"/mute 30m", 1800},
        {"/mute 45", 2700},
        {"/mute 1h30m", 5400},
        {"/mute 365d", COMMAND_DURATION_MAX},
        {"/mute 1s", 1},
        {"/mute 366d", 0},
        {"/mute 0", 0},
        {"/mute -5", 0},
        {"/mute 2 hours", 0}, /* is not 2 min */
        {"/mute 1h please", 0},
        {"/mute forever", 0},
        {"/mute <b>", 0},
        {"/mute 99999999999999999999", 0},
        {"/unmute", 0},
        {"/mutes", 0},
        {"mute", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        telegram_update_t update = update_of(cases[i].text);
        int64_t now = wall_seconds();
        char value[64] = "";

        mute = (mute_t){0};
        store.is.setting_count = 0;
        forget_lines();
        update.is_private = true;
        assert_true(hears(&update)); /* whatever it does, it is answered */
        if (cases[i].seconds > 0) {
            assert_in_range(mute.since, now, now + 5);
            assert_int_equal(mute.until, mute.since + cases[i].seconds);
            (void)snprintf(value, sizeof(value), "%lld %lld", (long long)mute.since,
                           (long long)mute.until);
        } else {
            assert_int_equal(mute.since, 0);
        }
        assert_string_equal(setting("mute"), value);
        assert_int_equal(count_lines(VPS_INFO, "Alerts are muted for "), cases[i].seconds > 0);
        assert_int_equal(log_lines.count, 1 + (cases[i].seconds > 0));
    }
}

/* Nonsense changes nothing of a mute that is on. */
static void test_mute_goes_on(void **state)
{
    int64_t since;

    (void)state;
    assert_true(hears_text("/mute 1h"));
    since = mute.since;
    assert_true(hears_text("/mute 2 hours"));
    assert_int_equal(mute.until, since + 3600);
    clock_ahead += 100;
    assert_true(hears_text("/mute 2h"));
    assert_int_equal(mute.since, since);
    assert_in_range(mute.until, since + 7300, since + 7310);
    assert_true(hears_text("/mute 10m"));
    assert_in_range(mute.until, since + 700, since + 710);
}

static void test_unmute(void **state)
{
    (void)state;
    assert_true(hears_text("/unmute"));
    assert_int_equal(count_lines(VPS_INFO, ""), 0);
    assert_string_equal(setting("mute"), "");
    assert_true(hears_text("/mute 1h"));
    clock_ahead += 10;
    assert_true(hears_text("/unmute now"));
    assert_true(mute_is_over(&mute, wall_seconds()));
    assert_int_equal(count_lines(VPS_INFO, "Alerts are not muted any more"), 1);
    assert_true(hears_text("/unmute"));
    assert_int_equal(count_lines(VPS_INFO, "Alerts are not muted any more"), 1);
}

/* What the store did not take is not so. */
static void test_taking_back(void **state)
{
    const telegram_update_t begin_it = update_of("/mute 1h"), end_it = update_of("/unmute");

    (void)state;
    (void)bot_hear(bot, &begin_it, wall_seconds(), false);
    store_rollback(&store);
    bot_take_back(bot);
    assert_int_equal(mute.since, 0);
    (void)bot_hear(bot, &begin_it, wall_seconds(), false);
    keep_changes();
    clock_ahead += 10;
    (void)bot_hear(bot, &end_it, wall_seconds(), false);
    store_rollback(&store);
    bot_take_back(bot);
    assert_true(mute_is_on(&mute, wall_seconds()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_its_name, start),
        cmocka_unit_test_setup(test_a_question, start),
        cmocka_unit_test_setup(test_a_long_question, start),
        cmocka_unit_test_setup(test_whom_it_hears, start),
        cmocka_unit_test_setup(test_strangers, start),
        cmocka_unit_test_setup(test_many_strangers, start),
        cmocka_unit_test_setup(test_strangers_who_say_nothing, start),
        cmocka_unit_test_setup(test_what_it_does_not_hear, start),
        cmocka_unit_test_setup(test_old_ones, start),
        cmocka_unit_test_setup(test_wrong_clock, start),
        cmocka_unit_test_setup(test_talk, start),
        cmocka_unit_test_setup(test_too_much, start),
        cmocka_unit_test_setup(test_what_does_not_count, start),
        cmocka_unit_test_setup(test_mute, start),
        cmocka_unit_test_setup(test_mute_goes_on, start),
        cmocka_unit_test_setup(test_unmute, start),
        cmocka_unit_test_setup(test_taking_back, start),
    };

    return cmocka_run_group_tests_name("bot", tests, pool_start, pool_stop);
}
