/* tests/libc/test_stdio.c - streams, descriptors and files that a program registers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bareloom/file.h>
#include <bareloom/input.h>

#include "tests/test.h"

static struct wg wg;

/* ---- a file in memory, at /mem/anything ------------------------------------------------------ */

#define MEM_MAX KB(64)

static struct {
    char bytes[MEM_MAX];
    int64_t size;
    char opened[16]; /* the rest of the path */
    _Atomic int open, closed;
} mem;

static int mem_open(struct file *f, const char *rest) {
    if (strcmp(rest, "broken") == 0) {
        return -EIO;
    }
    CHECK(f->data == &mem);
    strncpy(mem.opened, rest, sizeof mem.opened - 1);
    if ((f->flags & O_TRUNC) != 0) {
        mem.size = 0;
    }
    atomic_fetch_add(&mem.open, 1);
    return 0;
}

static int64_t mem_read(struct file *f, void *buffer, size_t n) {
    int64_t left = f->at < mem.size ? mem.size - f->at : 0;
    n = (int64_t)n < left ? n : (size_t)left;
    memcpy(buffer, mem.bytes + f->at, n);
    return (int64_t)n;
}

static int64_t mem_write(struct file *f, const void *bytes, size_t n) {
    if (f->at + (int64_t)n > (int64_t)MEM_MAX) {
        return -ENOSPC;
    }
    go_yield(); /* a slow device */
    memcpy(mem.bytes + f->at, bytes, n);
    if (f->at + (int64_t)n > mem.size) {
        mem.size = f->at + (int64_t)n;
    }
    return (int64_t)n;
}

static int64_t mem_size(struct file *f) {
    (void)f;
    return mem.size;
}

static int mem_close(struct file *f) {
    (void)f;
    atomic_fetch_add(&mem.closed, 1);
    return 0;
}

static const struct file_ops mem_ops = {
    .open = mem_open, .read = mem_read, .write = mem_write, .size = mem_size, .close = mem_close};

__attribute__((constructor)) static void mem_register(void) {
    file_register("/mem/", &mem_ops, &mem);
}

static FILE *open_mem(const char *mode) {
    FILE *f = fopen("/mem/x", mode);
    CHECK(f != NULL);
    return f;
}

TEST(libc, files_are_registered_once) {
    CHECK_EQ(file_register("/mem/", &mem_ops, NULL), -EEXIST);
    CHECK_EQ(file_register("/dev/null", &mem_ops, NULL), -EEXIST);
}

TEST(libc, stdio_on_a_file) {
    char line[32];
    int opened = mem.open, closed = mem.closed;
    FILE *f = open_mem("w+");
    CHECK(strcmp(mem.opened, "x") == 0);
    for (int i = 0; i < 1000; i++) {
        CHECK(fprintf(f, "line %d\n", i) > 0);
    }
    CHECK_EQ(fseek(f, 0, SEEK_SET), 0);
    for (int i = 0; i < 1000; i++) {
        int n = -1;
        CHECK(fgets(line, sizeof line, f) != NULL);
        CHECK_EQ(sscanf(line, "line %d\n", &n), 1);
        CHECK_EQ(n, i);
    }
    CHECK(fgets(line, sizeof line, f) == NULL && feof(f));
    CHECK_EQ(fseek(f, -9, SEEK_END), 0);
    CHECK(fgets(line, sizeof line, f) != NULL && strcmp(line, "line 999\n") == 0);
    CHECK_EQ(ftell(f), mem.size);
    CHECK_EQ(fclose(f), 0);
    f = open_mem("a");
    CHECK(fputs("tail", f) >= 0);
    CHECK_EQ(fclose(f), 0);
    CHECK(memcmp(mem.bytes + mem.size - 8, "999\ntail", 8) == 0);
    CHECK_EQ(mem.open - opened, 2);
    CHECK_EQ(mem.closed - closed, 2);
}

TEST(libc, errors_of_open_and_write) {
    errno = 0;
    CHECK(fopen("/nope", "r") == NULL && errno == ENOENT);
    CHECK(fopen("/dev/null/x", "r") == NULL && errno == ENOENT);
    CHECK(fopen("/mem", "r") == NULL && errno == ENOENT);
    CHECK(fopen("/mem/broken", "r") == NULL && errno == EIO);
    CHECK(remove("/mem/x") == -1 && errno == EROFS);
    CHECK(read(77, &(char){0}, 1) == -1 && errno == EBADF);
    CHECK(read(-1, &(char){0}, 1) == -1 && errno == EBADF);
    CHECK(close(63) == -1 && errno == EBADF);
    int fd = open("/mem/x", O_RDONLY);
    CHECK(fd > 2);
    CHECK(write(fd, "x", 1) == -1 && errno == EBADF);
    CHECK(lseek(fd, -1, SEEK_SET) == -1 && errno == EINVAL);
    CHECK_EQ(close(fd), 0);
    CHECK(close(fd) == -1 && errno == EBADF);
    FILE *f = open_mem("w");
    setvbuf(f, NULL, _IONBF, 0);
    CHECK_EQ(fseek(f, MEM_MAX, SEEK_SET), 0);
    CHECK(fputc('x', f) == EOF && errno == ENOSPC);
    fclose(f);
}

