/*
 * mod_vpnsentinel/chat.h: which chat it is, where it moved to, and that the store remembers it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "chat.h"
#include "store_folder.h"

#define GROUP "-123456"
#define SUPERGROUP INT64_C(-1009876543210)

static store_t *store;
static chat_t chat;

static int start(void **state)
{
    if (folder_start(state) != 0) {
        return -1;
    }
    store = store_open(folder, pool);
    return store != NULL ? 0 : -1;
}

static int stop(void **state)
{
    store_close(store);
    return folder_stop(state);
}

static const char *recalled(const char *configured)
{
    memset(&chat, 'x', sizeof(chat));
    chat_recall(&chat, configured, store);
    return chat_address(&chat);
}

static void test_where_it_is(void **state)
{
    static const char *const configured[] = {GROUP, "42", "@alerts"};

    (void)state;
    for (size_t i = 0; i < COUNT(configured); i++) {
        assert_string_equal(recalled(configured[i]), configured[i]);
    }
}

/* It survives the process, and is that chat's alone. */
static void test_it_moves(void **state)
{
    (void)state;
    chat_recall(&chat, GROUP, store);
    chat_move(&chat, SUPERGROUP, store);
    assert_string_equal(chat_address(&chat), "-1009876543210");
    assert_string_equal(chat.configured, GROUP);
    assert_durable(store);
    store_close(store);
    store = open_store();
    assert_string_equal(recalled(GROUP), "-1009876543210");
    assert_string_equal(recalled("-12345"), "-12345");
    assert_string_equal(recalled("@alerts"), "@alerts");
    assert_string_equal(recalled("-1009876543210"), "-1009876543210");
    chat_recall(&chat, "@alerts", store);
    chat_move(&chat, INT64_MIN, store);
    assert_durable(store);
    assert_string_equal(recalled("@alerts"), "-9223372036854775808");
    assert_string_equal(recalled(GROUP), "-1009876543210");
}

/* A group moves to a number below 0 and to nothing else. */
static void test_whatever_the_setting_says(void **state)
{
    static const char *const nonsense[] = {"",
                                           " ",
                                           "-",
                                           "0",
                                           "-0",
                                           "-05",
                                           "42",
                                           "+42",
                                           "@somebody",
                                           " -100",
                                           "-100 ",
                                           "-100x",
                                           "--100",
                                           "-9223372036854775809",
                                           "-100,\"text\":\"x",
                                           "-11111111111111111111111111111111111"};

    (void)state;
    for (size_t i = 0; i < COUNT(nonsense); i++) {
        store_put_setting(store, "telegram_chat " GROUP, nonsense[i]);
        assert_durable(store);
        assert_string_equal(recalled(GROUP), GROUP);
        assert_string_equal(chat.moved, "");
    }
}

static void test_is_it_the_chat(void **state)
{
    static const struct {
        const char *configured, *moved;
        int64_t id;
        const char *name;
        bool is_it;
    } cases[] = {
        {GROUP, "", -123456, "", true},
        {GROUP, "", 123456, "", false},
        {GROUP, "", -12345, "", false},
        {GROUP, "", -1234567, "", false},
        {GROUP, "", 5, "-123456", false},
        {GROUP, "", 5, "123456", false},
        {GROUP, "-1001", -1001, "", true},
        {GROUP, "-1001", -123456, "", true}, /* who writes there still is one of us */
        {GROUP, "-1001", -1002, "", false},
        {"42", "", 42, "somebody", true},
        {"@Alerts", "", -1001, "alerts", true},
        {"@alerts", "", -1001, "ALERTS", true},
        {"@alerts", "", -1001, "alerts2", false},
        {"@alerts", "", -1001, "alert", false},
        {"@alerts", "", -1001, "", false},
        {"@alerts", "", -1001, "@alerts", false},
        {"@alerts", "-1002", -1002, "", true},
        {"@alerts", "-1002", -1003, "alerts", true},
        {"-9223372036854775808", "", INT64_MIN, "", true},
        {"9223372036854775807", "", INT64_MAX, "", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        chat.configured = cases[i].configured;
        strcpy(chat.moved, cases[i].moved);
        assert_int_equal(chat_is(&chat, cases[i].id, cases[i].name), cases[i].is_it);
    }
}

static void test_disk_fails_and_recovers(void **state)
{
    (void)state;
    chat_recall(&chat, GROUP, store);
    chat_move(&chat, SUPERGROUP, store);
    assert_durable(store);
    assert_int_equal(remove(path_of(FILE_NAME)), 0);
    chat_move(&chat, SUPERGROUP - 1, store);
    assert_int_equal(commit(store), STORE_FAILED);
    assert_string_equal(recalled(GROUP), "-1009876543210");
    chat_move(&chat, SUPERGROUP - 2, store);
    assert_int_equal(commit(store), STORE_VOLATILE);
    assert_true(tend(store));
    assert_string_equal(recalled(GROUP), "-1009876543212");
    store_close(store);
    store = open_store();
    assert_string_equal(recalled(GROUP), "-1009876543212");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_where_it_is, start, stop),
        cmocka_unit_test_setup_teardown(test_it_moves, start, stop),
        cmocka_unit_test_setup_teardown(test_whatever_the_setting_says, start, stop),
        cmocka_unit_test(test_is_it_the_chat),
        cmocka_unit_test_setup_teardown(test_disk_fails_and_recovers, start, stop),
    };

    return cmocka_run_group_tests_name("chat", tests, NULL, NULL);
}
