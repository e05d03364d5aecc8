/* mod_vpnsentinel/accept.h: which media type a header likes how well. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "accept.h"

static void test_quality(void **state)
{
    static const struct {
        const char *header;
        int quality; /* of text/plain, version 0.0.4 */
    } cases[] = {
        {NULL, 1000},
        {"", 1000},
        {"  ", 1000},
        {"*/*", 1000},
        {"text/*", 1000},
        {"text/plain", 1000},
        {"TEXT/Plain;Version=0.0.4;Q=0.5", 500},
        {"text/html", 0},
        {"application/*", 0},
        {"*/*;q=0.1", 100},
        {" text/plain ; q=0.25 , text/html", 250},
        {"text/html,text/plain;q=0.75", 750},
        {"text/plain;q=0", 0},
        {"text/plain;q=0.000", 0},
        {"text/plain;q=1.000", 1000},
        {"text/plain;q=0.", 0},
        /* the most specific one counts, in whatever order */
        {"text/plain;q=0.2, */*", 200},
        {"*/*, text/plain;q=0.2", 200},
        {"text/*;q=0.3, */*;q=0.9", 300},
        {"text/plain;version=0.0.4;q=0.4, text/plain;q=0.9", 400},
        {"text/plain;q=0.9, text/plain;version=0.0.4;q=0.4", 400},
        {"text/plain;version=\"0.0.4\";q=0.4, text/plain;q=0.9", 400},
        {"text/plain;q=0.3, text/plain;q=0.6", 600},
        /* another version is another type */
        {"text/plain;version=1.0.0", 0},
        {"text/plain;version=1.0.0;q=0.8, */*;q=0.1", 100},
        {"text/plain;version=0.0.40", 0},
        /* other parameters do not matter */
        {"text/plain;charset=utf-8;q=0.5", 500},
        {"text/plain;escaping=allow-utf-8;version=0.0.4;q=0.5", 500},
        {"text/plain;x=\"a,b;q=0.1\";q=0.5", 500},
        {"text/plain;x=\"\\\"\";q=0.5", 500},
        /* what is malformed is left out */
        {"text/plain;q=2", 0},
        {"text/plain;q=1.1", 0},
        {"text/plain;q=0.1234", 0},
        {"text/plain;q=-1", 0},
        {"text/plain;q=", 0},
        {"text/plain;q=x, */*;q=0.5", 500},
        {",;=,,\"", 0},
        {"text/plain;\"", 1000},
        {"text/plai", 0},
        {"text/plain2", 0},
        {"text*", 0},
        {"*", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const int quality = accept_quality(cases[i].header, "text/plain", "0.0.4");

        if (quality != cases[i].quality) {
            fail_msg("'%s': %d", cases[i].header, quality);
        }
    }
}

/*
 * Whatever it is: no more than its bytes are read (the sanitizers look), and the result is in
 * bounds.
 */
static void test_any_bytes(void **state)
{
    static const char bytes[] = "\",;=\\ */tq0.1text/plain";

    (void)state;
    srand(7);
    for (int i = 0; i < 20000; i++) {
        const size_t len = (size_t)rand() % 40;
        char *header = malloc(len + 1);

        assert_non_null(header);
        for (size_t at = 0; at < len; at++) {
            header[at] = bytes[(size_t)rand() % (sizeof bytes - 1)];
        }
        header[len] = '\0';
        assert_in_range(accept_quality(header, "text/plain", "0.0.4"), 0, 1000);
        free(header);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quality),
        cmocka_unit_test(test_any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