TEST(libc, descriptors_run_out_and_come_back) {
    int n = 0, fd[80];
    while (n < 80 && (fd[n] = open("/dev/null", O_RDWR)) >= 0) {
        n++;
    }
    CHECK(n > 50 && n < 80);
    CHECK_EQ(errno, EMFILE);
    CHECK(fopen("/dev/null", "r") == NULL);
    CHECK_EQ(errno, EMFILE);
    while (n > 0) {
        CHECK_EQ(close(fd[--n]), 0);
    }
    CHECK_EQ(open("/dev/null", O_RDWR), fd[0]);
    CHECK_EQ(close(fd[0]), 0);
}

TEST(libc, dev_null) {
    char byte;
    FILE *f = fopen("/dev/null", "r+");
    CHECK(f != NULL);
    CHECK_EQ(fprintf(f, "%f", 1.0), 8);
    CHECK_EQ(fflush(f), 0);
    CHECK_EQ(fread(&byte, 1, 1, f), 0);
    CHECK(feof(f) && !ferror(f));
    CHECK_EQ(fclose(f), 0);
}

TEST(libc, kinds_of_files) {
    struct stat st;
    CHECK(isatty(0) && isatty(1) && isatty(2));
    CHECK(fstat(1, &st) == 0 && S_ISCHR(st.st_mode));
    CHECK(lseek(1, 0, SEEK_SET) == -1 && errno == ESPIPE);
    CHECK(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode));
    int fd = open("/dev/null", O_RDONLY);
    CHECK(!isatty(fd) && errno == ENOTTY);
    close(fd);
    FILE *f = open_mem("w");
    fputs("12345", f);
    fclose(f);
    CHECK(stat("/mem/x", &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 5);
}

TEST(libc, input_is_a_file) {
    const char *text;
    size_t size;
    struct stat st;
    static char part[1000];
    FILE *f = fopen("/input", "rb");
    CHECK(f != NULL);
    CHECK(input_text(&text, &size));
    CHECK(stat("/input", &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size == size);
    for (size_t at = 0, n; at < size; at += n) {
        n = fread(part, 1, sizeof part, f);
        CHECK(n != 0 && memcmp(part, text + at, n) == 0);
    }
    CHECK_EQ(fgetc(f), EOF);
    CHECK(fseek(f, -1, SEEK_END) == 0 && fgetc(f) == (unsigned char)text[size - 1]);
    CHECK_EQ(fclose(f), 0);
    CHECK(fopen("/input", "w") == NULL && errno == EROFS);
}

/* ---- streams of many Gs ---------------------------------------------------------------------- */

#define WRITERS 40
#define LINES   20

static FILE *shared;

static void prints_lines(void *arg) {
    for (int i = 0; i < LINES; i++) {
        CHECK(fprintf(shared, "g%d line%d %.3f\n", (int)(uintptr_t)arg, i, i * 0.125) > 0);
        go_yield();
    }
    wg_done(&wg);
}

/* A line of one fprintf() stands together, whoever else prints. */
TEST(libc, lines_of_many_gs_stay_whole) {
    static int next[WRITERS];
    memset(next, 0, sizeof next);
    go_set_slice(US(200));
    shared = open_mem("w+");
    wg_add(&wg, WRITERS);
    for (uintptr_t i = 0; i < WRITERS; i++) {
        start(prints_lines, (void *)i);
    }
    wg_wait(&wg);
    rewind(shared);
    for (int i = 0; i < WRITERS * LINES; i++) {
        char line[64];
        int g = -1, n = -1;
        double d = -1;
        CHECK(fgets(line, sizeof line, shared) != NULL);
        CHECK_EQ(sscanf(line, "g%d line%d %lf\n", &g, &n, &d), 3);
        CHECK(g >= 0 && g < WRITERS && n == next[g] && d == n * 0.125);
        next[g]++;
    }
    CHECK_EQ(fgetc(shared), EOF);
    fclose(shared);
}

/* newlib prints to an unbuffered stream by way of a FILE on the stack, with a lock that must come
 * and go. */
TEST(libc, unbuffered_streams) {
    mem.size = 0;
    shared = open_mem("w+");
    setvbuf(shared, NULL, _IONBF, 0);
    wg_add(&wg, WRITERS);
    for (uintptr_t i = 0; i < WRITERS; i++) {
        start(prints_lines, (void *)i);
    }
    wg_wait(&wg);
    CHECK(mem.size > WRITERS * LINES * 10);
    fclose(shared);
}

static _Atomic bool stop;
static struct wg flushing;

static void opens_and_closes(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < test_rounds(150); i++) {
        FILE *f = fopen("/dev/null", "w");
        CHECK(f != NULL);
        CHECK_EQ(fprintf(f, "%u", i % 10), 1);
        go_yield();
        CHECK_EQ(fclose(f), 0);
    }
    wg_done(&wg);
}

