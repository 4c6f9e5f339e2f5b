/*
 * hal/host/uart.c - the console: standard output byte by byte, standard input through a thread that
 * reads it.
 *
 * The thread starts with rx_enable(): a program that never reads leaves terminal and input alone.
 * It puts bytes into a ring and raises the line; when the ring is full it waits, and what comes
 * waits in the kernel. After the end of the input rx() gives -1 for ever and eof() says why.
 *
 * A terminal is put into raw mode: a key is a byte, Ctrl-C too, Enter is CR, and nothing is echoed, as on a serial
 * line. Ctrl-A X ends the process, as it does QEMU; Ctrl-A twice is that key.
 *
 * DUMP_KEY comes as a byte like the others, or, from a terminal that nobody has made raw, as SIGQUIT.
 */
#include "hal/host/uart.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "hal/host/host.h"

#define RING   4096u
#define CTRL_A 1

static struct {
    pthread_mutex_t lock;
    pthread_cond_t room;
    /* guarded by lock */
    uint8_t bytes[RING];
    size_t in, out; /* counts; their difference is what waits */
    bool end;       /* nothing comes any more */
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER, .room = PTHREAD_COND_INITIALIZER};

static struct termios found; /* set before raw */
static _Atomic bool raw;
static _Atomic bool dump_asked; /* by SIGQUIT */

/* ---- the terminal ---------------------------------------------------------------------------- */

void host_uart_restore(void) {
    if (atomic_exchange(&raw, false)) {
        tcsetattr(STDIN_FILENO, TCSANOW, &found);
    }
}

/* A sanitizer's, which ends the process by itself; NULL in builds without. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static void on_end(int sig, siginfo_t *info, void *context) {
    (void)info;
    (void)context;
    host_uart_restore();
    signal(sig, SIG_DFL);
    raise(sig);
}

static void terminal_raw(void) {
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGABRT};
    /* In the background the terminal is somebody else's. */
    if (!isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) != getpgrp() ||
        tcgetattr(STDIN_FILENO, &found) != 0) {
        return;
    }
    struct termios t = found;
    t.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR | IXON);
    t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    t.c_cc[VINTR] = t.c_cc[VQUIT] = t.c_cc[VSUSP] = _POSIX_VDISABLE;
    for (unsigned i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        host_on_signal(ends[i], on_end);
    }
    atexit(host_uart_restore);
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(host_uart_restore);
    }
    atomic_store(&raw, true);
    tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

/* ---- receive --------------------------------------------------------------------------------- */

/* Takes out what is for us, and ends the process where that says so; how many bytes are left. The reader's. */
static size_t without_escapes(uint8_t *bytes, size_t n) {
    static bool escape;
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t b = bytes[i];
        if (escape && (b == 'x' || b == 'X')) {
            kill(getpid(), SIGINT); /* another thread takes it: on_end() */
        }
        if (escape ? b == CTRL_A : b != CTRL_A) {
            bytes[left++] = b;
        }
        escape = !escape && b == CTRL_A;
    }
    return left;
}

/* Under the lock. Returns once all n are in the ring. */
static void ring_put(const struct uart *u, const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        while (ring.in - ring.out == RING) {
            host_raise(u->line);
            pthread_cond_wait(&ring.room, &ring.lock);
        }
        ring.bytes[ring.in++ % RING] = bytes[i];
    }
}

static void *reader(void *arg) {
    const struct uart *u = arg;
    uint8_t bytes[256];
    ssize_t n;
    do {
        while ((n = read(STDIN_FILENO, bytes, sizeof bytes)) < 0 && errno == EINTR) {
        }
        pthread_mutex_lock(&ring.lock);
        if (n > 0) {
            ring_put(u, bytes, atomic_load(&raw) ? without_escapes(bytes, (size_t)n) : (size_t)n);
        } else {
            ring.end = true;
        }
        pthread_mutex_unlock(&ring.lock);
        host_raise(u->line);
    } while (n > 0);
    return NULL;
}

static void uart_rx_enable(const struct uart *u) {
    static _Atomic bool started;
    pthread_t thread;
    sigset_t all, was;
    if (atomic_exchange(&started, true)) {
        return;
    }
    terminal_raw();
    /* Signals are for the other threads: this one has no signal stack and sleeps in read(). */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    if (pthread_create(&thread, NULL, reader, (void *)(uintptr_t)u) != 0) {
        host_die("no thread for the console's input");
    }
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    pthread_setname_np(thread, "console");
}

static int uart_rx(const struct uart *u) {
    int byte = -1;
    (void)u;
    if (atomic_exchange(&dump_asked, false)) {
        return DUMP_KEY;
    }
    pthread_mutex_lock(&ring.lock);
    if (ring.in != ring.out) {
        byte = ring.bytes[ring.out++ % RING];
        pthread_cond_signal(&ring.room);
    }
    pthread_mutex_unlock(&ring.lock);
    return byte;
}

static bool uart_eof(const struct uart *u) {
    (void)u;
    pthread_mutex_lock(&ring.lock);
    bool eof = ring.end && ring.in == ring.out;
    pthread_mutex_unlock(&ring.lock);
    return eof;
}

static void uart_rx_ack(const struct uart *u) {
    (void)u; /* the line's latch is open already */
}

/* ---- what comes without a reader --------------------------------------------------------------- */

static unsigned line; /* set before the handler is installed */

static void on_quit(int sig) {
    (void)sig;
    atomic_store(&dump_asked, true);
    host_raise(line); /* atomics and a futex: safe here */
}

static void uart_init(const struct uart *u) {
    struct sigaction a = {.sa_handler = on_quit};
    line = u->line;
    a.sa_flags = SA_ONSTACK | SA_RESTART; /* the program notices nothing */
    sigemptyset(&a.sa_mask);
    sigaction(SIGQUIT, &a, NULL);
}

/* ---- transmit -------------------------------------------------------------------------------- */

/* A full pipe makes tx wait in the kernel: the core stands still, as it would for a slow UART. */
static bool uart_tx_ready(const struct uart *u) {
    (void)u;
    return true;
}

static void uart_tx(const struct uart *u, uint8_t b) {
    (void)u;
    while (write(STDOUT_FILENO, &b, 1) < 0 && (errno == EINTR || errno == EAGAIN)) {
    }
}

const struct uart_ops host_uart_ops = {
    .init = uart_init,
    .tx_ready = uart_tx_ready,
    .tx = uart_tx,
    .rx = uart_rx,
    .rx_enable = uart_rx_enable,
    .rx_ack = uart_rx_ack,
    .eof = uart_eof,
};
