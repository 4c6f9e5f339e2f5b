/*
 * tests/aarch64/test_regs.c - preemption keeps every register: x0-x30, the flags, v0-v31, FPCR and FPSR.
 *
 * regs_loop() fills all of them from a pattern and loops, calling nothing, while the slice is short and other Gs
 * with other patterns take its core: x(i) is the pattern rotated right by i, which two instructions compare with
 * its neighbor without any register to spare; x0 counts down. The rest is stored when the loop ends and is
 * compared in C.
 */
#include "hal/aarch64/sysreg.h"
#include "tests/test.h"

struct regs {
    uint64_t x[31];      /* at the end; x[0] is what is left of the count, or the loops left when a
                             comparison failed */
    uint64_t fpcr, fpsr; /* offsets 248, 256 */
    uint64_t align;
    uint64_t v[64]; /* offset 272 */
};
_Static_assert(offsetof(struct regs, fpcr) == 248 && offsetof(struct regs, v) == 272,
               "see the assembly");

/* Loops `count` times; *r is written at the end. */
void regs_loop(uint64_t count, uint64_t pattern, struct regs *r);

/* Fills v0-v31 and x19-x28, calls fn, which is the runtime's, and stores them to *r. */
void regs_over(void (*fn)(void), uint64_t pattern, struct regs *r);

/* Invalid operation and division by zero seen; round towards zero, flush to zero. */
#define FPSR 0x03ull
#define FPCR 0x01c00000ull

/* clang-format off */
#define X_PAIRS(M) \
    M(2, 1) M(3, 2) M(4, 3) M(5, 4) M(6, 5) M(7, 6) M(8, 7) M(9, 8) M(10, 9) M(11, 10) M(12, 11) M(13, 12) \
    M(14, 13) M(15, 14) M(16, 15) M(17, 16) M(18, 17) M(19, 18) M(20, 19) M(21, 20) M(22, 21) M(23, 22) \
    M(24, 23) M(25, 24) M(26, 25) M(27, 26) M(28, 27) M(29, 28) M(30, 29)
#define V_PAIRS(M) \
    M(0, 1) M(2, 3) M(4, 5) M(6, 7) M(8, 9) M(10, 11) M(12, 13) M(14, 15) M(16, 17) M(18, 19) M(20, 21) \
    M(22, 23) M(24, 25) M(26, 27) M(28, 29) M(30, 31)

#define FILL_X(i, j) "    ror x" #i ", x" #j ", #1\n"

/* x(i) without the bits of x(j) rotated, and the other way round: both are 0 if they are equal */
#define CHECK_X(i, j) \
    "    bics xzr, x" #i ", x" #j ", ror #1\n" \
    "    b.ne 2f\n" \
    "    bics xzr, x" #j ", x" #i ", ror #63\n" \
    "    b.ne 2f\n"

/* the pattern plus the number; in the upper half its inverse */
#define FILL_ONE(i) \
    "    add x3, x1, #" #i "\n" \
    "    mvn x4, x3\n" \
    "    mov v" #i ".d[0], x3\n" \
    "    mov v" #i ".d[1], x4\n"
#define FILL_V(i, j) FILL_ONE(i) FILL_ONE(j)
#define STORE_V(i, j) "    stp q" #i ", q" #j ", [x30], #32\n"

/* What a call keeps: the pattern plus the number, too. */
#define KEPT(M) M(19) M(20) M(21) M(22) M(23) M(24) M(25) M(26) M(27) M(28)
#define FILL_KEPT(i) "    add x" #i ", x1, #" #i "\n"
#define STORE_KEPT(i) "    str x" #i ", [x0, #" #i " * 8]\n"

