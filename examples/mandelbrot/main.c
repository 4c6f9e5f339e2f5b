/*
 * mandelbrot - a picture that all cores paint, each in its own color.
 *
 * One painter on each core takes the next row when it is done with one: a single atomic counter is all they share, so who
 * has had cheap rows paints more of them. They paint a small picture in memory, which is printed as letters, and then, where
 * there is one, the board's screen:
 *
 *     make run APP=examples/mandelbrot BOARD=rpi3
 *     make screenshot APP=examples/mandelbrot BOARD=rpi3
 *
 * Fixed-point numbers, since a last bit that differs from compiler to compiler would be a pixel that does.
 */
#include <bareloom.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define ONE   (INT64_C(1) << 24)
#define STEPS 96 /* who has not left by then belongs to the set */

enum { LETTERS = 72, LINES = 24, WIDTH = 640, HEIGHT = 480, CORES_MAX = 8 };

static const uint32_t colors[CORES_MAX] = {0xff0000, 0x00ff00, 0x0000ff, 0xffff00,
                                           0xff00ff, 0x00ffff, 0xffffff, 0xff8000};

static struct {
    struct fb fb;
    atomic_uint next_row;
    atomic_uint rows[CORES_MAX];
    struct wg painters;
} job;

/* After how many steps of z = z * z + c the point is further than 2 from 0. */
static unsigned steps(int64_t re, int64_t im) {
    int64_t x = 0, y = 0;
    unsigned n = 0;
    for (; n < STEPS && x * x + y * y < 4 * ONE * ONE; n++) {
        int64_t next = (x * x - y * y) / ONE + re;
        y = 2 * x * y / ONE + im;
        x = next;
    }
    return n;
}

/* The color, the brighter the larger n is; black in the set. */
static uint32_t shade(uint32_t color, unsigned n) {
    unsigned light = n == STEPS ? 0 : 255 - 175 * 16 / (n + 16);
    uint32_t red = (color >> 16) * light / 255, green = (color >> 8 & 255) * light / 255,
             blue = (color & 255) * light / 255;
    return red << 16 | green << 8 | blue;
}

static void paint_row(unsigned row, uint32_t color) {
    const struct fb *fb = &job.fb;
    int64_t im = (2 * (int64_t)row - fb->height) * 5 * ONE / (4 * (int64_t)fb->height);
    for (unsigned i = 0; i < fb->width; i++) {
        int64_t re = (2 * (int64_t)i - fb->width) * 7 * ONE / (4 * (int64_t)fb->width) - ONE * 3 / 4;
        fb_pixel(fb, (int)i, (int)row, shade(color, steps(re, im)));
    }
}

static void painter(void *arg) {
    (void)arg;
    unsigned core = go_core(); /* it is pinned: it stays that one */
    /* relaxed: only who takes which row; nothing else goes with it */
    for (unsigned row = core; row < job.fb.height;
         row = atomic_fetch_add_explicit(&job.next_row, 1, memory_order_relaxed)) {
        paint_row(row, colors[core]);
        atomic_fetch_add_explicit(&job.rows[core], 1, memory_order_relaxed);
    }
    wg_done(&job.painters);
}

static void paint(const struct fb *fb) {
    unsigned cores = go_num_cores();
    job.fb = *fb;
    atomic_store(&job.next_row, cores); /* the first ones are dealt out */
    for (unsigned core = 0; core < cores; core++) {
        atomic_store(&job.rows[core], 0);
        wg_add(&job.painters, 1);
        go_with(&GO_OPTS(GO_PIN((int)core), .name = "painter"), painter, NULL);
    }
    wg_wait(&job.painters);
}

static void print_letters(void) {
    static uint32_t pixels[LETTERS * LINES];
    paint(&(struct fb){pixels, LETTERS, LINES, LETTERS});
    for (int y = 0; y < LINES; y++) {
        char line[LETTERS + 1] = "";
        for (int x = 0; x < LETTERS; x++) {
            uint32_t p = pixels[y * LETTERS + x];
            unsigned light = (p >> 16 | p >> 8 | p) & 255;
            line[x] = light == 0 ? '@' : " .:-=+*#%"[(light - 80) / 17];
        }
        printf("%s\n", line);
    }
}

int main(int argc, char **argv) {
    bool batch = argc > 1 && strcmp(argv[1], "--batch") == 0;
    struct fb screen;

    print_letters();
    if (fb_open(&screen, WIDTH, HEIGHT) == 0) {
        paint(&screen);
        for (unsigned core = 0; !batch && core < go_num_cores(); core++) {
            printf("core %u: %u rows\n", core, atomic_load(&job.rows[core]));
        }
        if (!batch) {
            printf("painted; any key ends\n");
            console_getc();
        }
    }
    return 0;
}
