/*
 * pipeline - stages joined by channels, all at work at the same time; the end of the data flows
 * through them.
 *
 *     lines --text--> split --words--> count (three Gs) --lengths--> main
 *
 * Whoever sends last on a channel closes it; chan_recv() then says so to everyone who reads from
 * it. Where several Gs send on one channel, a wait group finds out who was the last.
 */
#include <bareloom.h>
#include <stdio.h>
#include <string.h>

#define COUNTERS 3

static struct chan *text, *words, *lengths;
static struct wg counting;

struct word {
    const char *start;
    int length;
};

static void lines(void *arg) {
    static const char *const poem[] = {
        "tyger tyger burning bright",
        "in the forests of the night",
        "what immortal hand or eye",
        "could frame thy fearful symmetry",
    };

    (void)arg;
    for (size_t i = 0; i < sizeof poem / sizeof poem[0]; i++) {
        chan_send(text, &poem[i]);
    }
    chan_close(text);
}

static void split(void *arg) {
    const char *line;

    (void)arg;
    while (chan_recv(text, &line) == 0) {
        while (*line != '\0') {
            struct word w = {line, (int)strcspn(line, " ")};
            chan_send(words, &w);
            line += w.length + (line[w.length] == ' ');
        }
    }
    chan_close(words);
    wg_wait(&counting);
    chan_close(lengths);
}

static void count(void *arg) {
    struct word w;

    (void)arg;
    while (chan_recv(words, &w) == 0) {
        chan_send(lengths, &w.length);
    }
    wg_done(&counting);
}

int main(void) {
    int length, n = 0, letters = 0;

    text = CHAN(const char *, 0);
    words = CHAN(struct word, 4);
    lengths = CHAN(int, 0);
    wg_add(&counting, COUNTERS);
    go(lines, NULL);
    go(split, NULL);
    for (int i = 0; i < COUNTERS; i++) {
        go(count, NULL);
    }

    while (chan_recv(lengths, &length) == 0) {
        n++;
        letters += length;
    }
    printf("%d words of %d letters in all\n", n, letters);
    return 0;
}
