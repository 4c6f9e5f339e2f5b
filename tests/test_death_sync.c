/* tests/test_death_sync.c - what the machine says when readers-writer mutexes and conditions are misused, and calls that
 * may block are made where nothing may. */
#include "tests/test.h"

static struct rwmutex rw;
static struct mutex mutex;
static struct cond cond;

static void expect_last_words(const char *words) {
    expect_status(2);
    expect_text(words);
    expect_text("[running]: \"");
    expect_text(go_name());
}

/* ---- readers-writer mutex ------------------------------------------------------------------------------------------ */

TEST(death, runlock_of_unlocked) {
    expect_last_words("fatal error: sync: RUnlock of unlocked RWMutex");
    rwmutex_runlock(&rw);
}

TEST(death, runlock_once_too_often) {
    expect_last_words("fatal error: sync: RUnlock of unlocked RWMutex");
    rwmutex_rlock(&rw);
    rwmutex_runlock(&rw);
    rwmutex_runlock(&rw);
}

TEST(death, runlock_of_write_locked) {
    expect_last_words("fatal error: sync: RUnlock of unlocked RWMutex");
    rwmutex_lock(&rw);
    rwmutex_runlock(&rw);
}

TEST(death, rwmutex_unlock_of_unlocked) {
    expect_last_words("fatal error: sync: Unlock of unlocked RWMutex");
    rwmutex_unlock(&rw);
}

TEST(death, rwmutex_unlock_of_read_locked) {
    expect_last_words("fatal error: sync: Unlock of unlocked RWMutex");
    rwmutex_rlock(&rw);
    rwmutex_unlock(&rw);
}

static void unlocks(void *arg) {
    (void)arg;
    rwmutex_unlock(&rw);
}

TEST(death, rwmutex_unlock_by_stranger) {
    expect_status(2);
    expect_text("fatal error: sync: Unlock of unlocked RWMutex");
    expect_text("stranger");
    rwmutex_lock(&rw);
    CHECK_EQ(go_with(&GO_OPTS(.name = "stranger"), unlocks, NULL), 0);
    chan_recv(NULL, NULL);
}

TEST(death, rwmutex_lock_twice) {
    expect_last_words("panic: rwmutex_lock: goroutine");
    expect_text("owns the mutex already");
    rwmutex_lock(&rw);
    rwmutex_lock(&rw);
}

TEST(death, rwmutex_rlock_by_writer) {
    expect_last_words("panic: rwmutex_rlock: goroutine");
    expect_text("owns the mutex already");
    rwmutex_lock(&rw);
    rwmutex_rlock(&rw);
}

TEST(death, writer_ends) {
    expect_status(2);
    expect_text("ended while it owned 1 mutexes");
    rwmutex_lock(&rw);
    go_exit();
}

static void reads(void *arg) {
    (void)arg;
    rwmutex_rlock(&rw);
}

static void writes(void *arg) {
    (void)arg;
    rwmutex_lock(&rw);
}

static void waits_for_signal(void *arg) {
    (void)arg;
    mutex_lock(&mutex);
    cond_wait(&cond, &mutex);
}

static void waits_for_event(void *arg) {
    event_wait(arg);
}

/* Go's words for what each waits for. */
TEST(death, reasons_of_waiting) {
    static struct event event;
    expect_status(2);
    expect_text("[sync.RWMutex.RLock]: \"reader\"");
    expect_text("[sync.RWMutex.Lock]: \"writer\"");
    expect_text("[sync.Cond.Wait]: \"waiter\"");
    expect_text("[event wait]: \"listener\"");
    rwmutex_lock(&rw);
    CHECK_EQ(go_with(&GO_OPTS(.name = "reader"), reads, NULL), 0);
    CHECK_EQ(go_with(&GO_OPTS(.name = "writer"), writes, NULL), 0);
    CHECK_EQ(go_with(&GO_OPTS(.name = "waiter"), waits_for_signal, NULL), 0);
    CHECK_EQ(go_with(&GO_OPTS(.name = "listener"), waits_for_event, &event), 0);
    settle();
    FATAL("to see them");
}

/* ---- condition ----------------------------------------------------------------------------------------------------- */

TEST(death, TestCondCopy) {
    expect_last_words("panic: sync.Cond is copied");
    cond_broadcast(&cond);
    struct cond copy = cond;
    cond_signal(&copy);
}

TEST(death, cond_copied_in_wait) {
    expect_last_words("panic: sync.Cond is copied");
    cond_signal(&cond);
    struct cond copy = cond;
    mutex_lock(&mutex);
    cond_wait(&copy, &mutex);
}

TEST(death, cond_wait_without_the_mutex) {
    expect_last_words("fatal error: sync: unlock of unlocked mutex");
    cond_wait(&cond, &mutex);
}

/* ---- semaphore ----------------------------------------------------------------------------------------------------- */

TEST(death, sema_overflow) {
    static struct sema sema;
    expect_last_words("panic: semaphore: released more than it can count");
    sema_post_n(&sema, INT32_MAX);
    sema_post(&sema);
}

TEST(death, sema_beyond_its_count) {
    static struct sema sema;
    expect_last_words("panic: semaphore: asked for more than it can count");
    sema_wait_n(&sema, (unsigned)INT32_MAX + 1);
}
