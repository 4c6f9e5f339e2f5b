/* tests/test_go_powser.c - Go's powser1 and powser2 (docs/GO.md), which compute with power series as McIlroy's "Squinting at
 * power series" does: a series is a G that is asked for its next coefficient. */
#include <errno.h>
#include <stdlib.h>

#include "tests/test.h"

static struct wg wg;

/* ---- what never ends ------------------------------------------------------------------------------------ */

#define CHANS_MAX 20000

/* The Gs of these programs never end by themselves: the end of the world ends them. */
static struct {
    struct ctx *ctx;
    struct chan *chans[CHANS_MAX];
    _Atomic unsigned n;
} world;

static void world_begin(void) {
    world.ctx = ctx_make(ctx_background());
    world.n = 0;
}

static struct chan *make(size_t elem, size_t capacity) {
    unsigned i = atomic_fetch_add(&world.n, 1);
    CHECK(i < CHANS_MAX);
    world.chans[i] = chan_make(elem, capacity);
    CHECK(world.chans[i] != NULL);
    return world.chans[i];
}

static void world_end(void) {
    ctx_cancel(world.ctx);
    wg_wait(&wg);
    for (unsigned i = 0; i < world.n; i++) {
        chan_free(world.chans[i]);
    }
    ctx_free(world.ctx);
}

static void lives(go_fn *fn, void *arg) {
    wg_add(&wg, 1);
    start(fn, arg);
}

static void on(int r) {
    if (r < 0) {
        CHECK_EQ(r, -ECANCELED);
        wg_done(&wg);
        go_exit();
    }
}

static void send(struct chan *c, const void *v) {
    on(chan_send_until(c, v, UNLESS(world.ctx)));
}

static void recv(struct chan *c, void *v) {
    on(chan_recv_until(c, v, UNLESS(world.ctx)));
}

/* ---- test/chan/powser1.go, powser2.go: rational numbers ---------------------------------------------------- */

struct rat {
    int64_t num, den;
};

static struct rat ratio(int64_t num, int64_t den) {
    int64_t a = num < 0 ? -num : num, b = den;
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a == 0 ? (struct rat){0, 1} : (struct rat){num / a, den / a};
}

