/* hal/kprint.c - polled printing on the board's console.
 *
 * The race: two cores print at once. One lock, held over a call with interrupts masked. A core that
 * died with the lock must not silence the others: after a bounded wait a call goes on without it.
 * kprint_panic() takes it for good: another core, which may print with interrupts masked and so not be
 * there to be stopped, stops where it would print again. */
#include "hal/kprint.h"

#include <stdatomic.h>

#include "hal/board.h"
#include "hal/hal.h"

/* Long enough for a line at 115200 baud to end, on any of the cores before us. */
#define PATIENCE_NS INT64_C(200000000)

static _Atomic uint32_t lock;
static _Atomic uint32_t panicking; /* 1 + the core that reports; 0: none does */

static void put_byte(char c) {
    const struct uart *u = board.console;
    while (!u->ops->tx_ready(u)) {
        hal_relax();
    }
    u->ops->tx(u, (uint8_t)c);
}

/* Where text goes: a buffer, or the console. */
struct sink {
    char *to; /* NULL: the console */
    size_t left;
};

static void put(struct sink *k, char c) {
    if (k->to != NULL) {
        if (k->left > 1) {
            *k->to++ = c;
            k->left--;
        }
        return;
    }
    if (c == '\n') {
        put_byte('\r');
    }
    put_byte(c);
}

/* ---- formatting ----------------------------------------------------------------------------- */

struct spec {
    bool left, zero;
    int width;
    int longs; /* l, ll, z: 64 bits */
};

static void pad(struct sink *k, char c, int n) {
    while (n-- > 0) {
        put(k, c);
    }
}

static void put_text(struct sink *k, const struct spec *s, const char *text, int n) {
    pad(k, ' ', s->left ? 0 : s->width - n);
    for (int i = 0; i < n; i++) {
        put(k, text[i]);
    }
    pad(k, ' ', s->left ? s->width - n : 0);
}

static void put_string(struct sink *k, const struct spec *s, const char *text) {
    int n = 0;
    text = text != NULL ? text : "(null)";
    while (text[n] != '\0') {
        n++;
    }
    put_text(k, s, text, n);
}

static void put_number(struct sink *k, const struct spec *s, uint64_t v, unsigned base,
                       const char *sign) {
    char digits[24];
    int at = (int)sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v != 0);
    int n = (int)sizeof digits - at;
    int signs = 0;
    while (sign[signs] != '\0') {
        signs++;
    }
    pad(k, ' ', s->left || s->zero ? 0 : s->width - n - signs);
    for (int i = 0; i < signs; i++) {
        put(k, sign[i]);
    }
    pad(k, '0', s->zero && !s->left ? s->width - n - signs : 0);
    for (int i = 0; i < n; i++) {
        put(k, digits[at + i]);
    }
    pad(k, ' ', s->left ? s->width - n - signs : 0);
}

static const char *parse(const char *f, struct spec *s) {
    *s = (struct spec){0};
    for (; *f == '-' || *f == '0'; f++) {
        s->left = s->left || *f == '-';
        s->zero = s->zero || *f == '0';
    }
    for (; *f >= '0' && *f <= '9'; f++) {
        s->width = s->width * 10 + (*f - '0');
    }
    for (; *f == 'l' || *f == 'z'; f++) {
        s->longs++;
    }
    return f;
}

static int64_t signed_argument(const struct spec *s, va_list *ap) {
    return s->longs != 0 ? va_arg(*ap, long) : va_arg(*ap, int);
}

static uint64_t unsigned_argument(const struct spec *s, va_list *ap) {
    return s->longs != 0 ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned);
}

static void convert(struct sink *k, char kind, const struct spec *s, va_list *ap) {
    switch (kind) {
    case 's':
        put_string(k, s, va_arg(*ap, const char *));
        break;
    case 'c': {
        char c = (char)va_arg(*ap, int);
        put_text(k, s, &c, 1);
        break;
    }
    case 'd': {
        int64_t v = signed_argument(s, ap);
        put_number(k, s, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, v < 0 ? "-" : "");
        break;
    }
    case 'u':
        put_number(k, s, unsigned_argument(s, ap), 10, "");
        break;
    case 'x':
        put_number(k, s, unsigned_argument(s, ap), 16, "");
        break;
    case 'p':
        put_number(k, s, (uintptr_t)va_arg(*ap, void *), 16, "0x");
        break;
    case '%':
        put(k, '%');
        break;
    default: /* shown as it stands, so that the mistake is seen */
        put(k, '%');
        put(k, kind);
    }
}

static void format_all(struct sink *k, const char *f, va_list *ap) {
    while (*f != '\0') {
        if (*f != '%') {
            put(k, *f++);
            continue;
        }
        struct spec s;
        f = parse(f + 1, &s);
        if (*f == '\0') {
            return;
        }
        convert(k, *f++, &s, ap);
    }
}

/* ---- the lock ------------------------------------------------------------------------------- */

/* Masked. */
static uint32_t me(void) {
    const struct hal_core *c = (const struct hal_core *)hal_core();
    return 1 + (c != NULL ? c->index : 0); /* NULL: boot, where only the first one prints */
}

static bool grab(void) {
    /* acquire and release: only so that lines do not mix */
    return atomic_exchange_explicit(&lock, 1, memory_order_acquire) == 0;
}

static bool take_lock(void) {
    int64_t until = hal_now() + PATIENCE_NS;
    do {
        /* relaxed: says who prints and nothing else */
        uint32_t core = atomic_load_explicit(&panicking, memory_order_relaxed);
        if (core != 0 && core != me()) {
            hal_stop_self();
        }
        if (core != 0) {
            return false; /* it is ours for good */
        }
        if (grab()) {
            return true;
        }
        hal_relax();
    } while (hal_now() <= until);
    return false;
}

void kvprintf(const char *format, va_list ap) {
    va_list mine;
    va_copy(mine, ap); /* an array type on some machines: its address as a parameter is another type */
    hal_irq_t was = hal_irq_save();
    bool locked = take_lock();
    format_all(&(struct sink){.to = NULL}, format, &mine);
    if (locked) {
        atomic_store_explicit(&lock, 0, memory_order_release);
    }
    hal_irq_restore(was);
    va_end(mine);
}

void kvformat(char *to, size_t n, const char *format, va_list ap) {
    struct sink k = {.to = to, .left = n};
    va_list mine;
    va_copy(mine, ap);
    format_all(&k, format, &mine);
    *k.to = '\0';
    va_end(mine);
}

void kprintf(const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    kvprintf(format, ap);
    va_end(ap);
}

void kprint_panic(void) {
    uint32_t nobody = 0;
    if (!atomic_compare_exchange_strong_explicit(&panicking, &nobody, me(), memory_order_relaxed,
                                                 memory_order_relaxed)) {
        return; /* we have it already, or stop where we would print */
    }
    int64_t until = hal_now() + PATIENCE_NS;
    while (!grab() && hal_now() <= until) { /* whoever prints just now comes to the end of its line */
        hal_relax();
    }
}
