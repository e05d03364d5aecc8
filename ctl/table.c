#include "table.h"

#include <stdint.h>
#include <string.h>

#include "light.h"
#include "text.h"

#define GAP 2 /* columns between two */

/* Write the safe text in at most so many columns; returns how many it took. */
static size_t write_fitting(FILE *out, const char *safe, size_t columns)
{
    size_t used;
    size_t bytes = text_fit(safe, columns, &used);

    if (safe[bytes] == '\0') {
        fputs(safe, out);
        return used;
    }
    if (columns == 0) {
        return 0;
    }
    bytes = text_fit(safe, columns - 1, &used);
    fwrite(safe, 1, bytes, out);
    fputs(text_ellipsis(), out);
    return used + 1;
}

void table_pad(FILE *out, const char *safe, size_t columns)
{
    for (size_t used = write_fitting(out, safe, columns); used < columns; used++) {
        fputc(' ', out);
    }
}

void table_cut(FILE *out, const char *safe, size_t columns)
{
    if (columns == 0) {
        fputs(safe, out);
    } else {
        write_fitting(out, safe, columns);
    }
}

/* --- widths --- */

static void natural_widths(size_t widths[], const table_t *table)
{
    char cell[TABLE_CELL_SIZE];

    for (size_t column = 0; column < table->count; column++) {
        widths[column] = text_columns(table->columns[column].head);
        for (size_t row = 0; row < table->rows; row++) {
            size_t width;

            table->cell(table->user, row, column, cell);
            width = text_columns(cell);
            widths[column] = width > widths[column] ? width : widths[column];
        }
    }
}

/* What the first columns take at least, with the gaps. */
static size_t least_total(const size_t widths[], const table_t *table, size_t count)
{
    size_t total = (count - 1) * GAP;

    for (size_t column = 0; column < count; column++) {
        const size_t least = table->columns[column].least;

        total += least > 0 && least < widths[column] ? least : widths[column];
    }
    return total;
}

static size_t total_of(const size_t widths[], size_t count)
{
    size_t total = (count - 1) * GAP;

    for (size_t column = 0; column < count; column++) {
        total += widths[column];
    }
    return total;
}

/* Take one from the widest column that may still give one. Returns false when none may. */
static bool shrink(size_t widths[], const table_t *table, size_t count)
{
    size_t *widest = NULL;

    for (size_t column = 0; column < count; column++) {
        const size_t least = table->columns[column].least;

        if (least > 0 && widths[column] > least && (widest == NULL || widths[column] > *widest)) {
            widest = &widths[column];
        }
    }
    if (widest != NULL) {
        (*widest)--;
    }
    return widest != NULL;
}

/* Returns how many columns there is room for: the last ones go first. */
static size_t fit_widths(size_t widths[], const table_t *table)
{
    size_t count = table->count;

    while (count > 1 && least_total(widths, table, count) > table->width) {
        count--;
    }
    while (total_of(widths, count) > table->width && shrink(widths, table, count)) {
    }
    if (widths[0] > table->width) {
        widths[0] = table->width;
    }
    return count;
}

/* --- lines --- */

/* The last cell is not padded, so that no line ends in spaces. */
static void write_cell(FILE *out, const char *cell, const char *style, size_t width, bool is_last)
{
    fputs(style, out);
    if (is_last) {
        write_fitting(out, cell, width);
    } else {
        table_pad(out, cell, width);
    }
    fputs(style[0] != '\0' ? STYLE_END : "", out);
}

/* Row SIZE_MAX = the heads. */
static void write_line(FILE *out, const table_t *table, const size_t widths[], size_t count,
                       size_t row)
{
    char cell[TABLE_CELL_SIZE];

    for (size_t column = 0; column < count; column++) {
        const bool is_last = column + 1 == count;
        const char *style = "";

        if (row == SIZE_MAX) {
            snprintf(cell, sizeof(cell), "%s", table->columns[column].head);
            style = table->is_plain ? "" : STYLE_HEAD;
        } else {
            table->cell(table->user, row, column, cell);
            if (!table->is_plain && table->style != NULL) {
                style = table->style(table->user, row, column);
            }
        }
        write_cell(out, cell, style, widths[column], is_last);
        fputs(is_last ? "\n" : "  ", out);
    }
}

void table_write(FILE *out, const table_t *table, size_t rows)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    size_t count = table->count;

    natural_widths(widths, table);
    if (table->width > 0) {
        count = fit_widths(widths, table);
    }
    write_line(out, table, widths, count, SIZE_MAX);
    for (size_t row = 0; row < rows && row < table->rows; row++) {
        write_line(out, table, widths, count, row);
    }
}
