#include "api.h"

#include "answer.h"
#include "clients.h"
#include "events.h"
#include "guard.h"
#include "keepalive_endpoint.h"
#include "segment.h"
#include "status.h"

typedef struct route_t {
    const char *path;  /* behind the mount; one that ends in a slash takes a client id behind it */
    const char *allow; /* methods, as in the Allow header */
    unsigned int methods; /* 1 << M_…, or-ed; M_GET stands for HEAD too */
    int (*handle)(request_rec *r, const char *client_id);
} route_t;

static const route_t routes[] = {
    {"/keepalive", "POST", 1 << M_POST, keepalive_handle},
    {"/register", "POST", 1 << M_POST, register_handle},
    {"/status", "GET, HEAD", 1 << M_GET, status_handle},
    {"/clients", "GET, HEAD", 1 << M_GET, clients_handle_list},
    {"/clients/", "GET, HEAD, DELETE", 1 << M_GET | 1 << M_DELETE, clients_handle_one},
    {"/events", "GET, HEAD", 1 << M_GET, events_handle},
};

/* What follows the route's path when it is one that takes an id, "" when it is the whole, NULL when
 * another. */
static const char *match(const route_t *route, const char *rest)
{
    size_t len = strlen(route->path);

    if (strncmp(rest, route->path, len) != 0) {
        return NULL;
    }
    if (route->path[len - 1] == '/') {
        return rest[len] != '\0' ? rest + len : NULL;
    }
    return rest[len] == '\0' ? "" : NULL;
}

static int take(request_rec *r, const route_t *route, const char *client_id)
{
    if (r->method_number < 0 || r->method_number > 31 ||
        (route->methods & 1u << r->method_number) == 0) {
        return answer_method_not_allowed(r, route->allow);
    }
    return route->handle(r, client_id);
}

static int route(request_rec *r, const char *rest)
{
    const char *client_id;
    size_t i;

    for (i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        client_id = match(&routes[i], rest);
        if (client_id != NULL) {
            return take(r, &routes[i], client_id);
        }
    }
    return answer_not_found(r);
}

/* What an endpoint refused: it says so in the answer's status, or leaves the answer to httpd. */
static void count_refusal(int status)
{
    const counter_t counter = counters_of_status(status);

    if (counter != COUNTERS) {
        counters_add(segment_counters(), counter, 1);
    }
}

int api_handle(request_rec *r, const char *rest)
{
    int status;

    if (segment_registry() == NULL) {
        return answer_unavailable(r);
    }
    status = guard_admit(r);
    if (status != OK) {
        return OK; /* refused and answered */
    }
    status = route(r, rest);
    count_refusal(status == OK ? r->status : status);
    return status;
}
