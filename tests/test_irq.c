/* tests/test_irq.c - device interrupts. */
#include <errno.h>
#include <string.h>

#include "tests/raise.h"
#include "tests/test.h"

#define LINE RAISED_LINE

static struct wg wg;

/* ---- tests ----------------------------------------------------------------------------------------------- */

static struct {
    _Atomic unsigned runs, badly;
    struct sema came;
} irq;

static void handler(void *arg) {
    if (arg != &irq || !hal_on_core_stack() || !hal_irq_masked()) {
        atomic_fetch_add(&irq.badly, 1);
    }
    if (!clear_pending(LINE)) {
        return;
    }
    atomic_fetch_add(&irq.runs, 1);
    sema_post(&irq.came);
}

static void nothing(void *arg) {
    (void)arg;
}

TEST(sched, irq_attach_is_checked) {
    CHECK_EQ(irq_attach(100000, nothing, NULL), -EINVAL);
    CHECK_EQ(irq_attach(LINE, NULL, NULL), -EINVAL);
    CHECK_EQ(irq_detach(100000), -EINVAL);
    NEED_RAISE();
    CHECK_EQ(irq_attach(LINE, nothing, NULL), 0);
    CHECK_EQ(irq_attach(LINE, nothing, NULL), -EBUSY);
    CHECK_EQ(irq_detach(LINE), 0);
    CHECK_EQ(irq_attach(LINE, nothing, NULL), 0);
    CHECK_EQ(irq_detach(LINE), 0);
}

TEST(sched, irq_wakes_a_waiting_g) {
    NEED_RAISE();
    irq.runs = irq.badly = 0;
    CHECK_EQ(irq_attach(LINE, handler, &irq), 0);
    for (unsigned i = 1; i <= 50; i++) {
        set_pending(LINE);
        sema_wait(&irq.came);
        CHECK_EQ(atomic_load(&irq.runs), i);
    }
    CHECK_EQ(atomic_load(&irq.badly), 0);
    CHECK_EQ(irq_detach(LINE), 0);
    set_pending(LINE);
    go_sleep(MS(1));
    clear_pending(LINE);
    CHECK_EQ(atomic_load(&irq.runs), 50);
}

static _Atomic bool stop, wanted;

/* Computes, and raises the line when somebody wants it. */
static void hog(void *arg) {
    (void)arg;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        if (atomic_load_explicit(&wanted, memory_order_relaxed) && atomic_exchange(&wanted, false)) {
            set_pending(LINE);
        }
    }
    wg_done(&wg);
}

/* A G that waits for an interrupt gets through although every core is busy for a second at a time: counted in
 * slices, of which each wait for one's end would take one. */
TEST(sched, irq_displaces_hogs) {
    needs_gmp();
    enum { N = 10 };
    NEED_RAISE();
    go_set_slice(SEC(1));
    irq.runs = irq.badly = 0;
    stop = wanted = false;
    CHECK_EQ(irq_attach(LINE, handler, &irq), 0);
    wg_add(&wg, (int)go_num_cores());
    for (unsigned i = 0; i < go_num_cores(); i++) {
        start_on(i, hog, NULL);
    }
    ns_t before = go_now();
    for (unsigned i = 0; i < N; i++) {
        wanted = true;
        sema_wait(&irq.came);
    }
    ns_t slices = (go_now() - before) / SEC(1);
    stop = true;
    wg_wait(&wg);
    CHECK_EQ(irq_detach(LINE), 0);
    CHECK(slices < N / 2);
}

/* ---- what a handler must not do -------------------------------------------------------------------------- */

static void blocks(void *arg) {
    sema_wait(arg);
}

static void in_handler(irq_fn *fn, void *arg, const char *headline) {
    NEED_RAISE();
    expect_status(2);
    expect_text(headline);
    CHECK_EQ(irq_attach(LINE, fn, arg), 0);
    set_pending(LINE);
    go_sleep(SEC(100));
}

TEST(death, handler_blocks) {
    in_handler(blocks, &irq.came, "panic: sema_wait: would block in an interrupt handler");
}

static void sends_much(void *arg) {
    static char value[100];
    chan_try_send(arg, value);
}

TEST(death, handler_sends_much) {
    in_handler(sends_much, chan_make(100, 1), "panic: chan_try_send: elements over 64 bytes are not");
}

static void starts_g(void *arg) {
    go(nothing, arg);
}

TEST(death, handler_starts_g) {
    in_handler(starts_g, NULL, "panic: go: not from an interrupt handler");
}

