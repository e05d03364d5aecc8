/*
 * Columns of text, as wide as what is in them, cut to the width that there is.
 *
 * Nothing is kept: each cell is asked for twice, once for its width and once to be written.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_CELL_SIZE 512 /* bytes of one cell */
#define TABLE_COLUMNS_MAX 8

typedef struct table_column_t {
    const char *head;
    size_t least; /* columns to which it may shrink, when there is too little room; 0 = does not */
} table_column_t;

typedef struct table_t {
    const table_column_t *columns;
    size_t count; /* of columns, at most TABLE_COLUMNS_MAX */
    size_t rows;
    /* Write a cell to out, safe (text.h). */
    void (*cell)(const void *user, size_t row, size_t column, char out[TABLE_CELL_SIZE]);
    /* What a terminal is to write it in, up to STYLE_END; "" = nothing special. NULL = no styles. */
    const char *(*style)(const void *user, size_t row, size_t column);
    const void *user;
    size_t width;  /* columns of a line; 0 = as many as it takes */
    bool is_plain; /* no styles at all */
} table_t;

/* Write the heads and the first rows, as many as asked for, one a line. */
void table_write(FILE *out, const table_t *table, size_t rows);

/* Write a safe text in so many columns, cut or padded. */
void table_pad(FILE *out, const char *safe, size_t columns);

/* Write what fits of a safe text; columns 0 = all. */
void table_cut(FILE *out, const char *safe, size_t columns);

#endif