static void flushes_all(void *arg) {
    (void)arg;
    while (!atomic_load(&stop)) {
        fflush(NULL);
        go_yield();
    }
    wg_done(&flushing);
}

/* fflush(NULL) walks the streams while others open and close them. */
TEST(libc, flushing_all_streams) {
    enum { FLUSHERS = 8 };
    stop = false;
    go_set_slice(US(100));
    wg_add(&flushing, FLUSHERS);
    for (int i = 0; i < FLUSHERS; i++) {
        start(flushes_all, NULL);
    }
    wg_add(&wg, WRITERS);
    for (int i = 0; i < WRITERS; i++) {
        start(opens_and_closes, NULL);
    }
    wg_wait(&wg);
    stop = true;
    wg_wait(&flushing);
}

/* ---- a slow device --------------------------------------------------------------------------- */

static struct sema may_go_on, is_inside;
static _Atomic int slow_closed;

static int64_t waits_inside(size_t n) {
    sema_post(&is_inside);
    sema_wait(&may_go_on);
    CHECK_EQ(atomic_load(&slow_closed), 0);
    return (int64_t)n;
}

static int64_t slow_read(struct file *f, void *buffer, size_t n) {
    (void)f;
    memset(buffer, 's', n);
    return waits_inside(n);
}

static int64_t slow_write(struct file *f, const void *bytes, size_t n) {
    (void)f;
    (void)bytes;
    return waits_inside(n);
}

static int slow_close(struct file *f) {
    (void)f;
    atomic_fetch_add(&slow_closed, 1);
    return 0;
}

static const struct file_ops slow_ops = {.read = slow_read, .write = slow_write, .close = slow_close};

__attribute__((constructor)) static void slow_register(void) {
    file_register("/slow", &slow_ops, NULL);
}

static bool waits_for_a_mutex(const struct go_info *g, void *arg) {
    bool *found = arg;
    *found = *found || (strcmp(g->name, "t-locked") == 0 && g->state == GO_WAITING &&
                        strcmp(g->reason, "sync.Mutex.Lock") == 0);
    return !*found;
}

static void flushes(void *arg) {
    CHECK_EQ(fflush(arg), 0);
    wg_done(&wg);
}

/* Who meets a lock of the library, here a stream's while it is written out, waits as for any
 * mutex. */
TEST(libc, locks_of_the_library_park) {
    bool found = false;
    slow_closed = 0;
    FILE *f = fopen("/slow", "w");
    CHECK(f != NULL);
    CHECK(fputs("x", f) >= 0);
    wg_add(&wg, 2);
    start(flushes, f);
    sema_wait(&is_inside);
    CHECK_EQ(go_with(&GO_OPTS(.name = "t-locked"), flushes, f), 0);
    while (!found) {
        go_sleep(US(100));
        info_gs(waits_for_a_mutex, &found);
    }
    sema_post(&may_go_on);
    wg_wait(&wg);
    CHECK_EQ(fclose(f), 0);
}

static void reads_slowly(void *arg) {
    char byte = 0;
    CHECK_EQ(read((int)(intptr_t)arg, &byte, 1), 1);
    CHECK_EQ(byte, 's');
    wg_done(&wg);
}

/* A descriptor that is closed under a reader ends when the reader is done, and its number is not
 * used before. */
TEST(libc, close_waits_for_readers) {
    slow_closed = 0;
    int fd = open("/slow", O_RDONLY);
    CHECK(fd > 2);
    wg_add(&wg, 1);
    start(reads_slowly, (void *)(intptr_t)fd);
    sema_wait(&is_inside);
    CHECK_EQ(close(fd), 0);
    CHECK(read(fd, &(char){0}, 1) == -1 && errno == EBADF);
    int other = open("/dev/null", O_RDONLY);
    CHECK(other > 2 && other != fd);
    close(other);
    CHECK_EQ(atomic_load(&slow_closed), 0);
    sema_post(&may_go_on);
    wg_wait(&wg);
    WAIT_FOR(atomic_load(&slow_closed) == 1);
    other = open("/dev/null", O_RDONLY);
    CHECK_EQ(other, fd);
    close(other);
}
