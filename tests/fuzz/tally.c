/*
 * tests/fuzz/tally.c - wordcount's counting: any text, cut in two at any white space, counts as the whole does, and
 * the whole as a loop that is too simple to be wrong.
 */
#include "examples/wordcount/tally.c"

#include "tests/fuzz/fuzz.h"

#define TOP 20u

static void check_totals(const struct tally *t, const char *text, size_t n) {
    uint64_t lines = 0, words = 0;
    for (size_t i = 0; i < n; i++) {
        lines += text[i] == '\n';
        words += !is_space(text[i]) && (i == 0 || is_space(text[i - 1]));
    }
    WANT(t->totals.bytes == n && t->totals.lines == lines && t->totals.words == words);
    WANT(t->totals.unprintable <= words);
}

static void check_top(const struct tally *whole, const struct tally *parts, size_t n) {
    struct word a[TOP], b[TOP];
    uint64_t letters = 0;
    size_t count = tally_top(whole, a, TOP);
    WANT(count == tally_top(parts, b, TOP) && count == (whole->distinct < TOP ? whole->distinct : TOP));
    for (size_t i = 0; i < count; i++) {
        WANT(a[i].count == b[i].count && a[i].length == b[i].length);
        WANT(compare(whole->text, &a[i], &b[i]) == 0);
        WANT(i == 0 || before(whole->text, &a[i - 1], &a[i]));
        letters += (uint64_t)a[i].count * a[i].length;
    }
    WANT(letters <= n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n == 0) {
        return 0;
    }
    size_t cut = data[0] * (n - 1) / 255, size = n - 1;
    char *text = malloc(size); /* just so much: what is read beyond it is found */
    WANT(text != NULL);
    memcpy(text, data + 1, size);
    struct tally whole, first, second;
    tally_init(&whole, text);
    tally_init(&first, text);
    tally_init(&second, text);
    while (cut < size && !is_space(text[cut])) {
        cut++;
    }
    tally_count(&whole, 0, size);
    tally_count(&first, 0, cut);
    tally_count(&second, cut, size);
    tally_merge(&first, &second);
    check_totals(&whole, text, size);
    check_totals(&first, text, size);
    check_top(&whole, &first, size);
    tally_free(&whole);
    tally_free(&first);
    tally_free(&second);
    free(text);
    return 0;
}
