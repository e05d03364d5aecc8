/* ctl/split.h: a list that comes in pieces, of any size, and all that is no such list. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "split.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static char taken[256]; /* the elements, each with a space behind it */
static const char *objection;

static const char *take(void *user, json_object *element)
{
    const size_t used = strlen(taken);

    (void)user;
    (void)snprintf(taken + used, sizeof(taken) - used, "%s ",
                   json_object_to_json_string_ext(element, JSON_C_TO_STRING_PLAIN));
    return objection;
}

/* Read a text in pieces of so many bytes. Returns the fault, NULL when it is a whole list. */
static const char *read_list(const char *text, size_t len, size_t piece)
{
    split_t split;
    bool whole;

    taken[0] = '\0';
    assert_true(split_begin(&split, "list", take, NULL));
    for (size_t at = 0; at < len; at += piece) {
        const size_t n = len - at < piece ? len - at : piece;
        char *copy = malloc(n); /* so that a sanitizer sees what is read behind it */

        assert_non_null(copy);
        memcpy(copy, text + at, n);
        (void)split_feed(&split, copy, n);
        free(copy);
    }
    whole = split_end(&split);
    assert_int_equal(whole, split.fault == NULL);
    return split.fault;
}

static const char *read_text(const char *text)
{
    const char *fault = read_list(text, strlen(text), strlen(text) + 1);

    for (size_t piece = 1; piece < 4; piece++) {
        const char *same = read_list(text, strlen(text), piece);

        assert_true(fault == NULL ? same == NULL : same != NULL && strcmp(same, fault) == 0);
    }
    return fault;
}

static void test_lists(void **state)
{
    static const struct {
        const char *text, *taken;
    } cases[] = {
        {"{\"list\":[],\"count\":0}", ""},
        {"{\"list\":[{\"a\":1}],\"count\":1}", "{\"a\":1} "},
        {"{\"list\":[{\"a\":1},{}],\"count\":2}", "{\"a\":1} {} "},
        {" {\n\"list\" : [ { \"a\" : [ 1 , {} ] } , {} ] , \"count\" : 2 }\r\n\t",
         "{\"a\":[1,{}]} {} "},
        {"{\"count\":1,\"list\":[{}]}", "{} "},
        {"{\"list\":[{}],\"count\":1,\"more\":\"[{]}\\\"\"}", "{} "},
        {"{\"list\":[{\"a\":\"}]{[\\\\\\\"\"}],\"count\":1}", "{\"a\":\"}]{[\\\\\\\"\"} "},
    };

    (void)state;
    objection = NULL;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_null(read_text(cases[i].text));
        assert_string_equal(taken, cases[i].taken);
    }
}

static void test_faults(void **state)
{
    static const char *const other = "it is not the list that was asked for";
    static const char *const cut = "the list is not whole";
    static const char *const invalid = "the list is no valid JSON";
    static const char *const entry = "an entry of the list is no valid JSON";
    const struct {
        const char *text, *fault;
    } cases[] = {
        {"", cut},
        {" ", cut},
        {"{", cut},
        {"{}", other},
        {"[]", other},
        {"<html>", other},
        {"null", other},
        {"{\"list\":[{}],\"count\":1", cut},
        {"{\"list\":[{}]", cut},
        {"{\"list\":[{}", cut},
        {"{\"list\":[{}],\"count\":2}", cut},
        {"{\"list\":[{}],\"count\":0}", cut},
        {"{\"list\":[{}]}", other},
        {"{\"list\":[{}],\"count\":\"1\"}", other},
        {"{\"list\":[{}],\"count\":null}", other},
        {"{\"other\":[{}],\"count\":1}", other},
        {"{\"list\":null,\"count\":0}", other},
        {"{\"list\":{},\"count\":0}", other},
        {"{\"list\":[],\"list\":[],\"count\":0}", other},
        {"{\"list\":[],\"count\":0}x", other},
        {"{\"list\":[],\"count\":0}{\"list\":[],\"count\":0}", other},
        {"{\"list\":[],\"count\":NaN}", other},
        {"{\"list\":[],,\"count\":0}", other},
        {"{\"list\":[1],\"count\":1}", invalid},
        {"{\"list\":[[]],\"count\":1}", invalid},
        {"{\"list\":[\"a\"],\"count\":1}", invalid},
        {"{\"list\":[,{}],\"count\":1}", invalid},
        {"{\"list\":[{},],\"count\":1}", invalid},
        {"{\"list\":[{},,{}],\"count\":2}", invalid},
        {"{\"list\":[{}{}],\"count\":2}", invalid},
        {"{\"list\":[{}},\"count\":1}", invalid},
        {"{\"list\":[{]],\"count\":1}", entry},
        {"{\"list\":[{\"a\"}],\"count\":1}", entry},
        {"{\"list\":[{\"a\":\"\x01\"}],\"count\":1}", entry},
        {"{\"list\":[{\"a\":\"\xff\"}],\"count\":1}", entry},
        {"{\"list\":[{\"a\":[[[[[[[[[[1]]]]]]]]]]}],\"count\":1}", entry},
        {"{\"\xff\":1,\"list\":[],\"count\":0}", other},
    };

    (void)state;
    objection = NULL;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *fault = read_text(cases[i].text);

        assert_non_null(fault);
        assert_string_equal(fault, cases[i].fault);
    }
}

static void test_objection(void **state)
{
    (void)state;
    objection = "no";
    assert_string_equal(read_text("{\"list\":[{},{}],\"count\":2}"), "no");
    assert_string_equal(taken, "{} ");
}

/* Read head, so many times a byte, and no more. */
static const char *read_endless(const char *head, char byte, size_t times)
{
    const size_t len = strlen(head);
    char *text = malloc(len + times);
    const char *fault;

    assert_non_null(text);
    memcpy(text, head, len);
    memset(text + len, byte, times);
    fault = read_list(text, len + times, 4096);
    free(text);
    return fault;
}

/* What never ends is given up. */
static void test_limits(void **state)
{
    static const char *const too_long = "an entry of the list is too long";

    (void)state;
    objection = NULL;
    assert_string_equal(read_endless("{\"list\":[{\"a\":\"", 'x', 2 * SPLIT_ELEMENT_MAX), too_long);
    assert_string_equal(read_endless("{\"list\":[", '{', 2 * SPLIT_ELEMENT_MAX), too_long);
    assert_string_equal(read_endless("{\"", 'x', 2 * SPLIT_FRAME_MAX),
                        "it is not the list that was asked for");
    assert_string_equal(read_endless("{\"list\":[", ' ', 2 * SPLIT_ELEMENT_MAX),
                        "the list is not whole");
}

static const char *count_only(void *user, json_object *element)
{
    (void)user;
    (void)element;
    return NULL;
}

static void test_count_limit(void **state)
{
    split_t split;

    (void)state;
    assert_true(split_begin(&split, "list", count_only, NULL));
    assert_true(split_feed(&split, "{\"list\":[{}", 11));
    split.count = SPLIT_COUNT_MAX - 1;
    assert_true(split_feed(&split, ",{}", 3));
    assert_false(split_feed(&split, ",{}", 3));
    assert_string_equal(split.fault, "the list is too long");
    assert_false(split_end(&split));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),       cmocka_unit_test(test_faults),
        cmocka_unit_test(test_objection),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_count_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
