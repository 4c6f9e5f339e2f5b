/*
 * tests/test_go_table.c - test/chan/select3.go and select5.go: what each operation does to a channel in each state.
 *
 * One table of states says what is so in each; which operations can go on, and to what effect, follows from it. select3
 * does one operation at a time in a G of its own and sees whether it comes back or what it waits for. select5 is generated:
 * every select of one case and of two, on channels in every pair of states, also both cases on the same channel; and of
 * three.
 */
#include <errno.h>
#include <string.h>

#include "tests/test.h"
#include "tests/waiters.h"

static const struct state {
    const char *name;
    size_t capacity;
    int buffered;
    bool receiver, sender; /* somebody waits */
    bool closed, nil;
} states[] = {
    {.name = "nil", .nil = true},
    {.name = "unbuffered"},
    {.name = "empty", .capacity = 1},
    {.name = "half full", .capacity = 2, .buffered = 1},
    {.name = "full", .capacity = 1, .buffered = 1},
    {.name = "full, sender", .capacity = 2, .buffered = 2, .sender = true},
    {.name = "receiver", .receiver = true},
    {.name = "empty, receiver", .capacity = 1, .receiver = true},
    {.name = "sender", .sender = true},
    {.name = "closed", .closed = true},
    {.name = "closed, full", .capacity = 1, .buffered = 1, .closed = true},
};

#define STATES (sizeof states / sizeof states[0])

/* Values: those in the buffer from 100 on, the waiting sender's, and the one that the test sends. */
#define BUFFERED 100
#define WAITING  200
#define SENT     300
#define NOTHING  7

/* ---- a channel in a state ----------------------------------------------------------------------------- */

struct place {
    const struct state *is;
    struct chan *c;
    int partner_got;
    struct wg partner;
};

static void partner_receives(void *arg) {
    struct place *p = arg;
    CHECK_EQ(chan_recv(p->c, &p->partner_got), 0);
    wg_done(&p->partner);
}

static void partner_sends(void *arg) {
    struct place *p = arg;
    int v = WAITING;
    CHECK_EQ(chan_send(p->c, &v), 0);
    wg_done(&p->partner);
}

static void set_up(struct place *p, const struct state *is) {
    *p = (struct place){.is = is};
    if (is->nil) {
        return;
    }
    p->c = CHAN(int, is->capacity);
    for (int v = BUFFERED; v < BUFFERED + is->buffered; v++) {
        CHECK_EQ(chan_send(p->c, &v), 0);
    }
    if (is->receiver || is->sender) {
        wg_add(&p->partner, 1);
        start(is->sender ? partner_sends : partner_receives, p);
        WAIT_FOR(chan_waiters(p->c, is->sender) == 1);
    }
    if (is->closed) {
        chan_close(p->c);
    }
}

static bool can(const struct state *is, bool send) {
    if (send) {
        return is->receiver || (size_t)is->buffered < is->capacity;
    }
    return is->buffered != 0 || is->sender || is->closed;
}

/* Nobody has done anything to it. */
static void check_untouched(const struct place *p) {
    if (p->c != NULL) {
        CHECK_EQ(chan_len(p->c), p->is->buffered);
        CHECK_EQ(chan_waiters(p->c, true), p->is->sender);
        CHECK_EQ(chan_waiters(p->c, false), p->is->receiver);
    }
}

/* One send, or one receive that got `got`, has gone on; the partner, if one waited, was served. */
static void check_done(struct place *p, bool send, int got, bool ok) {
    const struct state *is = p->is;
    CHECK_EQ(chan_waiters(p->c, true) + chan_waiters(p->c, false), 0);
    if (send) {
        wg_wait(&p->partner);
        CHECK_EQ(chan_len(p->c), is->buffered + !is->receiver);
        CHECK_EQ(p->partner_got, is->receiver ? SENT : 0);
        return;
    }
    CHECK_EQ(ok, is->buffered != 0 || is->sender);
    CHECK_EQ(got, is->buffered != 0 ? BUFFERED : is->sender ? WAITING : 0);
    CHECK_EQ(chan_len(p->c), is->buffered - (is->buffered != 0 && !is->sender));
}

/* Whoever still waits is served. */
static void tear_down(struct place *p) {
    int v = SENT;
    while (p->c != NULL && chan_waiters(p->c, false) != 0) {
        CHECK_EQ(chan_send(p->c, &v), 0);
    }
    while (p->c != NULL && chan_waiters(p->c, true) != 0) {
        CHECK_EQ(chan_recv(p->c, &v), 0);
    }
    wg_wait(&p->partner);
    chan_free(p->c);
}

/* ---- test/chan/select3.go ------------------------------------------------------------------------------- */

enum form { PLAIN, LIMITED, SELECT_ONE, SELECT_NIL_TOO, TRY, SELECT_DEFAULT, FORMS };

