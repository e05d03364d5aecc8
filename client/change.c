#include "change.h"

#include <stdio.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

void change_note(change_t *change, unsigned kinds, int64_t now)
{
    if (kinds == 0) {
        return;
    }
    if (change->kinds == 0) {
        change->first = now;
    }
    change->kinds |= kinds;
    change->last = now;
}

char *change_format(char out[CHANGE_TEXT_SIZE], unsigned kinds)
{
    static const struct {
        unsigned kind;
        const char *name;
    } names[] = {
        {CHANGE_ROUTE, "default route"},     {CHANGE_RESOLVER_ROUTE, "route to a resolver"},
        {CHANGE_RULE, "routing rules"},      {CHANGE_LINK, "link"},
        {CHANGE_ADDRESS, "address"},         {CHANGE_RESOLVERS, "resolvers"},
        {CHANGE_UNSEEN, "too many at once"},
    };
    int len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < COUNT(names); i++) {
        if ((kinds & names[i].kind) != 0) {
            len += snprintf(out + len, CHANGE_TEXT_SIZE - (size_t)len, "%s%s", len > 0 ? ", " : "",
                            names[i].name);
        }
    }
    return out;
}
