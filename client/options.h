/*
 * What the daemon is told: one table of options drives environment, configuration file, --help and
 * --check-config.
 *
 * For each option the environment beats the file beats the default; in one place the documented
 * name beats the older one; an empty value is unset. The structure is plain data: a reload fills a
 * new one and replaces the old one only when all is well.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "valid.h"

#define OPTIONS_FILE_DEFAULT "/etc/vpn-sentinel/client.conf"
#define OPTIONS_FAULT_SIZE 1024 /* bytes */

#define OPTIONS_URL_SIZE 512
#define OPTIONS_SECRET_SIZE 257
#define OPTIONS_PATH_SIZE 512

typedef struct options_t {
    char client_id[VPS_CLIENT_ID_MAX + 1];
    char server_url[OPTIONS_URL_SIZE]; /* no slash at the end */
    char api_path[OPTIONS_URL_SIZE];   /* one slash at the start, none at the end; may be "" */
    char api_key[OPTIONS_SECRET_SIZE]; /* "" = send none; from the key file when that is set */
    char api_key_file[OPTIONS_PATH_SIZE];
    char ipinfo_token[OPTIONS_SECRET_SIZE]; /* "" = send none */
    char ipinfo_url[OPTIONS_URL_SIZE];      /* no slash at the end */
    char ipapi_url[OPTIONS_URL_SIZE];       /* no slash at the end */
    char trace_url[OPTIONS_URL_SIZE];       /* no slash at the end */
    long interval;                          /* sec between two rounds */
    long timeout;                           /* sec for one request */
    bool debug;
} options_t;

/*
 * Read everything; path NULL = the default file, which may be missing. Returns false with a
 * sentence in fault that names the variable, its value unless it is a secret, and what is allowed;
 * *out is then unspecified.
 */
bool options_load(options_t *out, const char *path, char fault[OPTIONS_FAULT_SIZE]);

/*
 * Write each option that is in force, its value (never a secret's) and where it comes from. To be
 * called after options_load() accepted the same path; false as there.
 */
bool options_list(FILE *out, const char *path, char fault[OPTIONS_FAULT_SIZE]);

/* Write the table for --help. */
void options_help(FILE *out);

#endif
