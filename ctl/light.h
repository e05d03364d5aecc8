/*
 * The traffic light of a client, in the words of the API and with the marks of the dashboard.
 */
#ifndef CTL_LIGHT_H
#define CTL_LIGHT_H

#include <stdbool.h>

/* In the order of trouble, least first, as the server judges. */
typedef enum light_t { LIGHT_GREEN, LIGHT_YELLOW, LIGHT_GREY, LIGHT_RED, LIGHTS } light_t;

/* Read a light's name. Returns false, *out untouched, for an unknown one. */
bool light_parse(light_t *out, const char *name);

const char *light_name(light_t light);

/* Its shape with a space behind it: ● ▲ ○ ■; "" where the locale does not have it. */
const char *light_mark(light_t light);

/* What makes a terminal write in its colour, until STYLE_END. */
const char *light_style(light_t light);

#define STYLE_HEAD "\033[1m"
#define STYLE_END "\033[0m"

#endif
