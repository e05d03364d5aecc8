/*
 * Does anything come through the tunnel? One whose other end is dead looks to the kernel like a living
 * one (vpn_judge.h): packets leave, and nothing comes back. Pure.
 *
 * Nothing is made of a silence that was always there: whoever is asked may be closed off.
 */
#ifndef SILENCE_H
#define SILENCE_H

#include <stdbool.h>

#include "record.h"

#define SILENCE_LOOKS 2 /* in a row that hear nothing, before that means something */

/* A zeroed one has not listened yet. */
typedef struct silence_t {
    bool was_heard; /* something, while the tunnel was up */
    unsigned looks; /* since then, that heard nothing */
} silence_t;

/*
 * After a look that found the VPN so, and heard something through it or not, or was too short to tell
 * (unknown): returns what the VPN is, which is "no" instead of "yes" when nothing comes through any more.
 */
vps_answer_t silence_judge(silence_t *silence, vps_answer_t vpn, vps_answer_t heard);

/* Does the next look decide, because this one heard nothing? */
bool silence_is_doubtful(const silence_t *silence);

#endif
