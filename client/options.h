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

#include "dns_judge.h"
#include "valid.h"

#define OPTIONS_FILE_DEFAULT "/etc/vpn-sentinel/client.conf"
#define OPTIONS_FAULT_SIZE 1024 /* bytes */

#define OPTIONS_URL_SIZE 512
#define OPTIONS_SECRET_SIZE 257
#define OPTIONS_PATH_SIZE 512
#define OPTIONS_SERVER_SIZE 64 /* of an address with a port */
#define OPTIONS_NAME_SIZE 256  /* of a host's name */

/* Who tells which place an address is at. */
typedef enum options_service_t {
    OPTIONS_SERVICE_AUTO, /* one after the other */
    OPTIONS_SERVICE_IPINFO,
    OPTIONS_SERVICE_IPAPI,
    OPTIONS_SERVICE_IPWHOIS,
    OPTIONS_SERVICE_GLUETUN
} options_service_t;

typedef struct options_t {
    char client_id[VPS_CLIENT_ID_MAX + 1];
    char server_url[OPTIONS_URL_SIZE]; /* no slash at the end */
    char api_path[OPTIONS_URL_SIZE];   /* one slash at the start, none at the end; may be "" */
    char api_key[OPTIONS_SECRET_SIZE]; /* "" = send none; from the key file when that is set */
    char api_key_file[OPTIONS_PATH_SIZE];
    char ipinfo_token[OPTIONS_SECRET_SIZE];    /* "" = send none */
    char ipinfo_url[OPTIONS_URL_SIZE];         /* no slash at the end */
    char ipapi_url[OPTIONS_URL_SIZE];          /* no slash at the end */
    char ipwhois_url[OPTIONS_URL_SIZE];        /* no slash at the end */
    char gluetun_url[OPTIONS_URL_SIZE];        /* control server, no slash at the end; "" = none */
    char gluetun_api_key[OPTIONS_SECRET_SIZE]; /* "" = send none */
    options_service_t service;                 /* who is asked for places */
    char trace_url[OPTIONS_URL_SIZE];          /* no slash at the end */
    char trace6_url[OPTIONS_URL_SIZE];         /* the same by IPv6; "" = do not look there */
    char cloudflare_dns[OPTIONS_SERVER_SIZE];  /* "address:port", an IPv6 address in brackets */
    char dns_whoami[OPTIONS_NAME_SIZE];        /* "" = send no DNS queries at all */
    dns_allowed_t dns_allowed;                 /* where DNS may come out */
    char health_script[OPTIONS_PATH_SIZE];     /* "" = none */
    char run_dir[OPTIONS_PATH_SIZE];           /* "" = the default one */
    char tls_ca[OPTIONS_PATH_SIZE];            /* file with CAs; "" = the system's */
    char tls_cert[OPTIONS_PATH_SIZE];          /* client certificate, PEM; "" = none */
    char tls_key[OPTIONS_PATH_SIZE];           /* its key, PEM; "" = in the same file */
    bool allow_insecure;                       /* TLS without checking whom one talks to */
    long health_port;                          /* on 127.0.0.1; 0 = off */
    long interval;                             /* sec between two rounds */
    long timeout;                              /* sec for one request */
    bool debug;
} options_t;

/*
 * Read everything; path NULL = the default file, which may be missing. Returns false with a
 * sentence in fault that names the variable, its value unless it is a secret, and what is allowed;
 * *out is then unspecified.
 */
bool options_load(options_t *out, const char *path, char fault[OPTIONS_FAULT_SIZE]);

/* Only VPN_SENTINEL_RUN_DIR, by the same rules: no other file and no key is needed for it. */
bool options_load_run_dir(char out[OPTIONS_PATH_SIZE], const char *path,
                          char fault[OPTIONS_FAULT_SIZE]);

/*
 * Write each option that is in force, its value (never a secret's) and where it comes from. To be
 * called after options_load() accepted the same path; false as there.
 */
bool options_list(FILE *out, const char *path, char fault[OPTIONS_FAULT_SIZE]);

/* Is this the name, in len bytes, of a variable that holds a secret? */
bool options_is_secret(const char *name, size_t len);

/* Write the table for --help. */
void options_help(FILE *out);

#endif
