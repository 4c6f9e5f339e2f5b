/* tests/test_framebuffer.c - drawing into memory, pixel by pixel; and what a board says that has no screen. What a
 * screen shows tests/host/screen.py sees. */
#include <bareloom/framebuffer.h>
#include <errno.h>
#include <string.h>

#include "tests/test.h"

#define W      20
#define H      12
#define MARGIN 3 /* pixels around it which nothing may touch: the pitch is larger than the width */
#define PITCH  (W + 2 * MARGIN)
#define NONE   0xabcdefu

static uint32_t memory[(H + 2 * MARGIN) * PITCH];
static const struct fb fb = {memory + MARGIN * PITCH + MARGIN, W, H, PITCH};

static void clear(void) {
    for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++) {
        memory[i] = NONE;
    }
}

static uint32_t at(int x, int y) {
    return memory[(y + MARGIN) * PITCH + x + MARGIN];
}

/* How many pixels have this color, in the picture and around it. */
static unsigned count(uint32_t color) {
    unsigned n = 0;
    for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++) {
        n += memory[i] == color;
    }
    return n;
}

static unsigned count_inside(uint32_t color) {
    unsigned n = 0;
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++) {
            n += at(x, y) == color;
        }
    }
    return n;
}

TEST(sched, fb_fill_clips) {
    clear();
    fb_fill(&fb, 2, 3, 4, 5, 1);
    CHECK(at(2, 3) == 1 && at(5, 7) == 1 && at(1, 3) == NONE && at(6, 7) == NONE && at(2, 8) == NONE);
    CHECK_EQ(count(1), 4 * 5);
    fb_fill(&fb, -5, -5, 7, 6, 2);
    CHECK(at(0, 0) == 2 && at(1, 0) == 2 && at(2, 0) == NONE);
    CHECK_EQ(count(2), 2 * 1);
    fb_fill(&fb, W - 1, H - 2, 100, 100, 3);
    CHECK_EQ(count(3), 1 * 2);
    fb_fill(&fb, INT32_MAX, 0, INT32_MAX, 5, 4);
    fb_fill(&fb, 0, INT32_MIN, 5, INT32_MAX, 4);
    fb_fill(&fb, 0, 0, -1, 5, 4);
    fb_fill(&fb, W, 0, 1, 1, 4);
    CHECK_EQ(count(4), 0);
    fb_fill(&fb, INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX, 4);
    CHECK_EQ(count(4), 0);
    fb_fill(&fb, -1000, -1000, INT32_MAX, INT32_MAX, 5);
    CHECK_EQ(count(5), W * H);
    CHECK_EQ(count_inside(5), W * H);
}

TEST(sched, fb_lines_and_pixels) {
    clear();
    fb_pixel(&fb, 0, 0, 1);
    fb_pixel(&fb, W - 1, H - 1, 1);
    fb_pixel(&fb, -1, 0, 1);
    fb_pixel(&fb, W, 0, 1);
    fb_pixel(&fb, 0, H, 1);
    CHECK_EQ(count(1), 2);
    fb_line(&fb, 1, 2, 9, 2, 2);
    CHECK_EQ(count(2), 9);
    fb_line(&fb, 10, 10, 10, 4, 3);
    CHECK_EQ(count(3), 7);
    fb_line(&fb, 12, 9, 15, 6, 4);
    CHECK(at(12, 9) == 4 && at(13, 8) == 4 && at(14, 7) == 4 && at(15, 6) == 4);
    CHECK_EQ(count(4), 4);
    fb_line(&fb, -30, 5, 50, 5, 5); /* what lies outside is left out */
    CHECK_EQ(count(5), W);
    fb_line(&fb, 3, 7, 3, 7, 6);
    CHECK_EQ(count(6), 1);
    CHECK_EQ(count(NONE) - count_inside(NONE), H * 2 * MARGIN + 2 * MARGIN * PITCH);
}

