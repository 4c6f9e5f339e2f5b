/*
 * report.c - what the program prints: words, totals, and what each core did.
 */
#include "report.h"

#include <bareloom/go.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TOP     10
#define LONGEST 60 /* letters of a word that are printed */

/* text[w->at], w->length letters, in lower case. */
static void print_word(const char *text, const struct word *w) {
    char letters[LONGEST + 1];
    uint32_t n = 0;

    for (; n < w->length && n < LONGEST; n++) {
        letters[n] = (char)(text[w->at + n] | 0x20);
    }
    letters[n] = '\0';
    printf("%10" PRIu32 "  %s", w->count, letters);
    if (n < w->length) {
        printf("... (%" PRIu32 " letters)", w->length);
    }
    printf("\n");
}

void report_words(const struct tally *t) {
    struct word top[TOP];
    size_t found = tally_top(t, top, TOP);

    printf("the commonest words\n");
    for (size_t i = 0; i < found; i++) {
        print_word(t->text, &top[i]);
    }
    printf("totals\n");
    printf("%10" PRIu64 "  lines\n", t->totals.lines);
    printf("%10" PRIu64 "  words", t->totals.words);
    if (t->totals.unprintable > 0) {
        printf(" (%" PRIu64 " without a printable ASCII character: wc may leave them out)",
               t->totals.unprintable);
    }
    printf("\n%10" PRIu64 "  bytes\n", t->totals.bytes);
    printf("%10zu  distinct words\n", t->distinct);
}

struct core_info *report_snapshot(void) {
    struct core_info *cores = calloc(go_num_cores(), sizeof *cores);

    for (unsigned i = 0; cores != NULL && i < go_num_cores(); i++) {
        info_core(i, &cores[i]);
    }
    return cores;
}

void report_cores(const struct core_info *since) {
    static const struct core_info power_on;

    printf("core   Gs run   stolen  preempted  IPIs sent  received    idle ms\n");
    for (unsigned i = 0; i < go_num_cores(); i++) {
        const struct core_info *then = since != NULL ? &since[i] : &power_on;
        struct core_info now;
        info_core(i, &now);
        printf("%4u %8" PRIu64 " %8" PRIu64 " %10" PRIu64 " %10" PRIu64 " %9" PRIu64 " %10.1f%s\n",
               i, now.switches - then->switches, now.stolen - then->stolen,
               now.preempted - then->preempted, now.ipis_sent - then->ipis_sent,
               now.ipis_received - then->ipis_received, (double)(now.idle - then->idle) / 1e6,
               now.active ? "" : "  (not in use)");
    }
}
