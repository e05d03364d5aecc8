/*
 * Questions to DNS servers, all at once, each server asked by a channel of c-ares of its own, on
 * the daemon's only thread. The one wait is wait.h's.
 *
 * Nothing is looked up in /etc/hosts, no search list is gone through, nothing is cached.
 */
#ifndef DNS_ASK_H
#define DNS_ASK_H

/*
 * Of c-ares 1.18, which Debian 12 has, newer versions deprecate most and offer what it does not
 * have; they promise to keep both.
 */
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "wait.h"

#define DNS_ASK_SERVERS 5      /* at most */
#define DNS_ASK_SERVER_SIZE 96 /* bytes of "[fe80::1%interface]:53" with its NUL */
#define DNS_ASK_QUESTIONS (3 * DNS_ASK_SERVERS)
#define DNS_ASK_ANSWER_MAX 4096 /* bytes of a message that is looked at */
#define DNS_ASK_TIMEOUT 1000    /* ms until a question is asked again, once; about double then */

/*
 * The answer to a question: a whole message, whose bytes are gone when this returns; NULL unless
 * status is ARES_SUCCESS. It may ask further questions unless status is ARES_ECANCELLED.
 */
typedef void dns_answered_t(void *arg, int status, const unsigned char *answer, int size);

typedef struct dns_ask_t dns_ask_t;

/* Internal. */
typedef struct dns_question_t {
    dns_ask_t *ask;
    dns_answered_t *answered;
    void *arg;
} dns_question_t;

struct dns_ask_t {
    ares_channel channels[DNS_ASK_SERVERS]; /* one a server */
    size_t servers;
    dns_question_t questions[DNS_ASK_QUESTIONS];
    size_t asked; /* questions, answered or not */
    size_t open;  /* questions without answer */
};

/* Returns false when memory is out. */
bool dns_ask_open(dns_ask_t *out);

/* What is still open is answered by ARES_ECANCELLED. */
void dns_ask_close(dns_ask_t *ask);

/*
 * Read a server's "address:port", an IPv6 address in brackets. Returns false, *addr unknown, when it
 * is anything else.
 */
bool dns_ask_address(const char *server, vps_addr_t *addr, uint16_t *port);

/*
 * Have a server, "address:port", to be asked; returns its number, or -1 when that cannot be: memory is
 * out, or c-ares cannot ask one at an address of a link.
 */
int dns_ask_server(dns_ask_t *ask, const char *server);

/*
 * Ask a server for a name; dns_class and type are numbers of the protocol. answered is called once,
 * maybe before this returns.
 */
void dns_ask(dns_ask_t *ask, int server, const char *name, int dns_class, int type,
             dns_answered_t *answered, void *arg);

/*
 * Wait until all is answered or ms are over. What is open then may be waited for once more. Returns
 * false when a signal asked to stop.
 */
bool dns_ask_wait(dns_ask_t *ask, wait_t *wait, int64_t ms);

#endif
