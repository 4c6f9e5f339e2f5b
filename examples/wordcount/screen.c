/*
 * screen.c - bars of load, a timeline of what each core runs, and who that is, on the board's screen.
 *
 * The timeline is made of the scheduler's own record of events (<bareloom/trace.h>), not of looks at what runs just now:
 * who looks runs himself. A column has the color of the goroutine that ran longest without a break in its time. Columns
 * are kept here and painted anew each time, since the picture itself is slow to read.
 */
#include "screen.h"

#include <bareloom.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WIDTH  1024
#define HEIGHT 600
#define EDGE   16
#define SCALE  2
#define LETTER (SCALE * FB_LETTER_WIDTH)
#define LINE   24

#define BARS      64 /* their upper edge */
#define BAR_LINE  30
#define BAR_X     (EDGE + 8 * LETTER)
#define BAR_WIDTH 240
#define LANE      40
#define COLUMN    MS(2)
#define COLUMNS   (WIDTH - 2 * EDGE - 2 * LETTER)
#define ROWS      12 /* of goroutines, in two columns */

#define EVENTS 16384

#define BACKGROUND 0x101418
#define INK        0xd8dee6
#define FAINT      0x808890
#define SLEEPS     0x242c34
#define SCHEDULES  0x5a6470

static const uint32_t palette[] = {0xe6194b, 0x3cb44b, 0x4363d8, 0xf58231, 0x46f0f0, 0xf032e6,
                                   0xbcf60c, 0xfabebe, 0x008080, 0xffe119, 0x9a6324, 0x911eb4};

static struct fb fb;
static bool recording;          /* we began it, so we end it */
static int64_t newest;          /* the last column, a number since power-on */
static unsigned lane_of_reader; /* for see() */
static bool heard[MOST_CORES]; /* something of the core is recorded; until then it does what it did before: */
static uint32_t running[MOST_CORES]; /* the goroutine that it was found running last, 0: none */

/* A ring of columns: column c is at c % COLUMNS. */
static struct column {
    uint32_t color;
    ns_t longest;
} lanes[MOST_CORES][COLUMNS];

static uint32_t color_of(uint32_t g) {
    return g == 0 ? SLEEPS : palette[g % (sizeof palette / sizeof palette[0])];
}

static int lanes_y(void) {
    return BARS + (int)go_num_cores() * BAR_LINE + LINE + 8;
}

static int rows_y(void) {
    return lanes_y() + (int)go_num_cores() * (LANE + 4) + LINE / 2;
}

/* Over what stood there before, so that it fills its place. */
static void text(int x, int y, uint32_t color, const char *words) {
    fb_fill(&fb, x, y, (int)strlen(words) * LETTER, SCALE * FB_LETTER_HEIGHT, BACKGROUND);
    fb_text(&fb, x, y, SCALE, color, words);
}

/* ---- the timeline ---------------------------------------------------------------------------- */

/* Column c begins anew. */
static void blank(int64_t c) {
    for (unsigned core = 0; core < go_num_cores(); core++) {
        lanes[core][c % COLUMNS] = (struct column){SCHEDULES, 0};
    }
}

static void see(const struct trace_stretch *s, void *arg) {
    int64_t *since = arg; /* the first column that is filled in now */
    heard[lane_of_reader] = true;
    int64_t c = s->begin / COLUMN;
    for (c = c > *since ? c : *since; c <= newest && c * COLUMN < s->end; c++) {
        ns_t begin = s->begin > c * COLUMN ? s->begin : c * COLUMN;
        ns_t end = s->end < (c + 1) * COLUMN ? s->end : (c + 1) * COLUMN;
        struct column *at = &lanes[lane_of_reader][c % COLUMNS];
        if (end - begin > at->longest) {
            *at = (struct column){color_of(s->g), end - begin};
        }
    }
}

static void paint_lane(unsigned core) {
    int y = lanes_y() + (int)core * (LANE + 4);
    for (int from = 0, to; from < COLUMNS; from = to) {
        uint32_t color = lanes[core][(newest + 1 + from) % COLUMNS].color;
        for (to = from + 1; to < COLUMNS && lanes[core][(newest + 1 + to) % COLUMNS].color == color;
             to++) {
        }
        fb_fill(&fb, EDGE + 2 * LETTER + from, y, to - from, LANE, color);
    }
}

void screen_timeline(void) {
    int64_t now = go_now() / COLUMN;
    int64_t since =
        newest > now - COLUMNS + 1 ? newest : now - COLUMNS + 1; /* the last one was not complete */
    newest = now;
    for (int64_t c = since; c <= now; c++) {
        blank(c);
    }
    for (unsigned core = 0; core < go_num_cores(); core++) {
        lane_of_reader = core;
        trace_stretches(core, since * COLUMN, see, &since);
        for (int64_t c = since; !heard[core] && c <= now; c++) {
            lanes[core][c % COLUMNS].color = color_of(running[core]);
        }
        paint_lane(core);
    }
}

