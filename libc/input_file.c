/* libc/input_file.c - /input: the text that was built into the image, to be read. Linked with libc/input.c. */
#include <bareloom/file.h>
#include <bareloom/input.h>
#include <errno.h>
#include <string.h>

static const char *text;
static size_t size;

/* Reading all of it for its CRC takes a while, so not before somebody wants it; done twice it does no harm. */
static int input_open(struct file *f, const char *rest) {
    (void)f;
    if (*rest != '\0') {
        return -ENOENT;
    }
    return input_text(&text, &size) ? 0 : -EIO;
}

static int64_t input_read(struct file *f, void *buffer, size_t n) {
    size_t at = f->at < (int64_t)size ? (size_t)f->at : size;
    if (n > size - at) {
        n = size - at;
    }
    memcpy(buffer, text + at, n);
    return (int64_t)n;
}

static int64_t input_size(struct file *f) {
    (void)f;
    return (int64_t)size;
}

static const struct file_ops input_ops = {.open = input_open, .read = input_read, .size = input_size};

__attribute__((constructor)) static void input_register(void) {
    file_register("/input", &input_ops, NULL);
}
