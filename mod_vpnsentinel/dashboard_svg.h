/*
 * The pictures of the dashboard as inline SVG, each with what it shows in words. Colours are the style
 * sheet's, by class; shapes are told apart without them.
 */
#ifndef DASHBOARD_SVG_H
#define DASHBOARD_SVG_H

#include "dashboard_picture.h"
#include "html.h"

/* The last 24 hours of a client (history_read()). */
void svg_strip(html_t *html, const uint8_t cells[HISTORY_CELLS]);

/* One segment of such a strip, for the legend; cell: 0 = no data, else light_t + 1. */
void svg_swatch(html_t *html, unsigned int cell);

/* "no data", "secure", "DNS", "offline", "alarm". */
const char *svg_cell_word(unsigned int cell);

/* When a cell of the 24 hours up to wall began; both sec since epoch. */
int64_t svg_cell_begin(unsigned int cell, int64_t wall);

/* The fleet's 24 hours, without words: those are svg_worst()'s. */
void svg_chart(html_t *html, const fleet_history_t *history);

/* What stands below 24 hours. */
void svg_axis(html_t *html);

/* When the most clients were of each light but green; wall: sec since epoch, the end. */
void svg_worst(html_t *html, const fleet_history_t *history, int64_t wall);

#endif
