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

/* Take a column from the widest that may still give one. Returns false when none may. */
static bool shrink(size_t widths[], const table_t *table)
{
    size_t *widest = NULL;

    for (size_t column = 0; column < table->count; column++) {
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

/* What is left of a column where there is so much room; one that says nothing any more goes. */
static size_t fit_width(size_t width, size_t least, size_t left)
{
    return width <= left ? width : least > 0 && least <= left ? left : 0;
}

/* What there is no room for in the end is taken from the last columns. */
static void fit_widths(size_t widths[], const table_t *table)
{
    size_t left = table->width;
    size_t total;

    do {
        total = (table->count - 1) * GAP;
        for (size_t column = 0; column < table->count; column++) {
            total += widths[column];
        }
    } while (total > table->width && shrink(widths, table));
    for (size_t column = 0; column < table->count; column++) {
        const size_t least = column > 0 ? table->columns[column].least : 1;

        widths[column] = fit_width(widths[column], least, left);
        left = widths[column] > 0 ? left - widths[column] : 0;
        left -= left < GAP ? left : GAP;
    }
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

/* The last column that there is room for. */
static size_t last_column(const size_t widths[], const table_t *table)
{
    size_t last = table->count - 1;

    while (last > 0 && widths[last] == 0) {
        last--;
    }
    return last;
}

/* Row SIZE_MAX = the heads. */
static void write_line(FILE *out, const table_t *table, const size_t widths[], size_t row)
{
    const size_t last = last_column(widths, table);
    char cell[TABLE_CELL_SIZE];

    for (size_t column = 0; column <= last; column++) {
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
        write_cell(out, cell, style, widths[column], column == last);
        fputs(column < last ? "  " : "\n", out);
    }
}

void table_write(FILE *out, const table_t *table, size_t rows)
{
    size_t widths[TABLE_COLUMNS_MAX];

    natural_widths(widths, table);
    if (table->width > 0) {
        fit_widths(widths, table);
    }
    write_line(out, table, widths, SIZE_MAX);
    for (size_t row = 0; row < rows && row < table->rows; row++) {
        write_line(out, table, widths, row);
    }
}
