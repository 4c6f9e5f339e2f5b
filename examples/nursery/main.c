/*
 * nursery - Gs that belong together: all have ended when the call returns, and the first error stops
 * the rest.
 *
 * Four parts are built at the same time. One of the second set fails; the others, which would wait for
 * ever for what they need, are woken by the nursery's context. Nothing is left behind in either case.
 */
#include <bareloom.h>
#include <stdio.h>

#define PARTS 4

struct part {
    const char *name;
    struct sema *material; /* NULL: it fails */
    int result;
};

static int build(struct group *g, void *arg) {
    struct part *p = arg;
    if (p->material == NULL) {
        return p->result = -1; /* the nursery's result, and the end for the others */
    }
    p->result = sema_wait_until(p->material, UNLESS(group_ctx(g)));
    return p->result;
}

static int build_all(struct group *g, void *arg) {
    struct part *parts = arg;
    for (int i = 0; i < PARTS; i++) {
        int r = group_go(g, build, &parts[i]);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

static void build_set(const char *title, struct part *parts) {
    int r = nursery_run(ctx_background(), build_all, parts);
    printf("%s: %s\n", title, r == 0 ? "complete" : "given up");
    for (int i = 0; i < PARTS; i++) {
        printf("    %-6s %s\n", parts[i].name,
               parts[i].result == 0    ? "is ready"
               : parts[i].result == -1 ? "failed"
                                       : "was stopped");
    }
}

int main(void) {
    struct sema plenty = {.count = PARTS}, nothing = {0};

    build_set("first set", (struct part[]){{"frame", &plenty, 0},
                                           {"wheel", &plenty, 0},
                                           {"chain", &plenty, 0},
                                           {"bell", &plenty, 0}});
    build_set("second set", (struct part[]){{"frame", &nothing, 0},
                                            {"wheel", &nothing, 0},
                                            {"chain", NULL, 0},
                                            {"bell", &nothing, 0}});
    return 0;
}