/* What both owe to their callers, beside x29 and x30. */
#define SAVED(stp_or_ldp) \
    "    " stp_or_ldp " x19, x20, [sp, #16]\n" \
    "    " stp_or_ldp " x21, x22, [sp, #32]\n" \
    "    " stp_or_ldp " x23, x24, [sp, #48]\n" \
    "    " stp_or_ldp " x25, x26, [sp, #64]\n" \
    "    " stp_or_ldp " x27, x28, [sp, #80]\n" \
    "    " stp_or_ldp " d8, d9, [sp, #96]\n" \
    "    " stp_or_ldp " d10, d11, [sp, #112]\n" \
    "    " stp_or_ldp " d12, d13, [sp, #128]\n" \
    "    " stp_or_ldp " d14, d15, [sp, #144]\n"

__asm__(".pushsection .text.regs_loop, \"ax\"\n"
        ".balign 16\n"
        ".global regs_loop\n"
        ".type regs_loop, %function\n"
        "regs_loop:\n"
        "    stp x29, x30, [sp, #-192]!\n"
        SAVED("stp")
        "    mrs x3, fpcr\n"
        "    stp x2, x3, [sp, #160]\n"
        "    mov x3, #0x01c00000\n"
        "    msr fpcr, x3\n"
        "    mov x3, #3\n"
        "    msr fpsr, x3\n"
        V_PAIRS(FILL_V)
        "    ror x1, x1, #1\n"
        X_PAIRS(FILL_X)
        "1:\n"
        X_PAIRS(CHECK_X)
        "    subs x0, x0, #1\n"
        "    b.ne 1b\n"
        "2:\n"
        /* all of it to *r, through x30 once that is on the stack */
        "    str x30, [sp, #176]\n"
        "    ldr x30, [sp, #160]\n"
        "    stp x0, x1, [x30]\n"
        "    stp x2, x3, [x30, #16]\n"
        "    stp x4, x5, [x30, #32]\n"
        "    stp x6, x7, [x30, #48]\n"
        "    stp x8, x9, [x30, #64]\n"
        "    stp x10, x11, [x30, #80]\n"
        "    stp x12, x13, [x30, #96]\n"
        "    stp x14, x15, [x30, #112]\n"
        "    stp x16, x17, [x30, #128]\n"
        "    stp x18, x19, [x30, #144]\n"
        "    stp x20, x21, [x30, #160]\n"
        "    stp x22, x23, [x30, #176]\n"
        "    stp x24, x25, [x30, #192]\n"
        "    stp x26, x27, [x30, #208]\n"
        "    stp x28, x29, [x30, #224]\n"
        "    ldr x29, [sp, #176]\n"
        "    str x29, [x30, #240]\n"
        "    mrs x29, fpcr\n"
        "    mrs x28, fpsr\n"
        "    stp x29, x28, [x30, #248]\n"
        "    add x30, x30, #272\n"
        V_PAIRS(STORE_V)
        "    ldr x3, [sp, #168]\n"
        "    msr fpcr, x3\n"
        SAVED("ldp")
        "    ldp x29, x30, [sp], #192\n"
        "    ret\n"
        ".size regs_loop, . - regs_loop\n"
        ".global regs_over\n"
        ".type regs_over, %function\n"
        "regs_over:\n"
        "    stp x29, x30, [sp, #-176]!\n"
        "    mov x29, sp\n"
        SAVED("stp")
        "    str x2, [sp, #160]\n"
        V_PAIRS(FILL_V)
        KEPT(FILL_KEPT)
        "    blr x0\n"
        "    ldr x0, [sp, #160]\n"
        KEPT(STORE_KEPT)
        "    add x30, x0, #272\n"
        V_PAIRS(STORE_V)
        SAVED("ldp")
        "    ldp x29, x30, [sp], #176\n"
        "    ret\n"
        ".size regs_over, . - regs_over\n"
        ".popsection\n");
/* clang-format on */

static uint64_t rotated(uint64_t v, unsigned by) {
    by %= 64;
    return by == 0 ? v : v >> by | v << (64 - by);
}

static void check_vectors(const struct regs *r, uint64_t pattern) {
    for (unsigned i = 0; i < 32; i++) {
        if (r->v[2 * i] != pattern + i || r->v[2 * i + 1] != ~(pattern + i)) {
            FAIL("v%u is not what it was", i);
        }
    }
}

