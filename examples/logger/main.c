/* examples/logger - what comes over the UART, line by line with its time, into /sd/log.txt on the card.
 *
 *     make run BOARD=virt APP=examples/logger DISK=card.img
 *
 * One G reads and is never late, since another one writes: a card may take half a second over a sector, and the
 * channel between them holds what comes meanwhile. The writer makes safe what it has once a second, not for each line. */
#include <bareloom.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH      "/sd/log.txt"
#define MAKE_SAFE SEC(1)

struct line {
    ns_t when;
    char text[200];
};

static struct chan *lines;

static void reads(void *arg) {
    (void)arg;
    struct line line;
    while (fgets(line.text, sizeof line.text, stdin) != NULL) {
        line.when = go_now();
        line.text[strcspn(line.text, "\r\n")] = '\0';
        chan_send(lines, &line);
    }
    chan_close(lines);
}

/* Until the reader is done. The number of lines, or -1 with errno. */
static long writes(FILE *log) {
    struct line line;
    long n = 0;
    ns_t due = FOREVER; /* for making safe; lines may come without a pause */
    for (;;) {
        int status = chan_recv_until(lines, &line, AT(due));
        if (status == 0) {
            n += fprintf(log, "%lld.%03lld %s\n", (long long)(line.when / SEC(1)),
                         (long long)(line.when / MS(1) % 1000), line.text) > 0;
            due = due == FOREVER ? go_now() + MAKE_SAFE : due;
        }
        if (status != 0 || go_now() >= due) {
            if (fflush(log) != 0 || fsync(fileno(log)) != 0) {
                return -1;
            }
            due = FOREVER;
        }
        if (status == -EPIPE) {
            return n;
        }
    }
}

int main(void) {
    FILE *log = fopen(PATH, "a");
    if (log == NULL) {
        perror(PATH);
        return 1;
    }
    lines = CHAN(struct line, 64);
    go(reads, NULL);
    puts("logger: each line goes to " PATH "; Ctrl-D ends it");
    long n = writes(log);
    if (fclose(log) != 0 || n < 0) {
        perror(PATH);
        return 1;
    }
    printf("logger: %ld lines\n", n);
    return 0;
}
