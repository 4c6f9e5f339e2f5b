/*
 * libc/names.c - registered paths, the longest that fits first.
 */
#include "libc/names.h"

#include <bareloom/sync.h>
#include <errno.h>
#include <string.h>

#define NAMES 32u

/* guarded by lock */
static struct {
    struct mutex lock;
    unsigned n;
    struct name {
        const char *path;
        size_t length;
        const struct file_ops *ops;
        void *data;
    } of[NAMES];
} names;

static bool fits(const struct name *name, const char *path) {
    size_t n = name->length;
    return strncmp(path, name->path, n) == 0 && (path[n] == '\0' || name->path[n - 1] == '/');
}

/* Under the lock. */
static struct name *longest(const char *path) {
    struct name *best = NULL;
    for (struct name *each = names.of; each < names.of + names.n; each++) {
        if (fits(each, path) && (best == NULL || each->length > best->length)) {
            best = each;
        }
    }
    return best;
}

int names_find(const char *path, struct file *f, const char **rest) {
    mutex_lock(&names.lock);
    const struct name *found = longest(path);
    if (found != NULL) {
        f->ops = found->ops;
        f->data = found->data;
        *rest = path + found->length;
    }
    mutex_unlock(&names.lock);
    return found != NULL ? 0 : -ENOENT;
}

int file_register(const char *path, const struct file_ops *ops, void *data) {
    size_t length = strlen(path);
    int status = 0;
    mutex_lock(&names.lock);
    const struct name *same = longest(path);
    if (same != NULL && same->length == length) {
        status = -EEXIST;
    } else if (names.n == NAMES) {
        status = -ENOMEM;
    } else {
        names.of[names.n++] = (struct name){path, length, ops, data};
    }
    mutex_unlock(&names.lock);
    return status;
}
