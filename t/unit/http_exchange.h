/*
 * An HTTP exchange within one process and thread: a server on the loopback address, served in
 * single steps by the loop that drives libcurl. Include after cmocka.h.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EXCHANGE_SECONDS 60 /* none here takes as long, but for a broken time limit */

/* Answers one connection at a time; the texts are what it got last and what it is to say. */
static struct {
    int listener, peer; /* peer: -1 = no connection */
    unsigned port;
    unsigned connections;
    const char *answer; /* NULL = never answers */
    char request[8192];
    size_t request_size;
} server;

static char url[64]; /* of the server */

static int start_server(void **state)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(addr);

    (void)state;
    memset(&server, 0, sizeof(server));
    server.peer = -1;
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server.listener < 0 || bind(server.listener, (struct sockaddr *)&addr, size) != 0 ||
        listen(server.listener, 5) != 0 ||
        getsockname(server.listener, (struct sockaddr *)&addr, &size) != 0) {
        return -1;
    }
    server.port = ntohs(addr.sin_port);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/path?a=b", server.port);
    return 0;
}

static void hang_up(void)
{
    if (server.peer >= 0) {
        close(server.peer);
        server.peer = -1;
    }
}

static int stop_server(void **state)
{
    (void)state;
    hang_up();
    close(server.listener);
    return 0;
}

/* Has the whole request come, with a body of its Content-Length? */
static bool request_is_complete(void)
{
    const char *end = strstr(server.request, "\r\n\r\n");
    const char *length = strstr(server.request, "Content-Length: ");
    size_t body = length != NULL ? strtoul(length + strlen("Content-Length: "), NULL, 10) : 0;

    return end != NULL && server.request_size >= (size_t)(end + 4 - server.request) + body;
}

/* One step: take the connection, or some of the request, and answer when that is complete. */
static void serve(void)
{
    ssize_t got;

    if (server.peer < 0) {
        server.peer = accept(server.listener, NULL, NULL);
        server.connections += server.peer >= 0;
        return;
    }
    got = recv(server.peer, server.request + server.request_size,
               sizeof(server.request) - 1 - server.request_size, 0);
    if (got <= 0) {
        hang_up();
        return;
    }
    server.request_size += (size_t)got;
    if (server.answer != NULL && request_is_complete()) {
        assert_int_equal(send(server.peer, server.answer, strlen(server.answer), MSG_NOSIGNAL),
                         strlen(server.answer));
        hang_up();
    }
}

/* Longer than what libcurl takes as a text, to be freed. */
static inline char *endless_text(void)
{
    enum { TOO_LONG = 8000001 }; /* bytes; their limit */
    char *text = malloc(TOO_LONG + 1);

    assert_non_null(text);
    memset(text, 'x', TOO_LONG);
    text[TOO_LONG] = '\0';
    return text;
}

static int start_curl(void **state)
{
    (void)state;
    setenv("no_proxy", "*", 1); /* whatever proxy the environment names */
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -1;
}

static int stop_curl(void **state)
{
    (void)state;
    curl_global_cleanup();
    return 0;
}

#endif
