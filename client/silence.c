#include "silence.h"

vps_answer_t silence_judge(silence_t *silence, vps_answer_t vpn, vps_answer_t heard)
{
    if (vpn != VPS_YES) {
        *silence = (silence_t){.was_heard = false};
        return vpn;
    }
    if (heard == VPS_YES) {
        *silence = (silence_t){.was_heard = true};
        return VPS_YES;
    }
    if (heard == VPS_NO && silence->looks < SILENCE_LOOKS) {
        silence->looks++;
    }
    return silence->was_heard && silence->looks == SILENCE_LOOKS ? VPS_NO : VPS_YES;
}

bool silence_is_doubtful(const silence_t *silence)
{
    return silence->was_heard && silence->looks == SILENCE_LOOKS - 1;
}
