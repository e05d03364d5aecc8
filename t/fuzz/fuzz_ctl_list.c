/*
 * Fuzz entry point: what a server may answer when the command line asks it for clients or for events.
 * The same comes out however the bytes arrive, and no text that is kept holds what a terminal obeys.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "row.h"
#include "split.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_text(const char *text, size_t size)
{
    const size_t len = strnlen(text, size);

    check(len < size);
    for (size_t i = 0, n; i < len; i += n) {
        int columns;

        n = text_character(text + i, len - i, &columns);
        check(n > 0);
    }
}

static const char *take_client(void *user, json_object *element)
{
    size_t *count = user;
    row_t row;
    const char *fault = row_read(&row, element);

    if (fault == NULL) {
        check_text(row.id, sizeof(row.id));
        check_text(row.why, sizeof(row.why));
        check_text(row.address, sizeof(row.address));
        check_text(row.place, sizeof(row.place));
        check_text(row.dns, sizeof(row.dns));
        check(row.light < LIGHTS && row.why[0] != '\0' && row.id[0] != '\0');
        ++*count;
    }
    return fault;
}

static const char *take_event(void *user, json_object *element)
{
    size_t *count = user;
    event_t event;
    const char *fault = event_read(&event, element);

    if (fault == NULL) {
        check_text(event.id, sizeof(event.id));
        check_text(event.what, sizeof(event.what));
        check_text(event.detail, sizeof(event.detail));
        check(event.light < LIGHTS && event.when > 0);
        ++*count;
    }
    return fault;
}

/* Returns how many were taken, or -1 when it is no list. */
static long read_list(const uint8_t *data, size_t size, size_t piece, const char *name,
                      split_take_t take)
{
    size_t count = 0;
    split_t split;

    check(split_begin(&split, name, take, &count));
    for (size_t at = 0; at < size; at += piece) {
        split_feed(&split, (const char *)data + at, size - at < piece ? size - at : piece);
    }
    return split_end(&split) ? (long)count : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool has_begun;

    if (!has_begun) {
        setenv("LC_ALL", "C.UTF-8", 1);
        text_begin();
        has_begun = true;
    }
    check(read_list(data, size, size + 1, "clients", take_client) ==
          read_list(data, size, 7, "clients", take_client));
    check(read_list(data, size, size + 1, "events", take_event) ==
          read_list(data, size, 3, "events", take_event));
    return 0;
}