/* ---- numbers --------------------------------------------------------------------------------- */

static void paint_core(const struct picture *now, const struct picture *then, unsigned i) {
    const struct core_info *c = &now->cores[i], *was = &then->cores[i];
    int y = BARS + (int)i * BAR_LINE;
    double load = picture_load(now, then, i);
    int full = (int)(load * BAR_WIDTH / 100 + 0.5);
    char line[64];
    snprintf(line, sizeof line, "core %u", i);
    text(EDGE, y, INK, line);
    fb_fill(&fb, BAR_X, y, full, SCALE * FB_LETTER_HEIGHT - 2, load > 90 ? 0xe0603c : 0x4cb050);
    fb_fill(&fb, BAR_X + full, y, BAR_WIDTH - full, SCALE * FB_LETTER_HEIGHT - 2, SLEEPS);
    snprintf(line, sizeof line, "%5.1f %%%9" PRIu64 "%8" PRIu64 "%7" PRIu64 "%7" PRIu64 "%6u", load,
             c->switches - was->switches, c->stolen - was->stolen, c->ipis_sent - was->ipis_sent,
             c->ticks - was->ticks, c->queued);
    text(BAR_X + BAR_WIDTH + LETTER, y, INK, line);
}

static void paint_gs(const struct picture *now, const struct picture *then) {
    struct busy rows[ROWS] = {0};
    size_t n = picture_busiest(now, then, rows, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        int x = EDGE + (int)(i % 2) * (WIDTH / 2), y = rows_y() + (int)(i / 2) * LINE;
        char line[48] = "";
        fb_fill(&fb, x, y, LETTER + 4, SCALE * FB_LETTER_HEIGHT - 4,
                i < n ? color_of((uint32_t)rows[i].g->id) : BACKGROUND);
        if (i < n) {
            snprintf(line, sizeof line, "%5.1f %% %4" PRIu64 " %-9.9s %-12.12s", rows[i].percent,
                     rows[i].g->id, rows[i].g->name, picture_state(rows[i].g));
        }
        fb_fill(&fb, x + 2 * LETTER, y, WIDTH / 2 - EDGE - 2 * LETTER, LINE, BACKGROUND);
        text(x + 2 * LETTER, y, INK, line);
    }
}

static void note_running(const struct picture *now) {
    memset(running, 0, sizeof running);
    for (size_t i = 0; i < now->count; i++) {
        if (now->gs[i].state == GO_RUNNING) {
            running[now->gs[i].core] = (uint32_t)now->gs[i].id;
        }
    }
}

void screen_numbers(const struct picture *now, const struct picture *then) {
    char line[128]; /* what does not fit on the screen is left out */
    size_t pages, free_pages;
    info_memory(&pages, &free_pages);
    snprintf(line, sizeof line, "%s  %u of %u cores  %zu goroutines  up %.0f s  %zu of %zu MiB free ",
             info_board(), go_cores(), go_num_cores(), now->count + now->more,
             (double)now->at / 1e9, free_pages / 256, pages / 256);
    text(EDGE, EDGE - 4, INK, line);
    for (unsigned i = 0; i < go_num_cores(); i++) {
        paint_core(now, then, i);
    }
    paint_gs(now, then);
    note_running(now);
}

/* ---- begin, end ------------------------------------------------------------------------------ */

bool screen_begin(const struct picture *now) {
    if (fb_open(&fb, WIDTH, HEIGHT) != 0) {
        return false;
    }
    recording = trace_what() == 0;
    if ((trace_what() & TRACE_EVENTS) == 0 && trace_start(TRACE_EVENTS, EVENTS, 0) != 0) {
        return false;
    }
    fb_fill(&fb, 0, 0, WIDTH, HEIGHT, BACKGROUND);
    text(BAR_X + BAR_WIDTH + LETTER, BARS - LINE, FAINT, "   load  entered  stolen   rung  ticks queue");
    text(EDGE, lanes_y() - LINE, FAINT,
         "what each core runs: a column is 2 ms, a color a goroutine, dark is asleep");
    for (unsigned core = 0; core < go_num_cores(); core++) {
        char name[] = {(char)('0' + core), '\0'};
        text(EDGE, lanes_y() + (int)core * (LANE + 4) + LANE / 2 - 8, INK, name);
        for (int64_t c = 0; c < COLUMNS; c++) {
            lanes[core][c] = (struct column){BACKGROUND, 0};
        }
    }
    memset(heard, 0, sizeof heard);
    note_running(now);
    newest = go_now() / COLUMN;
    return true;
}

void screen_end(void) {
    if (recording) {
        trace_stop();
    }
}
