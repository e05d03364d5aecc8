#include "telegram.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "secret.h"
#include "telegram_json.h"
#include "valid.h"

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DOUBLINGS_MAX 6 /* then TELEGRAM_RETRY_MAX is reached */

/* --- texts --- */

/* Is this one or more of these characters, and nothing else? */
static bool consists_of(const char *text, const char *characters)
{
    return text[0] != '\0' && text[strspn(text, characters)] == '\0';
}

bool telegram_is_token(const char *text)
{
    const size_t digits = strspn(text, DIGITS);

    return digits > 0 && text[digits] == ':' && consists_of(text + digits + 1, LETTERS DIGITS "_-");
}

/* The one way to write a number that is not 0; into *number. */
static bool is_number(const char *text, int64_t *number)
{
    const char *digits = text[0] == '-' ? text + 1 : text;

    if (digits[0] == '0' || !consists_of(digits, DIGITS)) {
        return false;
    }
    errno = 0;
    *number = strtoll(text, NULL, 10);
    return errno == 0;
}

bool telegram_is_chat(const char *text)
{
    int64_t number;

    return is_number(text, &number) ||
           (text[0] == '@' && consists_of(text + 1, LETTERS DIGITS "_"));
}

bool telegram_url(char *out, size_t size, const char *base, const char *token, const char *method)
{
    const int len = snprintf(out, size, "%s/bot%s/%s", base, token, method);

    return len >= 0 && (size_t)len < size;
}

/* --- a message --- */

/* Takes value over; a NULL one is a lack of memory. */
static bool add(json_object *object, const char *name, json_object *value)
{
    if (value == NULL || json_object_object_add(object, name, value) != 0) {
        json_object_put(value);
        return false;
    }
    return true;
}

static json_object *chat_id(const char *chat)
{
    int64_t number;

    return is_number(chat, &number) ? json_object_new_int64(number) : json_object_new_string(chat);
}

static json_object *no_preview(void)
{
    json_object *options = json_object_new_object();

    if (options != NULL && !add(options, "is_disabled", json_object_new_boolean(true))) {
        json_object_put(options);
        return NULL;
    }
    return options;
}

/* An alert must not fail because the message that it answers was deleted. */
static json_object *reply_to(int64_t message)
{
    json_object *reply = json_object_new_object();

    if (reply != NULL &&
        (!add(reply, "message_id", json_object_new_int64(message)) ||
         !add(reply, "allow_sending_without_reply", json_object_new_boolean(true)))) {
        json_object_put(reply);
        return NULL;
    }
    return reply;
}

/* Takes object over; is_whole: nothing of it is missing. Returns malloc'ed JSON or NULL. */
static char *to_body(json_object *object, bool is_whole)
{
    const char *json = NULL;
    char *body = NULL;

    if (is_whole) {
        json = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                          JSON_C_TO_STRING_NOSLASHESCAPE);
    }
    if (json != NULL) {
        body = strdup(json);
    }
    json_object_put(object);
    return body;
}

char *telegram_message_body(const telegram_message_t *message)
{
    json_object *body = json_object_new_object();
    const bool is_whole =
        body != NULL && add(body, "chat_id", chat_id(message->chat)) &&
        (message->thread == 0 ||
         add(body, "message_thread_id", json_object_new_int64(message->thread))) &&
        (message->reply_to == 0 || add(body, "reply_parameters", reply_to(message->reply_to))) &&
        add(body, "text", json_object_new_string(message->text)) &&
        (!message->is_html || add(body, "parse_mode", json_object_new_string("HTML"))) &&
        (!message->is_silent || add(body, "disable_notification", json_object_new_boolean(true))) &&
        add(body, "link_preview_options", no_preview());

    return to_body(body, is_whole);
}

/* --- other requests --- */

/* Takes value over; a NULL one is a lack of memory. */
static bool append(json_object *array, json_object *value)
{
    if (value == NULL || json_object_array_add(array, value) != 0) {
        json_object_put(value);
        return false;
    }
    return true;
}

/* Telegram remembers it: what an earlier bot with this token asked for is not ours. */
static json_object *allowed_updates(void)
{
    json_object *kinds = json_object_new_array();

    if (kinds != NULL && (!append(kinds, json_object_new_string("message")) ||
                          !append(kinds, json_object_new_string("channel_post")))) {
        json_object_put(kinds);
        return NULL;
    }
    return kinds;
}

char *telegram_poll_body(int64_t offset, int timeout, int limit)
{
    json_object *body = json_object_new_object();
    const bool is_whole = body != NULL &&
                          (offset == 0 || add(body, "offset", json_object_new_int64(offset))) &&
                          add(body, "limit", json_object_new_int(limit)) &&
                          add(body, "timeout", json_object_new_int(timeout)) &&
                          add(body, "allowed_updates", allowed_updates());

    return to_body(body, is_whole);
}

static json_object *command(const telegram_command_t *command)
{
    json_object *object = json_object_new_object();

    if (object != NULL &&
        (!add(object, "command", json_object_new_string(command->name)) ||
         !add(object, "description", json_object_new_string(command->description)))) {
        json_object_put(object);
        return NULL;
    }
    return object;
}

char *telegram_commands_body(const telegram_command_t *commands, size_t count)
{
    json_object *body = json_object_new_object();
    json_object *array = json_object_new_array();
    bool is_whole = body != NULL && add(body, "commands", array);

    for (size_t i = 0; is_whole && i < count; i++) {
        is_whole = append(array, command(&commands[i]));
    }
    return to_body(body, is_whole);
}

