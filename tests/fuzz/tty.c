/*
 * tests/fuzz/tty.c - libc/tty.c: any keys, read in pieces of any size. A line ends with its newline or where Ctrl-D was
 * typed, is never longer than its array, and has no control characters.
 */
#include "libc/tty.c"

#include "tests/fuzz/fuzz.h"

static struct { const uint8_t *at, *end; } keys;

int console_getc(void) {
    return keys.at < keys.end ? *keys.at++ : -1;
}
void console_write(const void *bytes, size_t n) {
    WANT(n != 0 && bytes != NULL);
}
void console_write_text(const void *bytes, size_t n) {
    (void)bytes;
    (void)n;
}
void mutex_lock(struct mutex *m) {
    m->word++;
    WANT(m->word == 1);
}
void mutex_unlock(struct mutex *m) {
    m->word--;
    WANT(m->word == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    memset(&in, 0, sizeof in);
    keys.at = data;
    keys.end = data + n;
    size_t piece = n != 0 ? 1 + data[0] % 64 : 1;
    char *buffer = malloc(piece);
    WANT(buffer != NULL);
    while (keys.at < keys.end || in.given < in.n) {
        int64_t got = tty_read(NULL, buffer, piece);
        WANT(got >= 0 && (size_t)got <= piece && in.n <= LINE && in.given <= in.n);
        for (int64_t i = 0; i < got; i++) {
            bool last = in.given == in.n && i == got - 1;
            WANT((unsigned char)buffer[i] >= ' ' || buffer[i] == '\t' || (buffer[i] == '\n' && last));
        }
    }
    free(buffer);
    return 0;
}
