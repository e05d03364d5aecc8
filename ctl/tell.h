/*
 * What the program tells its user on standard error: a sentence a line.
 */
#ifndef TELL_H
#define TELL_H

/*
 * Write "vpn-sentinel-ctl: …". Whatever is formatted into it may come from others: it is made safe
 * (text.h), and the key that tell_hide() named becomes asterisks even when a server echoes it.
 */
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Never show this text from now on; it is kept by pointer. */
void tell_hide(const char *key);

#endif
