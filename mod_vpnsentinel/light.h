/*
 * The traffic light of a client.
 */
#ifndef LIGHT_H
#define LIGHT_H

/* In the order of trouble, least first; the names are assess_light_name()'s. */
typedef enum light_t { LIGHT_GREEN, LIGHT_YELLOW, LIGHT_GREY, LIGHT_RED, LIGHTS } light_t;

#endif
