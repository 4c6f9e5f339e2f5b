/*
 * <bareloom/fast.h> - what is hardly longer than a call, in the caller: mutex_lock() and mutex_unlock() while nobody
 * else is there, as Go's compiler has it, sema_wait() and sema_post() while nobody waits, wg_add() the same, and wg_done()
 * while nobody waits or others are still to be done. Nothing to include: <bareloom/sync.h> does.
 *
 * The functions are there as well (sched/mutex.c, sched/sema.c, sched/wg.c), for calls through pointers and from other languages, and for all calls
 * where somebody looks at each of them, or at each atomic: on the host, with a sanitizer, DEBUG, in a simulation.
 */
#pragma once

#include <bareloom/config.h>
#include <bareloom/sync.h>

/* What is left when the fast way fails: somebody else is there, or the call is wrong. */
void mutex_lock_slow(struct mutex *m);
void mutex_unlock_slow(struct mutex *m);
void sema_wait_slow(struct sema *s);
void sema_wait_wrong(struct sema *s);
void sema_post_slow(struct sema *s);
void wg_add_slow(struct wg *w, int n);
void wg_done_slow(struct wg *w);

#if defined(__aarch64__) && !defined(HAL_HOST) && !defined(SANITIZE) && !defined(DEBUG) &&         \
    CONFIG_SIM == 0
#define FAST 1
#else
#define FAST 0
#endif

#if FAST

/* Only ever in place of a call: who wants the function itself gets the one of sched/. */
#define FAST_CALL extern inline __attribute__((gnu_inline, always_inline))

/* All that is known here of struct g; sched/mutex.c and sched/sema.c assert it. */
#define FAST_PREEMPT_OFF 104 /* uint32_t: not 0 while it must not block */
#define FAST_MUTEXES     108 /* uint32_t: how many it owns */

/* The calling G. Not volatile: in one function it is read once. */
FAST_CALL uintptr_t fast_self(void) {
    uintptr_t g;
    __asm__("mrs %0, tpidr_el1" : "=r"(g));
    return g;
}

/* who to *p if that is 0; acquire. C11's exchange would ask again what the branch has told. */
FAST_CALL bool fast_own(_Atomic uintptr_t *p, uintptr_t who) {
    __asm__ goto(
        "1:\tldaxr x16, [%0]\n\tcbnz x16, %l[no]\n\tstxr w17, %1, [%0]\n\tcbnz w17, 1b" ::"r"(p), "r"(who)
        : "x16", "x17", "memory"
        : no);
    return true;
no:
    return false;
}

/* 0 to *p if that is who; release. */
FAST_CALL bool fast_disown(_Atomic uintptr_t *p, uintptr_t who) {
    __asm__ goto("1:\tldxr x16, [%0]\n\tcmp x16, %1\n\tb.ne %l[no]\n\tstlxr w17, xzr, [%0]\n\tcbnz "
                 "w17, 1b" ::"r"(p),
                 "r"(who)
                 : "x16", "x17", "cc", "memory"
                 : no);
    return true;
no:
    return false;
}

/* ---- mutex ---------------------------------------------------------------------------------- */

FAST_CALL bool fast_lock(struct mutex *m) {
    uintptr_t g = fast_self();
    uint32_t off, mutexes; /* both by one instruction */
    __asm__ volatile("ldp %w0, %w1, [%2, %3]"
                     : "=r"(off), "=r"(mutexes)
                     : "r"(g), "i"(FAST_PREEMPT_OFF)
                     : "memory");
    if (off != 0 || !fast_own(&m->word, g)) {
        return false;
    }
    *(volatile uint32_t *)(g + FAST_MUTEXES) = mutexes + 1;
    __asm__ volatile("" ::: "memory"); /* before what is done inside: a fault there looks at it */
    return true;
}

FAST_CALL bool fast_unlock(struct mutex *m) {
    uintptr_t g = fast_self();
    if (!fast_disown(&m->word, g)) {
        return false; /* else the next owner may have freed it */
    }
    (*(volatile uint32_t *)(g + FAST_MUTEXES))--;
    return true;
}

FAST_CALL void mutex_lock(struct mutex *m) {
    if (!fast_lock(m)) {
        mutex_lock_slow(m);
    }
}

FAST_CALL void mutex_unlock(struct mutex *m) {
    if (!fast_unlock(m)) {
        mutex_unlock_slow(m);
    }
}

/* n to *p, unless one of these bits is set then; release. */
FAST_CALL bool fast_more(lock_word_t *p, uint64_t n, uint64_t wrong) {
    __asm__ goto("1:\tldxr x16, [%0]\n\tadd x16, x16, %1\n\ttst x16, %2\n\tb.ne %l[no]\n\t"
                 "stlxr w17, x16, [%0]\n\tcbnz w17, 1b" ::"r"(p),
                 "rI"(n), "rL"(wrong)
                 : "x16", "x17", "cc", "memory"
                 : no);
    return true;
no:
    return false;
}

/* ---- semaphore ------------------------------------------------------------------------------ */

/* One from *p, if it is positive, as a signed number; acquire. */
FAST_CALL bool fast_take(lock_word_t *p) {
    __asm__ goto("1:\tldaxr x16, [%0]\n\tsubs x16, x16, #1\n\tb.lt %l[no]\n\tstxr w17, x16, "
                 "[%0]\n\tcbnz w17, 1b" ::"r"(p)
                 : "x16", "x17", "cc", "memory"
                 : no);
    return true;
no:
    return false;
}

/* One to *p, if it is below INT32_MAX, and not negative; release. */
FAST_CALL bool fast_give(lock_word_t *p) {
    return fast_more(p, 1, 0xffffffff80000000);
}

FAST_CALL bool fast_may_block(void) {
    return *(volatile uint32_t *)(fast_self() + FAST_PREEMPT_OFF) == 0;
}

FAST_CALL void sema_wait(struct sema *s) {
    if (!fast_may_block()) {
        sema_wait_wrong(s);
    } else if (!fast_take(&s->count)) {
        sema_wait_slow(s);
    }
}

FAST_CALL void sema_post(struct sema *s) {
    if (!fast_give(&s->count)) {
        sema_post_slow(s);
    }
}

/* ---- wait group ----------------------------------------------------------------------------- */

/* twice a number to *p, if nobody waits, and if that makes twice a count; release. */
FAST_CALL bool fast_add(lock_word_t *p, uint64_t twice) {
    return fast_more(p, twice, 0xffffffff00000001);
}

/* Twice one from *p, unless nothing would be left beside that somebody waits; acquire and release. */
FAST_CALL bool fast_done(lock_word_t *p) {
    __asm__ goto("1:\tldaxr x16, [%0]\n\tsubs x16, x16, #2\n\tb.lt %l[no]\n\tstlxr w17, x16, "
                 "[%0]\n\tcbnz w17, 1b" ::"r"(p)
                 : "x16", "x17", "cc", "memory"
                 : no);
    return true;
no:
    return false;
}

FAST_CALL void wg_add(struct wg *w, int n) {
    if (!fast_add(&w->word, (uint64_t)n * 2)) {
        wg_add_slow(w, n);
    }
}

FAST_CALL void wg_done(struct wg *w) {
    if (!fast_done(&w->word)) {
        wg_done_slow(w);
    }
}

#endif
