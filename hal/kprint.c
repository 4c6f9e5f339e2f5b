/* hal/kprint.c - polled printing on the board's console.
 *
 * The race: two cores print at once. One lock, held over a call with interrupts masked. A core that
 * died with the lock must not silence the others: after a bounded wait a call goes on without it,
 * and after kprint_panic() nobody waits at all. */
#include "hal/kprint.h"

#include <stdatomic.h>

#include "hal/board.h"
#include "hal/hal.h"

/* Long enough for a line at 115200 baud to end, on any of the cores before us. */
#define PATIENCE_NS INT64_C(200000000)

static _Atomic uint32_t lock;
static _Atomic bool panicking;

static void put_byte(char c) {
    const struct uart *u = board.console;
    while (!u->ops->tx_ready(u)) {
        hal_relax();
    }
    u->ops->tx(u, (uint8_t)c);
}

static void put(char c) {
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

static void pad(char c, int n) {
    while (n-- > 0) {
        put(c);
    }
}

static void put_text(const struct spec *s, const char *text, int n) {
    pad(' ', s->left ? 0 : s->width - n);
    for (int i = 0; i < n; i++) {
        put(text[i]);
    }
    pad(' ', s->left ? s->width - n : 0);
}

static void put_string(const struct spec *s, const char *text) {
    int n = 0;
    text = text != NULL ? text : "(null)";
    while (text[n] != '\0') {
        n++;
    }
    put_text(s, text, n);
}

static void put_number(const struct spec *s, uint64_t v, unsigned base, const char *sign) {
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
    pad(' ', s->left || s->zero ? 0 : s->width - n - signs);
    for (int i = 0; i < signs; i++) {
        put(sign[i]);
    }
    pad('0', s->zero && !s->left ? s->width - n - signs : 0);
    for (int i = 0; i < n; i++) {
        put(digits[at + i]);
    }
    pad(' ', s->left ? s->width - n - signs : 0);
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

static void convert(char kind, const struct spec *s, va_list *ap) {
    switch (kind) {
    case 's':
        put_string(s, va_arg(*ap, const char *));
        break;
    case 'c': {
        char c = (char)va_arg(*ap, int);
        put_text(s, &c, 1);
        break;
    }
    case 'd': {
        int64_t v = signed_argument(s, ap);
        put_number(s, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, v < 0 ? "-" : "");
        break;
    }
    case 'u':
        put_number(s, unsigned_argument(s, ap), 10, "");
        break;
    case 'x':
        put_number(s, unsigned_argument(s, ap), 16, "");
        break;
    case 'p':
        put_number(s, (uintptr_t)va_arg(*ap, void *), 16, "0x");
        break;
    case '%':
        put('%');
        break;
    default: /* shown as it stands, so that the mistake is seen */
        put('%');
        put(kind);
    }
}

static void format_all(const char *f, va_list *ap) {
    while (*f != '\0') {
        if (*f != '%') {
            put(*f++);
            continue;
        }
        struct spec s;
        f = parse(f + 1, &s);
        if (*f == '\0') {
            return;
        }
        convert(*f++, &s, ap);
    }
}

/* ---- the lock ------------------------------------------------------------------------------- */

static bool take_lock(void) {
    int64_t until = hal_now() + PATIENCE_NS;
    /* acquire and release: only so that lines do not mix */
    while (atomic_exchange_explicit(&lock, 1, memory_order_acquire) != 0) {
        if (atomic_load_explicit(&panicking, memory_order_relaxed) || hal_now() > until) {
            return false;
        }
        hal_relax();
    }
    return true;
}

void kvprintf(const char *format, va_list ap) {
    va_list mine;
    va_copy(mine, ap); /* an array type on some machines: its address as a parameter is another type */
    hal_irq_t was = hal_irq_save();
    bool locked = take_lock();
    format_all(format, &mine);
    if (locked) {
        atomic_store_explicit(&lock, 0, memory_order_release);
    }
    hal_irq_restore(was);
    va_end(mine);
}

void kprintf(const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    kvprintf(format, ap);
    va_end(ap);
}

void kprint_panic(void) {
    atomic_store_explicit(&panicking, true, memory_order_relaxed);
}
