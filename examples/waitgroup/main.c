/*
 * waitgroup - several Gs work at the same time, main waits for all of them.
 *
 * wg_add() before the start, wg_done() at the end, wg_wait() for everyone. Each G writes to a place
 * of its own, so that nothing needs a lock, and what it wrote is visible once wg_wait() returns.
 */
#include <bareloom.h>
#include <stdio.h>

#define N 8

struct task {
    struct wg *done;
    int n;
    unsigned long result;
};

static unsigned long fibonacci(int n) {
    return n < 2 ? (unsigned long)n : fibonacci(n - 1) + fibonacci(n - 2);
}

static void compute(void *arg) {
    struct task *task = arg;
    task->result = fibonacci(task->n);
    wg_done(task->done);
}

int main(void) {
    struct wg done = {0};
    struct task tasks[N];

    for (int i = 0; i < N; i++) {
        tasks[i] = (struct task){.done = &done, .n = 3 * i};
        wg_add(&done, 1);
        go(compute, &tasks[i]);
    }
    wg_wait(&done);

    for (int i = 0; i < N; i++) {
        printf("fibonacci(%2d) = %5lu\n", tasks[i].n, tasks[i].result);
    }
    return 0;
}
