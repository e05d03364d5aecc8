#include "health_port.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

#include "clock.h"
#include "valid.h"

#define BACKLOG 16
#define CONNECTION_MEMORY 4096            /* bytes for each, which bounds a request's header too */
#define CONNECTION_SECONDS 2u             /* that it may be idle */
#define CONNECTION_AGE (5 * CLOCK_SECOND) /* that it may have, however busy it is */
#define BODY_SIZE 256                     /* bytes */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- what is told --- */

typedef struct page_t {
    const char *path;
    bool (*is_well)(const health_t *health);
    const char *well, *unwell;
} page_t;

static bool is_alive(const health_t *health)
{
    return health_is_alive(health, clock_awake());
}

static bool is_ready(const health_t *health)
{
    return health_is_ready(health, clock_elapsed());
}

static bool is_started(const health_t *health)
{
    return health->started;
}

static const page_t pages[] = {
    {"/client/health", is_alive, "healthy", "unhealthy"},
    {"/client/health/ready", is_ready, "ready", "not_ready"},
    {"/client/health/startup", is_started, "started", "not_started"},
};

static const page_t *find_page(const char *path)
{
    for (size_t i = 0; i < COUNT(pages); i++) {
        if (strcmp(pages[i].path, path) == 0) {
            return &pages[i];
        }
    }
    return NULL;
}

/* --- answering --- */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *body)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result = MHD_NO;

    if (response == NULL) {
        return MHD_NO; /* closes the connection */
    }
    /* Nobody has a second question, and there are not many places. */
    if (MHD_add_response_header(response, "Connection", "close") == MHD_YES &&
        MHD_add_response_header(response, "Content-Type", "application/json") == MHD_YES &&
        MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES &&
        (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
         MHD_add_response_header(response, "Allow", "GET, HEAD") == MHD_YES)) {
        result = MHD_queue_response(connection, status, response);
    }
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_page(struct MHD_Connection *connection, const page_t *page,
                                   const health_t *health)
{
    char body[BODY_SIZE];
    char now[VPS_TIME_TEXT_SIZE];
    const bool is_well = page->is_well(health);

    snprintf(body, sizeof(body), "{\"status\":\"%s\",\"timestamp\":\"%s\"}",
             is_well ? page->well : page->unwell, vps_time_format(now, time(NULL)));
    return answer(connection, is_well ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, body);
}

/* Called when a request's header is complete; a body is not waited for. */
static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **request)
{
    const health_port_t *port = user;
    const page_t *page = find_page(path);

    (void)version, (void)upload, (void)upload_size, (void)request;
    if (page == NULL) {
        return answer(connection, MHD_HTTP_NOT_FOUND, "{\"error\":\"Not found\"}");
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
                      "{\"error\":\"Method not allowed\"}");
    }
    return answer_page(connection, page, port->health);
}

/* --- the age of connections --- */

/* Called when one begins, and when it has ended but its descriptor is not closed yet. */
static void note_connection(void *user, struct MHD_Connection *connection, void **context,
                            enum MHD_ConnectionNotificationCode code)
{
    health_port_t *port = user;
    health_port_connection_t *noted = *context;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (noted != NULL) {
            noted->fd = 0;
        }
        return;
    }
    for (size_t i = 0; i < COUNT(port->connections) && *context == NULL; i++) {
        if (port->connections[i].fd == 0) {
            noted = &port->connections[i];
            noted->fd =
                MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
            noted->since = clock_awake();
            *context = noted;
        }
    }
}

/*
 * End those that are too old. Who sends a byte now and then is never idle, and some of them would
 * leave no room for others. Nobody is woken for it: who does not send is idle.
 */
static void cut_old_connections(const health_port_t *port)
{
    const int64_t now = clock_awake();

    for (size_t i = 0; i < COUNT(port->connections); i++) {
        const health_port_connection_t *noted = &port->connections[i];

        if (noted->fd != 0 && now - noted->since > CONNECTION_AGE) {
            shutdown(noted->fd, SHUT_RDWR); /* which the library sees, and closes it */
        }
    }
}

/* --- listening --- */

/* Returns the listening socket, or -1 with errno. */
static int listen_on(const struct sockaddr *addr, socklen_t size)
{
    const int on = 1;
    int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
                    bind(fd, addr, size) != 0 || listen(fd, BACKLOG) != 0)) {
        const int fault = errno;

        close(fd);
        errno = fault;
        return -1;
    }
    return fd;
}

/* Returns NULL with errno. */
static struct MHD_Daemon *start(const struct sockaddr *addr, socklen_t size, health_port_t *port)
{
    int fd = listen_on(addr, size);
    struct MHD_Daemon *daemon;

    if (fd < 0) {
        return NULL;
    }
    daemon = MHD_start_daemon(
        MHD_USE_EPOLL | (addr->sa_family == AF_INET6 ? MHD_USE_IPv6 : MHD_NO_FLAG), 0, NULL, NULL,
        handle, port, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)HEALTH_PORT_CONNECTIONS, MHD_OPTION_NOTIFY_CONNECTION, note_connection, port,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_SECONDS, MHD_OPTION_END);
    if (daemon == NULL) {
        close(fd);
        errno = ENOMEM;
    }
    return daemon;
}

bool health_port_open(health_port_t *out, long port, const health_t *health)
{
    const struct sockaddr_in v4 = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
    const struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6,
        .sin6_port = htons((uint16_t)port),
        .sin6_addr = IN6ADDR_LOOPBACK_INIT,
    };

    *out = (health_port_t){.health = health};
    out->daemons[0] = start((const struct sockaddr *)&v4, sizeof(v4), out);
    if (out->daemons[0] == NULL) {
        return false;
    }
    out->daemons[1] = start((const struct sockaddr *)&v6, sizeof(v6), out); /* may be missing */
    return true;
}

void health_port_close(health_port_t *port)
{
    for (size_t i = 0; i < HEALTH_PORT_FDS; i++) {
        if (port->daemons[i] != NULL) {
            MHD_stop_daemon(port->daemons[i]);
            port->daemons[i] = NULL;
        }
    }
}

/* --- in the waits of others --- */

size_t health_port_fds(const health_port_t *port, struct pollfd out[HEALTH_PORT_FDS])
{
    size_t count = 0;

    for (size_t i = 0; i < HEALTH_PORT_FDS; i++) {
        const union MHD_DaemonInfo *info =
            port->daemons[i] == NULL
                ? NULL
                : MHD_get_daemon_info(port->daemons[i], MHD_DAEMON_INFO_EPOLL_FD);

        if (info != NULL) {
            out[count++] = (struct pollfd){.fd = info->epoll_fd, .events = POLLIN};
        }
    }
    return count;
}

int64_t health_port_timeout(const health_port_t *port, int64_t limit)
{
    for (size_t i = 0; i < HEALTH_PORT_FDS; i++) {
        MHD_UNSIGNED_LONG_LONG ms;

        if (port->daemons[i] != NULL && MHD_get_timeout(port->daemons[i], &ms) == MHD_YES &&
            ms < (MHD_UNSIGNED_LONG_LONG)limit) {
            limit = (int64_t)ms;
        }
    }
    return limit;
}

void health_port_serve(const health_port_t *port)
{
    cut_old_connections(port);
    for (size_t i = 0; i < HEALTH_PORT_FDS; i++) {
        if (port->daemons[i] != NULL) {
            MHD_run(port->daemons[i]);
        }
    }
}