static struct {
    struct place place;
    struct ctx *ctx;
    enum form form;
    bool send, ok;
    int value, result;
    _Atomic bool returned;
} op;

static int do_select(const struct select_case *cases, size_t n) {
    int r = op.form == SELECT_DEFAULT ? chan_select_within(cases, n, NOWAIT)
                                      : chan_select_until(cases, n, UNLESS(op.ctx));
    return r >= 0 && !op.send && !op.ok ? -EPIPE : r;
}

static int do_op(struct chan *c) {
    struct select_case cases[2] = {op.send ? SEND(c, &op.value) : RECV_OK(c, &op.value, &op.ok),
                                   RECV(NULL, NULL)};
    switch (op.form) {
    case PLAIN:
        return op.send ? chan_send(c, &op.value) : chan_recv(c, &op.value);
    case LIMITED:
        return op.send ? chan_send_until(c, &op.value, UNLESS(op.ctx))
                       : chan_recv_until(c, &op.value, UNLESS(op.ctx));
    case TRY:
        return op.send ? chan_try_send(c, &op.value) : chan_try_recv(c, &op.value);
    case SELECT_NIL_TOO:
        return do_select(cases, 2);
    default:
        return do_select(cases, 1);
    }
}

static void does_op(void *arg) {
    (void)arg;
    op.result = do_op(op.place.c);
    op.returned = true;
}

static bool waiting_op(const struct go_info *g, void *arg) {
    bool it = strcmp(g->name, "op") == 0 && g->state == GO_WAITING;
    if (it) {
        *(const char **)arg = g->reason;
    }
    return !it;
}

/* What it waits for, or NULL: it has come back. */
static const char *op_waits_for(void) {
    const char *reason = NULL;
    while (reason == NULL && !atomic_load(&op.returned)) {
        info_gs(waiting_op, &reason);
        go_yield();
    }
    return reason;
}

static const char *reason_of(enum form form, bool send, bool nil) {
    if (form != PLAIN && form != LIMITED) {
        return "select";
    }
    return send  ? nil ? "chan send (nil chan)" : "chan send"
           : nil ? "chan receive (nil chan)"
                 : "chan receive";
}

static void check_op(const struct state *is, enum form form, bool send) {
    bool never_waits = form == TRY || form == SELECT_DEFAULT, goes_on = can(is, send);
    set_up(&op.place, is);
    op.ctx = ctx_make(ctx_background());
    op.form = form;
    op.send = send;
    op.value = send ? SENT : NOTHING;
    op.ok = false;
    op.returned = false;
    CHECK_EQ(go_with(&GO_OPTS(.name = "op"), does_op, NULL), 0);
    const char *reason = op_waits_for();
    if (goes_on) {
        bool ended = !send && is->closed && is->buffered == 0;
        CHECK(reason == NULL);
        CHECK_EQ(op.result, ended ? -EPIPE : 0);
        check_done(&op.place, send, op.value, op.result == 0);
    } else if (never_waits) {
        CHECK(reason == NULL);
        CHECK_EQ(op.result, -EAGAIN);
        check_untouched(&op.place);
    } else {
        CHECK(reason != NULL && strcmp(reason, reason_of(form, send, is->nil)) == 0);
        if (form != PLAIN) {
            ctx_cancel(op.ctx);
        }
        for (int v = SENT; !atomic_load(&op.returned); go_yield()) {
            if (form == PLAIN) { /* it may not be the first in its queue */
                CHECK(send ? chan_try_recv(op.place.c, &v) <= 0 : chan_try_send(op.place.c, &v) <= 0);
            }
        }
        CHECK_EQ(op.result, form == PLAIN ? 0 : -ECANCELED);
    }
    tear_down(&op.place);
    ctx_free(op.ctx);
}

TEST(sched, select3) {
    for (unsigned i = 0; i < STATES; i++) {
        for (int form = PLAIN; form < FORMS; form++) {
            for (int send = 0; send < 2; send++) {
                bool panics = send == 1 && states[i].closed;
                bool hangs = states[i].nil && form == PLAIN;
                if (!panics && !hangs) { /* tests of group death have those */
                    check_op(&states[i], (enum form)form, send == 1);
                }
            }
        }
    }
}

/* ---- test/chan/select5.go ------------------------------------------------------------------------------- */

enum kind { K_SEND, K_RECV_OK, K_RECV, K_DROP, KINDS };
enum mode { AT_ONCE, CANCELED, SHORTLY, MODES };

struct one {
    struct place *place;
    enum kind kind;
    int value;
    bool ok;
};

#define CASES_MAX 3

static struct {
    struct place places[CASES_MAX];
    struct one ones[CASES_MAX];
    struct select_case cases[CASES_MAX];
    struct ctx *canceled;
} gen;

