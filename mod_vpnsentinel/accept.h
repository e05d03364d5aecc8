/*
 * What an Accept header thinks of a media type (RFC 9110, 12.5.1).
 *
 * Pure, no allocation, thread-safe; headers are hostile.
 */
#ifndef ACCEPT_H
#define ACCEPT_H

/*
 * The quality, in thousandths from 0 (not acceptable) to 1000, that the header gives to a media
 * type with this parameter "version". The most specific range that fits counts: the type with the
 * version, the type without one, then all of its kind, then everything. Other parameters do not
 * matter; a range whose q is none is left out. header: NULL or empty = everything is as good.
 */
int accept_quality(const char *header, const char *type, const char *version);

#endif
