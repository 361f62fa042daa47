/* SPDX-License-Identifier: MIT */
/* Width and colours, found out or handed over by three environment variables. */
#include "terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL_WIDTH = 80, WIDTH_MAX = 1000 };

static const char line_variable[] = "PHASEGRID_TERMINAL_WIDTH";
static const char page_variable[] = "PHASEGRID_PAGE_WIDTH";
static const char colour_variable[] = "PHASEGRID_COLOUR";

static int width_of(int descriptor)
{
    struct winsize size = {0};
    if (isatty(descriptor) == 0)
        return 0;
    if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return USUAL_WIDTH;
    return size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
}

static int height_of(int descriptor)
{
    struct winsize size = {0};
    return isatty(descriptor) != 0 && ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

/* https://no-color.org: any value but the empty one turns colours off. */
static bool colours_wanted(void)
{
    const char *refused = getenv("NO_COLOR"), *kind = getenv("TERM");
    return (refused == NULL || refused[0] == '\0') && kind != NULL && strcmp(kind, "dumb") != 0;
}

struct pg_terminal pg_terminal_look(void)
{
    int page_width = width_of(STDOUT_FILENO);
    return (struct pg_terminal){
        .line_width = width_of(STDERR_FILENO),
        .page_width = page_width > 0 ? page_width : USUAL_WIDTH,
        .page_height = height_of(STDOUT_FILENO),
        .colour = page_width > 0 && colours_wanted(),
    };
}

static void pass_number(const char *variable, int number)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%d", number);
    (void)setenv(variable, text, 1);
}

static int passed_number(const char *variable, int otherwise)
{
    const char *text = getenv(variable);
    long number = text != NULL ? strtol(text, NULL, 10) : otherwise;
    return number >= 0 && number <= WIDTH_MAX ? (int)number : otherwise;
}

void pg_terminal_pass_on(const struct pg_terminal *terminal)
{
    pass_number(line_variable, terminal->line_width);
    pass_number(page_variable, terminal->page_width);
    pass_number(colour_variable, terminal->colour ? 1 : 0);
}

struct pg_terminal pg_terminal_passed(void)
{
    return (struct pg_terminal){
        .line_width = passed_number(line_variable, 0),
        .page_width = passed_number(page_variable, USUAL_WIDTH),
        .colour = passed_number(colour_variable, 0) == 1,
    };
}