static void signals(void *arg) {
    cond_signal(arg);
}

TEST(death, handler_signals) {
    static struct cond cond;
    in_handler(signals, &cond, "panic: cond_signal: not from an interrupt handler");
}

static void broadcasts(void *arg) {
    cond_broadcast(arg);
}

TEST(death, handler_broadcasts) {
    static struct cond cond;
    in_handler(broadcasts, &cond, "panic: cond_broadcast: not from an interrupt handler");
}

static void closes(void *arg) {
    chan_close(arg);
}

TEST(death, handler_closes) {
    in_handler(closes, CHAN(int, 1), "panic: chan_close: not from an interrupt handler");
}

static void sends_little(void *arg) {
    if (!clear_pending(LINE)) { /* before runs tells that the next may come */
        return;
    }
    unsigned v = atomic_fetch_add(&irq.runs, 1) + 1;
    if (chan_try_send(arg, &v) != 0) {
        atomic_fetch_add(&irq.badly, 1);
    }
}

/* Small values do go over a channel from a handler, to a G that waits and to the buffer. */
TEST(sched, irq_sends_over_channel) {
    NEED_RAISE();
    struct chan *c = CHAN(unsigned, 4);
    unsigned v;
    irq.runs = irq.badly = 0;
    CHECK_EQ(irq_attach(LINE, sends_little, c), 0);
    for (unsigned i = 1; i <= 50; i++) {
        set_pending(LINE);
        CHECK_EQ(chan_recv(c, &v), 0);
        CHECK_EQ(v, i);
    }
    CHECK_EQ(atomic_load(&irq.badly), 0);
    CHECK_EQ(irq_detach(LINE), 0);
    chan_free(c);
}

static struct {
    struct event event;
    struct flags flags;
    struct wg wg;
    _Atomic unsigned way;
} waking;

/* The other things that a handler may wake a G with. */
static void wakes(void *arg) {
    if (!clear_pending(LINE)) {
        return;
    }
    unsigned v = atomic_fetch_add(&irq.runs, 1) + 1;
    switch (atomic_load(&waking.way)) {
    case 0:
        event_set(arg);
        break;
    case 1:
        flags_set(&waking.flags, 1u << v % 3);
        break;
    default:
        wg_done(&waking.wg);
    }
}

TEST(sched, irq_sets_event_and_flags) {
    NEED_RAISE();
    irq.runs = 0;
    CHECK_EQ(irq_attach(LINE, wakes, &waking.event), 0);
    for (unsigned i = 0; i < 50; i++) {
        waking.event = (struct event){0};
        waking.way = 0;
        set_pending(LINE);
        event_wait(&waking.event);
        waking.way = 1;
        set_pending(LINE);
        CHECK(flags_wait(&waking.flags, 7, FLAGS_ANY | FLAGS_CLEAR) != 0);
        waking.way = 2;
        wg_add(&waking.wg, 1);
        set_pending(LINE);
        wg_wait(&waking.wg);
    }
    CHECK_EQ(atomic_load(&irq.runs), 150);
    CHECK_EQ(irq_detach(LINE), 0);
}

/* The same into selects, which wait for that, for another G and for a deadline at once: none is lost, none comes twice. */
static _Atomic unsigned sum;

static void selects_small(void *arg) {
    struct chan *other = CHAN(unsigned, 0);
    unsigned v = 0;
    for (int k; (k = chan_select(US(30), RECV(other, &v), RECV(arg, &v), SEND(other, &v))) != 1 ||
                v != 0;) {
        CHECK(k == 1 || k == -ETIMEDOUT);
        if (k == 1) {
            atomic_fetch_add(&sum, v);
        }
    }
    chan_free(other);
    wg_done(&wg);
}

TEST(sched, irq_sends_into_selects) {
    enum { GS = 4, N = 200 };
    NEED_RAISE();
    struct chan *c = CHAN(unsigned, 4);
    unsigned end = 0;
    irq.runs = irq.badly = sum = 0;
    CHECK_EQ(irq_attach(LINE, sends_little, c), 0);
    wg_add(&wg, GS);
    for (unsigned i = 0; i < GS; i++) {
        start(selects_small, c);
    }
    for (unsigned i = 1; i <= N; i++) {
        set_pending(LINE);
        WAIT_FOR(atomic_load(&irq.runs) == i);
        while (chan_len(c) > 2) {
            go_yield();
        }
    }
    CHECK_EQ(irq_detach(LINE), 0);
    CHECK_EQ(atomic_load(&irq.badly), 0);
    for (unsigned i = 0; i < GS; i++) {
        CHECK_EQ(chan_send(c, &end), 0);
    }
    wg_wait(&wg);
    CHECK_EQ(atomic_load(&sum), N * (N + 1) / 2);
    chan_free(c);
}

