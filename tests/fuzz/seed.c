/* tests/fuzz/seed.c - sched/sim.c: the word seed=N is taken out of any line, and nothing else is. */
#define CONFIG_SIM 1
#include "sched/sim.c"

#include <setjmp.h>

#include "tests/fuzz/fuzz.h"

static jmp_buf refused;

int64_t hal_now(void) {
    return 0;
}
unsigned hal_core_count(void) {
    return 1;
}
void kprintf(const char *format, ...) {
    (void)format;
}
_Noreturn void hal_exit(int status) {
    WANT(status == 2);
    longjmp(refused, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    char *line = malloc(n + 1), *before = malloc(n + 1);
    WANT(line != NULL && before != NULL);
    memcpy(line, data, n);
    line[n] = '\0';
    strcpy(before, line);
    if (setjmp(refused) == 0) {
        char *word = seed_word(before);
        sim_begin(line);
        size_t kept = word != NULL ? (size_t)(word - before) : strlen(before);
        WANT(strncmp(line, before, kept) == 0);
        size_t gone = word != NULL ? strcspn(word, " ") : 0;
        WANT(strcmp(line + kept, before + kept + gone) == 0);
    }
    free(line);
    free(before);
    return 0;
}
