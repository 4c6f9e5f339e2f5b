/*
 * tally.h - what one G found in one piece of text: totals, and how often each word occurs.
 *
 * A tally belongs to one G at a time, so it has no lock: the channel that hands it on is what
 * orders the accesses. Its words are positions in the text, which stays where it is: no letter is
 * copied.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As wc counts in the C locale. A word is whatever stands between white space, so every byte counts
 * somewhere: NUL bytes and broken UTF-8 are bytes like any other. */
struct totals {
    uint64_t bytes, lines, words;
    uint64_t unprintable; /* words without a printable ASCII character, which older wc omit */
};

/* A run of the letters A-Z and a-z, in either case: text[at] to text[at + length - 1] where it was
 * seen first. */
struct word {
    uint32_t at;
    uint32_t length;
    uint32_t hash;
    uint32_t count; /* 0: this slot of the table is free */
};

struct tally {
    const char *text;
    struct totals totals;
    struct word *slots; /* open addressing, linear probing */
    size_t capacity;    /* a power of two, or 0 before the first word */
    size_t distinct;
    bool failed; /* no memory for the table: the counts are not complete */
};

/* An empty tally of text. */
void tally_init(struct tally *t, const char *text);

/* Makes it empty again, keeping its memory; and gives its memory back. */
void tally_clear(struct tally *t);
void tally_free(struct tally *t);

/* Adds text[begin] to text[end - 1], where no word goes on beyond either end. */
void tally_count(struct tally *t, size_t begin, size_t end);

/* Adds all that from has counted of the same text. */
void tally_merge(struct tally *t, const struct tally *from);

/* Writes the n commonest words to top, the commonest first, equals in alphabetical order; how many
 * there were, at most n. */
size_t tally_top(const struct tally *t, struct word *top, size_t n);

/* White space in the C locale. */
static inline bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}
