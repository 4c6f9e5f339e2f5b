/*
 * hal/host/sanitize/undefined.c - SAN=undefined: the first report ends the program with status 66,
 * as with the other sanitizers. The runtime need not tell this one anything.
 */
const char *__ubsan_default_options(void);

const char *__ubsan_default_options(void) {
    return "halt_on_error=1:exitcode=66:print_stacktrace=1";
}
