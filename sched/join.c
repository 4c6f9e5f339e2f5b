/* sched/join.c - Gs with a result that others wait for.
 *
 * A join may lie on the stack of the G that waits for it, and is gone when that G returns. The ending
 * G takes its name off it on g0, after it is dead, and the opening of its lock is the last store to it
 * (HAZARDS 12); a joiner takes that lock even when it finds the G dead, so that it is behind this
 * store. Since g0 is masked only the first joiner is woken there. Each one wakes the next: it has not
 * returned yet, so the join is still there.
 * TOUR 13 / read next: sched/local.c */
#include "sched/assert.h"
#include "sched/task.h"
#include "sched/wait.h"

struct call {
    void *(*fn)(void *arg);
    void *arg;
    struct join *join;
};

static void joinable(void *arg) {
    struct call *c = arg; /* at the top of our stack */
    void *result = c->fn(c->arg);
    c->join->result = result;
}

int go_joinable(struct join *j, const struct go_opts *o, void *(*fn)(void *arg), void *arg) {
    check_go(fn != NULL);
    struct call c = {.fn = fn, .arg = arg, .join = j};
    struct g *g;
    int r = g_make(&g, o != NULL ? o : &GO_OPTS(0), joinable, &c, sizeof c, CALL_SITE);
    if (r == 0) {
        *j = (struct join){.g = g};
        g_launch_joinable(g, j);
    }
    return r;
}

/* Masked, with the lock, which it opens. */
static void wake_next(struct join *j) NEEDS(irq_masked) OPENS(j->lock) {
    struct waiter *w = wait_take(&j->waiters);
    spin_unlock_masked(&j->lock);
    if (w != NULL) {
        ready(w->g);
    }
}

void join_done(struct join *j) NEEDS(irq_masked) {
    spin_lock_masked(&j->lock);
    j->g = NULL;
    wake_next(j);
}

static int join(struct join *j, void **result, const struct limit *limit) {
    check_may_block("go_join");
    struct g *g = hal_self();
    if (g->join == j) { /* not j->g == g: a G that has just ended may be another by now */
        PANIC("go_join: goroutine %lu waits for itself", (unsigned long)g->id);
    }
    hal_irq_t was = spin_lock(&j->lock);
    if (j->g != NULL) {
        struct waiter me = {0};
        wait_has_holder(g, j, limit);
        int r = wait_on(&j->lock, &j->waiters, &me, WAIT_JOIN, limit);
        wait_has_holder(g, NULL, NULL);
        if (r != 0) {
            hal_irq_restore(was);
            return r;
        }
        spin_lock_masked(&j->lock);
    }
    if (result != NULL) {
        *result = j->result;
    }
    wake_next(j);
    hal_irq_restore(was);
    return 0;
}

int go_join(struct join *j, void **result) {
    return join(j, result, NULL);
}

int go_join_until(struct join *j, void **result, struct limit l) {
    return join(j, result, &l);
}
