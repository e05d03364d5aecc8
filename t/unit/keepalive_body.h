/*
 * Bodies of keepalives, taken and refused, for tests of what is in them. To be included once, by a test
 * that uses all of it.
 */
#ifndef KEEPALIVE_BODY_H
#define KEEPALIVE_BODY_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keepalive.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static vps_past_t past; /* of the last body */

/* A body whose end is the end of its memory, so that a sanitizer sees what is read behind it. */
static bool parse_bytes(vps_record_t *out, vps_fault_t *fault, const char *body, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    memcpy(copy, body, len);
    memset(out, 0xff, sizeof(*out));
    memset(&past, 0xff, sizeof(past));
    memset(fault, 0, sizeof(*fault));
    const bool taken = vps_keepalive_parse(out, &past, fault, copy, len);

    free(copy);
    return taken;
}

static void take(vps_record_t *out, const char *body)
{
    vps_fault_t fault;

    if (!parse_bytes(out, &fault, body, strlen(body))) {
        fail_msg("refused: %s: %s", body, fault.message);
    }
}

/* The body is refused, the fault names the member and tells the rule, in ASCII. */
static void refuse_bytes(const char *body, size_t len, const char *member, const char *rule)
{
    vps_record_t record;
    vps_fault_t fault;

    if (parse_bytes(&record, &fault, body, len)) {
        fail_msg("taken: %s", body);
    }
    if (strcmp(fault.member, member) != 0) {
        fail_msg("%s: names %s, not %s", body, fault.member, member);
    }
    assert_int_equal(strncmp(fault.message, member, strlen(member)), 0);
    assert_int_equal(fault.message[strlen(member)], ' ');
    assert_non_null(strstr(fault.message, rule));
    for (const char *c = fault.message; *c != '\0'; c++) {
        assert_true(*c >= ' ' && *c <= '~');
    }
}

static void refuse(const char *body, const char *member)
{
    refuse_bytes(body, strlen(body), member, "");
}

#endif
