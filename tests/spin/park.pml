/* tests/spin/park.pml - parking on an object, and making ready: publish off the stack, under the object's lock.
 *
 * Abstracts park_on() and ready() of sched/schedule.c, with hal_switch() or hal_park() and parked_on(), and waiting and
 * giving under an object's lock, as in sched/sema.c. The G waits twice; whoever takes it off the list may enter it at once, on another
 * core.
 *
 * mutant EARLY: the G's state is saved only after the lock is open
 * mutant NO_LOCK: the waiter looks at the count before it takes the lock, and not again
 */
#define ROUNDS 2

bit lock;
bool listed, runnable;    /* on the object's list; on some queue */
bool on_stack = true;     /* a core is on the G's stack */
byte count = 0, done = 0;

inline spin_lock() { atomic { lock == 0 -> lock = 1 } }

/* The G on whatever core has entered it, and that core's g0 once it has left. */
proctype g_and_its_core() {
    bool none;
    do
    :: done < ROUNDS ->
#ifdef NO_LOCK
        none = (count == 0);
        spin_lock();
#else
        spin_lock();
        none = (count == 0);
#endif
        if
        :: !none -> count--; lock = 0
        :: else ->
            listed = true;
#ifdef EARLY
            lock = 0;
            on_stack = false;
#else
            on_stack = false; /* saved, and SP is another's */
            lock = 0;         /* the store of hal_switch(), or parked_on() on g0 */
#endif
            atomic { runnable -> runnable = false };
            /* hal_enter() by another core; the waker has given the count on */
        fi;
        done++
    :: else -> break
    od
}

proctype poster() {
    byte n = 0;
    bool took;
    do
    :: n < ROUNDS ->
        spin_lock();
        took = listed;
        if
        :: took -> listed = false
        :: else -> count++
        fi;
        lock = 0;
        if
        :: took ->
            /* ready(): from here any core may enter it */
            atomic { assert(!on_stack && !runnable); on_stack = true; runnable = true }
        :: else
        fi;
        n++
    :: else -> break
    od
}

init { atomic { run g_and_its_core(); run poster() } }

ltl all_waits_end { <> (done == ROUNDS) }
