/* sync/flight.c - one call for many: the call lies on the stack of who makes it, those who wait for it
 * on theirs, so nothing is allocated.
 *
 * The maker takes its followers off under the mutex and then hands each its result; setting the event
 * is the last touch. A follower whose limit is over leaves the list by itself, or finds that it has
 * been taken off, and then its result is on the way. */
#include <bareloom.h>
#include <errno.h>

struct follower {
    struct follower *next;
    struct event over;
    bool listed; /* guarded by the flight's mutex */
    int result;
    void *value;
};

struct flight_call {
    struct flight *flight;
    struct flight_call *next;
    const char *key;
    bool listed; /* not forgotten */
    struct follower *followers;
};

static bool same(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* With the mutex: where the call for key hangs, or the list's end. */
static struct flight_call **find(struct flight *f, const char *key) {
    struct flight_call **at = &f->calls;
    while (*at != NULL && !same((*at)->key, key)) {
        at = &(*at)->next;
    }
    return at;
}

/* With the mutex. */
static void forget(struct flight *f, const char *key) {
    struct flight_call **at = find(f, key);
    if (*at != NULL) {
        (*at)->listed = false;
        *at = (*at)->next;
    }
}

/* ---- who makes the call ---------------------------------------------------------------------- */

/* True: others got the result. */
static bool finish(struct flight_call *c, int result, void *value) {
    struct flight *f = c->flight;
    mutex_lock(&f->m);
    if (c->listed) {
        forget(f, c->key);
    }
    struct follower *first = c->followers;
    for (struct follower *w = first; w != NULL; w = w->next) {
        w->listed = false;
    }
    mutex_unlock(&f->m);
    for (struct follower *w = first, *next; w != NULL; w = next) {
        next = w->next;
        w->result = result;
        w->value = value;
        event_set(&w->over); /* w may be gone */
    }
    return first != NULL;
}

/* fn was left by a panic or go_exit(). */
static void given_up(void *arg) {
    finish(arg, -EPIPE, NULL);
}

/* With the mutex, which it opens. */
static int lead(struct flight *f, const char *key, flight_fn *fn, void *arg, void **value, bool *shared) {
    struct flight_call call = {.flight = f, .next = f->calls, .key = key, .listed = true};
    f->calls = &call;
    mutex_unlock(&f->m);
    struct cleanup c;
    go_defer(&c, given_up, &call);
    int r = fn(arg, value);
    go_undefer(&c, false);
    *shared = finish(&call, r, *value);
    return r;
}

/* ---- who waits for it ------------------------------------------------------------------------ */

/* The limit is over. False: the result is on its way. */
static bool leave(struct flight *f, struct flight_call *c, struct follower *me) {
    mutex_lock(&f->m);
    bool left = me->listed; /* then the call is there, too */
    for (struct follower **at = &c->followers; left; at = &(*at)->next) {
        if (*at == me) {
            *at = me->next;
            break;
        }
    }
    mutex_unlock(&f->m);
    return left;
}

/* With the mutex, which it opens. */
static int follow(struct flight *f, struct flight_call *c, void **value, struct limit l) {
    struct follower me = {.next = c->followers, .listed = true};
    c->followers = &me;
    mutex_unlock(&f->m);
    int r = event_wait_until(&me.over, l);
    if (r != 0) {
        if (leave(f, c, &me)) {
            return r;
        }
        event_wait(&me.over);
    }
    *value = me.value;
    return me.result;
}

int flight_do_until(struct flight *f, const char *key, flight_fn *fn, void *arg, void **value,
                    bool *shared, struct limit l) {
    void *v = NULL;
    bool s = true;
    mutex_lock(&f->m); /* held by nobody for long */
    struct flight_call *c = *find(f, key);
    int r = c != NULL ? follow(f, c, &v, l) : lead(f, key, fn, arg, &v, &s);
    if (value != NULL) {
        *value = v;
    }
    if (shared != NULL) {
        *shared = s;
    }
    return r;
}

int flight_do(struct flight *f, const char *key, flight_fn *fn, void *arg, void **value, bool *shared) {
    return flight_do_until(f, key, fn, arg, value, shared, AT(FOREVER));
}

void flight_forget(struct flight *f, const char *key) {
    mutex_lock(&f->m);
    forget(f, key);
    mutex_unlock(&f->m);
}
