/* tests/programs/terminal/main.c - reads keys at a terminal, tells each, and ends as one of them says: what
 * tests/host/terminal.py types at. */
#include <bareloom.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void ends(int key) {
    switch (key) {
    case 'e':
        exit(5);
    case 'd':
        chan_recv(NULL, NULL);
        break;
    case 'p':
        PANIC("p was typed");
    case 'f':
        __builtin_trap();
        break;
    case 'a':
        abort();
    case 't':
        raise(SIGTERM);
        break;
    }
}

int main(void) {
    int key;
    console_getc_until(WITHIN(US(1))); /* the terminal is raw from the first one on */
    printf("ready\n");
    while ((key = console_getc()) != 'q' && key >= 0) {
        printf("key %d\n", key);
        ends(key);
    }
    return 4;
}
