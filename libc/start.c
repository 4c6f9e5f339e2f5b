/* temporary until libc/start.c is there */
#include <stdlib.h>
#include <bareloom.h>
int app_main(int argc, char **argv);
void go_main(void *arg);
void go_main(void *arg) {
    static char args[512]; static char *argv[32]; int argc = 0; const char *s = info_args(); char *d = args;
    (void)arg;
    while (*s && argc < 31) { while (*s == ' ') s++; if (!*s) break; argv[argc++] = d; while (*s && *s != ' ') *d++ = *s++; *d++ = 0; }
#ifndef HAL_HOST
    extern void (*__init_array_start[])(void), (*__init_array_end[])(void);
    for (void (**f)(void) = __init_array_start; f < __init_array_end; f++) (*f)();
#endif
    machine_exit(app_main(argc, argv));
}
