/* tests/programs/ends/main.c - ends that need goroutine 1, or a constructor: what tests/host/ends.sh
 * looks at. The first argument says which. */
#include <bareloom.h>
#include <stdio.h>
#include <string.h>

static void ends_at_once(void *arg) {
    (void)arg;
}

static void blocks(void *arg) {
    chan_recv(arg, NULL);
}

/* Go's init functions are constructors here, and run in goroutine 1 as well. */
__attribute__((constructor)) static void init(void) {
    if (strstr(info_args(), "init_deadlock") != NULL) {
        chan_recv(NULL, NULL);
    }
}

/* A console that was read is no reason to wait for ever. */
static void reads_a_little(void) {
    console_getc_until(WITHIN(MS(1)));
    chan_recv(NULL, NULL);
}

/* Goroutine 1 is gone, another still waits. */
static void leaves_one_waiting(void) {
    go_with(&GO_OPTS(.name = "left"), blocks, CHAN(int, 0));
    go_exit();
}

/* Goroutine 1 is gone, the others end. */
static void leaves(void) {
    for (int i = 0; i < 5; i++) {
        go(ends_at_once, NULL);
    }
    go_exit();
}

static void panics(void *arg) {
    PANIC("%s", (const char *)arg);
}

static void exits(void *arg) {
    (void)arg;
    go_exit();
}

/* A cleanup of a panic ends goroutine 1 instead: the panic is forgotten. */
static void exits_in_panic(void) {
    DEFER(exits, NULL);
    PANIC("forgotten");
}

/* A cleanup of go_exit() panics: that is told. */
static void panics_after_exit(void) {
    DEFER(panics, "hello");
    go_exit();
}

static void lets_main_go_on(void *arg) {
    wg_done(arg);
    go_sleep(MS(20));
}

static void panics_slowly(void *arg) {
    DEFER(lets_main_go_on, arg);
    PANIC("slow");
}

/* main() returns while the cleanups of a panic run. */
static int returns_in_panic(void) {
    struct wg panicking = {0};
    wg_add(&panicking, 1);
    go(panics_slowly, &panicking);
    wg_wait(&panicking);
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "simple_deadlock") == 0) {
        chan_recv(CHAN(int, 0), NULL);
    } else if (strcmp(what, "after_reading") == 0) {
        reads_a_little();
    } else if (strcmp(what, "goexit_deadlock") == 0) {
        leaves();
    } else if (strcmp(what, "goexit_one_left") == 0) {
        leaves_one_waiting();
    } else if (strcmp(what, "goexit_in_panic") == 0) {
        exits_in_panic();
    } else if (strcmp(what, "panic_after_goexit") == 0) {
        panics_after_exit();
    } else if (strcmp(what, "main_panics") == 0) {
        PANIC("test");
    } else if (strcmp(what, "return_in_panic") == 0) {
        return returns_in_panic();
    }
    printf("there is no such end: %s\n", what);
    return 1;
}
