/* tests/spin/timer.pml - a timer that is set, fires, is set anew and stopped, while somebody receives from its channel.
 *
 * Abstracts timer_fire(), disarm(), arm_at() of sched/timer.c and alarm_start(), alarm_stop_masked(), alarms_expire()
 * of sched/alarm.[ch]. Each setting may lie in either core's heap, so two handlers may have old settings in their hands. A
 * section under a heap's lock is one step; time is always over.
 *
 * mutant NO_SEQ: the number of the setting that was popped
 * mutant NO_BUMP: a new number for each setting
 * mutant BUMP_EARLY: out of the heap first, then the new number
 * mutant SEQ_LATE: the number is read under the heap's lock
 * mutant SEND_OPEN: what is sent is sent under the timer's lock
 * mutant NO_DRAIN: stop takes away what was sent
 * mutant NOT_REARMED: a ticker sets itself anew
 */
#define SETTINGS 3

bit lock;              /* of the timer */
byte seq = 1;
bool armed, period;
byte heap = 0;         /* 1 + the core in whose heap the alarm is; 0: in none */
byte chan_ = 0;        /* what the channel of one place has in it: for which setting it was sent; 0: nothing */

byte alarm_for = 0;    /* for which setting the alarm in the heap is: its `when` */
byte valid = 0;        /* the setting that may be received now; 0: the timer is stopped */
byte settings = 0;
bool taken;            /* it has been received */

/* Handlers come every few microseconds at most, and let a G that waits go first: the lock's own fairness is not what is
 * verified. */
bool waiting;
inline spin_lock() { waiting = true; atomic { lock == 0 -> lock = 1; waiting = false } }
inline spin_lock_handler() { atomic { lock == 0 && !waiting -> lock = 1 } }

inline disarm() {
    pending = armed;
    armed = false;
#ifdef BUMP_EARLY
    seq++;
    heap = 0;
#else
    heap = 0;          /* alarm_stop_masked() */
#ifndef NO_BUMP
    seq++;
#endif
#endif
#ifndef NO_DRAIN
    atomic {           /* chan_try_recv() */
        pending = pending || chan_ != 0;
        chan_ = 0;
    }
#endif
    /* What nobody has received and nobody will counts as pending; a ticker always does. */
    assert(valid == 0 || pending == (period || !taken));
    valid = 0
}

inline arm(core) {
    atomic {
        settings++;
        valid = settings;
        taken = false;
        if
        :: period = false
        :: period = true
        fi
    };
    armed = true;
    atomic { heap = core + 1; alarm_for = valid }
}

active proctype owner() {
    bool pending;
    do
    :: settings < SETTINGS ->
        spin_lock();
        disarm();
        if
        :: arm(0)
        :: arm(1)
        fi;
        lock = 0
    :: valid != 0 && settings < SETTINGS ->
        spin_lock();
        disarm();
        lock = 0
    :: settings == SETTINGS -> break /* the last one is left to fire */
    od
}

active proctype receiver() {
end: do
    :: atomic { chan_ != 0 -> assert(chan_ == valid); chan_ = 0; taken = true }
    od
}

active [2] proctype handler() {
    byte core = _pid - 2, popped, popped_for;
    bool fires;
end: do
    :: heap == core + 1 ->
        atomic {
            if
            :: heap == core + 1 -> popped = seq; popped_for = alarm_for; heap = 0
            :: else -> popped = 0
            fi
        };
#ifdef SEQ_LATE
        popped = (popped != 0 -> seq : 0);
#endif
        if
        :: popped != 0 ->
            spin_lock_handler();
#ifdef NO_SEQ
            fires = armed;
#else
            fires = armed && seq == popped;
#endif
            if
            :: fires && period ->
#ifndef NOT_REARMED
                heap = core + 1
#endif
            :: fires && !period -> armed = false
            :: else
            fi;
#ifdef SEND_OPEN
            lock = 0;
#endif
            /* Full: nobody has taken the last one, this one is dropped. */
            atomic {
                if
                :: fires && chan_ == 0 -> chan_ = popped_for
                :: else
                fi
            };
            lock = 0
        :: else
        fi;
        popped = 0; popped_for = 0; fires = false
    od
}

ltl last_one_comes { <> (settings == SETTINGS && taken) }
ltl tickers_go_on { [] ((settings == SETTINGS && period && lock == 0 && valid != 0) -> <> (chan_ != 0)) }
