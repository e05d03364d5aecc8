#include "dashboard_light.h"

const char *light_word(light_t light)
{
    static const char *const words[LIGHTS] = {"secure", "DNS", "offline", "alarm"};

    return words[light];
}

void light_mark(html_t *html, light_t light)
{
    static const char *const marks[LIGHTS] = {"●", "▲", "○", "■"};

    html_printf(html, "<span class=\"mark %s\" aria-hidden=\"true\">%s</span> ",
                assess_light_name(light), marks[light]);
}

void light_conditions(html_t *html, const assessment_t *assessment)
{
    static const char *const words[CONDITIONS] = {"DNS leak", "DNS unknown", "bypass",
                                                  "VPN down", "offline",     "IPv6 leak"};
    const char *comma = "";
    int n;

    if (assessment->conditions == 0) {
        html_put(html, "secure");
    }
    for (n = CONDITIONS - 1; n >= 0; n--) {
        if (assessment->conditions & 1u << n) {
            html_printf(html, "%s%s", comma, words[n]);
            comma = ", ";
        }
    }
}
