/* sync/barrier.c - a barrier: whoever comes last, or breaks it, writes the result to those who wait.
 *
 * Each waits for its own record, which lies on its stack: so one that wakes late cannot take the
 * state of the next turn, or of a reset, for its own. */
#include <bareloom.h>
#include <errno.h>

struct arrival {
    struct arrival *next;
    bool over;
    int result;
};

/* With the mutex. */
static void end_turn(struct barrier *b, int result) {
    for (struct arrival *a = b->waiting; a != NULL; a = a->next) {
        a->over = true;
        a->result = result;
    }
    b->waiting = NULL;
    b->arrived = 0;
    cond_broadcast(&b->over);
}

/* With the mutex: waits for the others. */
static int wait_for_rest(struct barrier *b, struct limit l) {
    struct arrival me = {.next = b->waiting};
    b->waiting = &me;
    while (!me.over) {
        int r = cond_wait_until(&b->over, &b->m, l);
        if (r != 0 && !me.over) {
            b->broken = true;
            end_turn(b, -EPIPE);
            return r;
        }
    }
    return me.result;
}

int barrier_wait_until(struct barrier *b, struct limit l) {
    if (b->parties == 0) {
        PANIC("barrier: of no parties");
    }
    int r;
    mutex_lock(&b->m); /* held by nobody for long */
    if (b->broken) {
        r = -EPIPE;
    } else if (++b->arrived == b->parties) {
        end_turn(b, 0);
        r = 1;
    } else {
        r = wait_for_rest(b, l);
    }
    mutex_unlock(&b->m);
    return r;
}

int barrier_wait(struct barrier *b) {
    return barrier_wait_until(b, AT(FOREVER));
}

void barrier_reset(struct barrier *b) {
    mutex_lock(&b->m);
    end_turn(b, -EPIPE);
    b->broken = false;
    mutex_unlock(&b->m);
}
