/*
 * hal/host/main.c - power-on of the host, and its composition root: what boot/ is for a machine
 * image.
 *
 * The C library has been set up by then and starts main(). The program's own main() was renamed by
 * the build; it runs in G 1. The main thread becomes core 0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/board.h"
#include "hal/host/host.h"
#include "sched/sim.h"

#define CORES 4u /* without BARELOOM_CORES */

struct boot_info boot_info;

static void append(size_t *used, const char *text, size_t n) {
    if (*used + n >= sizeof boot_info.args) {
        host_die("the arguments are longer than 511 bytes");
    }
    memcpy(&boot_info.args[*used], text, n);
    *used += n;
}

/* In quotes where it would not come out as one word: libc/start.c takes the line apart again. */
static void append_word(size_t *used, const char *word) {
    bool quoted = *word == '\0' || strpbrk(word, " \t\n'\"") != NULL;
    append(used, "\"", quoted);
    for (; *word != '\0'; word++) {
        if (*word == '"') {
            append(used, "\"'\"'\"", 5); /* the one kind of quote in the other kind */
        } else {
            append(used, word, 1);
        }
    }
    append(used, "\"", quoted);
}

/* The command line as a machine gets it. */
static void join_arguments(int argc, char **argv) {
    size_t used = 0;
    for (int i = 1; i < argc; i++) {
        append(&used, " ", i != 1);
        append_word(&used, argv[i]);
    }
}

static unsigned cores_wanted(void) {
    const char *text = getenv("BARELOOM_CORES");
    if (text == NULL) {
        return CORES;
    }
    if (text[0] < '1' || text[0] > '0' + (char)HAL_MAX_CORES || text[1] != '\0') {
        host_die("BARELOOM_CORES is a number of cores, 1 to 8");
    }
    return (unsigned)(text[0] - '0');
}

int main(int argc, char **argv) {
    host_power_init(argv);
    unsigned n = cores_wanted();
    host_clock_init(n);
    board.console->ops->init(board.console); /* from here on kprintf works */
    join_arguments(argc, argv);
    sim_begin(boot_info.args);
    /* A line at a time, as newlib does it: what was printed before a report stands before it. */
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    host_symbols_init();
    host_memory_init();
    host_faults_init();
    host_stop_init();
    host_cores_start(n);
}
