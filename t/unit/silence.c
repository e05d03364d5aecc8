/* client/silence.h: when a tunnel that carries nothing is down. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "silence.h"

/*
 * A story is a row of looks: H the tunnel is up and something is heard, - nothing is, ? there was no time
 * to tell; n the VPN is down, u it is unknown, each with something heard; and what the VPN is after each,
 * y, n or u.
 */
static const struct {
    const char *looks, *answers;
} stories[] = {
    {"HHH", "yyy"},
    {"H-H-H-", "yyyyyy"},   /* now and then an answer is lost */
    {"H--", "yyn"},         /* the other end is dead */
    {"H-----", "yynnnn"},   /* and stays so */
    {"H---H--", "yynnyyn"}, /* comes back, and dies again */
    {"H-?-?-?H?", "yyynnnnyy"},
    {"------", "yyyyyy"}, /* nobody was ever to be heard from here */
    {"nH--", "nyyn"},
    {"H-n--", "yynyy"}, /* another tunnel: nothing is known of that yet */
    {"H--n--H--", "yynnyyyyn"},
    {"uuH--", "uuyyn"},
    {"H-u-", "yyuy"},
};

static void test_stories(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
        silence_t silence = {.was_heard = false};

        for (const char *look = stories[i].looks, *said = stories[i].answers; *look != '\0';
             look++, said++) {
            const vps_answer_t vpn = *look == 'n' ? VPS_NO : *look == 'u' ? VPS_UNKNOWN : VPS_YES;
            const vps_answer_t expected = *said == 'n'   ? VPS_NO
                                          : *said == 'u' ? VPS_UNKNOWN
                                                         : VPS_YES;

            const vps_answer_t heard = *look == '-' ? VPS_NO : *look == '?' ? VPS_UNKNOWN : VPS_YES;

            if (silence_judge(&silence, vpn, heard) != expected) {
                fail_msg("%s: look %d", stories[i].looks, (int)(look - stories[i].looks));
            }
            /* It would be "no" if the next look heard nothing either, and is not yet. */
            {
                silence_t next = silence;
                const bool decides =
                    expected == VPS_YES && silence_judge(&next, VPS_YES, VPS_NO) == VPS_NO;

                assert_int_equal(silence_is_doubtful(&silence), decides);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stories),
    };

    return cmocka_run_group_tests_name("silence", tests, NULL, NULL);
}