/* --- an answer --- */

/* Their words about a failure as we may repeat them, cut to size; "" = none. */
static void read_description(char *out, size_t size, const json_object *answer, const char *token)
{
    json_object *value = telegram_json_member(answer, "description", json_type_string);
    char *text = NULL;

    out[0] = '\0';
    if (value != NULL) {
        text = strdup(json_object_get_string(value));
    }
    if (text != NULL) {
        secret_mask(text, token);
        vps_text_copy(out, size, text, strlen(text));
    }
    free(text);
}

/* The new number of a group that has become a supergroup; 0 = it has not. */
static int64_t migrated_to(const json_object *answer)
{
    const json_object *parameters = telegram_json_member(answer, "parameters", json_type_object);
    const int64_t chat = telegram_json_id(parameters, "migrate_to_chat_id");

    return chat < 0 ? chat : 0;
}

/* What a 400 means is told only in words. */
static telegram_kind_t kind_of_words(const char *description)
{
    static const struct {
        const char *words;
        telegram_kind_t kind;
    } meanings[] = {
        {"can't parse entities", TELEGRAM_UNPARSABLE},
        {"message is too long", TELEGRAM_UNPARSABLE},
        {"text is too long", TELEGRAM_UNPARSABLE},
        {"message text is empty", TELEGRAM_UNPARSABLE},
        {"must be non-empty", TELEGRAM_UNPARSABLE},
        {"message thread not found", TELEGRAM_NO_THREAD},
        {"TOPIC_CLOSED", TELEGRAM_NO_THREAD},
        {"TOPIC_DELETED", TELEGRAM_NO_THREAD},
    };

    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (strcasestr(description, meanings[i].words) != NULL) {
            return meanings[i].kind;
        }
    }
    return TELEGRAM_REFUSED;
}

static telegram_kind_t kind_of(long status, const json_object *answer, const char *description)
{
    if (status == 200 && telegram_json_says(answer, "ok", true)) {
        return TELEGRAM_OK;
    }
    if (status < 400 || status >= 500 || status == 429 ||
        !telegram_json_says(answer, "ok", false)) {
        return TELEGRAM_LATER;
    }
    if (status == 409) {
        return TELEGRAM_CONFLICT;
    }
    if (status != 400) {
        return TELEGRAM_REFUSED;
    }
    return migrated_to(answer) != 0 ? TELEGRAM_MIGRATED : kind_of_words(description);
}

/* How long they ask to wait, sec: in the body, else in the header. */
static int64_t wait_of(const telegram_response_t *response, const json_object *answer)
{
    const json_object *parameters = telegram_json_member(answer, "parameters", json_type_object);
    json_object *value = telegram_json_member(parameters, "retry_after", json_type_int);
    int64_t wait = response->retry_after;

    if (value != NULL) {
        wait = json_object_get_int64(value);
    }
    if (wait < 1) {
        return response->status == 429 ? 1 : 0;
    }
    return wait < TELEGRAM_WAIT_MAX ? wait : TELEGRAM_WAIT_MAX;
}

static void explain(telegram_answer_t *out, const telegram_response_t *response,
                    const char *description)
{
    if (response->status == 0) {
        snprintf(out->reason, sizeof(out->reason), "%s", response->reason);
    } else if (response->status == 200) {
        snprintf(out->reason, sizeof(out->reason), "HTTP 200, but not from the Bot API");
    } else if (out->kind == TELEGRAM_LATER || description[0] == '\0') {
        snprintf(out->reason, sizeof(out->reason), "HTTP %ld", response->status);
    } else {
        snprintf(out->reason, sizeof(out->reason), "HTTP %ld: %s", response->status, description);
    }
}

void telegram_read_answer(telegram_answer_t *out, const telegram_response_t *response,
                          const char *token)
{
    json_object *answer =
        response->status != 0 ? telegram_json_parse(response->body, response->size) : NULL;
    char description[TELEGRAM_REASON_SIZE - sizeof("HTTP 999: ")];

    read_description(description, sizeof(description), answer, token);
    memset(out, 0, sizeof(*out));
    out->kind = kind_of(response->status, answer, description);
    if (out->kind == TELEGRAM_LATER) {
        out->retry_after = wait_of(response, answer);
    }
    if (out->kind == TELEGRAM_MIGRATED) {
        out->migrated_to = migrated_to(answer);
    }
    if (out->kind != TELEGRAM_OK) {
        explain(out, response, description);
    }
    json_object_put(answer);
}

/* --- another try --- */

static int64_t back_off(unsigned int failures)
{
    return failures < DOUBLINGS_MAX ? TELEGRAM_RETRY_MIN << failures : TELEGRAM_RETRY_MAX;
}

int64_t telegram_retry(const telegram_answer_t *answer, unsigned int failures)
{
    const int64_t asked = answer->retry_after * CLOCK_SECOND, usual = back_off(failures);

    switch (answer->kind) {
    case TELEGRAM_LATER:
        return asked > usual ? asked : usual;
    case TELEGRAM_CONFLICT: /* whoever it is may end any moment */
        return TELEGRAM_RETRY_MAX;
    default:
        return TELEGRAM_REFUSED_RETRY;
    }
}
