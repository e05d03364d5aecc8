/*
 * Fuzz entry point: what a server may answer when the command line asks it for one client. Whatever it
 * is, nothing is shown that a terminal obeys, and as JSON it means the same.
 */
#include "fuzz_ctl.h"

#include "show.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const fleet_view_t view = {.width = 0, .is_plain = true};
    const fleet_view_t utc = {.width = 40, .is_utc = true};
    json_object *client = read_answer(data, size);

    if (client != NULL) {
        const bool is_shown = write_client(client, &view, INT64_C(1700000000));

        check(write_client(client, &utc, 0) == is_shown);
        check_json(client);
        json_object_put(client);
    }
    return 0;
}
