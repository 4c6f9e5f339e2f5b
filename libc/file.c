/*
 * libc/file.c - file descriptors: a table of open files behind newlib's _open, _read, _write and
 * the rest.
 *
 * The race: a G closes a descriptor that another is reading from. A slot counts its users, the open
 * descriptor being one of them; the last one ends the file, and only then is the number free again.
 *
 * Errors are set by errno's macro, in the caller's own block: see reent.c.
 */
#include <bareloom.h>
#include <bareloom/file.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "libc/names.h"
#include "libc/syscalls.h"
#include "libc/tty.h"

#define FILES 64

struct slot {
    struct file file;
    struct mutex moving; /* held over what uses file.at, when the file has a size */
    unsigned users;      /* guarded by lock; 0: free */
    bool open;           /* guarded by lock; whether the number means anything to the program */
};

static struct mutex lock;
static struct slot slots[FILES] = {
    [STDIN_FILENO] = {.file = {.ops = &tty_ops, .flags = O_RDONLY}, .users = 1, .open = true},
    [STDOUT_FILENO] = {.file = {.ops = &tty_ops, .flags = O_WRONLY}, .users = 1, .open = true},
    [STDERR_FILENO] = {.file = {.ops = &tty_ops, .flags = O_RDWR}, .users = 1, .open = true},
};

static int fail(int64_t status) {
    errno = (int)-status;
    return -1;
}

/* ---- slots ----------------------------------------------------------------------------------- */

/* The open file of fd, which stays until put_back(); NULL with errno set. */
static struct slot *use(int fd) {
    struct slot *s = NULL;
    mutex_lock(&lock);
    if (fd >= 0 && fd < FILES && slots[fd].open) {
        s = &slots[fd];
        s->users++;
    }
    mutex_unlock(&lock);
    if (s == NULL) {
        errno = EBADF;
    }
    return s;
}

/* 0, or -errno of the close() that this was. Whoever was inside when the program closed it ends the file, and has
 * nobody to tell. */
static int put_back(struct slot *s) {
    int status = 0;
    mutex_lock(&lock);
    bool last = s->users == 1;
    s->users -= last ? 0 : 1;
    mutex_unlock(&lock);
    if (last) { /* nobody can come to it: it is not open */
        if (s->file.ops != NULL && s->file.ops->close != NULL) {
            status = s->file.ops->close(&s->file);
        }
        mutex_lock(&lock);
        s->users = 0;
        mutex_unlock(&lock);
    }
    return status;
}

/* A free slot with file in it, ours alone, not open; NULL: there is none. */
static struct slot *reserve(const struct file *file) {
    struct slot *s = NULL;
    mutex_lock(&lock);
    for (int i = 0; i < FILES && s == NULL; i++) {
        if (slots[i].users == 0) {
            s = &slots[i];
            s->users = 1;
            s->file = *file;
        }
    }
    mutex_unlock(&lock);
    return s;
}

static bool writes(int flags) {
    return (flags & O_ACCMODE) != O_RDONLY;
}

/* Finds the operations, but does not call them yet. */
static int look_up(const char *path, int flags, struct file *f, const char **rest) {
    int status = names_find(path, f, rest);
    if (status == 0 && f->ops->open == NULL && **rest != '\0') {
        status = -ENOENT;
    }
    if (status == 0 && writes(flags) && f->ops->write == NULL) {
        status = -EROFS;
    }
    f->flags = flags;
    return status;
}

/* ---- open and close -------------------------------------------------------------------------- */

int _open(const char *path, int flags, int mode) {
    (void)mode;
    struct file found = {0};
    const char *rest;
    int status = look_up(path, flags, &found, &rest);
    if (status != 0) {
        return fail(status);
    }
    struct slot *s = reserve(&found);
    if (s == NULL) {
        return fail(-EMFILE);
    }
    status = found.ops->open != NULL ? found.ops->open(&s->file, rest) : 0;
    if (status != 0) {
        s->file.ops = NULL; /* there is nothing to close */
        put_back(s);
        return fail(status);
    }
    mutex_lock(&lock);
    s->open = true;
    mutex_unlock(&lock);
    return (int)(s - slots);
}

int _close(int fd) {
    mutex_lock(&lock);
    bool was_open = fd >= 0 && fd < FILES && slots[fd].open;
    if (was_open) {
        slots[fd].open = false;
    }
    mutex_unlock(&lock);
    if (!was_open) {
        return fail(-EBADF);
    }
    int status = put_back(&slots[fd]);
    return status == 0 ? 0 : fail(status);
}

/* ---- read, write, seek ----------------------------------------------------------------------- */

static bool has_positions(const struct slot *s) {
    return s->file.ops->size != NULL;
}

static void begin(struct slot *s) {
    if (has_positions(s)) {
        mutex_lock(&s->moving);
    }
}

/* Also moves the position by what was done. */
static void end(struct slot *s, int64_t done) {
    if (has_positions(s)) {
        s->file.at += done > 0 ? done : 0;
        mutex_unlock(&s->moving);
    }
}

