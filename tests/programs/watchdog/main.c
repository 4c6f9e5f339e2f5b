/* watchdog - starts it and gets stuck, so that the machine is reset. */
#include <bareloom.h>
#include <stdio.h>

static bool is_reset(const struct board_info *fact, void *arg) {
    (void)arg;
    if (fact->value == 0 && fact->name[0] == 'l') {
        printf("%s: %s\n", fact->name, fact->unit);
    }
    return true;
}

int main(void) {
    info_board_facts(is_reset, NULL);
    fflush(stdout);
    if (watchdog_start(SEC(2)) != 0) {
        return 1;
    }
    for (volatile bool stuck = true; stuck;) {
    }
    return 0;
}
