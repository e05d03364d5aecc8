/*
 * One client as a list shows it, taken from the API's JSON. All texts are safe (text.h).
 */
#ifndef ROW_H
#define ROW_H

#include <stdint.h>

#include <json-c/json.h>

#include "light.h"
#include "valid.h"

typedef struct row_t {
    char id[VPS_CLIENT_ID_MAX + 1];
    char why[72];      /* its conditions: "bypass, VPN down"; "secure" */
    char address[46];  /* its public one; "" = unknown */
    char place[96];    /* "Frankfurt, DE"; "" = unknown */
    char dns[32];      /* "DE (FRA)"; "" = unknown */
    int64_t last_seen; /* sec since epoch; 0 = never */
    light_t light;
} row_t;

/* Returns NULL, or what is wrong: no such client can come from a server of ours. */
const char *row_read(row_t *out, json_object *client);

/* For qsort(): the worst first, then by id. */
int row_worse(const void *a, const void *b);

/* Write the conditions of a client, worst first, "secure" when it has none. False as row_read(). */
bool row_conditions(char *out, size_t size, json_object *client);

/* "Frankfurt, DE" and "DE (FRA)" of a client; false as row_read(). */
bool row_place(char *out, size_t size, json_object *client);
bool row_dns(char *out, size_t size, json_object *client);

#endif
