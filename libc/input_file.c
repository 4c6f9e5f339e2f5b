/* libc/input_file.c - /input: the text that was built into the image, to be read. Linked with
 * libc/input.c. */
#include <bareloom/file.h>
#include <bareloom/input.h>
#include <bareloom/sync.h>
#include <errno.h>
#include <string.h>

static const char *text; /* set before the first file is open */
static size_t size;

/* Reading all of it for its CRC takes a while: once, and not before somebody wants it. */
static bool check(void) {
    static struct mutex lock;
    static bool checked, good;
    mutex_lock(&lock);
    if (!checked) {
        good = input_text(&text, &size);
        checked = true;
    }
    mutex_unlock(&lock);
    return good;
}

static int input_open(struct file *f, const char *rest) {
    (void)f;
    (void)rest; /* "": the path has no slash at its end */
    return check() ? 0 : -EIO;
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
