/* sync/wg_go.c - Gs that a wait group counts by itself. */
#include <bareloom.h>

/* On the new G's stack. */
struct counted {
    struct wg *wg;
    go_fn *fn;
    void *arg;
};

static void done(void *arg) {
    wg_done(arg);
}

static void runs(void *arg) {
    struct counted *t = arg;
    struct cleanup c;
    go_defer(&c, done, t->wg);
    t->fn(t->arg);
    go_undefer(&c, true);
}

int wg_go(struct wg *w, go_fn *fn, void *arg) {
    struct counted t = {.wg = w, .fn = fn, .arg = arg};
    if (fn == NULL) {
        FATAL("go of nil func value");
    }
    wg_add(w, 1);
    int r = go_copy(NULL, runs, &t, sizeof t);
    if (r != 0) {
        wg_done(w);
    }
    return r;
}
