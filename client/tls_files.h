/*
 * The files that TLS needs, looked at before they are: a wrong one is a fault of the configuration,
 * not of the network.
 */
#ifndef TLS_FILES_H
#define TLS_FILES_H

#include "options.h"

/*
 * Can these files be read, and are they PEM of the right kind? Returns false with a sentence in
 * fault that names variable and file. Whether the server likes them only the server can tell.
 */
bool tls_files_check(const options_t *options, char fault[OPTIONS_FAULT_SIZE]);

#endif
