/* The exit statuses, which are part of the manual. */
#ifndef EXITS_H
#define EXITS_H

enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1, /* the server, the transfer or --fail-on */
    EXIT_USAGE = 2   /* command line or configuration */
};

#endif
