/*
 * <bareloom/file.h> - names and operations behind open(), read(), write() and stdio: a driver adds
 * its own.
 *
 * There are standard input, output and error on the console, "/dev/null", "/input" where a text was
 * built in, and "/sd/" for the disk's files where <bareloom/disk.h> is asked for. Machine images only: on the host a
 * program's files are the host's.
 */
#pragma once

#include <bareloom/base.h>

/* An open file: one for each open(). */
struct file {
    const struct file_ops *ops;
    void *data; /* the operations' own; at open() what was given to file_register() */
    int64_t at; /* where the next read or write begins, for files that have a size */
    int flags;  /* open()'s: O_RDONLY, O_CREAT, ... */
};

/* What a kind of file can do. All are called from a G and may block. Those of one open file that
 * has a size are called one at a time, others by any number of Gs at once. */
struct file_ops {
    /* rest is what follows the registered path, "" if nothing. 0 or -errno. NULL: only the whole
     * path opens it. */
    int (*open)(struct file *f, const char *rest);
    /* Bytes read or written from f->at on, which the caller moves; 0 at the end; -errno. NULL: not
     * possible. */
    int64_t (*read)(struct file *f, void *buffer, size_t n);
    int64_t (*write)(struct file *f, const void *bytes, size_t n);
    /* Bytes in it. NULL: a stream without positions. */
    int64_t (*size)(struct file *f);
    /* fsync(): what was written is where it stays. 0 or -errno. NULL: it always is. */
    int (*sync)(struct file *f);
    /* After the last use. 0, or -errno for close(): the file is closed all the same. NULL: nothing to do. */
    int (*close)(struct file *f);
    /* remove(), rename(), mkdir() of what follows the registered path; both names of a rename() are
     * under the same. 0 or -errno. NULL: the names are fixed, -EROFS. */
    int (*unlink)(const char *rest);
    int (*rename)(const char *from, const char *to);
    int (*mkdir)(const char *rest);
    bool terminal; /* isatty(): stdio then works line by line */
};

/* open() of path, and where path ends in a slash of all that begins with it, goes to ops from now
 * on; the longest path that fits wins. Both must stay. 0, -EEXIST, or -ENOMEM when the table is
 * full. From a G. */
int file_register(const char *path, const struct file_ops *ops, void *data);
