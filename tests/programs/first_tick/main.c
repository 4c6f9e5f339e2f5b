/* The only core runs main() from the moment it has been started, and main() waits without ever waiting: it has a tick all
 * the same, so that the goroutine gets its turn. tests/host/first_tick.sh */
#include <bareloom.h>
#include <stdio.h>

static volatile bool ran;

static void runs(void *arg) {
    (void)arg;
    ran = true;
}

int main(void) {
    go(runs, NULL);
    while (!ran) {
    }
    printf("ran\n");
    return 0;
}
