/*
 * hal/sanitize/undefined.c - what the compiler calls where an operation turns out to be undefined:
 * SAN=undefined on a machine. The first report ends it.
 *
 * Each call brings a description that begins with the place in the source; of the rest only the
 * values are printed, as far as they fit a register.
 */
#include "hal/hal.h"
#include "hal/kprint.h"
#include "hal/sanitize/report.h"

struct place {
    const char *file;
    uint32_t line, column;
};

_Noreturn static void stop(const struct place *at, const char *what, uintptr_t back) {
    static struct sanitize_trace trace; /* of the one core that goes on */
    sanitize_alone();
    kprintf("\nsanitizer: %s:%u:%u: runtime error: %s\n", at->file, at->line, at->column, what);
    if (hal_core() != NULL) {
        sanitize_take_trace(&trace, back);
        sanitize_print_trace("\ndone", &trace);
    }
    sanitize_stop();
}

#define BACK ((uintptr_t)__builtin_return_address(0))

/* The compiler knows these names; there is no header. */
#define HANDLER(name, what)                                                                        \
    void __ubsan_handle_##name(const struct place *at);                                            \
    void __ubsan_handle_##name(const struct place *at) {                                           \
        stop(at, what, BACK);                                                                      \
    }

HANDLER(add_overflow, "overflow of a signed addition")
HANDLER(sub_overflow, "overflow of a signed subtraction")
HANDLER(mul_overflow, "overflow of a signed multiplication")
HANDLER(negate_overflow, "overflow of a negation")
HANDLER(divrem_overflow, "division by zero, or overflow of a division")
HANDLER(shift_out_of_bounds, "shift by a negative number or by too many bits, or of a sign")
HANDLER(out_of_bounds, "index outside of its array")
HANDLER(builtin_unreachable, "a point that cannot be reached was reached")
HANDLER(missing_return, "a function ended without a value")
HANDLER(vla_bound_not_positive, "an array of no or negative length")
HANDLER(load_invalid_value, "a value that its type does not have")
HANDLER(nonnull_arg, "NULL for an argument that must not be")
HANDLER(pointer_overflow, "overflow of a pointer")
HANDLER(float_cast_overflow, "a floating number that its new type does not have")
HANDLER(invalid_builtin, "an argument that a builtin function does not take")

/* The place of these comes apart from the description. */
void __ubsan_handle_nonnull_return_v1(const void *data, const struct place *at);
void __ubsan_handle_nonnull_return_v1(const void *data, const struct place *at) {
    (void)data;
    stop(at, "NULL from a function that must not return it", BACK);
}

struct mismatch {
    struct place at;
    const void *type;
    uint8_t log_alignment, kind;
};

void __ubsan_handle_type_mismatch_v1(const struct mismatch *m, uintptr_t pointer);
void __ubsan_handle_type_mismatch_v1(const struct mismatch *m, uintptr_t pointer) {
    uintptr_t alignment = (uintptr_t)1 << m->log_alignment;
    stop(&m->at,
         pointer == 0                       ? "access through a NULL pointer"
         : (pointer & (alignment - 1)) != 0 ? "access through a misaligned pointer"
                                            : "access to an object that is too small",
         BACK);
}
