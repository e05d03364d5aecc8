/*
 * Requests of mod_vpnsentinel/transfer.h to the server of http_exchange.h, which says a new thing to
 * each connection. Include after http_exchange.h.
 */
#ifndef TRANSFERS_EXCHANGE_H
#define TRANSFERS_EXCHANGE_H

#include "clock.h"
#include "transfer.h"

/* Never answers; the connection stays. */
static const char hang[] = "hang";

/* What the server says to the next connections, then NULL: the last one holds for all to come. */
static const char *const *script;

#define REQUESTS_MAX 32

/* What it was asked, one for each of server.connections. */
static char requests[REQUESTS_MAX][sizeof(server.request)];

/* One step of the server; the next thing is read off the script with a new connection. */
static void serve_script(void)
{
    const unsigned before = server.connections;

    serve();
    if (server.connections != before) {
        assert_in_range(server.connections, 1, REQUESTS_MAX);
        memset(server.request, 0, sizeof(server.request));
        server.request_size = 0;
        server.answer = script[0] != hang ? script[0] : NULL;
        script += script[1] != NULL;
    }
    memcpy(requests[server.connections - 1], server.request, sizeof(server.request));
}

/* Run requests and server until something is so. */
static void run_until(transfers_t *transfers, bool (*is_so)(void))
{
    const time_t deadline = time(NULL) + EXCHANGE_SECONDS;

    while (!is_so()) {
        assert_true(time(NULL) < deadline);
        if (transfers_wait(transfers, server.peer >= 0 ? server.peer : server.listener,
                           CLOCK_SECOND)) {
            serve_script();
        }
    }
}

#endif
