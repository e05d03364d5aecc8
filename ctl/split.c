#include "split.h"

#include <stdlib.h>
#include <string.h>

#include "api_json.h"

enum { OUTSIDE, IN_FRAME, IN_LIST, IN_ELEMENT }; /* what depth means; more is in an element, too */

static bool refuse(split_t *split, const char *fault)
{
    if (split->fault == NULL) {
        split->fault = fault;
    }
    return false;
}

bool split_begin(split_t *split, const char *name, split_take_t take, void *user)
{
    memset(split, 0, sizeof(*split));
    split->name = name;
    split->take = take;
    split->user = user;
    split->element = malloc(SPLIT_ELEMENT_MAX);
    return split->element != NULL || refuse(split, "out of memory");
}

/* --- keeping --- */

static bool keep_frame(split_t *split, char c)
{
    if (split->frame_size == sizeof(split->frame)) {
        return refuse(split, "it is not the list that was asked for");
    }
    split->frame[split->frame_size++] = c;
    return true;
}

static bool keep_element(split_t *split, char c)
{
    if (split->element_size == SPLIT_ELEMENT_MAX) {
        return refuse(split, "an entry of the list is too long");
    }
    split->element[split->element_size++] = c;
    return true;
}

/* The element has ended. */
static bool take_element(split_t *split)
{
    json_object *json = json_read(split->element, split->element_size);
    const char *fault =
        json == NULL ? "an entry of the list is no valid JSON" : split->take(split->user, json);

    json_object_put(json);
    split->element_size = 0;
    split->wants_element = false;
    return fault == NULL || refuse(split, fault);
}

/* --- reading --- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Is it part of a string, with its quotes? */
static bool is_string(split_t *split, char c)
{
    if (!split->in_string) {
        split->in_string = c == '"';
        return split->in_string;
    }
    if (split->is_escaped) {
        split->is_escaped = false;
    } else if (c == '\\') {
        split->is_escaped = true;
    } else if (c == '"') {
        split->in_string = false;
    }
    return true;
}

static bool feed_element(split_t *split, char c)
{
    if (!keep_element(split, c)) {
        return false;
    }
    if (is_string(split, c)) {
        return true;
    }
    split->depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    return split->depth > IN_LIST || take_element(split);
}

static bool feed_list(split_t *split, char c)
{
    if (is_space(c)) {
        return true;
    }
    if (c == '{' && split->wants_element) {
        if (split->count == SPLIT_COUNT_MAX) {
            return refuse(split, "the list is too long");
        }
        split->count++;
        split->depth = IN_ELEMENT;
        return keep_element(split, c);
    }
    if (c == ',' && !split->wants_element) {
        split->wants_element = true;
        return true;
    }
    if (c == ']' && (!split->wants_element || split->count == 0)) {
        split->depth = IN_FRAME;
        return keep_frame(split, c);
    }
    return refuse(split, "the list is no valid JSON");
}

static bool feed_frame(split_t *split, char c)
{
    if (!keep_frame(split, c)) {
        return false;
    }
    if (is_string(split, c)) {
        return true;
    }
    switch (c) {
    case '[':
        if (split->has_list) {
            return refuse(split, "it is not the list that was asked for");
        }
        split->has_list = true;
        split->wants_element = true;
        split->depth = IN_LIST;
        return true;
    case '}':
        split->depth = OUTSIDE;
        return true;
    case '{':
    case ']':
        return refuse(split, "it is not the list that was asked for");
    default:
        return true;
    }
}

static bool feed_outside(split_t *split, char c)
{
    if (is_space(c)) {
        return true;
    }
    if (c != '{' || split->frame_size > 0) {
        return refuse(split, "it is not the list that was asked for");
    }
    split->depth = IN_FRAME;
    return keep_frame(split, c);
}

bool split_feed(split_t *split, const char *text, size_t len)
{
    static bool (*const feeders[])(split_t *, char) = {feed_outside, feed_frame, feed_list,
                                                       feed_element};

    for (size_t i = 0; i < len && split->fault == NULL; i++) {
        const int depth = split->depth < IN_ELEMENT ? split->depth : IN_ELEMENT;

        feeders[depth](split, text[i]);
    }
    return split->fault == NULL;
}

/* What is left when the elements are taken out: {"NAME":[],"count":N}. */
static bool check_frame(split_t *split)
{
    json_object *frame = json_read(split->frame, split->frame_size);
    json_object *list = NULL;
    int64_t count = -1;
    const bool fits = frame != NULL && json_list(&list, frame, split->name) && list != NULL &&
                      json_member(frame, "count") != NULL && json_number(&count, frame, "count");

    json_object_put(frame);
    if (!fits) {
        return refuse(split, "it is not the list that was asked for");
    }
    return count == split->count || refuse(split, "the list is not whole");
}

bool split_end(split_t *split)
{
    if (split->fault == NULL && (split->depth != OUTSIDE || split->frame_size == 0)) {
        refuse(split, "the list is not whole");
    }
    free(split->element);
    split->element = NULL;
    return split->fault == NULL && check_frame(split);
}
