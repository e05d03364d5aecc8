/*
 * "--healthcheck": is the daemon on this machine, or in this container, well?
 */
#ifndef HEALTHCHECK_H
#define HEALTHCHECK_H

#include <stdbool.h>

/*
 * Write one line to standard output. Returns whether the running daemon's last accepted report is
 * younger than HEALTH_INTERVALS intervals. config_path NULL = the default file.
 */
bool healthcheck(const char *config_path);

#endif
