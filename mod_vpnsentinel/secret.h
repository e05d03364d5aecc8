/*
 * Keeps secrets out of what is told.
 *
 * Pure, thread-safe.
 */
#ifndef SECRET_H
#define SECRET_H

/*
 * Replace every occurrence of secret in text by "***", in place: as it is or percent-encoded, and
 * also one of which the end was cut off. Returns text. secret NULL or "" = none.
 */
char *secret_mask(char *text, const char *secret);

#endif
