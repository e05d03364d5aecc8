/*
 * Fuzz entry point: what a server may answer when the command line asks it how it is, and the errors that
 * it may tell. Whatever it is, nothing is shown that a terminal obeys, and as JSON it means the same.
 */
#include "fuzz_ctl.h"

#include "status.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const fleet_view_t view = {.width = 0, .is_plain = true};
    json_object *status = read_answer(data, size);

    if (status != NULL) {
        write_status(status, &view, "http://localhost:5000");
        check_json(status);
        json_object_put(status);
    }
    return 0;
}