static void check_regs(const struct regs *r, uint64_t pattern) {
    CHECK_EQ(r->x[0], 0);
    for (unsigned i = 1; i < 31; i++) {
        if (r->x[i] != rotated(pattern, i)) {
            FAIL("x%u is %ld instead of %ld", i, (long)r->x[i], (long)rotated(pattern, i));
        }
    }
    CHECK_EQ(r->fpcr, FPCR);
    CHECK_EQ(r->fpsr, FPSR);
    check_vectors(r, pattern);
}

static struct wg wg;
static _Atomic bool stop;

static void loops(void *arg) {
    uint64_t pattern = 0x9e3779b97f4a7c15ull * (uint64_t)(uintptr_t)arg;
    struct regs r;
    while (!atomic_load(&stop)) {
        regs_loop(2000, pattern, &r);
        check_regs(&r, pattern);
    }
    wg_done(&wg);
}

static void preempted_often(unsigned gs) {
    uint64_t enough = SUM(preempted) + test_rounds(4000);
    stop = false;
    go_set_slice(US(50));
    wg_add(&wg, (int)gs);
    for (uintptr_t i = 1; i <= gs; i++) {
        start(loops, (void *)i);
    }
    while (SUM(preempted) < enough) {
        go_sleep(MS(1));
    }
    stop = true;
    wg_wait(&wg);
}

TEST(sched, preemption_keeps_registers) {
    needs_preemption();
    preempted_often(2 * go_num_cores() + 1);
}

/* The same on one core, where each preemption switches to another pattern. */
TEST(sched, preemption_keeps_registers_1) {
    needs_preemption();
    use_cores(1);
    preempted_often(3);
}

/* ---- threads: a wait keeps more than a call must ------------------------------------------------ */

static void sleeps(void) {
    go_sleep(US(20));
}

static void leaves_often(void *arg) {
    uint64_t pattern = 0x9e3779b97f4a7c15ull * (uint64_t)(uintptr_t)arg;
    struct regs r;
    for (unsigned round = 0; round < test_rounds(80); round++) {
        regs_over(round % 2 != 0 ? sleeps : go_yield, pattern, &r);
        for (unsigned i = 19; i < 29; i++) {
            CHECK_EQ(r.x[i], pattern + i);
        }
        check_vectors(&r, pattern);
    }
    wg_done(&wg);
}

/* Under m-n a G that yields has lost v16 to the next one. */
TEST(sched, threads_keep_all_registers) {
    const char *was = go_model();
    if (go_set_model("1-1") != 0) {
        SKIP("this build has m-n alone");
    }
    use_cores(1);
    wg_add(&wg, 3);
    for (uintptr_t i = 1; i <= 3; i++) {
        start(leaves_often, (void *)i);
    }
    wg_wait(&wg);
    CHECK_EQ(go_set_model(was), 0);
}

/* Without any preemption: the loop itself is right. */
TEST(unit, regs_loop_stores_all) {
    struct regs r;
    regs_loop(1, 0x0123456789abcdefull, &r);
    check_regs(&r, 0x0123456789abcdefull);
}

/* ---- the floating-point environment --------------------------------------------------------------------- */

static _Atomic uint64_t began_with;

static void tells_environment(void *arg) {
    (void)arg;
    began_with |= SYSREG_READ(fpcr) | SYSREG_READ(fpsr);
    wg_done(&wg);
}

/* A new G has the machine's own, whatever ran before on its core and whatever it was in its life before. */
TEST(sched, begins_with_plain_environment) {
    uint64_t was = SYSREG_READ(fpcr);
    began_with = 0;
    for (unsigned i = 0; i < 100; i++) {
        SYSREG_WRITE(fpcr, FPCR);
        SYSREG_WRITE(fpsr, FPSR);
        wg_add(&wg, 1);
        start(tells_environment, NULL);
        wg_wait(&wg);
        CHECK_EQ(SYSREG_READ(fpcr), FPCR);
        CHECK_EQ(SYSREG_READ(fpsr), FPSR);
    }
    SYSREG_WRITE(fpcr, was);
    CHECK_EQ(began_with, 0);
}
