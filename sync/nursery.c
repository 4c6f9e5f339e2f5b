/* sync/nursery.c - a group that nobody of it outlives: the scope is a function call, so that there is
 * no way out of it but through the wait; those that do not return are met by a cleanup. */
#include <bareloom.h>

#include "sync/group.h"

/* By go_exit() or a panic. */
static void left(void *arg) {
    struct group *g = arg;
    ctx_cancel(group_ctx(g));
    group_wait(g);
    group_free(g);
}

int nursery_run(struct ctx *parent, group_fn *body, void *arg) {
    struct group g;
    int r = group_init(&g, parent);
    if (r != 0) {
        return r;
    }
    struct cleanup c;
    go_defer(&c, left, &g);
    r = body(&g, arg);
    if (r != 0) {
        group_fail(&g, r);
    }
    go_undefer(&c, false);
    r = group_wait(&g);
    group_free(&g);
    return r;
}
