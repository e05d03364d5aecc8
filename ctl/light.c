#include "light.h"

#include <string.h>

#include "text.h"

static const struct {
    const char *name, *mark, *style;
} lights[LIGHTS] = {
    [LIGHT_GREEN] = {"green", "● ", "\033[32m"},
    [LIGHT_YELLOW] = {"yellow", "▲ ", "\033[33m"},
    [LIGHT_GREY] = {"grey", "○ ", "\033[90m"},
    [LIGHT_RED] = {"red", "■ ", "\033[31m"},
};

bool light_parse(light_t *out, const char *name)
{
    for (int light = 0; light < LIGHTS; light++) {
        if (strcmp(lights[light].name, name) == 0) {
            *out = (light_t)light;
            return true;
        }
    }
    return false;
}

const char *light_name(light_t light)
{
    return lights[light].name;
}

const char *light_mark(light_t light)
{
    return text_is_utf8() ? lights[light].mark : "";
}

const char *light_style(light_t light)
{
    return lights[light].style;
}
