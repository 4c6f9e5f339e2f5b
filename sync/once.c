/* sync/once.c - done once: the word that says so is stored last, with the mutex held. */
#include <bareloom.h>
#include <errno.h>
#include <stdatomic.h>

static bool is_done(struct once *o) {
    /* acquire: pairs with over(): what fn did is visible to who does not call it */
    return atomic_load_explicit(&o->done, memory_order_acquire) != 0;
}

/* Also when fn is left by a panic or go_exit(). */
static void over(void *arg) {
    struct once *o = arg;
    atomic_store_explicit(&o->done, 1, memory_order_release); /* pairs with is_done() */
    mutex_unlock(&o->m);
}

/* The mutex is ours. */
static void do_locked(struct once *o, go_fn *fn, void *arg) {
    if (is_done(o)) {
        mutex_unlock(&o->m);
        return;
    }
    struct cleanup c;
    go_defer(&c, over, o);
    fn(arg);
    go_undefer(&c, true);
}

void once_do(struct once *o, go_fn *fn, void *arg) {
    if (!is_done(o)) {
        mutex_lock(&o->m);
        do_locked(o, fn, arg);
    }
}

int once_do_until(struct once *o, go_fn *fn, void *arg, struct limit l) {
    if (is_done(o)) {
        return 0;
    }
    int r = mutex_lock_until(&o->m, l);
    if (r == 0) {
        do_locked(o, fn, arg);
    }
    return r;
}

static void computes(void *arg) {
    struct once_value *o = arg;
    o->value = o->fn(o->arg);
    o->returned = true;
}

static void *computed(struct once_value *o) {
    if (!o->returned) {
        PANIC("once_value: its function did not return");
    }
    return o->value;
}

void *once_value(struct once_value *o) {
    once_do(&o->once, computes, o);
    return computed(o);
}

int once_value_until(struct once_value *o, void **value, struct limit l) {
    int r = once_do_until(&o->once, computes, o, l);
    if (r == 0) {
        *value = computed(o);
    }
    return r;
}