/* newlib keeps results in an int here and there. */
static size_t portion(size_t n) {
    return n < INT_MAX ? n : INT_MAX;
}

ssize_t _read(int fd, void *buffer, size_t n) {
    struct slot *s = use(fd);
    if (s == NULL) {
        return -1;
    }
    int64_t done = -EBADF;
    if (s->file.ops->read != NULL && (s->file.flags & O_ACCMODE) != O_WRONLY) {
        begin(s);
        done = n != 0 ? s->file.ops->read(&s->file, buffer, portion(n)) : 0;
        end(s, done);
    }
    put_back(s);
    return done >= 0 ? (ssize_t)done : fail(done);
}

ssize_t _write(int fd, const void *bytes, size_t n) {
    struct slot *s = use(fd);
    if (s == NULL) {
        return -1;
    }
    int64_t done = -EBADF;
    if (s->file.ops->write != NULL && writes(s->file.flags)) {
        begin(s);
        if (has_positions(s) && (s->file.flags & O_APPEND) != 0) {
            s->file.at = s->file.ops->size(&s->file);
        }
        done = n != 0 ? s->file.ops->write(&s->file, bytes, portion(n)) : 0;
        end(s, done);
    }
    put_back(s);
    return done >= 0 ? (ssize_t)done : fail(done);
}

/* Under s->moving. The new position or -errno. */
static int64_t seek(struct file *f, int64_t offset, int whence) {
    int64_t from = whence == SEEK_SET   ? 0
                   : whence == SEEK_CUR ? f->at
                   : whence == SEEK_END ? f->ops->size(f)
                                        : -1;
    int64_t to;
    if (from < 0 || __builtin_add_overflow(from, offset, &to) || to < 0) {
        return -EINVAL;
    }
    f->at = to;
    return to;
}

off_t _lseek(int fd, off_t offset, int whence) {
    struct slot *s = use(fd);
    if (s == NULL) {
        return -1;
    }
    int64_t at = -ESPIPE;
    if (has_positions(s)) {
        begin(s);
        at = seek(&s->file, offset, whence);
        end(s, 0);
    }
    put_back(s);
    return at >= 0 ? (off_t)at : fail(at);
}

/* ---- about files ----------------------------------------------------------------------------- */

int _fstat(int fd, struct stat *st) {
    struct slot *s = use(fd);
    if (s == NULL) {
        return -1;
    }
    *st = (struct stat){.st_nlink = 1};
    st->st_mode = S_IRUSR | S_IRGRP | S_IROTH | (has_positions(s) ? S_IFREG : S_IFCHR);
    if (s->file.ops->write != NULL) {
        st->st_mode |= S_IWUSR;
    }
    if (has_positions(s)) {
        begin(s);
        st->st_size = (off_t)s->file.ops->size(&s->file);
        end(s, 0);
    }
    put_back(s);
    return 0;
}

int _stat(const char *path, struct stat *st) {
    int fd = _open(path, O_RDONLY, 0);
    if (fd < 0) {
        return -1;
    }
    int status = _fstat(fd, st);
    _close(fd);
    return status;
}

int _isatty(int fd) {
    struct slot *s = use(fd);
    if (s == NULL) {
        return 0;
    }
    bool terminal = s->file.ops->terminal;
    put_back(s);
    if (!terminal) {
        errno = ENOTTY;
    }
    return terminal;
}

int fsync(int fd) {
    struct slot *s = use(fd);
    if (s == NULL) {
        return -1;
    }
    int status = 0;
    if (s->file.ops->sync != NULL) {
        begin(s);
        status = s->file.ops->sync(&s->file);
        end(s, 0);
    }
    put_back(s);
    return status == 0 ? 0 : fail(status);
}

/* ---- names ----------------------------------------------------------------------------------- */

int _unlink(const char *path) {
    struct file f = {0};
    const char *rest;
    int status = names_find(path, &f, &rest);
    if (status == 0) {
        status = f.ops->unlink != NULL ? f.ops->unlink(rest) : -EROFS;
    }
    return status == 0 ? 0 : fail(status);
}

/* newlib's own makes it of _link() and _unlink(). */
int rename(const char *from, const char *to) {
    struct file f = {0}, t = {0};
    const char *from_rest, *to_rest;
    int status = names_find(from, &f, &from_rest);
    if (status == 0 && (names_find(to, &t, &to_rest) != 0 || t.ops != f.ops)) {
        status = -EXDEV;
    }
    if (status == 0) {
        status = f.ops->rename != NULL ? f.ops->rename(from_rest, to_rest) : -EROFS;
    }
    return status == 0 ? 0 : fail(status);
}

int mkdir(const char *path, mode_t mode) {
    (void)mode;
    struct file f = {0};
    const char *rest;
    int status = names_find(path, &f, &rest);
    if (status == 0) {
        status = f.ops->mkdir != NULL ? f.ops->mkdir(rest) : -EROFS;
    }
    return status == 0 ? 0 : fail(status);
}

int _link(const char *from, const char *to) {
    (void)from;
    (void)to;
    return fail(-ENOTSUP);
}
