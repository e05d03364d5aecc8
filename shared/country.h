/*
 * Countries: any usual spelling to ISO 3166-1 alpha-2.
 *
 * The table is generated from iso-codes (tools/gen-country-table) and a short list of variants that
 * providers and people use (shared/country_variants.txt). Pure, thread-safe, no allocation.
 */
#ifndef VPS_COUNTRY_H
#define VPS_COUNTRY_H

#include <stdbool.h>

/*
 * Find the country that text (UTF-8, NUL-terminated) names: alpha-2, alpha-3, short, official or
 * common English name, or a known variant; case, accents, punctuation, a leading "the" and "and" or
 * "&" do not matter ("Romania", "ROU", "ro", "UK", "The Netherlands", "Cote d'Ivoire").
 * Returns true with two capital letters and a NUL in out; false, out "", when it is no known
 * country: invalid text and more than 64 bytes never are.
 */
bool vps_country_code(char out[3], const char *text);

#endif
