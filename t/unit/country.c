#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "country.h"

/* A text and the country it names, "" = none. */
typedef struct sample_t {
    const char *text;
    const char *code;
} sample_t;

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_country(const char *text, const char *code)
{
    char found[3] = "??";
    bool known = vps_country_code(found, text);

    if (strcmp(found, code) != 0) {
        fail_msg("\"%s\" is \"%s\" instead of \"%s\"", text, found, code);
    }
    assert_int_equal(known, code[0] != '\0');
}

static void assert_countries(const sample_t *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_country(samples[i].text, samples[i].code);
    }
}

/* A name as it is, in capital letters, in small letters and with "The " before. */
static void assert_name(const char *name, const char *code)
{
    char upper[128];
    char lower[128];
    char with_the[128];

    snprintf(upper, sizeof(upper), "%s", name);
    snprintf(lower, sizeof(lower), "%s", name);
    snprintf(with_the, sizeof(with_the), "The %s", name);
    for (size_t i = 0; upper[i] != '\0'; i++) {
        upper[i] = (char)toupper((unsigned char)upper[i]);
        lower[i] = (char)tolower((unsigned char)lower[i]);
    }
    assert_country(name, code);
    assert_country(upper, code);
    assert_country(lower, code);
    if (strncasecmp(name, "the ", 4) != 0) {
        assert_country(with_the, code);
    }
}

static void test_iso_3166(void **state)
{
    static const char *const members[] = {"alpha_2", "alpha_3", "name", "official_name",
                                          "common_name"};
    json_object *file = json_object_from_file(ISO_3166);
    json_object *entries;

    (void)state;
    if (file == NULL) {
        /* not skip(): cmocka 1.1.5 reports that as "not ok" */
        print_message("# skipped: %s cannot be read\n", ISO_3166);
        return;
    }
    entries = json_object_object_get(file, "3166-1");
    assert_true(json_object_array_length(entries) > 200);
    for (size_t i = 0; i < json_object_array_length(entries); i++) {
        json_object *entry = json_object_array_get_idx(entries, i);
        const char *code = json_object_get_string(json_object_object_get(entry, "alpha_2"));

        for (size_t j = 0; j < COUNT(members); j++) {
            json_object *name = json_object_object_get(entry, members[j]);

            if (name != NULL) {
                assert_name(json_object_get_string(name), code);
            }
        }
    }
    json_object_put(file);
}

/* In either case a pair of letters is the same code or none; only UK means another. */
static void test_two_letters(void **state)
{
    size_t known = 0;

    (void)state;
    for (char first = 'A'; first <= 'Z'; first++) {
        for (char second = 'A'; second <= 'Z'; second++) {
            char text[3] = {first, second, '\0'};
            char small[3] = {(char)tolower(first), (char)tolower(second), '\0'};
            char found[3];

            if (vps_country_code(found, text)) {
                known++;
                assert_string_equal(found, strcmp(text, "UK") == 0 ? "GB" : text);
            }
            assert_country(small, found);
        }
    }
    assert_in_range(known, 251, 260); /* 249 in 2023, UK and XK, perhaps new ones */
}

/* Spellings that providers and people use. */
static const sample_t variants[] = {
    {"UK", "GB"},
    {"u.k.", "GB"},
    {"England", "GB"},
    {"Scotland", "GB"},
    {"Wales", "GB"},
    {"Northern Ireland", "GB"},
    {"Great Britain", "GB"},
    {"USA", "US"},
    {"U.S.A.", "US"},
    {"U.S.", "US"},
    {"US of A", "US"},
    {"United States", "US"},
    {"The United States of America", "US"},
    {"Holland", "NL"},
    {"The Netherlands", "NL"},
    {"Netherlands, The", "NL"},
    {"Russia", "RU"},
    {"South Korea", "KR"},
    {"Republic of Korea", "KR"},
    {"Korea (Republic of)", "KR"},
    {"North Korea", "KP"},
    {"Democratic People\xe2\x80\x99s Republic of Korea", "KP"},
    {"Vietnam", "VN"},
    {"Viet Nam", "VN"},
    {"Laos", "LA"},
    {"Lao PDR", "LA"},
    {"Syria", "SY"},
    {"Iran", "IR"},
    {"Islamic Republic of Iran", "IR"},
    {"Moldova", "MD"},
    {"Republic of Moldova", "MD"},
    {"Tanzania", "TZ"},
    {"Venezuela", "VE"},
    {"Bolivia", "BO"},
    {"Czech Republic", "CZ"},
    {"Czechia", "CZ"},
    {"Turkey", "TR"},
    {"Turkiye", "TR"},
    {"Türkiye", "TR"},
    {"TÜRKİYE", "TR"},
    {"Ivory Coast", "CI"},
    {"Cote d'Ivoire", "CI"},
    {"CÔTE D’IVOIRE", "CI"},
    {"Co\xcc\x82te d'Ivoire", "CI"},
    {"Cape Verde", "CV"},
    {"Swaziland", "SZ"},
    {"Macedonia", "MK"},
    {"Burma", "MM"},
    {"Myanmar (Burma)", "MM"},
    {"UAE", "AE"},
    {"Brunei", "BN"},
    {"Macau", "MO"},
    {"Macao SAR China", "MO"},
    {"Palestine", "PS"},
    {"Palestinian Territories", "PS"},
    {"Vatican", "VA"},
    {"Vatican City", "VA"},
    {"Holy See", "VA"},
    {"Kosovo", "XK"},
    {"XK", "XK"},
    {"xkx", "XK"},
    {"East Timor", "TL"},
    {"St. Kitts & Nevis", "KN"},
    {"St Lucia", "LC"},
    {"Saint Lucia", "LC"},
    {"St. Vincent and the Grenadines", "VC"},
    {"St. Pierre & Miquelon", "PM"},
    {"St. Barthélemy", "BL"},
    {"Saint Barthelemy", "BL"},
    {"St. Helena", "SH"},
    {"Hong Kong SAR", "HK"},
    {"Hong Kong S.A.R.", "HK"},
    {"Taiwan", "TW"},
    {"Micronesia", "FM"},
    {"Falkland Islands", "FK"},
    {"British Virgin Islands", "VG"},
    {"US Virgin Islands", "VI"},
    {"U.S. Virgin Islands", "VI"},
    {"Reunion", "RE"},
    {"Réunion", "RE"},
    {"Curacao", "CW"},
    {"Curaçao", "CW"},
    {"Aland Islands", "AX"},
    {"ÅLAND", "AX"},
    {"São Tomé and Príncipe", "ST"},
    {"Bosnia & Herzegovina", "BA"},
    {"Bosnia-Herzegovina", "BA"},
    {"Bosnia and Herzegovina", "BA"},
    {"Trinidad & Tobago", "TT"},
    {"Gambia, The", "GM"},
    {"Românıa", "RO"},
    {"  romania  ", "RO"},
    {" ro", "RO"},
    {"ROU", "RO"},
};

