/*
 * libc/framebuffer.c - the board's picture behind checks, and drawing in it.
 *
 * Nothing here reads the picture, which is slow: a console knows its letters itself, and paints those that are others than
 * before.
 */
#include <bareloom/framebuffer.h>
#include <bareloom/irq.h>
#include <bareloom/sync.h>
#include <errno.h>
#include <string.h>

#include "hal/board.h"
#include "libc/board.h"
#include "libc/font.h"

#define MOST 4096u
#define PAGE 4096u

/* ---- the board's ----------------------------------------------------------------------------- */

static struct fb open; /* under board_ask(); pixels NULL: there is none yet */

/* Under board_ask(). */
static int show(unsigned width, unsigned height) {
    struct board_screen s;
    if (!board.screen(width, height, &s)) {
        return -EIO;
    }
    size_t size = (s.pitch * height + PAGE - 1) / PAGE * PAGE;
    if (dma_map(s.base, size) != 0) {
        return -EIO;
    }
    open = (struct fb){(uint32_t *)s.base, width, height, (unsigned)(s.pitch / sizeof(uint32_t))};
    fb_fill(&open, 0, 0, (int)width, (int)height, 0);
    return 0;
}

int fb_open(struct fb *out, unsigned width, unsigned height) {
    if (board.screen == NULL) {
        return -ENODEV;
    }
    if (width - 1 >= MOST || height - 1 >= MOST) {
        return -EINVAL;
    }
    board_ask();
    int status = open.pixels == NULL                            ? show(width, height)
                 : open.width != width || open.height != height ? -EBUSY
                                                                : 0;
    *out = open;
    board_told();
    return status;
}

/* ---- drawing --------------------------------------------------------------------------------- */

void fb_pixel(const struct fb *fb, int x, int y, uint32_t color) {
    if (x >= 0 && y >= 0 && (unsigned)x < fb->width && (unsigned)y < fb->height) {
        fb->pixels[(size_t)y * fb->pitch + (unsigned)x] = color;
    }
}

/* What of [*from, *from + *length) lies in [0, end). */
static void clip(int *from, int *length, unsigned end) {
    int64_t last = (int64_t)*from + *length;
    last = last < (int64_t)end ? last : (int64_t)end;
    *from = *from > 0 ? *from : 0;
    *length = last > *from ? (int)(last - *from) : 0;
}

void fb_fill(const struct fb *fb, int x, int y, int width, int height, uint32_t color) {
    clip(&x, &width, fb->width);
    clip(&y, &height, fb->height);
    for (int row = 0; row < height; row++) {
        uint32_t *p = &fb->pixels[(size_t)(y + row) * fb->pitch + (unsigned)x];
        for (int i = 0; i < width; i++) {
            p[i] = color;
        }
    }
}

/* Bresenham's: error is how far, in units of the longer side, the line is from the pixel's middle. */
void fb_line(const struct fb *fb, int x, int y, int to_x, int to_y, uint32_t color) {
    int dx = to_x > x ? to_x - x : x - to_x, dy = to_y > y ? to_y - y : y - to_y;
    int step_x = to_x > x ? 1 : -1, step_y = to_y > y ? 1 : -1;
    int error = dx - dy;
    for (;;) {
        fb_pixel(fb, x, y, color);
        if (x == to_x && y == to_y) {
            return;
        }
        int twice = 2 * error;
        if (twice > -dy) {
            error -= dy;
            x += step_x;
        }
        if (twice < dx) {
            error += dx;
            y += step_y;
        }
    }
}

static void letter(const struct fb *fb, int x, int y, unsigned scale, uint32_t color, char c) {
    int side = (int)scale;
    for (unsigned row = 0; row < FONT_HEIGHT; row++) {
        for (unsigned column = 0; column < FONT_WIDTH; column++) {
            if (font_point(c, column, row)) {
                fb_fill(fb, x + (int)column * side, y + (int)row * side, side, side, color);
            }
        }
    }
}

void fb_text(const struct fb *fb, int x, int y, unsigned scale, uint32_t color, const char *text) {
    for (; *text != '\0'; text++) {
        letter(fb, x, y, scale, color, *text);
        x += (int)(FB_LETTER_WIDTH * scale);
    }
}

/* ---- a console ------------------------------------------------------------------------------- */

static void put_at(struct fb_console *c, unsigned column, unsigned row, char what) {
    char *there = &c->letters[row * c->columns + column];
    if (*there != what) {
        int width = (int)(FB_LETTER_WIDTH * c->scale), height = (int)(FB_LETTER_HEIGHT * c->scale);
        int x = c->x + (int)column * width, y = c->y + (int)row * height;
        *there = what;
        fb_fill(c->fb, x, y, width, height, c->background);
        letter(c->fb, x, y, c->scale, c->color, what);
    }
}

void fb_console_clear(struct fb_console *c) {
    memset(c->letters, ' ', (size_t)c->columns * c->rows);
    c->column = c->row = 0;
    fb_fill(c->fb, c->x, c->y, (int)(c->columns * c->scale * FB_LETTER_WIDTH),
            (int)(c->rows * c->scale * FB_LETTER_HEIGHT), c->background);
}

static void next_row(struct fb_console *c) {
    c->column = 0;
    if (++c->row < c->rows) {
        return;
    }
    c->row = c->rows - 1;
    for (unsigned row = 0; row < c->rows; row++) {
        for (unsigned column = 0; column < c->columns; column++) {
            put_at(c, column, row,
                   row + 1 < c->rows ? c->letters[(row + 1) * c->columns + column] : ' ');
        }
    }
}

void fb_console_write(struct fb_console *c, const char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        switch (bytes[i]) {
        case '\n':
            next_row(c);
            break;
        case '\r':
            c->column = 0;
            break;
        case '\b':
            c->column -= c->column > 0;
            break;
        default:
            if (c->column == c->columns) { /* only now: a line that fits exactly leaves none empty */
                next_row(c);
            }
            put_at(c, c->column++, c->row, bytes[i]);
        }
    }
}