/* ---- memory for devices ------------------------------------------------------------------------------------ */

TEST(sched, dma_memory) {
    struct dma_buf b;
    CHECK_EQ(dma_alloc(&b, 3 * HAL_PAGE + 1), 0);
    CHECK_EQ(b.size, 4 * HAL_PAGE);
    CHECK_EQ((uintptr_t)b.cpu % HAL_PAGE, 0);
    CHECK(b.device != 0);
    memset(b.cpu, 0x5a, b.size);
    dma_to_device(&b);
    dma_from_device(&b);
    for (size_t i = 0; i < b.size; i++) {
        CHECK_EQ(((unsigned char *)b.cpu)[i], 0x5a);
    }
    dma_free(&b);
    CHECK_EQ(dma_alloc(&b, (size_t)1 << 40), -ENOMEM);
}

TEST(sched, dma_copies) {
    enum { N = 5 * HAL_PAGE };
    struct dma_buf from, to;
    CHECK_EQ(dma_alloc(&from, N), 0);
    CHECK_EQ(dma_alloc(&to, N), 0);
    uint32_t *in = from.cpu, *out = to.cpu;
    for (unsigned i = 0; i < N / 4; i++) {
        in[i] = i * 2654435761u;
        out[i] = 0x5a5a5a5a;
    }
    int error = dma_copy(&to, 64, &from, 4, N - 128);
    if (error == -ENODEV) {
        SKIP("the board has no DMA controller that we know");
    }
    CHECK_EQ(error, 0);
    for (unsigned i = 0; i < N / 4; i++) {
        bool copied = i >= 64 / 4 && i < (N - 64) / 4;
        CHECK_EQ(out[i], copied ? in[i - 64 / 4 + 1] : 0x5a5a5a5a);
    }
    CHECK_EQ(dma_copy(&to, 0, &from, 0, N), 0);
    CHECK(memcmp(in, out, N) == 0);
    CHECK_EQ(dma_copy(&to, 2, &from, 0, 8), -EINVAL);
    CHECK_EQ(dma_copy(&to, 0, &from, 1, 8), -EINVAL);
    CHECK_EQ(dma_copy(&to, 0, &from, 0, 6), -EINVAL);
    CHECK_EQ(dma_copy(&to, 0, &from, 0, 0), -EINVAL);
    CHECK_EQ(dma_copy(&to, 4, &from, 0, N), -EINVAL);
    CHECK_EQ(dma_copy(&to, 0, &from, N + 4, 4), -EINVAL);
    dma_free(&to);
    dma_free(&from);
}

/* ---- buses and pulses: what may be asked; that they work is seen by tests/host/outside.py and devices.sh ----------- */

TEST(sched, buses_take_no_nonsense) {
    const struct spi_chip chip = {0, 0, 1000000}, fast = {0, 0, 0}, third = {2, 0, 1000000},
                          fourth = {0, 4, 1000000};
    uint8_t byte = 0;
    int nonsense = spi_transfer(&chip, &byte, &byte, 0);
    CHECK(nonsense == -EINVAL || nonsense == -ENODEV);
    CHECK_EQ(spi_transfer(&fast, &byte, &byte, 1), nonsense);
    CHECK_EQ(spi_transfer(&third, &byte, &byte, 1), nonsense);
    CHECK_EQ(spi_transfer(&fourth, &byte, &byte, 1), nonsense);
    CHECK_EQ(i2c_read(0x07, &byte, 1), nonsense);
    CHECK_EQ(i2c_write(0x78, &byte, 1), nonsense);
    CHECK_EQ(i2c_write(0x48, &byte, 0), nonsense);
    CHECK_EQ(i2c_read(0x48, &byte, 65536), nonsense);
    CHECK_EQ(i2c_write_read(0x48, &byte, 1, &byte, 0), nonsense);
    CHECK_EQ(pwm_start(18, 0, 0), nonsense);
    CHECK_EQ(pwm_start(18, MS(1), MS(2)), nonsense);
    CHECK_EQ(pwm_start(18, MS(1), -1), nonsense);
    CHECK_EQ(pwm_start(18, SEC(1000), 1), nonsense);
}
