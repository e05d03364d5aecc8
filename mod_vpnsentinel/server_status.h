/*
 * A section on httpd's own status page, where mod_status is loaded: in HTML, and as "Name: value"
 * lines of "?auto".
 */
#ifndef SERVER_STATUS_H
#define SERVER_STATUS_H

/* Hooks into mod_status, if there is one; for register_hooks. */
void server_status_hook(void);

#endif
