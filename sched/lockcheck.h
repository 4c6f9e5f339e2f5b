/*
 * sched/lockcheck.h - who holds what, in words that clang checks: `tools/lockcheck.sh`, with -Wthread-safety.
 *
 * Every spinlock is a capability, and so is "interrupts are masked on this core": what a comment calls "masked" is
 * NEEDS(irq_masked), and what it calls "under the lock" NEEDS(that lock). Other compilers see nothing of it.
 *
 * A function that may be called masked or not, and saves what was, says nothing: inside it masked comes and goes.
 */
#pragma once

#include "hal/hal.h"

#ifdef LOCK_CHECK
#define LOCK_WORD(x) __attribute__((x))
#else
#define LOCK_WORD(x)
#endif

#define CAPABILITY(name) LOCK_WORD(capability(name))
#define NEEDS(...)       LOCK_WORD(requires_capability(__VA_ARGS__))
#define TAKES(...)       LOCK_WORD(acquire_capability(__VA_ARGS__))
#define OPENS(...)       LOCK_WORD(release_capability(__VA_ARGS__))
#define TAKES_IF(...)                                                                              \
    LOCK_WORD(try_acquire_capability(__VA_ARGS__))     /* only if it returns the first */
#define UNCHECKED LOCK_WORD(no_thread_safety_analysis) /* the comment beside it says why */

/* No object: a name for the state of the core. */
extern struct CAPABILITY("interrupts masked") irq_state { char none; } irq_masked;

#ifdef LOCK_CHECK
/* The host port declares these, so that words can be added here; on AArch64 they are instructions. */
hal_irq_t hal_irq_save(void) TAKES(irq_masked);
void hal_irq_restore(hal_irq_t was) OPENS(irq_masked);
void hal_irq_mask(void) TAKES(irq_masked);
void hal_irq_unmask(void) OPENS(irq_masked);
void hal_park(struct g *g, hal_then *then, void *arg) OPENS(irq_masked);
void hal_trap(struct g *g, void *frame, hal_then *then, void *arg) OPENS(irq_masked);
void hal_switch(_Atomic uint64_t *word, struct g *next, struct g *g, uint64_t value) OPENS(irq_masked);
void hal_switch_look(struct g *g, struct g *next, _Atomic uint32_t *word, uint32_t value)
    OPENS(irq_masked);
_Noreturn void hal_leave(struct g *g, hal_then *then, void *arg) NEEDS(irq_masked);
_Noreturn void hal_enter(struct g *g) NEEDS(irq_masked);
void hal_leave_for(struct g *next) OPENS(irq_masked);
void *sched_resumes(struct g *g) NEEDS(irq_masked);
void sched_published(void) NEEDS(irq_masked);
void hal_idle(void) NEEDS(irq_masked);
void hal_timer_set(int64_t when) NEEDS(irq_masked);
void hal_irq_enable(unsigned line, unsigned core) NEEDS(irq_masked);
void hal_irq_disable(unsigned line) NEEDS(irq_masked);
_Noreturn void sched_core_main(void) NEEDS(irq_masked);
void sched_timer(void) NEEDS(irq_masked);
void sched_timer_asleep(void) NEEDS(irq_masked);
void sched_ipi(void) NEEDS(irq_masked);
void sched_irq(unsigned line) NEEDS(irq_masked);
void *sched_irq_exit(void) NEEDS(irq_masked);
bool sched_touched(uintptr_t address, bool masked) NEEDS(irq_masked);
bool sched_fault(const struct hal_fault *f) NEEDS(irq_masked);
_Noreturn void sched_preempted(struct g *g, void *frame) NEEDS(irq_masked);
#endif
