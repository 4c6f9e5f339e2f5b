/*
 * <bareloom/framebuffer.h> - a picture on the board's screen: pixels, boxes, lines, text, and a console of text. On a
 * Raspberry Pi its HDMI output; no other board has one that we know.
 *
 * A color is 0xRRGGBB. Whatever lies outside the picture is left out. Any goroutines paint at once, on any cores: a
 * pixel is one store. The memory is not cached: reading it is slow, writing row by row is not.
 */
#pragma once

#include <bareloom/base.h>

struct fb {
    uint32_t *pixels; /* row y begins at pixels + y * pitch */
    unsigned width, height;
    unsigned pitch; /* in pixels */
};

/* Shows a black picture of that size, which the firmware scales to the screen. Who asks again, for the same size,
 * gets the same picture as it is. 0; -ENODEV: the board has no screen that we know; -EIO: its firmware makes no such
 * picture; -EBUSY: there is one of another size; -EINVAL: 1 to 4096 pixels wide and high. From a G. */
int fb_open(struct fb *out, unsigned width, unsigned height);

/* The picture may also be a program's own memory, with these fields filled in. Any context. */
void fb_pixel(const struct fb *fb, int x, int y, uint32_t color);
void fb_fill(const struct fb *fb, int x, int y, int width, int height, uint32_t color);
void fb_line(const struct fb *fb, int x, int y, int to_x, int to_y, uint32_t color);

/* A letter takes this much room at scale 1; its points leave the column to the right and the two rows below free. */
#define FB_LETTER_WIDTH  6
#define FB_LETTER_HEIGHT 10

/* A line of ASCII, its upper left corner at x, y, over what is there. Any context. */
void fb_text(const struct fb *fb, int x, int y, unsigned scale, uint32_t color, const char *text);

/* A box of the picture as a terminal without escapes: lines that wrap, \n, \r and \b, and go up at its end. */
struct fb_console {
    const struct fb *fb;
    int x, y;               /* of its upper left corner */
    unsigned columns, rows; /* of letters */
    unsigned scale;
    uint32_t color, background;
    char *letters;        /* columns * rows bytes of the program's memory: what stands there */
    unsigned column, row; /* where the next letter goes */
};

/* Clears it: letters, background, and the place to go on. The other fields are filled in. From a G. */
void fb_console_clear(struct fb_console *c);

/* Writes n bytes. One caller at a time. From a G. */
void fb_console_write(struct fb_console *c, const char *bytes, size_t n);
