/*
 * A long list in JSON, taken apart while it arrives: {"NAME":[{…},{…}],"count":N}.
 *
 * Only one element is in memory at a time, so that the list may be of any length. The order of the
 * two members does not matter; others are allowed as long as they hold neither array nor object.
 * Whatever the server sends, the memory is bounded, and a list that is not whole is a fault.
 */
#ifndef SPLIT_H
#define SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#define SPLIT_FRAME_MAX 256     /* bytes of all that is no element */
#define SPLIT_ELEMENT_MAX 65536 /* bytes of one element */
#define SPLIT_COUNT_MAX 1000000 /* elements, as many as a server has clients */

/* Look at an element, which is an object and ours. Returns NULL, or what is wrong with it. */
typedef const char *(*split_take_t)(void *user, json_object *element);

typedef struct split_t {
    const char *name; /* of the list */
    split_take_t take;
    void *user;        /* for take() */
    const char *fault; /* NULL = all is well so far */
    int64_t count;     /* elements so far */
    int depth;         /* arrays and objects that are open */
    bool in_string, is_escaped;
    bool has_list;      /* it has begun */
    bool wants_element; /* in the list: behind its beginning, or behind a comma */
    char *element;      /* what is there of one, SPLIT_ELEMENT_MAX bytes */
    size_t element_size;
    char frame[SPLIT_FRAME_MAX];
    size_t frame_size;
} split_t;

/* Returns false when memory is out; split_end() is due in any case. */
bool split_begin(split_t *split, const char *name, split_take_t take, void *user);

/* Read on. Returns false, from then on, when the text is none of these lists: see fault. */
bool split_feed(split_t *split, const char *text, size_t len);

/* No more comes, and all that is held is freed. Returns whether the list is whole, else see fault. */
bool split_end(split_t *split);

#endif
