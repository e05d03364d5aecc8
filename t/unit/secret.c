/* mod_vpnsentinel/secret.h: a secret does not stay in a text, whatever its form. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "secret.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define SECRET "123456:AA-bb_cc"

static const struct {
    const char *text, *secret, *masked;
} cases[] = {
    {"", SECRET, ""},
    {"nothing here", SECRET, "nothing here"},
    {SECRET, SECRET, "***"},
    {"/bot" SECRET "/sendMessage", SECRET, "/bot***/sendMessage"},
    {SECRET SECRET " " SECRET, SECRET, "****** ***"},
    {"123456%3AAA-bb_cc", SECRET, "***"},
    {"123456%3aAA%2Dbb%5fcc!", SECRET, "***!"},
    {"%31%32%33%34%35%36%3A%41%41%2d%62%62%5F%63%63", SECRET, "***"},
    {"123123456:AA-bb_cc", SECRET, "123***"},
    {"123456:aa-bb_cc", SECRET, "123456:aa-bb_cc"},
    {"123456:AA-bb_c", SECRET, "***"},
    {"bot123456:A", SECRET, "bot***"},
    {"HTTP 123456", SECRET, "HTTP 123456"},
    {"123456:AA-bb_c d", SECRET, "123456:AA-bb_c d"},
    {"123456:AA-b%", SECRET, "123456:AA-b%"},
    {"a%2Fb/c", "/", "a***b*c"},
    {"text", "", "text"},
    {"text", NULL, "text"},
    {"ab", "ab", "**"},
};

static void test_mask(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        /* Exactly as large as the text, so that a sanitizer sees what goes beyond it. */
        char *text = strdup(cases[i].text);

        assert_non_null(text);
        assert_ptr_equal(secret_mask(text, cases[i].secret), text);
        assert_string_equal(text, cases[i].masked);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mask),
    };

    return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
