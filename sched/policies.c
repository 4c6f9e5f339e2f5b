/* sched/policies.c - the policies that there are, by name. */
#include <bareloom/policy.h>

#include "hal/errno.h"
#include "sched/model.h"
#include "sched/policy/policy.h"

static const struct policy *const policies[] = {&policy_fifo, &policy_nosteal, &policy_steal1,
                                                &policy_rr,   &policy_mlfq,    &policy_lottery,
                                                &policy_prio, &policy_edf,     &policy_skeleton};

#define POLICIES (sizeof policies / sizeof policies[0])

static const char gmp[] = "gmp";

static bool equal(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

int go_set_policy(const char *name) {
    if (equal(name, gmp)) {
        return model_set_policy(NULL);
    }
    for (size_t i = 0; i < POLICIES; i++) {
        if (equal(name, policies[i]->name)) {
            return model_set_policy(policies[i]);
        }
    }
    return -EINVAL;
}

const char *go_policy(void) {
    const struct policy *p = policy_wanted();
    return p != NULL ? p->name : gmp;
}

const char *go_policies(unsigned i, const char **does) {
    *does = i == 0          ? "Go's: a queue for each core, runnext, idle cores steal half"
            : i <= POLICIES ? policies[i - 1]->does
                            : "";
    return i == 0 ? gmp : i <= POLICIES ? policies[i - 1]->name : NULL;
}
