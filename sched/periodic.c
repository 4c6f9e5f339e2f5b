/* sched/periodic.c - work that comes again and again, each time to be done before the next: how often it was late, and
 * under a policy that admits whether it can be in time at all.
 *
 * The test is that of Goossens, Funk and Baruah ("Priority-driven scheduling of periodic task systems on
 * multiprocessors", Real-Time Systems 25, 2003) for earliest deadline first on m cores, any of which a G may run on:
 * with U the sum of all budget/period, and u the largest of them,
 *
 *      U <= m * (1 - u) + u
 *
 * On one core that is U <= 1, Liu and Layland's of 1973. It is enough, not necessary; it knows nothing of pins, of locks, and
 * of what the runtime takes for itself.
 * read next: sched/policy/skeleton.c */
#include <bareloom/defer.h>
#include <bareloom/sync.h>
#include <bareloom/time.h>

#include "hal/errno.h"
#include "sched/policy/policy.h"
#include "sched/said.h"

/* A budget that is all of its period. Rounded up, so that what is admitted holds. */
#define WHOLE UINT64_C(1000000)

struct periodic {
    struct due due;
    const struct due *outer; /* of a job that does this as a part of its own */
    struct periodic *next;
    uint64_t share;
};

static struct mutex lock;
static struct periodic *admitted; /* under lock */
static _Atomic uint64_t missed;

static bool can_be_done(const struct periodic *one_more) {
    uint64_t sum = one_more->share, most = one_more->share;
    for (const struct periodic *p = admitted; p != NULL; p = p->next) {
        sum += p->share;
        most = p->share > most ? p->share : most;
    }
    return sum <= go_cores() * (WHOLE - most) + most;
}

static bool admit(struct periodic *p) {
    const struct policy *rules = policy_wanted();
    mutex_lock(&lock);
    bool ok = rules == NULL || !rules->admits || can_be_done(p);
    if (ok) {
        p->next = admitted;
        admitted = p;
    }
    mutex_unlock(&lock);
    return ok;
}

static void leave(void *arg) {
    struct periodic *p = arg;
    say_due(p->outer);
    mutex_lock(&lock);
    struct periodic **at = &admitted;
    while (*at != p) {
        at = &(*at)->next;
    }
    *at = p->next;
    mutex_unlock(&lock);
}

/* How often it was late. */
static int do_all(struct periodic *p, ns_t period, bool (*job)(void *arg), void *arg) {
    int late = 0;
    ns_t begin = go_now();
    p->outer = say_due(&p->due);
    for (bool more = true; more; begin += period) {
        p->due.when = begin + period;
        if (go_now() < begin) {
            go_sleep_until(begin);
        } else {
            go_yield(); /* it is late, or the first: what is due now has changed */
        }
        more = job(arg);
        if (go_now() > p->due.when) {
            late++;
            atomic_fetch_add(&missed, 1);
        }
    }
    return late;
}

int go_periodic(ns_t period, ns_t budget, bool (*job)(void *arg), void *arg) {
    check_may_block("go_periodic");
    if (budget <= 0 || period < budget || period > SEC(1000)) {
        return -EINVAL;
    }
    struct periodic p = {.share = ((uint64_t)budget * WHOLE + (uint64_t)period - 1) / (uint64_t)period};
    if (!admit(&p)) {
        return -EBUSY;
    }
    struct cleanup c;
    go_defer(&c, leave, &p);
    int late = do_all(&p, period, job, arg);
    go_undefer(&c, true);
    go_yield(); /* others are due sooner now */
    return late;
}

uint64_t go_missed(void) {
    return atomic_load(&missed);
}
