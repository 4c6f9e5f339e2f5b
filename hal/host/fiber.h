/*
 * hal/host/fiber.h - each change of stacks as the compiler's sanitizers must be told of it.
 *
 * They know threads and the one stack of each. Here threads leave their stacks for others', so that
 * without this they would take one G's frames for another's. hal/host/sanitize/ implements it in a
 * build with SAN=address, race or scheduler; otherwise it is nothing.
 *
 * A change of stacks is told in two halves: the going on the old stack, the coming on the new one,
 * with nothing but the switch in between.
 */
#pragma once

#include "hal/host/host.h"

#ifdef HOST_FIBERS

/* The calling core leaves the stack it is on for its core stack; for_ever: it never comes back. */
void host_fiber_to_core(struct host_core *c, struct hal_g *from, bool for_ever);

/* It has arrived there. */
void host_fiber_on_core(struct host_core *c);

/* It leaves the core stack for g's, and has arrived there. */
void host_fiber_to_g(struct host_core *c, const struct hal_g *g);
void host_fiber_on_g(const struct hal_g *g);

/* A core's interrupts: who posts, and who takes what was posted. */
void host_fiber_posts(struct host_core *c);
void host_fiber_takes(struct host_core *c);

#else

static inline void host_fiber_to_core(struct host_core *c, struct hal_g *from, bool for_ever) {
    (void)c;
    (void)from;
    (void)for_ever;
}

static inline void host_fiber_on_core(struct host_core *c) {
    (void)c;
}

static inline void host_fiber_to_g(struct host_core *c, const struct hal_g *g) {
    (void)c;
    (void)g;
}

static inline void host_fiber_on_g(const struct hal_g *g) {
    (void)g;
}

static inline void host_fiber_posts(struct host_core *c) {
    (void)c;
}

static inline void host_fiber_takes(struct host_core *c) {
    (void)c;
}

#endif
