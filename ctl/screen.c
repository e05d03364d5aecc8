#include "screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80
#define HEIGHT_DEFAULT 24

/* The other screen of the terminal, without a cursor; and back. */
#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define CLEAR_LINE "\033[K" /* what is right of it */
#define CLEAR_REST "\033[J"

static bool is_entered;
static bool has_modes; /* kept in modes: those of the terminal that standard input is */
static struct termios modes;

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0';
}

static bool is_dumb(void)
{
    const char *terminal = getenv("TERM");

    return terminal == NULL || terminal[0] == '\0' || strcmp(terminal, "dumb") == 0;
}

bool screen_is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

bool screen_is_plain(void)
{
    return !screen_can_draw() || is_set("NO_COLOR");
}

bool screen_can_draw(void)
{
    return screen_is_terminal() && !is_dumb();
}

static struct winsize window(void)
{
    struct winsize size = {0};

    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    return size;
}

size_t screen_width(void)
{
    if (!screen_is_terminal()) {
        return 0;
    }
    return window().ws_col > 0 ? window().ws_col : WIDTH_DEFAULT;
}

size_t screen_height(void)
{
    return window().ws_row > 0 ? window().ws_row : HEIGHT_DEFAULT;
}

/* Returns false when nobody takes it. */
static bool put(const char *text, size_t len)
{
    while (len > 0) {
        const ssize_t written = write(STDOUT_FILENO, text, len);

        if (written < 0 && errno != EINTR) {
            return false;
        }
        text += written > 0 ? written : 0;
        len -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

static void hush_keys(void)
{
    struct termios quiet;

    has_modes = tcgetattr(STDIN_FILENO, &modes) == 0;
    if (has_modes) {
        quiet = modes;
        quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
        quiet.c_cc[VMIN] = 1;
        quiet.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSADRAIN, &quiet);
    }
}

void screen_enter(void)
{
    if (!is_entered) {
        hush_keys();
        put(ENTER, sizeof(ENTER) - 1);
        is_entered = true;
    }
}

void screen_leave(void)
{
    if (is_entered) {
        put(LEAVE, sizeof(LEAVE) - 1);
        if (has_modes) {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &modes); /* what was typed was for us */
        }
        is_entered = false;
    }
}

bool screen_draw(const char *text)
{
    bool drawn = put(HOME, sizeof(HOME) - 1);
    size_t left = screen_height();

    /* The last line has no end of its own, at which the terminal would scroll. */
    while (drawn && text[0] != '\0' && left-- > 0) {
        const size_t len = strcspn(text, "\n");

        drawn = put(text, len) && put(CLEAR_LINE, sizeof(CLEAR_LINE) - 1);
        text += len + (text[len] == '\n' ? 1 : 0);
        drawn = drawn && (text[0] == '\0' || left == 0 || put("\r\n", 2));
    }
    return drawn && put(CLEAR_REST, sizeof(CLEAR_REST) - 1);
}
