#include "tls_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE 1024 /* bytes; longer lines come in parts, which does no harm */

typedef struct file_t {
    const char *variable;
    const char *path;
    const char *block; /* what a line that begins the wanted part ends with */
    const char *what;
} file_t;

/* Has the file a part of this kind? An encrypted key is none: nobody is there to be asked. */
static bool has_block(FILE *stream, const char *block)
{
    char line[LINE_SIZE];
    bool found = false;

    while (fgets(line, sizeof(line), stream) != NULL) {
        if (strncmp(line, "-----BEGIN ", 11) == 0 && strstr(line, block) != NULL) {
            found = true;
        }
        if (found && strstr(line, "ENCRYPTED") != NULL) {
            return false;
        }
    }
    return found;
}

static bool check_file(const file_t *file, char fault[OPTIONS_FAULT_SIZE])
{
    FILE *stream = fopen(file->path, "re");
    bool found;

    if (stream == NULL) {
        snprintf(fault, OPTIONS_FAULT_SIZE, "%s is \"%s\" but must be a readable file: %s",
                 file->variable, file->path, strerror(errno));
        return false;
    }
    found = has_block(stream, file->block);
    fclose(stream);
    if (!found) {
        snprintf(fault, OPTIONS_FAULT_SIZE, "%s is \"%s\" but must be a PEM file with %s",
                 file->variable, file->path, file->what);
    }
    return found;
}

bool tls_files_check(const options_t *options, char fault[OPTIONS_FAULT_SIZE])
{
    const bool has_key_file = options->tls_key[0] != '\0';
    const file_t files[] = {
        {"VPN_SENTINEL_TLS_CERT_PATH", options->tls_ca, "CERTIFICATE-----", "certificates"},
        {"VPN_SENTINEL_TLS_CLIENT_CERT", options->tls_cert, "CERTIFICATE-----", "a certificate"},
        {has_key_file ? "VPN_SENTINEL_TLS_CLIENT_KEY" : "VPN_SENTINEL_TLS_CLIENT_CERT",
         has_key_file ? options->tls_key : options->tls_cert, "PRIVATE KEY-----",
         has_key_file ? "a private key without a passphrase"
                      : "a private key too, since VPN_SENTINEL_TLS_CLIENT_KEY is unset"},
    };

    if (has_key_file && options->tls_cert[0] == '\0') {
        snprintf(fault, OPTIONS_FAULT_SIZE,
                 "VPN_SENTINEL_TLS_CLIENT_KEY is set but VPN_SENTINEL_TLS_CLIENT_CERT is not");
        return false;
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (files[i].path[0] != '\0' && !check_file(&files[i], fault)) {
            return false;
        }
    }
    return true;
}
