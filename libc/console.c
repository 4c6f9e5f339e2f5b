/*
 * libc/console.c - the console as bytes: a ring that the receive interrupt fills, and a transmitter
 * that is polled.
 *
 * A byte is in the ring before its post to the semaphore, so a reader that got one of the
 * semaphore's counts finds a byte, or the end of the input: that has one count, which each reader
 * who meets it gives back.
 *
 * The races: handler and readers may all want to move bytes from the UART into the ring - the
 * handler on its core, a G once after rx_enable() (what came before is never announced), and a G
 * that made room. pump() lets one of them at it; who is turned away leaves word, and the one at it
 * looks again. And two readers take from the ring at once: a byte is read before the
 * compare-and-swap that gives its place back, and is void if that fails.
 *
 * What a line brings faster than it is read is lost once the ring is full. Where input is a file
 * (the host) it waits.
 *
 * DUMP_KEY is for the runtime and comes to no reader. So that it is heard in a program that never reads, the line is
 * attached from the start, and a machine's receiver is on; what comes until somebody reads waits in the ring.
 *
 * kprintf() has its own lock and the same UART: its lines may stand in the middle of ours, which is
 * what lets a report come out whoever was writing.
 */
#include "libc/console.h"

#include <bareloom.h>
#include <bareloom/info.h>
#include <errno.h>
#include <stdatomic.h>

#include "hal/board.h"

#define RING 256u

static struct {
    struct mutex starting;
    _Atomic bool started;
    struct sema ready;    /* bytes in the ring, and one for the end of the input */
    _Atomic uint32_t in;  /* bytes ever put in; written by who pumps */
    _Atomic uint32_t out; /* bytes ever taken out */
    _Atomic uint8_t bytes[RING];
    _Atomic bool pumping, again;
    _Atomic bool dump; /* DUMP_KEY came */
    bool ended;        /* who pumps */
} rx;

static struct mutex tx;

/* ---- receive --------------------------------------------------------------------------------- */

static bool full(void) {
    /* acquire: pairs with the release in take(), the byte that was there has been read */
    return atomic_load_explicit(&rx.in, memory_order_relaxed) -
               atomic_load_explicit(&rx.out, memory_order_acquire) ==
           RING;
}

static void put(uint8_t byte) {
    uint32_t in = atomic_load_explicit(&rx.in, memory_order_relaxed); /* ours alone */
    atomic_store_explicit(&rx.bytes[in % RING], byte, memory_order_relaxed);
    atomic_store_explicit(&rx.in, in + 1, memory_order_release); /* pairs with take() */
    sema_post(&rx.ready);
}

static void drain(const struct uart *u) {
    bool waits = u->ops->eof != NULL; /* what is not fetched now can be fetched later */
    int byte;
    while (!(waits && full()) && (byte = u->ops->rx(u)) >= 0) {
        if (byte == DUMP_KEY) {
            /* relaxed: it says that it came and nothing else */
            atomic_store_explicit(&rx.dump, true, memory_order_relaxed);
        } else if (!full()) {
            put((uint8_t)byte);
        }
    }
    if (waits && !rx.ended && u->ops->eof(u)) {
        rx.ended = true;
        sema_post(&rx.ready);
    }
}

/* A handler, or a G with preemption off: else what the handler is turned away from would wait for a
 * slice. */
static void pump(const struct uart *u) {
    /* seq_cst: either we find pumping false, or the one at it finds again true after that */
    atomic_store(&rx.again, true);
    while (atomic_load(&rx.again) && !atomic_exchange(&rx.pumping, true)) {
        atomic_store(&rx.again, false);
        drain(u);
        atomic_store(&rx.pumping, false);
    }
}

/* After a pump(): a dump takes long, and bytes that come meanwhile must find nobody at the pump. */
static void dump_if_asked(void) {
    if (atomic_exchange_explicit(&rx.dump, false, memory_order_relaxed)) {
        go_dump();
    }
}

static void pump_from_g(const struct uart *u) {
    go_preempt_off();
    pump(u);
    go_preempt_on();
    dump_if_asked();
}

static void on_receive(void *arg) {
    const struct uart *u = arg;
    u->ops->rx_ack(u); /* before the draining: a byte that comes after it interrupts again */
    pump(u);
    dump_if_asked();
}

/* Turns the receiver on. On the host it is the first reader who does: a program that never reads leaves the
 * input alone. */
static void start(const struct uart *u) {
    if (atomic_load_explicit(&rx.started, memory_order_acquire)) {
        return;
    }
    mutex_lock(&rx.starting);
    if (!atomic_load_explicit(&rx.started, memory_order_relaxed)) {
        u->ops->rx_enable(u);
        pump_from_g(u);
        atomic_store_explicit(&rx.started, true, memory_order_release);
    }
    mutex_unlock(&rx.starting);
}

void console_start(void) {
    const struct uart *u = board.console;
    int status = irq_attach(u->line, on_receive, (void *)(uintptr_t)u);
    if (status != 0) {
        PANIC("console: cannot have interrupt line %u: error %d", u->line, -status);
    }
    irq_listen(u->line, false); /* what is typed while nobody reads wakes nobody */
    irq_roam(u->line);
    if (u->ops->eof == NULL) {
        start(u);
    }
}

/* A byte, or -1: none is there. */
static int take(void) {
    /* acquire: with it we see at least the in that whoever moved out has seen */
    uint32_t out = atomic_load_explicit(&rx.out, memory_order_acquire);
    while (out != atomic_load_explicit(&rx.in, memory_order_acquire)) {
        int byte = atomic_load_explicit(&rx.bytes[out % RING], memory_order_relaxed);
        /* release: the byte is read before full() sees its place free */
        if (atomic_compare_exchange_weak_explicit(&rx.out, &out, out + 1, memory_order_acq_rel,
                                                  memory_order_acquire)) {
            return byte;
        }
    }
    return -1;
}

int console_getc(void) {
    return console_getc_until(AT(FOREVER));
}

int console_getc_until(struct limit l) {
    const struct uart *u = board.console;
    start(u);
    irq_listen(u->line, true);
    int status = sema_wait_until(&rx.ready, l);
    irq_listen(u->line, false);
    if (status != 0) {
        return status;
    }
    int byte = take();
    if (byte < 0) {
        sema_post(&rx.ready);
        return -EPIPE;
    }
    if (u->ops->eof != NULL) {
        pump_from_g(u);
    }
    return byte;
}

/* ---- transmit -------------------------------------------------------------------------------- */

/* Under tx. */
static void send(const struct uart *u, uint8_t byte) {
    while (!u->ops->tx_ready(u)) {
        go_yield();
    }
    u->ops->tx(u, byte);
}

void console_write(const void *bytes, size_t n) {
    const uint8_t *b = bytes;
    mutex_lock(&tx);
    for (size_t i = 0; i < n; i++) {
        send(board.console, b[i]);
    }
    mutex_unlock(&tx);
}

void console_write_text(const void *text, size_t n) {
    const uint8_t *b = text;
    mutex_lock(&tx);
    for (size_t i = 0; i < n; i++) {
        if (b[i] == '\n') {
            send(board.console, '\r');
        }
        send(board.console, b[i]);
    }
    mutex_unlock(&tx);
}