TEST(sched, fb_text_is_drawn) {
    static const char *const l[8] = {" ##  ", "  #  ", "  #  ", "  #  ",
                                     "  #  ", "  #  ", " ### ", "     "};
    clear();
    fb_text(&fb, 1, 1, 1, 1, "ll");
    for (int y = 0; y < 8; y++) {
        for (int x = 0; x < 5; x++) {
            uint32_t wanted = l[y][x] == '#' ? 1 : NONE;
            CHECK(at(1 + x, 1 + y) == wanted && at(1 + FB_LETTER_WIDTH + x, 1 + y) == wanted);
        }
    }
    clear();
    fb_text(&fb, 0, 0, 1, 1, "l");
    unsigned points = count(1);
    clear();
    fb_text(&fb, 0, -2, 2, 1, "l"); /* twice as large, and its first row lies outside */
    CHECK_EQ(count(1), 4 * (points - 2));
    for (char c = ' ' + 1; c < 127; c++) { /* each has points, and none is its neighbor's */
        uint32_t sums[2] = {0, 0};
        for (int i = 0; i < 2; i++) {
            clear();
            fb_text(&fb, 0, 0, 1, 1, (char[]){(char)(c + i), '\0'});
            for (int point = 0; point < 5 * 8; point++) {
                sums[i] = sums[i] * 31 + (at(point % 5, point / 5) == 1 ? 1 : 0);
            }
        }
        CHECK(sums[0] != 0 && sums[0] != sums[1]);
    }
}

TEST(sched, fb_console_scrolls) {
    char letters[3 * 1];
    struct fb_console c = {&fb, 1, 1, 3, 1, 1, 1, 0, letters, 0, 0};
    clear();
    fb_console_clear(&c);
    CHECK_EQ(count(0), 3 * FB_LETTER_WIDTH * FB_LETTER_HEIGHT);
    fb_console_write(&c, "abc", 3); /* fits exactly */
    CHECK(memcmp(letters, "abc", 3) == 0);
    fb_console_write(&c, "d", 1);
    CHECK(memcmp(letters, "d  ", 3) == 0);
    fb_console_write(&c, "ef\b\bx\rz", 7);
    CHECK(memcmp(letters, "zxf", 3) == 0);
    unsigned painted = count(1);
    fb_console_clear(&c);
    fb_text(&fb, 1, 1, 1, 1, "zxf");
    CHECK_EQ(count(1), painted); /* as if nothing had stood there before */

    char two[4 * 2];
    struct fb tall = {memory, PITCH, H + 2 * MARGIN, PITCH};
    c = (struct fb_console){&tall, 0, 0, 4, 2, 1, 1, 0, two, 0, 0};
    tall.height = 2 * FB_LETTER_HEIGHT <= H + 2 * MARGIN ? 2 * FB_LETTER_HEIGHT : H + 2 * MARGIN;
    fb_console_clear(&c);
    fb_console_write(&c, "1\n2\n3\n", 6);
    CHECK(memcmp(two, "3       ", 8) == 0);
    fb_console_write(&c, "45678", 5);
    CHECK(memcmp(two, "45678   ", 8) == 0);
}

TEST(sched, fb_open_says_why_not) {
    struct fb a, b;
    int status = fb_open(&a, 640, 480);
    if (status == -ENODEV) {
        CHECK(fb_open(&a, 0, 0) == -ENODEV);
        SKIP("the board has no screen that we know");
    }
    CHECK(status == 0 || status == -EBUSY); /* another test may have opened it */
    CHECK(fb_open(&b, 0, 480) == -EINVAL);
    CHECK(fb_open(&b, 640, 4097) == -EINVAL);
    CHECK(fb_open(&b, 800, 480) == -EBUSY);
    CHECK(fb_open(&b, 640, 480) == 0);
    CHECK(b.pixels == a.pixels && b.width == 640 && b.height == 480 && b.pitch >= 640);
    b.pixels[0] = 0x123456;
    b.pixels[(size_t)479 * b.pitch + 639] = 0x654321;
    CHECK(fb_open(&a, 640, 480) == 0); /* as it is */
    CHECK(a.pixels[0] == 0x123456 && a.pixels[(size_t)479 * a.pitch + 639] == 0x654321);
}
