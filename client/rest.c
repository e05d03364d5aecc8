#include "rest.h"

#define DOUBLINGS_MAX 16 /* beyond all limits */

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool is_refusal(transfer_kind_t kind)
{
    return kind == TRANSFER_UNAUTHORIZED || kind == TRANSFER_FORBIDDEN ||
           kind == TRANSFER_LIMITED || kind == TRANSFER_REFUSED;
}

/* ms of rest after the failure that follows so many others */
static int64_t length_of(transfer_kind_t kind, unsigned failures)
{
    const int64_t factor = INT64_C(1) << min(failures, DOUBLINGS_MAX);

    return is_refusal(kind) ? min(REST_REFUSED * factor, REST_REFUSED_MAX)
                            : min(REST_UNREACHED * factor, REST_UNREACHED_MAX);
}

bool rest_is_over(const rest_t *rest, int64_t now)
{
    return now >= rest->until && rest->spent - now <= (REST_BURST - 1) * REST_STEP;
}

void rest_spend(rest_t *rest, int64_t now)
{
    rest->spent = (rest->spent > now ? rest->spent : now) + REST_STEP;
}

void rest_after(rest_t *rest, transfer_kind_t kind, int64_t asked, int64_t now)
{
    int64_t length = kind == TRANSFER_OK ? 0 : length_of(kind, rest->failures);

    if (asked > length || (asked > 0 && rest->failures == 0)) {
        length = min(asked, REST_REFUSED_MAX);
    }
    rest->until = now + length;
    rest->failures = kind == TRANSFER_OK ? 0 : rest->failures + 1;
    rest->unreached = kind != TRANSFER_OK && !is_refusal(kind);
}

void rest_retry(rest_t *rest)
{
    if (rest->unreached) {
        rest->until = 0;
        rest->failures = 0;
        rest->unreached = false;
    }
}
