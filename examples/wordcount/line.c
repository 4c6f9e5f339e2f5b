/*
 * line.c - a line of input from the console, with the usual editing keys.
 *
 * console_getc() parks this G until the receive interrupt brings a byte; the byte then displaces
 * whatever runs. So an echo appears at once, even while every core is busy in a loop that calls
 * nothing.
 */
#include "line.h"

#include <bareloom/console.h>
#include <bareloom/time.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    CTRL_C = 3,
    BELL = 7,
    BACKSPACE = 8,
    CTRL_U = 21,
    ESC = 27,
    DELETE = 127,
};

/* The bytes of one key come together: what comes later is another key. */
#define WITHIN_KEY MS(200)

static void put(const char *s) {
    console_write(s, strlen(s));
}

/* An arrow or a function key sends ESC [ parameters letter, or ESC O letter: reads what follows the
 * ESC. */
static void skip_escape(void) {
    int c = console_getc_until(WITHIN(WITHIN_KEY));
    if (c != '[' && c != 'O') {
        return;
    }
    do {
        c = console_getc_until(WITHIN(WITHIN_KEY));
    } while (c >= 0 && (c < '@' || c > '~'));
}

/* The next byte that means something: keys that send sequences are passed over, and the second half
 * of a CR LF. Negative at the end of the input. */
static int next_key(void) {
    static bool after_cr;

    for (;;) {
        int c = console_getc();
        bool second_half = c == '\n' && after_cr;
        after_cr = c == '\r';
        if (c == ESC) {
            skip_escape();
        } else if (!second_half) {
            return c;
        }
    }
}

/* Takes back n characters on the screen. */
static void rub_out(size_t n) {
    while (n-- > 0) {
        put("\b \b");
    }
}

int line_read(const char *prompt, char *line, size_t size) {
    size_t n = 0;

    fflush(stdout); /* what printf holds back comes before the prompt */
    put(prompt);
    for (;;) {
        int c = next_key();
        if (c < 0) {
            return -EPIPE;
        }
        switch (c) {
        case '\r':
        case '\n':
            put("\r\n");
            line[n] = '\0';
            return 0;
        case BACKSPACE:
        case DELETE:
            if (n > 0) {
                n--;
                rub_out(1);
            }
            break;
        case CTRL_U:
            rub_out(n);
            n = 0;
            break;
        case CTRL_C:
            put("^C\r\n");
            put(prompt);
            n = 0;
            break;
        default:
            if (c >= ' ' && c <= '~' && n < size - 1) {
                line[n++] = (char)c;
                console_write(&line[n - 1], 1);
            } else {
                console_write(&(char){BELL}, 1);
            }
        }
    }
}
