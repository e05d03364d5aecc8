#include "telegram_update.h"

#include <string.h>

#include "telegram_json.h"
#include "valid.h"

#define NAME_MIN 4 /* bytes; Telegram has no shorter ones to give, and sells those of four */
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

/* out: size bytes; stays as it is when there is no user name that fits. */
static bool read_username(char *out, size_t size, const json_object *owner)
{
    json_object *value = telegram_json_member(owner, "username", json_type_string);
    const char *name = value != NULL ? json_object_get_string(value) : "";
    const size_t len = strspn(name, NAME_CHARACTERS);

    if (len < NAME_MIN || len >= TELEGRAM_NAME_SIZE || len >= size ||
        len != (size_t)json_object_get_string_len(value)) {
        return false;
    }
    memcpy(out, name, len + 1);
    return true;
}

/* Where the character at this place of a valid text ends. */
static size_t character_end(const char *text, size_t len, size_t at)
{
    do {
        at++;
    } while (at < len && ((unsigned char)text[at] & 0xC0) == 0x80);
    return at;
}

/* Copy a valid text as far as it fits, a space in place of each control character. */
static void copy_text(char out[TELEGRAM_TEXT_SIZE], const char *text, size_t len)
{
    size_t used = 0, end;

    for (size_t at = 0; at < len; at = end) {
        size_t n;

        end = character_end(text, len, at);
        n = end - at;
        if (used + n >= TELEGRAM_TEXT_SIZE) {
            break;
        }
        if (vps_valid_text(text + at, n)) {
            memcpy(out + used, text + at, n);
            used += n;
        } else {
            out[used++] = ' ';
        }
    }
    out[used] = '\0';
}

static void read_text(char out[TELEGRAM_TEXT_SIZE], const json_object *message)
{
    json_object *value = telegram_json_member(message, "text", json_type_string);
    const size_t len = (size_t)json_object_get_string_len(value);

    if (value != NULL && vps_valid_utf8(json_object_get_string(value), len)) {
        copy_text(out, json_object_get_string(value), len);
    }
}

/* A number that is never negative; 0 = absent. */
static int64_t read_positive(const json_object *object, const char *name)
{
    const int64_t number = telegram_json_id(object, name);

    return number > 0 ? number : 0;
}

static bool is_private(const json_object *chat)
{
    json_object *type = telegram_json_member(chat, "type", json_type_string);

    return type != NULL && strcmp(json_object_get_string(type), "private") == 0;
}

/* Administrators who hide, and channels in their groups, write through a bot of Telegram's own. */
static bool is_from_bot(const json_object *message)
{
    const json_object *from = telegram_json_member(message, "from", json_type_object);

    return telegram_json_says(from, "is_bot", true) &&
           telegram_json_member(message, "sender_chat", json_type_object) == NULL;
}

static void read_message(telegram_update_t *out, const json_object *message)
{
    const json_object *chat = telegram_json_member(message, "chat", json_type_object);

    out->chat = telegram_json_id(chat, "id");
    if (out->chat == 0) {
        return;
    }
    (void)read_username(out->chat_name, sizeof(out->chat_name), chat);
    out->is_private = is_private(chat);
    /* Outside of topics the number is that of a discussion, to which nothing can be sent. */
    if (telegram_json_says(message, "is_topic_message", true)) {
        out->thread = read_positive(message, "message_thread_id");
    }
    out->message = read_positive(message, "message_id");
    out->date = read_positive(message, "date");
    out->is_from_bot = is_from_bot(message);
    read_text(out->text, message);
}

/* Returns false when it has no id: it cannot be counted. */
static bool read_update(telegram_update_t *out, const json_object *update)
{
    const json_object *message = telegram_json_member(update, "message", json_type_object);

    if (message == NULL) {
        message = telegram_json_member(update, "channel_post", json_type_object);
    }
    memset(out, 0, sizeof(*out));
    out->id = read_positive(update, "update_id");
    read_message(out, message);
    return out->id != 0;
}

bool telegram_read_updates(const char *body, size_t size, int64_t *next,
                           void (*visit)(void *ctx, const telegram_update_t *update), void *ctx)
{
    json_object *answer = telegram_json_parse(body, size);
    json_object *result = telegram_json_member(answer, "result", json_type_array);
    const size_t count = result != NULL ? json_object_array_length(result) : 0;
    const bool is_answer = result != NULL;
    telegram_update_t update;
    int64_t highest = 0;

    for (size_t i = 0; i < count; i++) {
        if (read_update(&update, json_object_array_get_idx(result, i))) {
            highest = update.id > highest ? update.id : highest;
            visit(ctx, &update);
        }
    }
    if (highest > 0) {
        *next = highest + 1;
    }
    json_object_put(answer);
    return is_answer;
}

bool telegram_read_name(char *out, size_t size, const char *body, size_t body_size)
{
    json_object *answer = telegram_json_parse(body, body_size);
    const json_object *bot = telegram_json_member(answer, "result", json_type_object);
    bool found;

    if (size > 0) {
        out[0] = '\0';
    }
    found = read_username(out, size, bot);
    json_object_put(answer);
    return found;
}