/* Wraps, as in Go: terms beyond those that are looked at may be too large. */
static int64_t times(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

static struct rat add(struct rat a, struct rat b) {
    uint64_t num = (uint64_t)times(a.num, b.den) + (uint64_t)times(b.num, a.den);
    return ratio((int64_t)num, times(a.den, b.den));
}

static struct rat mul(struct rat a, struct rat b) {
    return ratio(times(a.num, b.num), times(a.den, b.den));
}

/* ---- series ------------------------------------------------------------------------------------------------- */

/* One G gives, one takes. powser1: a request, then the coefficient over the series' own channel. powser2: the request
 * is the channel over which the taker wants it. */
struct series {
    struct chan *ask, *answer;
    bool by_request;
};

static bool by_request;

static struct series new_series(void) {
    struct series s = {make(by_request ? sizeof(struct chan *) : 0, 0), make(sizeof(struct rat), 0),
                       by_request};
    return s;
}

static struct rat get(struct series s) {
    struct rat r;
    send(s.ask, &s.answer);
    recv(s.answer, &r);
    return r;
}

static void put(struct series s, struct rat r) {
    struct chan *to = s.answer;
    recv(s.ask, s.by_request ? &to : NULL);
    send(to, &r);
}

/* What a G of a series works with. */
struct work {
    struct series out, a, b;
    struct rat c;
    int n;
    struct rat *kept; /* of one that splits: all that has come */
    unsigned room;
};

/* 400 to 900 are seen: how far each G computes ahead of being asked is the scheduler's choice. */
#define WORKS_MAX 8000
static struct work works[WORKS_MAX];
static _Atomic unsigned works_n;

static struct series begin(go_fn *fn, struct work w) {
    unsigned i = atomic_fetch_add(&works_n, 1);
    CHECK(i < WORKS_MAX);
    w.out = new_series();
    works[i] = w;
    lives(fn, &works[i]);
    return w.out;
}

static void repeats(void *arg) {
    struct work *w = arg;
    for (;;) {
        put(w->out, w->c);
    }
}

static struct series rep(int64_t c) {
    return begin(repeats, (struct work){.c = {c, 1}});
}

static void adds(void *arg) {
    struct work *w = arg;
    for (;;) {
        struct rat a = get(w->a);
        put(w->out, add(a, get(w->b)));
    }
}

static struct series sum_of(struct series a, struct series b) {
    return begin(adds, (struct work){.a = a, .b = b});
}

static void scales(void *arg) {
    struct work *w = arg;
    for (;;) {
        put(w->out, mul(w->c, get(w->a)));
    }
}

static struct series scaled(struct rat c, struct series a) {
    return begin(scales, (struct work){.a = a, .c = c});
}

/* c + x a */
static void shifts(void *arg) {
    struct work *w = arg;
    for (put(w->out, w->c);;) {
        put(w->out, get(w->a));
    }
}

static struct series shifted(struct rat c, struct series a) {
    return begin(shifts, (struct work){.a = a, .c = c});
}

static void differentiates(void *arg) {
    struct work *w = arg;
    get(w->a);
    for (int64_t i = 1;; i++) {
        put(w->out, mul((struct rat){i, 1}, get(w->a)));
    }
}

static struct series diff(struct series a) {
    return begin(differentiates, (struct work){.a = a});
}

static void integrates(void *arg) {
    struct work *w = arg;
    put(w->out, w->c);
    for (int64_t i = 1;; i++) {
        put(w->out, mul((struct rat){1, i}, get(w->a)));
    }
}

static struct series integ(struct rat c, struct series a) {
    return begin(integrates, (struct work){.a = a, .c = c});
}

/* a(c x^n) */
static void substitutes(void *arg) {
    struct work *w = arg;
    struct rat power = {1, 1};
    for (;;) {
        put(w->out, mul(power, get(w->a)));
        power = mul(power, w->c);
        for (int i = 1; i < w->n; i++) {
            put(w->out, (struct rat){0, 1});
        }
    }
}

static struct series mon_subst(struct series a, struct rat c, int n) {
    return begin(substitutes, (struct work){.a = a, .c = c, .n = n});
}

/* ---- one series for two takers ---------------------------------------------------------------------------------- */

/* How far one taker is ahead of the other is the scheduler's choice, so there is no limit to it. */
static void keep(struct work *w, unsigned at, struct rat r) {
    if (at == w->room) {
        w->room += 64;
        w->kept = realloc(w->kept, w->room * sizeof *w->kept);
        CHECK(w->kept != NULL);
    }
    w->kept[at] = r;
}

/* Keeps for the slower taker what the faster one has had. While it waits for a coefficient it goes on serving the other,
 * on whom that coefficient may depend. */
static void splits(void *arg) {
    struct work *w = arg;
    struct series out[2] = {w->out, w->b};
    struct chan *to[2] = {out[0].answer, out[1].answer};
    struct rat next;
    unsigned had[2] = {0, 0}, come = 0;
    bool asks[2] = {false, false};
    enum { NEEDS_NONE, TO_ASK, ASKED } need = NEEDS_NONE;
    for (;;) {
        for (int k = 0; k < 2; k++) {
            if (asks[k] && had[k] < come) {
                send(to[k], &w->kept[had[k]++]);
                asks[k] = false;
            }
        }
        if (need == NEEDS_NONE && (asks[0] || asks[1])) {
            need = TO_ASK;
        }
        struct select_case cases[] = {
            RECV(asks[0] ? NULL : out[0].ask, by_request ? &to[0] : NULL),
            RECV(asks[1] ? NULL : out[1].ask, by_request ? &to[1] : NULL),
            SEND(need == TO_ASK ? w->a.ask : NULL, &w->a.answer),
            RECV(need == ASKED ? w->a.answer : NULL, &next),
        };
        int k = chan_select_until(cases, 4, UNLESS(world.ctx));
        on(k);
        if (k < 2) {
            asks[k] = true;
        } else if (k == 2) {
            need = ASKED;
        } else {
            keep(w, come++, next);
            need = NEEDS_NONE;
        }
    }
}

static void split(struct series a, struct series *one, struct series *two) {
    *two = new_series();
    *one = begin(splits, (struct work){.a = a, .b = *two});
}

/* (a0 + x A)(b0 + x B) = a0 b0 + x (a0 B + b0 A + x A B) */
static struct series product(struct series a, struct series b);

static void multiplies(void *arg) {
    struct work *w = arg;
    struct rat a0 = get(w->a), b0 = get(w->b);
    struct series a1, a2, b1, b2;
    put(w->out, mul(a0, b0));
    split(w->a, &a1, &a2);
    split(w->b, &b1, &b2);
    struct series rest =
        sum_of(sum_of(scaled(a0, b1), scaled(b0, a1)), shifted((struct rat){0, 1}, product(a2, b2)));
    for (;;) {
        put(w->out, get(rest));
    }
}

static struct series product(struct series a, struct series b) {
    return begin(multiplies, (struct work){.a = a, .b = b});
}

/* Its own output, by way of its input: out = 1 + integral of out * a', or out = integral of 1 + out * out. */
static void feeds_back(void *arg) {
    struct work *w = arg;
    struct series own = new_series(), one, two, rest;
    split(own, &one, &two);
    if (w->n == 1) {
        rest = integ((struct rat){1, 1}, product(one, diff(w->a)));
    } else {
        struct series left, right;
        split(one, &left, &right);
        rest = integ((struct rat){0, 1}, sum_of(product(left, right), w->a));
    }
    struct work forward = {.a = rest, .c = {1, 1}, .out = own};
    wg_add(&wg, 1);
    unsigned i = atomic_fetch_add(&works_n, 1);
    CHECK(i < WORKS_MAX);
    works[i] = forward;
    start(scales, &works[i]);
    for (;;) {
        put(w->out, get(two));
    }
}

static struct series exp_of(struct series a) {
    return begin(feeds_back, (struct work){.a = a, .n = 1});
}

/* t' = 1 + t t */
static struct series tangent(void) {
    return begin(feeds_back, (struct work){.a = shifted((struct rat){1, 1}, rep(0)), .n = 2});
}

/* ---- what comes out ----------------------------------------------------------------------------------------------- */

static void check_series(struct series s, unsigned n, const struct rat *want) {
    for (unsigned i = 0; i < n; i++) {
        struct rat r = get(s);
        CHECK_EQ(r.num, want[i].num);
        CHECK_EQ(r.den, want[i].den);
    }
}

#define COEFFICIENTS(...)                                                                          \
    sizeof((struct rat[]){__VA_ARGS__}) / sizeof(struct rat), (struct rat[]) {                     \
        __VA_ARGS__                                                                                \
    }

static void powser(bool requests_carry_channels) {
    struct rat nil = {0, 1}, one = {1, 1}, minus = {-1, 1};
    by_request = requests_carry_channels;
    works_n = 0;
    world_begin();
    check_series(rep(1), COEFFICIENTS({1, 1}, {1, 1}, {1, 1}));
    check_series(sum_of(rep(1), rep(1)), COEFFICIENTS({2, 1}, {2, 1}, {2, 1}));
    check_series(sum_of(rep(1), scaled(minus, rep(1))), COEFFICIENTS({0, 1}, {0, 1}, {0, 1}));
    check_series(diff(rep(1)), COEFFICIENTS({1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}));
    check_series(integ(nil, rep(1)), COEFFICIENTS({0, 1}, {1, 1}, {1, 2}, {1, 3}, {1, 4}));
    check_series(product(rep(1), rep(1)),
                 COEFFICIENTS({1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}, {6, 1}, {7, 1}, {8, 1}));
    check_series(mon_subst(rep(1), minus, 2), COEFFICIENTS({1, 1}, {0, 1}, {-1, 1}, {0, 1}, {1, 1}));
    check_series(integ(nil, mon_subst(rep(1), minus, 2)),
                 COEFFICIENTS({0, 1}, {1, 1}, {0, 1}, {-1, 3}, {0, 1}, {1, 5}));
    check_series(exp_of(shifted(nil, shifted(one, rep(0)))),
                 COEFFICIENTS({1, 1}, {1, 1}, {1, 2}, {1, 6}, {1, 24}, {1, 120}, {1, 720}, {1, 5040}));
    check_series(tangent(), COEFFICIENTS({0, 1}, {1, 1}, {0, 1}, {1, 3}, {0, 1}, {2, 15}, {0, 1},
                                         {17, 315}, {0, 1}, {62, 2835}));
    world_end();
    for (unsigned i = 0; i < works_n; i++) {
        free(works[i].kept);
        works[i] = (struct work){0};
    }
}

TEST(sched, powser1) {
    powser(false);
}

TEST(sched, powser2) {
    powser(true);
}
