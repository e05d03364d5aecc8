#include "webhook_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "event_json.h"

#define PLAIN (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

/*
 * Not of the event's id in the store, which may be another one when the disk was away for a time. With
 * kind and time no two events are alike even if the state's folder was lost.
 */
char *webhook_id(char out[WEBHOOK_ID_SIZE], const webhook_target_t *target, const event_t *event)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char text[160];
    char *end = out + snprintf(out, WEBHOOK_ID_SIZE, "msg_");
    const int len = snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64 " %" PRIu64 " %s %" PRId64,
                             target->destination, event->uid, event->number,
                             event_name((event_kind_t)event->kind), event->when);

    SHA256((const unsigned char *)text, (size_t)len, digest);
    for (size_t i = 0; i < 16; i++) {
        end += snprintf(end, 3, "%02x", digest[i]);
    }
    return out;
}

static json_object *server_json(const webhook_server_t *server)
{
    json_object *json = json_object_new_object();
    char incarnation[17];

    if (json != NULL) {
        /* As a text: as a number it would be too long for many a reader of JSON. */
        snprintf(incarnation, sizeof(incarnation), "%016" PRIx64, server->incarnation);
        json_object_object_add(json, "name", json_object_new_string(server->name));
        json_object_object_add(json, "incarnation", json_object_new_string(incarnation));
    }
    return json;
}

char *webhook_body(const event_t *event, const webhook_server_t *server)
{
    json_object *json = event_json(event);
    const char *text;
    char *body;

    if (json == NULL) {
        return NULL;
    }
    json_object_object_add(json, "server", server_json(server));
    text = json_object_to_json_string_ext(json, PLAIN);
    body = text != NULL ? strdup(text) : NULL;
    json_object_put(json);
    return body;
}

/*
 * HMAC-SHA256 of "id.timestamp.body". HMAC() takes one text only, so that this is put together; without
 * memory for it the signature is one that nobody takes, and the message is sent again.
 */
char *webhook_signature(char out[WEBHOOK_SIGNATURE_SIZE], const webhook_target_t *target,
                        const char *id, int64_t timestamp, const char *body)
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    unsigned int size = SHA256_DIGEST_LENGTH;
    const size_t room = strlen(id) + strlen(body) + 24;
    char *text = malloc(room);

    if (text != NULL) {
        const int len = snprintf(text, room, "%s.%" PRId64 ".%s", id, timestamp, body);

        (void)HMAC(EVP_sha256(), target->secret, (int)target->secret_size,
                   (const unsigned char *)text, (size_t)len, digest, &size);
    }
    free(text);
    memcpy(out, "v1,", 3);
    (void)EVP_EncodeBlock((unsigned char *)out + 3, digest, SHA256_DIGEST_LENGTH);
    return out;
}
