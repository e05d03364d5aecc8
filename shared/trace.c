#include "trace.h"

#include <string.h>

/* A part of the body. */
typedef struct text_t {
    const char *bytes;
    size_t size; /* bytes */
} text_t;

/* Take the next line, without its end, off *rest. Returns false when nothing is left. */
static bool next_line(text_t *line, text_t *rest)
{
    const char *end;

    if (rest->size == 0) {
        return false;
    }
    end = memchr(rest->bytes, '\n', rest->size);
    line->bytes = rest->bytes;
    line->size = end != NULL ? (size_t)(end - rest->bytes) : rest->size;
    rest->bytes += line->size + (end != NULL);
    rest->size -= line->size + (end != NULL);
    if (line->size > 0 && line->bytes[line->size - 1] == '\r') {
        line->size--;
    }
    return true;
}

/* The value of the first line that begins with key, which ends in "="; an empty text if none. */
static text_t find_value(text_t body, const char *key)
{
    size_t key_size = strlen(key);
    text_t line;

    while (next_line(&line, &body)) {
        if (line.size >= key_size && memcmp(line.bytes, key, key_size) == 0) {
            return (text_t){line.bytes + key_size, line.size - key_size};
        }
    }
    return (text_t){"", 0};
}

/* Copy a code of exactly size capital letters and its NUL; anything else leaves out untouched. */
static void copy_code(char *out, text_t code, size_t size)
{
    if (code.size != size) {
        return;
    }
    for (size_t i = 0; i < size; i++) {
        if (code.bytes[i] < 'A' || code.bytes[i] > 'Z') {
            return;
        }
    }
    memcpy(out, code.bytes, size);
    out[size] = '\0';
}

bool vps_trace_parse(vps_trace_t *out, const char *body, size_t len)
{
    text_t whole = {body, len};
    text_t ip;

    memset(out, 0, sizeof(*out));
    if (len > VPS_TRACE_BODY_MAX) {
        return false;
    }
    ip = find_value(whole, "ip=");
    vps_addr_parse(&out->ip, ip.bytes, ip.size);
    copy_code(out->dns_loc, find_value(whole, "loc="), 2);
    if (strcmp(out->dns_loc, "XX") == 0) {
        memset(out->dns_loc, 0, sizeof(out->dns_loc));
    }
    if (out->ip.version == 0 && out->dns_loc[0] == '\0') {
        return false;
    }
    copy_code(out->dns_colo, find_value(whole, "colo="), 3);
    return true;
}
