/*
 * How the dashboard tells the lights apart: by shape and by word, never by colour alone.
 */
#ifndef DASHBOARD_LIGHT_H
#define DASHBOARD_LIGHT_H

#include "assess.h"
#include "html.h"

/* "secure", "DNS", "offline", "alarm". */
const char *light_word(light_t light);

/* Its mark, which readers of the screen leave out: the word stands beside it. */
void light_mark(html_t *html, light_t light);

/* The conditions in words, the worst first: "bypass, DNS leak"; "secure" when there are none. */
void light_conditions(html_t *html, const assessment_t *assessment);

#endif
