/*
 * tally.c - counting lines and words, and the hash table of words.
 */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 1024u

/* FNV-1a */
#define HASH_SEED  2166136261u
#define HASH_PRIME 16777619u

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char letter) {
    return (char)(letter | 0x20);
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Alphabetical order, as strcmp of both words in lower case. */
static int compare(const char *text, const struct word *a, const struct word *b) {
    for (uint32_t i = 0; i < a->length && i < b->length; i++) {
        int difference = lower(text[a->at + i]) - lower(text[b->at + i]);
        if (difference != 0) {
            return difference;
        }
    }
    return (a->length > b->length) - (a->length < b->length);
}

/* Where w is in the table, or the free slot where it belongs. There always is one: see reserve().
 */
static struct word *find(const struct tally *t, const struct word *w) {
    for (size_t i = w->hash;; i++) {
        struct word *slot = &t->slots[i & (t->capacity - 1)];
        if (slot->count == 0) {
            return slot;
        }
        if (slot->hash == w->hash && slot->length == w->length && compare(t->text, slot, w) == 0) {
            return slot;
        }
    }
}

/* Makes sure that one more word fits and a quarter of the slots stay free. */
static bool reserve(struct tally *t) {
    if (t->distinct < t->capacity / 4 * 3) {
        return true;
    }
    struct tally bigger = *t;
    bigger.capacity = t->capacity == 0 ? FIRST_CAPACITY : t->capacity * 2;
    bigger.slots = calloc(bigger.capacity, sizeof *bigger.slots);
    if (bigger.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < t->capacity; i++) {
        if (t->slots[i].count != 0) {
            *find(&bigger, &t->slots[i]) = t->slots[i];
        }
    }
    free(t->slots);
    *t = bigger;
    return true;
}

/* Adds w, which occurred w->count times. */
static void add(struct tally *t, const struct word *w) {
    if (t->failed || !reserve(t)) {
        t->failed = true;
        return;
    }
    struct word *slot = find(t, w);
    if (slot->count == 0) {
        *slot = *w;
        t->distinct++;
    } else {
        slot->count += w->count;
    }
}

/* ---- counting -------------------------------------------------------------------------------- */

static void count_totals(struct totals *totals, const char *p, const char *end) {
    bool in_word = false, printable = false;

    totals->bytes += (uint64_t)(end - p);
    for (; p < end; p++) {
        if (is_space(*p)) {
            totals->lines += *p == '\n';
            totals->unprintable += in_word && !printable;
            in_word = printable = false;
        } else {
            totals->words += !in_word;
            in_word = true;
            printable |= *p > ' ' && *p <= '~';
        }
    }
    totals->unprintable += in_word && !printable;
}

static void count_words(struct tally *t, size_t at, size_t end) {
    while (at < end) {
        if (!is_letter(t->text[at])) {
            at++;
            continue;
        }
        struct word w = {.at = (uint32_t)at, .hash = HASH_SEED, .count = 1};
        for (; at < end && is_letter(t->text[at]); at++) {
            w.hash = (w.hash ^ (uint8_t)lower(t->text[at])) * HASH_PRIME;
        }
        w.length = (uint32_t)at - w.at;
        add(t, &w);
    }
}

void tally_count(struct tally *t, size_t begin, size_t end) {
    count_totals(&t->totals, t->text + begin, t->text + end);
    count_words(t, begin, end);
}

void tally_merge(struct tally *t, const struct tally *from) {
    t->failed |= from->failed;
    t->totals.bytes += from->totals.bytes;
    t->totals.lines += from->totals.lines;
    t->totals.words += from->totals.words;
    t->totals.unprintable += from->totals.unprintable;
    for (size_t i = 0; i < from->capacity; i++) {
        if (from->slots[i].count != 0) {
            add(t, &from->slots[i]);
        }
    }
}

/* ---- the rest -------------------------------------------------------------------------------- */

void tally_init(struct tally *t, const char *text) {
    *t = (struct tally){.text = text};
}

void tally_clear(struct tally *t) {
    if (t->slots != NULL) {
        memset(t->slots, 0, t->capacity * sizeof *t->slots);
    }
    t->totals = (struct totals){0};
    t->distinct = 0;
    t->failed = false;
}

void tally_free(struct tally *t) {
    free(t->slots);
    tally_init(t, t->text);
}

/* Whether a comes before b among the commonest. */
static bool before(const char *text, const struct word *a, const struct word *b) {
    return a->count != b->count ? a->count > b->count : compare(text, a, b) < 0;
}

size_t tally_top(const struct tally *t, struct word *top, size_t n) {
    size_t found = 0;
    for (size_t i = 0; i < t->capacity; i++) {
        const struct word *w = &t->slots[i];
        if (w->count == 0 || (found == n && !before(t->text, w, &top[n - 1]))) {
            continue;
        }
        /* An insertion sort of few: the last one falls out when all n places are taken. */
        size_t place = found < n ? found++ : n - 1;
        for (; place > 0 && before(t->text, w, &top[place - 1]); place--) {
            top[place] = top[place - 1];
        }
        top[place] = *w;
    }
    return found;
}
