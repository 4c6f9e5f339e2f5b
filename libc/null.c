/* libc/null.c - /dev/null: always at its end, takes everything. */
#include <bareloom/file.h>

static int64_t null_read(struct file *f, void *buffer, size_t n) {
    (void)f;
    (void)buffer;
    (void)n;
    return 0;
}

static int64_t null_write(struct file *f, const void *bytes, size_t n) {
    (void)f;
    (void)bytes;
    return (int64_t)n;
}

static const struct file_ops null_ops = {.read = null_read, .write = null_write};

__attribute__((constructor)) static void null_register(void) {
    file_register("/dev/null", &null_ops, NULL);
}
