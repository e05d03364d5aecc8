/*
 * The directives: their table, and what each does with its value while httpd reads the
 * configuration.
 */
#ifndef DIRECTIVES_H
#define DIRECTIVES_H

#include "mod_vpnsentinel.h"

extern const command_rec directives[];

#endif
