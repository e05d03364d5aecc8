/* client/config_file.h: lines, quotes, limits, and faults that do not repeat a value. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config_file.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static config_file_t file;
static char fault[200];
static char path[32]; /* of the file that was read last */

/* Read len bytes of text through a file that lives in memory only. */
static bool read_bytes(const char *text, size_t len)
{
    const int fd = memfd_create("client.conf", MFD_CLOEXEC);
    bool good;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    memset(&file, 'x', sizeof(file));
    (void)snprintf(fault, sizeof(fault), "untouched");
    good = config_file_read(&file, path, true, fault, sizeof(fault));
    close(fd);
    return good;
}

static bool read_lines(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void test_trim(void **state)
{
    static const struct {
        const char *text, *trimmed;
    } cases[] = {
        {"", ""},           {" ", ""},   {" \t\r\n\f\v", ""},  {"a", "a"},
        {" a", "a"},        {"a ", "a"}, {"\t a b \r", "a b"}, {"\xc2\xa0", "\xc2\xa0"},
        {"\v\fa\n\n", "a"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[32];

        (void)snprintf(text, sizeof(text), "%s", cases[i].text);
        assert_string_equal(config_file_trim(text), cases[i].trimmed);
    }
}

/* What a line gives the name KEY; NULL = none or empty. */
static void test_values(void **state)
{
    static const struct {
        const char *line, *value;
    } cases[] = {
        {"KEY=value", "value"},
        {"KEY=value\n", "value"},
        {"KEY=value\r\n", "value"},
        {"\n\n  \t KEY \t = \t value \t \n", "value"},
        {"KEY=two words", "two words"},
        {"KEY=a=b==", "a=b=="},
        {"KEY=\"value\"", "value"},
        {"KEY='value'", "value"},
        {"KEY= \" value \" ", " value "},
        {"KEY=\"it's\"", "it's"},
        {"KEY='\"'", "\""},
        {"KEY=\"\"value\"\"", "\"value\""},
        {"KEY=it's", "it's"},
        {"KEY=value\"", "value\""},
        {"KEY=value # no comment", "value # no comment"},
        {"KEY=#value", "#value"},
        {"KEY=$HOME\\n", "$HOME\\n"},
        {"KEY=São Paulo", "São Paulo"},
        {"KEY=", NULL},
        {"KEY=  ", NULL},
        {"KEY=\"\"", NULL},
        {"KEY=''", NULL},
        {"#KEY=value", NULL},
        {"  # KEY=value", NULL},
        {"#", NULL},
        {"", NULL},
        {"\n", NULL},
        {"KEY2=value\nKE=value\n_KEY=value", NULL},
        {"KEY=first\nKEY=last", "last"},
        {"KEY=first\nKEY=", NULL},
        {"KEY=\nOTHER=x\nKEY=last\n", "last"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_true(read_lines(cases[i].line));
        assert_string_equal(fault, "untouched");
        if (cases[i].value == NULL) {
            assert_null(config_file_get(&file, "KEY"));
        } else {
            assert_non_null(config_file_get(&file, "KEY"));
            assert_string_equal(config_file_get(&file, "KEY"), cases[i].value);
        }
    }
}

static void test_settings_in_order(void **state)
{
    static const struct {
        const char *name, *value;
        unsigned line;
    } expected[] = {{"A", "1", 2}, {"B_2", "", 3}, {"A", "3", 6}};

    (void)state;
    assert_true(read_lines("# a comment\nA=1\nB_2=\n\n  # another\nA='3'\n"));
    assert_int_equal(file.count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_string_equal(file.settings[i].name, expected[i].name);
        assert_string_equal(file.settings[i].value, expected[i].value);
        assert_int_equal(file.settings[i].line, expected[i].line);
    }
}

/* Lines that are refused; "s3cret" stands for what no sentence may repeat. */
static void test_bad_lines(void **state)
{
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"s3cret", "not NAME=value"},
        {"KEY: s3cret", "not NAME=value"},
        {"=s3cret", "not NAME=value with a name"},
        {"key=s3cret", "not NAME=value with a name"},
        {"Key=s3cret", "not NAME=value with a name"},
        {"KE-Y=s3cret", "not NAME=value with a name"},
        {"KE Y=s3cret", "not NAME=value with a name"},
        {"export KEY=s3cret", "not NAME=value with a name"},
        {"\"KEY\"=s3cret", "not NAME=value with a name"},
        {"s3cret=KEY", "not NAME=value with a name"},
        {"\xef\xbb\xbfKEY=s3cret", "not NAME=value with a name"},
        {"KEY=\"s3cret", "closing quote"},
        {"KEY='s3cret", "closing quote"},
        {"KEY=\"s3cret'", "closing quote"},
        {"KEY=\"s3cret\" # comment", "closing quote"},
        {"KEY=\"", "closing quote"},
        {"KEY='", "closing quote"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[100], place[60];

        (void)snprintf(text, sizeof(text), "# first\n\n%s\nOTHER=s3cret\n", cases[i].line);
        assert_false(read_lines(text));
        (void)snprintf(place, sizeof(place), "%s, line 3: ", path);
        assert_ptr_equal(strstr(fault, place), fault);
        assert_non_null(strstr(fault, cases[i].why));
        assert_null(strstr(fault, "s3cret"));
    }
}

static void test_longest_file(void **state)
{
    char text[CONFIG_FILE_MAX + 1];

    (void)state;
    memset(text, '#', sizeof(text));
    memcpy(text + CONFIG_FILE_MAX - 6, "\nKEY=v", 6);
    assert_true(read_bytes(text, CONFIG_FILE_MAX));
    assert_string_equal(config_file_get(&file, "KEY"), "v");
    text[CONFIG_FILE_MAX] = '\n';
    assert_false(read_bytes(text, CONFIG_FILE_MAX + 1));
    assert_non_null(strstr(fault, path));
    assert_non_null(strstr(fault, "longer than 16 KiB"));
}

static void test_nul_is_no_text(void **state)
{
    (void)state;
    assert_false(read_bytes("KEY=value\0", 10));
    assert_non_null(strstr(fault, "no text"));
    assert_false(read_bytes("\0KEY=value\n", 11));
    assert_true(read_bytes("KEY=value\0", 9));
}

static void test_most_settings(void **state)
{
    char text[CONFIG_FILE_MAX];
    size_t len = 0;

    (void)state;
    for (unsigned i = 0; i < CONFIG_FILE_SETTINGS; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "KEY_%u=%u\n\n# %u\n", i, i, i);
    }
    assert_true(read_lines(text));
    assert_int_equal(file.count, CONFIG_FILE_SETTINGS);
    assert_string_equal(config_file_get(&file, "KEY_0"), "0");
    assert_string_equal(config_file_get(&file, "KEY_63"), "63");
    (void)snprintf(text + len, sizeof(text) - len, "KEY_64=64\n");
    assert_false(read_lines(text));
    assert_non_null(strstr(fault, "line 193: too many settings"));
}

static void test_missing_file(void **state)
{
    static const char missing[] = "no-such-folder/client.conf";

    (void)state;
    memset(&file, 'x', sizeof(file));
    assert_true(config_file_read(&file, missing, false, fault, sizeof(fault)));
    assert_int_equal(file.count, 0);
    assert_null(config_file_get(&file, "KEY"));
    assert_false(config_file_read(&file, missing, true, fault, sizeof(fault)));
    assert_ptr_equal(strstr(fault, missing), fault);
    assert_non_null(strstr(fault, "No such file"));
}

/* A file that is there but cannot be read is a fault, needed or not. */
static void test_unreadable_file(void **state)
{
    (void)state;
    assert_false(config_file_read(&file, "/", false, fault, sizeof(fault)));
    assert_string_equal(fault, "/ cannot be read: Is a directory");
}

static void test_short_room_for_the_fault(void **state)
{
    char small[12];

    (void)state;
    memset(small, 'x', sizeof(small));
    assert_false(config_file_read(&file, "/", true, small, 8));
    assert_memory_equal(small, "/ canno\0xxxx", sizeof(small));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_settings_in_order),
        cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_longest_file),
        cmocka_unit_test(test_nul_is_no_text),
        cmocka_unit_test(test_most_settings),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_unreadable_file),
        cmocka_unit_test(test_short_room_for_the_fault),
    };

    return cmocka_run_group_tests_name("config_file", tests, NULL, NULL);
}
