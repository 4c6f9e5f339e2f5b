/*
 * job.c - the word count as three kinds of Gs and the channels between them.
 *
 *              chunks                  full
 *     reader ---------> worker x 2n ---------> reducer (who called wordcount)
 *                            ^                    |
 *                            +--------------------+
 *                                    empty
 *
 * The reader cuts the text between words, each worker counts a chunk into a tally, the reducer adds
 * the tallies up and sends them back to be filled again: however long the text is, there are no
 * more tallies than were made at the start. The end runs down the same way: the reader closes
 * chunks, so the workers end, so the reader closes full, so the reducer is done.
 */
#include "job.h"

#include <bareloom.h>
#include <bareloom/input.h>
#include <stdio.h>
#include <stdlib.h>

#include "report.h"
#include "tally.h"

#define WORKERS_PER_CORE   2
#define TALLIES_PER_WORKER 2

/* Chunks are small enough that every worker gets several, and large enough that words repeat in
 * them. */
#define CHUNKS_PER_WORKER 16
#define CHUNK_MIN         KB(4)
#define CHUNK_MAX         KB(256)

/* The text that comes with the project keeps four cores busy for a few slices of the usual 10 ms
 * only; with shorter ones the table shows preemption at work. */
#define JOB_SLICE MS(1)

#define PROGRESS_STEPS 20

struct chunk {
    size_t begin, end;
};

struct job {
    const char *text;
    size_t size;
    unsigned workers;
    struct tally *tallies;
    struct chan *chunks; /* of struct chunk */
    struct chan *full;   /* of struct tally * */
    struct chan *empty;  /* of struct tally * */
    struct wg working;   /* the workers that have not ended */
};

/* ---- the Gs ---------------------------------------------------------------------------------- */

/* Where the chunk that starts at begin ends: behind white space, or at the end of the text. */
static size_t cut(const struct job *job, size_t begin) {
    size_t length = job->size / (job->workers * CHUNKS_PER_WORKER);
    if (length < CHUNK_MIN) {
        length = CHUNK_MIN;
    } else if (length > CHUNK_MAX) {
        length = CHUNK_MAX;
    }
    if (length >= job->size - begin) {
        return job->size;
    }
    size_t end = begin + length;
    while (end < job->size && !is_space(job->text[end - 1])) {
        end++;
    }
    return end;
}

static void reader(void *arg) {
    struct job *job = arg;

    for (struct chunk c = {0}; c.begin < job->size; c.begin = c.end) {
        c.end = cut(job, c.begin);
        chan_send(job->chunks, &c);
    }
    chan_close(job->chunks);
    wg_wait(&job->working);
    chan_close(job->full); /* nothing of the job is touched after this: the reducer returns */
}

static void worker(void *arg) {
    struct job *job = arg;
    struct chunk c;
    struct tally *t;

    while (chan_recv(job->chunks, &c) == 0) {
        chan_recv(job->empty, &t);
        tally_count(t, c.begin, c.end);
        chan_send(job->full, &t);
    }
    wg_done(&job->working);
}

static void draw_bar(unsigned steps) {
    static const char bar[] = "####################....................";
    printf("\rcounting [%.*s] %3u %%", PROGRESS_STEPS, &bar[PROGRESS_STEPS - steps],
           steps * 100 / PROGRESS_STEPS);
    fflush(stdout);
}

static void reduce(struct job *job, struct tally *total, bool progress) {
    unsigned drawn = 0;
    struct tally *t;

    while (chan_recv(job->full, &t) == 0) {
        tally_merge(total, t);
        tally_clear(t);
        chan_send(job->empty, &t);

        unsigned steps = (unsigned)(total->totals.bytes * PROGRESS_STEPS / job->size);
        if (progress && steps > drawn) {
            draw_bar(steps);
            drawn = steps;
        }
    }
    if (drawn > 0) {
        printf("\n");
    }
}

/* ---- the job --------------------------------------------------------------------------------- */

/* Starts everyone but the reducer. When some of the workers cannot start the others do their work;
 * false when the job cannot be done at all, and nobody is left. */
static bool start(struct job *job) {
    unsigned started = 0;

    for (; started < job->workers; started++) {
        wg_add(&job->working, 1);
        if (go_with(&GO_OPTS(.name = "worker"), worker, job) != 0) {
            wg_done(&job->working);
            break;
        }
    }
    if (started > 0 && go_with(&GO_OPTS(.name = "reader"), reader, job) == 0) {
        return true;
    }
    chan_close(job->chunks);
    wg_wait(&job->working);
    return false;
}

/* Makes what the Gs share. False when memory is short; job_free() is right in either case. */
static bool job_init(struct job *job, const char *text, size_t size) {
    unsigned workers = WORKERS_PER_CORE * go_cores();
    unsigned tallies = TALLIES_PER_WORKER * workers;

    *job = (struct job){
        .text = text,
        .size = size,
        .workers = workers,
        .tallies = calloc(tallies, sizeof *job->tallies),
        .chunks = CHAN(struct chunk, workers),
        .full = CHAN(struct tally *, tallies),
        .empty = CHAN(struct tally *, tallies),
    };
    if (job->tallies == NULL || job->chunks == NULL || job->full == NULL || job->empty == NULL) {
        return false;
    }
    for (unsigned i = 0; i < tallies; i++) {
        struct tally *t = &job->tallies[i];
        tally_init(t, text);
        chan_send(job->empty, &t);
    }
    return true;
}

static void job_free(struct job *job) {
    struct tally *t;
    while (job->empty != NULL && chan_try_recv(job->empty, &t) == 0) {
        tally_free(t);
    }
    chan_free(job->empty);
    chan_free(job->full);
    chan_free(job->chunks);
    free(job->tallies);
}

/* Counts text into total. */
static bool count(const char *text, size_t size, struct tally *total, bool progress) {
    struct job job;

    bool done = job_init(&job, text, size) && start(&job);
    if (done) {
        reduce(&job, total, progress);
    }
    job_free(&job);
    return done && !total->failed;
}

int wordcount(bool progress) {
    const char *text;
    size_t size;

    if (!input_text(&text, &size)) {
        printf("wordcount: the text in this image is damaged: its CRC is not what it was\n");
        return 1;
    }

    struct core_info *before = report_snapshot();
    struct tally total;
    tally_init(&total, text);
    ns_t slice = go_set_slice(JOB_SLICE);
    ns_t began = go_now();
    bool done = count(text, size, &total, progress);
    ns_t took = go_now() - began;
    go_set_slice(slice);

    if (done) {
        report_words(&total);
        printf("\ncounted in %.1f ms on %u cores\n\n", (double)took / 1e6, go_cores());
        report_cores(before);
    } else {
        printf("wordcount: out of memory; take a smaller INPUT\n");
    }
    tally_free(&total);
    free(before);
    return done ? 0 : 1;
}
