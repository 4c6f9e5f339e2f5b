/* tests/spin/select.pml - a wait that several may end: two channels, a deadline; twice in a row.
 *
 * Abstracts wait_begin(), wait_claim(), wait_take_this() of sched/wait.h, lock_and_ask(), parked_select(), dequeue_all()
 * of sched/select.c, and alarms_expire(), alarm_start(), alarm_stop_own() of sched/alarm.[ch]. The G may go on on another core
 * while its first core's handler still has its alarm in its hands.
 *
 * mutant NO_CLAIM: a claim before the wait is ended
 * mutant NO_SEQ: the number of the wait in the claim
 * mutant LOAD_STORE: the swap: it looks, then writes
 * mutant ARM_EARLY: the deadline is set only once the G is off its stack
 * mutant NO_DEQUEUE: the other waiters are taken off the lists
 */
#define ROUNDS 2

byte seq = 0;                /* of the wait; with claimed one word */
bool claimed = true;
bit lock[2];                 /* of the channels */
byte on[2];                  /* the waiter on a channel's list: its number; 0: none */
byte alarm_seq = 0;          /* the alarm in the heap; 0: none */
bool parked, woken;
byte done = 0;

inline spin_lock(c) { atomic { lock[c] == 0 -> lock[c] = 1 } }

/* Ends the wait number s, if it is still ours to end. */
inline end_wait(s) {
#if defined(NO_CLAIM)
    mine = true;
#elif defined(NO_SEQ)
    atomic { mine = !claimed; claimed = true };
#elif defined(LOAD_STORE)
    mine = (seq == s && !claimed);
    if
    :: mine -> claimed = true
    :: else
    fi;
#else
    atomic { mine = (seq == s && !claimed); claimed = (mine -> true : claimed) };
#endif
}

inline ready() {
    atomic { assert(parked && !woken); woken = true }
}

active proctype g() {
    do
    :: done < ROUNDS ->
        atomic { seq++; claimed = false };
        spin_lock(0);
        assert(on[0] == 0);
        on[0] = seq;
        spin_lock(1);
        atomic { assert(on[1] == 0 && alarm_seq == 0) };
        on[1] = seq;
#ifdef ARM_EARLY
        alarm_seq = seq;
        parked = true;
#else
        parked = true;       /* off its stack */
        alarm_seq = seq;
#endif
        lock[1] = 0;
        lock[0] = 0;
        atomic { woken -> woken = false; parked = false };
        alarm_seq = 0;       /* alarm_stop_own(): under the heap's lock, or it is in none */
#ifndef NO_DEQUEUE
        spin_lock(0); on[0] = 0; lock[0] = 0;
        spin_lock(1); on[1] = 0; lock[1] = 0;
#endif
        done++
    :: else -> break
    od
}

/* Each sends as often as it likes to whoever waits; a waiter that it loses is off the list all the same. */
active [2] proctype partner() {
    byte s, c = _pid - 1;
    bool mine;
    do
    :: done < ROUNDS ->
        /* Under the channel's lock: one step, so that the lock's own fairness is not what is verified. */
        atomic {
            lock[c] == 0;
            s = on[c];
            mine = false;
            if
            :: s != 0 -> on[c] = 0; end_wait(s)
            :: else
            fi
        };
        if
        :: mine -> ready()
        :: else
        fi;
        s = 0
    :: break
    od
}

/* The deadline always comes, if nobody stops it. It is popped first, and claimed later. */
active proctype timer() {
    byte s;
    bool mine;
end: do
    :: atomic { alarm_seq != 0 -> s = alarm_seq; alarm_seq = 0 };
        end_wait(s);
        if
        :: mine -> ready()
        :: else
        fi;
        s = 0
    od
}

ltl each_wait_ends { <> (done == ROUNDS) }
