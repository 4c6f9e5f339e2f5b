/*
 * libc/tty.c - standard input and output: a line discipline over the console's bytes.
 *
 * read() gives a line at a time, when Enter ends it: with echo, Backspace or Delete for a
 * character, Ctrl-U for the line, Ctrl-D for the end of the file (behind other characters: for what
 * there is, without a newline). Other control characters are passed over. A program that wants keys
 * instead of lines uses console_getc().
 *
 * One reader at a time has the line under its hands; the others wait for the next.
 */
#include "libc/tty.h"

#include <bareloom/console.h>
#include <bareloom/sync.h>
#include <errno.h>
#include <string.h>

#include "libc/console.h"

#define LINE 256u

enum { CTRL_D = 4, BACKSPACE = 8, CTRL_U = 21, DELETE = 127 };

/* guarded by reading */
static struct {
    struct mutex reading;
    unsigned char line[LINE];
    size_t n, given; /* bytes in line, and those that a read() had already */
    bool after_cr;   /* a LF now would be the second half of a CR LF */
} in;

/* ---- editing a line: under the lock ---------------------------------------------------------- */

/* Takes the last character back, with all bytes of its UTF-8. */
static void rub_out(void) {
    while (in.n > 0 && (in.line[in.n - 1] & 0xc0) == 0x80) {
        in.n--;
    }
    if (in.n > 0) {
        in.n--;
        console_write("\b \b", 3);
    }
}

/* Room for the newline is kept. */
static void add(unsigned char c) {
    if (in.n < LINE - 1) {
        in.line[in.n++] = c;
        console_write(&c, 1);
    } else {
        console_write("\a", 1);
    }
}

static bool key(int c) {
    bool second_half = c == '\n' && in.after_cr;
    in.after_cr = c == '\r';
    switch (c) {
    case '\r':
    case '\n':
        if (second_half) {
            return false;
        }
        in.line[in.n++] = '\n';
        console_write("\r\n", 2);
        return true;
    case BACKSPACE:
    case DELETE:
        rub_out();
        return false;
    case CTRL_U:
        while (in.n > 0) {
            rub_out();
        }
        return false;
    case CTRL_D:
        return true;
    default:
        if (c >= ' ' || c == '\t') {
            add((unsigned char)c);
        }
        return false;
    }
}

static void get_line(void) {
    bool whole = false;
    in.n = in.given = 0;
    while (!whole) {
        int c = console_getc();
        whole = c < 0 || key(c);
    }
}

/* ---- the file -------------------------------------------------------------------------------- */

static int64_t tty_read(struct file *f, void *buffer, size_t n) {
    (void)f;
    mutex_lock(&in.reading);
    if (in.given == in.n) {
        get_line();
    }
    size_t left = in.n - in.given;
    if (n > left) {
        n = left;
    }
    memcpy(buffer, in.line + in.given, n);
    in.given += n;
    mutex_unlock(&in.reading);
    return (int64_t)n;
}

static int64_t tty_write(struct file *f, const void *bytes, size_t n) {
    (void)f;
    console_write_text(bytes, n);
    return (int64_t)n;
}

const struct file_ops tty_ops = {.read = tty_read, .write = tty_write, .terminal = true};