static struct select_case case_of(struct one *o) {
    struct chan *c = o->place->c;
    o->value = o->kind == K_SEND ? SENT : NOTHING;
    o->ok = true;
    switch (o->kind) {
    case K_SEND:
        return SEND(c, &o->value);
    case K_RECV_OK:
        return RECV_OK(c, &o->value, &o->ok);
    case K_RECV:
        return RECV(c, &o->value);
    default:
        return RECV(c, NULL);
    }
}

static int select_in(enum mode mode, size_t n) {
    switch (mode) {
    case AT_ONCE:
        return chan_select_within(gen.cases, n, NOWAIT);
    case CANCELED:
        return chan_select_until(gen.cases, n, UNLESS(gen.canceled));
    default:
        return chan_select_within(gen.cases, n, US(2));
    }
}

static void check_chosen(const struct one *o) {
    const struct state *is = o->place->is;
    bool send = o->kind == K_SEND, sees = o->kind == K_RECV_OK || o->kind == K_RECV;
    int got = sees ? o->value : is->buffered != 0 ? BUFFERED : is->sender ? WAITING : 0;
    bool ok = o->kind == K_RECV_OK ? o->ok : is->buffered != 0 || is->sender;
    CHECK(can(is, send));
    check_done(o->place, send, got, ok);
}

static void check_not_chosen(const struct one *o) {
    CHECK_EQ(o->value, o->kind == K_SEND ? SENT : NOTHING);
    CHECK(o->ok);
}

/* gen.ones says places and kinds; the places are set up. */
static void check_select(enum mode mode, size_t n) {
    static const int none[MODES] = {-EAGAIN, -ECANCELED, -ETIMEDOUT};
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        gen.cases[i] = case_of(&gen.ones[i]);
        any |= can(gen.ones[i].place->is, gen.ones[i].kind == K_SEND);
    }
    int r = select_in(mode, n);
    if (!any) {
        CHECK_EQ(r, none[mode]);
    } else {
        CHECK(r >= 0 && (size_t)r < n);
        check_chosen(&gen.ones[r]);
    }
    for (size_t i = 0; i < n; i++) {
        if (r < 0 || i != (size_t)r) {
            check_not_chosen(&gen.ones[i]);
        }
        if (r < 0 || gen.ones[i].place != gen.ones[r].place) {
            check_untouched(gen.ones[i].place);
        }
    }
}

/* The nth of all cases: a kind on a channel in a state. A send on a closed one panics and is left out: false. */
static bool choose(unsigned nth, size_t i, unsigned kinds) {
    enum kind kind = (enum kind)(nth % kinds);
    const struct state *is = &states[nth / kinds];
    gen.ones[i] = (struct one){.place = &gen.places[i], .kind = kind};
    gen.places[i].is = is;
    return kind != K_SEND || !is->closed;
}

static void run_select(enum mode mode, size_t n) {
    for (size_t i = 0; i < n; i++) {
        set_up(&gen.places[i], gen.places[i].is);
    }
    check_select(mode, n);
    for (size_t i = 0; i < n; i++) {
        tear_down(&gen.places[i]);
    }
}

static void begin_generated(void) {
    gen.canceled = ctx_make(ctx_background());
    ctx_cancel(gen.canceled);
}

TEST(sched, select5) {
    enum { ALL = STATES * KINDS };
    begin_generated();
    for (unsigned a = 0; a < ALL; a++) {
        for (int mode = AT_ONCE; choose(a, 0, KINDS) && mode < MODES; mode++) {
            run_select((enum mode)mode, 1);
            for (unsigned kind = 0; kind < KINDS; kind++) { /* two cases with one channel */
                if (kind == K_SEND && gen.places[0].is->closed) {
                    continue;
                }
                set_up(&gen.places[0], gen.places[0].is);
                gen.ones[1] = (struct one){.place = &gen.places[0], .kind = (enum kind)kind};
                check_select((enum mode)mode, 2);
                tear_down(&gen.places[0]);
            }
        }
        for (unsigned b = 0; b < ALL; b++) {
            if (choose(a, 0, KINDS) && choose(b, 1, KINDS)) {
                run_select((enum mode)((a + b) % MODES), 2);
            }
        }
    }
    ctx_free(gen.canceled);
}

TEST(stress, select5_of_three) {
    enum { ALL = STATES * 2 };
    unsigned every = 8 / test_rounds(8); /* 1, or 8 when short */
    begin_generated();
    for (unsigned i = 0; i < ALL * ALL * ALL; i += every == 0 ? 1 : every) {
        if (choose(i % ALL, 0, 2) && choose(i / ALL % ALL, 1, 2) && choose(i / ALL / ALL, 2, 2)) {
            run_select((enum mode)(i % MODES), 3);
        }
    }
    ctx_free(gen.canceled);
}
