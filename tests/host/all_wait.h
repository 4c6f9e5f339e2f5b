/* For programs that tools look at: how long goroutines take until they wait is not taken for granted. */
#pragma once

#include <bareloom.h>
#include <stdlib.h>

static bool is_at_rest(const struct go_info *g, void *arg) {
    bool *all = arg;
    *all = g->pinned || g->state == GO_WAITING || g->id == go_id();
    return *all;
}

static bool all_at_rest(void) {
    bool all = true;
    info_gs(is_at_rest, &all);
    return all;
}

static void visit(void *visits) {
    wg_done(visits);
}

/* Afterwards no core is on its way out of a G that was seen waiting before. */
static void visit_all_cores(void) {
    static struct wg visits;
    for (int i = 0; i < (int)go_num_cores(); i++) {
        wg_add(&visits, 1);
        if (go_with(&GO_OPTS(GO_PIN(i)), visit, &visits) != 0) {
            abort();
        }
    }
    wg_wait(&visits);
}

/* Until all Gs wait, but the caller and pinned ones. They are looked at one by one: one that waited may have been
 * woken by the next, so they are looked at twice. */
static void all_wait(void) {
    do {
        while (!all_at_rest()) {
            go_sleep(MS(1));
        }
        visit_all_cores();
    } while (!all_at_rest());
}
