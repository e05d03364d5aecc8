/* mod_vpnsentinel/keyring.h: what can be a key, and that only a key itself matches. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "apr_sha1.h"
#include "keyring.h"
#include "pool.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static apr_array_header_t *keyring_of(const char *const keys[], size_t count)
{
    apr_array_header_t *list = apr_array_make(pool, 1, sizeof(const char *));
    apr_array_header_t *keyring;

    for (size_t i = 0; i < count; i++) {
        APR_ARRAY_PUSH(list, const char *) = keys[i];
    }
    keyring = keyring_create(list, pool);
    assert_non_null(keyring);
    return keyring;
}

/* --- what can be a key --- */

static void test_check_every_character(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        const char alone[] = {(char)c, '\0'};
        const char inside[] = {'a', (char)c, 'b', '\0'};
        const char last[] = {'a', 'b', (char)c, '\0'};
        const bool good = c >= 0x21 && c <= 0x7E;

        assert_int_equal(keyring_check(alone) == NULL, good);
        assert_int_equal(keyring_check(inside) == NULL, good);
        assert_int_equal(keyring_check(last) == NULL, good);
    }
}

static void test_check_length(void **state)
{
    char key[KEYRING_KEY_MAX + 2];

    (void)state;
    for (size_t len = 0; len < sizeof(key); len++) {
        memset(key, 'k', len);
        key[len] = '\0';
        assert_int_equal(keyring_check(key) == NULL, len >= 1 && len <= KEYRING_KEY_MAX);
    }
}

/* The sentence is for a log: it must not hold the key. */
static void test_check_does_not_repeat_the_key(void **state)
{
    (void)state;
    assert_non_null(keyring_check("s3cret \xff"));
    assert_null(strstr(keyring_check("s3cret \xff"), "s3cret"));
}

/* --- matching --- */

static void test_each_key_matches(void **state)
{
    static const char *const keys[] = {"first-key", "Second+Key/2=", "~", "first-key-2"};

    (void)state;
    for (size_t count = 0; count <= COUNT(keys); count++) {
        const apr_array_header_t *keyring = keyring_of(keys, count);

        for (size_t i = 0; i < COUNT(keys); i++) {
            assert_int_equal(keyring_matches(keyring, keys[i]), i < count);
        }
        assert_false(keyring_matches(keyring, ""));
    }
}

static void test_longest_key(void **state)
{
    char key[KEYRING_KEY_MAX + 1];
    const char *const keys[] = {key};
    const apr_array_header_t *keyring;

    (void)state;
    memset(key, 'k', KEYRING_KEY_MAX);
    key[KEYRING_KEY_MAX] = '\0';
    keyring = keyring_of(keys, 1);
    assert_true(keyring_matches(keyring, key));
    key[KEYRING_KEY_MAX - 1] = 'K';
    assert_false(keyring_matches(keyring, key));
}

static void test_near_misses(void **state)
{
    static const char *const keys[] = {"s3cret-Key", "another"};
    static const char *const candidates[] = {
        "",
        " ",
        "s",
        "s3cret-Ke",
        "3cret-Key",
        "s3cret-Keyy",
        "ss3cret-Key",
        "s3cret-key",
        "S3CRET-KEY",
        "s3cret-Key ",
        " s3cret-Key",
        "s3cret-Key\n",
        "\"s3cret-Key\"",
        "s3cret-Key,another",
        "s3cret-Keyanother",
        "anothe",
        "anothers3cret-Key",
        "*",
    };
    const apr_array_header_t *keyring = keyring_of(keys, COUNT(keys));

    (void)state;
    for (size_t i = 0; i < COUNT(candidates); i++) {
        assert_false(keyring_matches(keyring, candidates[i]));
    }
}

/* Every bit of a key counts. */
static void test_each_bit_counts(void **state)
{
    static const char *const keys[] = {"s3cret-Key"};
    const apr_array_header_t *keyring = keyring_of(keys, 1);

    (void)state;
    for (size_t bit = 0; bit < 8 * strlen(keys[0]); bit++) {
        char candidate[] = "s3cret-Key";

        candidate[bit / 8] = (char)(candidate[bit / 8] ^ 1 << bit % 8);
        assert_false(keyring_matches(keyring, candidate));
    }
}

/* Virtual hosts have keys of their own; the later keyring must leave the earlier one working. */
static void test_keyrings_are_apart(void **state)
{
    static const char *const keys[] = {"key-one", "key-two"};
    const apr_array_header_t *one = keyring_of(&keys[0], 1);
    const apr_array_header_t *two = keyring_of(&keys[1], 1);

    (void)state;
    assert_true(keyring_matches(one, "key-one"));
    assert_false(keyring_matches(one, "key-two"));
    assert_true(keyring_matches(two, "key-two"));
    assert_false(keyring_matches(two, "key-one"));
}

/* A digest that anyone could compute would tell a guessed key. */
static void test_digests_are_salted(void **state)
{
    static const char *const keys[] = {"s3cret-Key"};
    const apr_array_header_t *keyring = keyring_of(keys, 1);
    unsigned char plain[APR_SHA1_DIGESTSIZE];
    apr_sha1_ctx_t context;

    (void)state;
    apr_sha1_init(&context);
    apr_sha1_update_binary(&context, (const unsigned char *)keys[0], (unsigned int)strlen(keys[0]));
    apr_sha1_final(plain, &context);
    assert_int_equal(keyring->elt_size, sizeof(plain));
    assert_memory_not_equal(keyring->elts, plain, sizeof(plain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_every_character),
        cmocka_unit_test(test_check_length),
        cmocka_unit_test(test_check_does_not_repeat_the_key),
        cmocka_unit_test(test_each_key_matches),
        cmocka_unit_test(test_longest_key),
        cmocka_unit_test(test_near_misses),
        cmocka_unit_test(test_each_bit_counts),
        cmocka_unit_test(test_keyrings_are_apart),
        cmocka_unit_test(test_digests_are_salted),
    };

    return cmocka_run_group_tests_name("keyring", tests, pool_start, pool_stop);
}
