/*
 * mutex_bank - tellers on all cores move money between accounts, and none of it gets lost.
 *
 * Two mutexes guard each transfer, always taken in the order of the accounts: otherwise two tellers
 * could wait for each other. A teller yields between reading the balances and writing them; without
 * the mutexes others would come in between, and the total would be wrong.
 */
#include <bareloom.h>
#include <stdio.h>

#define ACCOUNTS  10
#define TELLERS   8
#define TRANSFERS 500

struct account {
    struct mutex lock;
    int balance; /* guarded by lock */
};

static struct account bank[ACCOUNTS];
static struct wg at_work;

static void transfer(unsigned from, unsigned to, int amount) {
    unsigned first = from < to ? from : to;
    unsigned second = from < to ? to : from;

    mutex_lock(&bank[first].lock);
    mutex_lock(&bank[second].lock);
    int from_balance = bank[from].balance - amount;
    int to_balance = bank[to].balance + amount;
    go_yield();
    bank[from].balance = from_balance;
    bank[to].balance = to_balance;
    mutex_unlock(&bank[second].lock);
    mutex_unlock(&bank[first].lock);
}

static void teller(void *arg) {
    unsigned number = (unsigned)(uintptr_t)arg;

    for (unsigned i = 0; i < TRANSFERS; i++) {
        unsigned from = (number + i) % ACCOUNTS;
        unsigned to = (from + 1 + i % (ACCOUNTS - 1)) % ACCOUNTS;
        transfer(from, to, (int)(i % 7));
    }
    wg_done(&at_work);
}

static int total(void) {
    int sum = 0;
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        sum += bank[i].balance;
    }
    return sum;
}

int main(void) {
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        bank[i].balance = 1000;
    }
    printf("in the morning: %d\n", total());

    wg_add(&at_work, TELLERS);
    for (uintptr_t i = 0; i < TELLERS; i++) {
        go(teller, (void *)i);
    }
    wg_wait(&at_work);
    printf("after %d transfers: %d\n", TELLERS * TRANSFERS, total());
    return 0;
}
