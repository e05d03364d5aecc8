#include "service.h"

#include "clock.h"
#include "log.h"

transfer_kind_t service_get(transfer_t *transfer, const options_t *options, const char *url,
                            struct curl_slist *header, size_t answer_max, vps_http_t *http)
{
    const vps_http_request_t request = {
        .url = url,
        .header = header,
        .timeout_ms = transfer_left(transfer, options->timeout * CLOCK_SECOND),
        .answer_max = answer_max,
    };

    return transfer_run(transfer, &request, http);
}

static bool tell_success(outage_t *outage, const char *component, const char *name)
{
    char length[OUTAGE_LENGTH_SIZE];

    if (!outage_end(outage, clock_elapsed(), length)) {
        return false;
    }
    log_write(VPS_INFO, component, "✅ %s answers again after %s", name, length);
    return true;
}

bool service_tell(outage_t *outage, const char *component, const char *name, transfer_kind_t kind,
                  const vps_http_t *http, const char *remedy)
{
    char reason[TRANSFER_REASON_SIZE];

    if (kind == TRANSFER_OK) {
        return tell_success(outage, component, name);
    }
    if (kind != TRANSFER_STOPPED) {
        const bool news = outage_fail(outage, kind, clock_elapsed());

        log_write(news ? VPS_WARN : VPS_DEBUG, component, "⚠️ No usable answer from %s: %s%s",
                  name, transfer_reason(reason, kind, http), remedy);
    }
    return false;
}
