/* tests/programs/disk - does to the card what its words say, one after the other, and tells of each. tests/host/disk.sh
 * looks at the card afterwards. */
#include <bareloom.h>
#include <bareloom/disk.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITERS 8
#define LINES   20

static uint8_t pattern(uint32_t i) {
    return (uint8_t)((i * 2654435761u) >> 24);
}

/* ---- what it can do: 0, or errno --------------------------------------------------------------------- */

static int put(const char *path) {
    enum { BYTES = 300000 };
    static uint8_t written[BYTES], found[BYTES];
    for (uint32_t i = 0; i < BYTES; i++) {
        written[i] = pattern(i);
    }
    FILE *f = fopen(path, "w+");
    if (f == NULL) {
        return errno;
    }
    bool good = fwrite(written, 1, BYTES, f) == BYTES && fflush(f) == 0 && fsync(fileno(f)) == 0 &&
                fseek(f, 0, SEEK_SET) == 0 && fread(found, 1, BYTES, f) == BYTES &&
                fgetc(f) == EOF && memcmp(written, found, BYTES) == 0;
    /* from the middle, in odd pieces */
    for (long at = 1; good && at < BYTES - 700; at += 12345) {
        good = fseek(f, at, SEEK_SET) == 0 && fread(found, 1, 700, f) == 700 &&
               memcmp(written + at, found, 700) == 0;
    }
    int error = good ? 0 : errno != 0 ? errno : EILSEQ;
    fclose(f);
    return error;
}

static int cat(const char *path) {
    char line[200];
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        return errno;
    }
    while (fgets(line, sizeof line, f) != NULL) {
        printf("| %s", line);
    }
    int error = ferror(f) ? errno : 0;
    fclose(f);
    return error;
}

static int append(const char *path) {
    FILE *f = fopen(path, "a");
    if (f == NULL) {
        return errno;
    }
    int error = fputs("one more\n", f) < 0 ? errno : 0;
    return fclose(f) != 0 && error == 0 ? errno : error;
}

/* A hole reads as zeros. */
static int hole(const char *path) {
    char c = 'x';
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
    if (fd < 0) {
        return errno;
    }
    bool good = lseek(fd, 5000, SEEK_SET) == 5000 && write(fd, "end", 3) == 3 &&
                lseek(fd, 2500, SEEK_SET) == 2500 && read(fd, &c, 1) == 1 && c == '\0' &&
                lseek(fd, 0, SEEK_END) == 5003;
    int error = good ? 0 : EILSEQ;
    close(fd);
    return error;
}

static void show(const struct disk_entry *e, void *arg) {
    (void)arg;
    printf("%s %s %llu\n", e->folder ? "folder" : "file", e->name, (unsigned long long)e->size);
}

static int list(const char *path) {
    return -disk_list(path, show, NULL);
}

static int fill(const char *path) {
    static const char zeros[65536];
    int fd = open(path, O_WRONLY | O_CREAT, 0666);
    if (fd < 0) {
        return errno;
    }
    ssize_t n;
    while ((n = write(fd, zeros, sizeof zeros)) > 0) {
    }
    int error = n < 0 ? errno : 0;
    close(fd);
    return error;
}

static int two(const char *path) {
    int fd = open(path, O_WRONLY, 0666), other = open(path, O_RDONLY);
    int error = fd >= 0 && other < 0 ? errno : 0;
    close(other);
    close(fd);
    return error;
}

static struct wg writers;
static _Atomic int wrong;

static void writes(void *arg) {
    char path[40];
    snprintf(path, sizeof path, "/sd/logs/writer %d.txt", (int)(intptr_t)arg);
    for (int i = 0; i < LINES; i++) {
        FILE *f = fopen(path, "a");
        if (f == NULL || fprintf(f, "line %d of writer %d\n", i, (int)(intptr_t)arg) < 0 ||
            fclose(f) != 0) {
            wrong = errno;
        }
        if (i % 10 == 0) {
            go_yield();
        }
    }
}

/* All cores at once, a file each. */
static int crowd(const char *path) {
    (void)path;
    for (intptr_t i = 0; i < WRITERS; i++) {
        wg_go(&writers, writes, (void *)i);
    }
    wg_wait(&writers);
    return wrong;
}

static int size(const char *path) {
    (void)path;
    uint64_t n;
    int status = disk_sectors(&n);
    printf("%llu sectors\n", (unsigned long long)n);
    return -status;
}

/* The last sector, there and back; and the one behind it. */
static int edge(const char *path) {
    (void)path;
    static uint8_t saved[DISK_SECTOR_BYTES], mine[DISK_SECTOR_BYTES], found[DISK_SECTOR_BYTES];
    uint64_t n;
    int status = disk_sectors(&n);
    if (status == 0 && (status = disk_read_sectors(n - 1, saved, 1)) == 0) {
        memset(mine, 0x5a, sizeof mine);
        status = disk_write_sectors(n - 1, mine, 1);
        status = status != 0 ? status : disk_read_sectors(n - 1, found, 1);
        status = status != 0 ? status : disk_write_sectors(n - 1, saved, 1);
        if (status == 0 && memcmp(mine, found, sizeof mine) != 0) {
            status = -EILSEQ;
        }
    }
    return status != 0 ? -status : disk_read_sectors(n, found, 1) == -EINVAL ? 0 : EILSEQ;
}

static int make_folder(const char *path) {
    return mkdir(path, 0777) == 0 ? 0 : errno;
}

static int take_out(const char *path) {
    return remove(path) == 0 ? 0 : errno;
}

static int move(const char *path) {
    char to[100];
    snprintf(to, sizeof to, "%s.old", path);
    return rename(path, to) == 0 ? 0 : errno;
}

static const struct {
    const char *name;
    int (*fn)(const char *path);
} verbs[] = {
    {"put", put},
    {"cat", cat},
    {"append", append},
    {"hole", hole},
    {"list", list},
    {"fill", fill},
    {"two", two},
    {"crowd", crowd},
    {"size", size},
    {"edge", edge},
    {"folder", make_folder},
    {"remove", take_out},
    {"move", move},
};

/* verb=path ... */
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        char *path = strchr(argv[i], '=');
        if (path == NULL) {
            continue; /* --batch */
        }
        *path++ = '\0';
        for (size_t v = 0; v < sizeof verbs / sizeof verbs[0]; v++) {
            if (strcmp(argv[i], verbs[v].name) == 0) {
                errno = 0;
                int error = verbs[v].fn(path);
                printf("%s %s: %s\n", argv[i], path, error == 0 ? "done" : strerror(error));
            }
        }
    }
    return 0;
}
