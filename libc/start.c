/*
 * libc/start.c - G 1: from the scheduler's first goroutine to the program's main(), and to the end.
 *
 * Constructors run here and not at boot, since they may do all that a program may: print, start Gs,
 * block.
 *
 * The race: exit() closes all streams, and a G that waits for the keyboard in fgets(stdin) holds
 * that stream's lock for as long as nobody types. The first atexit() handler, so the last one to
 * run, takes the lock out of use.
 */
#include <bareloom/defer.h>
#include <bareloom/info.h>
#include <bareloom/trace.h>
#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>

#include "hal/board.h"
#include "libc/console.h"

#ifndef HAL_HOST /* there the host's C library has started itself */
#include "libc/reent.h"

void __libc_init_array(void);
void __libc_fini_array(void);

static void let_go_of_stdin(void) {
    __fsetlocking(stdin, FSETLOCKING_BYCALLER);
}

static void library_init(void) {
    reent_init();
    /* Makes the streams on G 1's block, and not on that of the first G that prints: exit() flushes
     * nothing that it does not find there. */
    fflush(stdout);
    console_start();
    atexit(let_go_of_stdin);
    atexit(__libc_fini_array);
    __libc_init_array();
}
#else
static void library_init(void) {
    console_start();
    atexit(trace_finish); /* exit() does not come by machine_exit() here */
}
#endif

/* ---- the command line ------------------------------------------------------------------------ */

#define LINE_MAX_BYTES sizeof(boot_info.args)

static char words[LINE_MAX_BYTES];
static char *argv[LINE_MAX_BYTES / 2 + 2]; /* as many words of one letter, our name, NULL */

static bool blank(char c) {
    return c == ' ' || c == '\t' || c == '\n';
}

/* Copies the next word of *from to *to, with a NUL; quotes of both kinds go, and keep blanks
 * between them. False at the end of the line. */
static bool next_word(const char **from, char **to) {
    const char *s = *from;
    char quote = '\0';
    while (blank(*s)) {
        s++;
    }
    if (*s == '\0') {
        return false;
    }
    for (; *s != '\0' && (quote != '\0' || !blank(*s)); s++) {
        if (*s == quote) {
            quote = '\0';
        } else if (quote == '\0' && (*s == '"' || *s == '\'')) {
            quote = *s;
        } else {
            *(*to)++ = *s;
        }
    }
    *(*to)++ = '\0';
    *from = s;
    return true;
}

/* No panic: nobody needs a backtrace of what he has typed. */
static _Noreturn void refuse(const char *word, int status) {
    if (status == -EINVAL) {
        go_option_wants(word);
    } else {
        printf("%s on the command line: there is no memory for it\n", word);
    }
    exit(2);
}

/* What the runtime knows itself is not the program's. */
static int split(const char *line) {
    static char name[] = "bareloom";
    char *word = words, *end = words;
    int argc = 0;
    argv[argc++] = name;
    while (next_word(&line, &end)) {
        int status = go_option(word);
        if (status == -ENOENT) {
            argv[argc++] = word;
        } else if (status != 0) {
            refuse(word, status);
        }
        word = end;
    }
    return argc;
}

/* ---- G 1 ------------------------------------------------------------------------------------- */

/* The program's main(), renamed by the build: on the host the process has one of its own. */
int app_main(int argc, char **argv);

/* The scheduler calls it by this name (sched/sched.h). */
void go_main(void *arg);

void go_main(void *arg) {
    (void)arg;
    library_init();
    int status = app_main(split(info_args()), argv);
    go_main_returned();
    exit(status);
}