static void test_variants(void **state)
{
    (void)state;
    assert_countries(variants, COUNT(variants));
}

static void test_similar_names(void **state)
{
    static const sample_t samples[] = {
        {"Guinea", "GN"},
        {"Guinea-Bissau", "GW"},
        {"Guinea‐Bissau", "GW"}, /* U+2010 */
        {"Guinea – Bissau", "GW"},
        {"Equatorial Guinea", "GQ"},
        {"Papua New Guinea", "PG"},
        {"Niger", "NE"},
        {"The Niger", "NE"},
        {"Nigeria", "NG"},
        {"Congo", "CG"},
        {"Republic of the Congo", "CG"},
        {"Congo, Republic of the", "CG"},
        {"Congo-Brazzaville", "CG"},
        {"DR Congo", "CD"},
        {"Congo (Democratic Republic of the)", "CD"},
        {"The Democratic Republic of the Congo", "CD"},
        {"Congo - Kinshasa", "CD"},
        {"Dominica", "DM"},
        {"Dominican Republic", "DO"},
        {"Samoa", "WS"},
        {"American Samoa", "AS"},
        {"Sudan", "SD"},
        {"South Sudan", "SS"},
        {"Ireland", "IE"},
        {"Saint Martin", "MF"},
        {"St. Martin", "MF"},
        {"Sint Maarten", "SX"},
        {"St. Maarten", "SX"},
        {"Austria", "AT"},
        {"Australia", "AU"},
    };

    (void)state;
    assert_countries(samples, COUNT(samples));
}

#define TEN "          "

static void test_unknown(void **state)
{
    static const sample_t samples[] = {
        {"", ""},
        {" ", ""},
        {"the ", ""},
        {"R", ""},
        {"&", ""},
        {"XX", ""},
        {"xx", ""},
        {"T1", ""},
        {"A1", ""},
        {"A2", ""},
        {"O1", ""},
        {"EU", ""},
        {"AP", ""},
        {"EL", ""},
        {"AN", ""},
        {"ZZ", ""},
        {"@A", ""},
        {"A[", ""},
        {"[A", ""},
        {"{a", ""},
        {"`a", ""},
        {"r{", ""},
        {"Unknown", ""},
        {"Atlantis", ""},
        {"Romania2", ""},
        {"Romani", ""},
        {"Therou", ""},
        {"the the Netherlands", ""},
        {"America", ""},
        {"Korea", ""},
        {"Virgin Islands", ""},
        {"Europe", ""},
        {"Anonymous Proxy", ""},
        {"Netherlands Antilles", ""},
        /* letters of another alphabet are not dropped */
        {"東京", ""},
        {"Romania東", ""},
        {"RО", ""}, /* Cyrillic O */
        {"𝐑𝐎", ""},
        {"RO×", ""},
        /* control characters and what is no UTF-8 */
        {"RO\n", ""},
        {"R\x01O", ""},
        {"\xef\xbb\xbfRO", ""},
        {"RO\x80", ""},
        {"\xc1\x92O", ""},
        {"Romania\xc3", ""},
        {"Romania\xf0\x9f", ""},
        {"\xed\xa0\x80RO", ""},
        {"\xff\xfe", ""},
        {"\xf4\x90\x80\x80", ""},
    };

    (void)state;
    assert_countries(samples, COUNT(samples));
}

static void test_length(void **state)
{
    char longest[65];
    char growing[65];

    (void)state;
    assert_country(TEN TEN TEN TEN TEN "       Romania", "RO");
    assert_country(TEN TEN TEN TEN TEN "        Romania", "");
    memset(longest, 'x', 64);
    longest[64] = '\0';
    assert_country(longest, "");
    /* 32 characters that fold to two letters each fit just so */
    for (size_t i = 0; i < 64; i += 2) {
        memcpy(growing + i, "ß", 2);
    }
    growing[64] = '\0';
    assert_country(growing, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iso_3166), cmocka_unit_test(test_two_letters),
        cmocka_unit_test(test_variants), cmocka_unit_test(test_similar_names),
        cmocka_unit_test(test_unknown),  cmocka_unit_test(test_length),
    };

    return cmocka_run_group_tests_name("country", tests, NULL, NULL);
}
