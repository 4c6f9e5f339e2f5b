/* tests/spin/timer.pml - a timer that is set, fires, is set anew, stopped, freed and made again, while somebody receives
 * from its channel.
 *
 * Abstracts timer_fire(), disarm(), arm_at(), stop_waiting(), timer_free(), timer_make() of sched/timer.c and
 * alarm_start(), alarm_stop_masked(), alarms_expire() of sched/alarm.[ch]. Each setting may lie in either core's heap, so
 * two handlers may have old settings in their hands. A section under a heap's lock is one step; time is always over.
 *
 * mutant NO_SEQ: the number of the setting that was popped
 * mutant NO_BUMP: a new number for each setting
 * mutant TICKER_WAITS: a ticker that waits in its heap is stopped under its own lock, for it has sent something
 * mutant EVEN_EARLY: the number is even only when all is sent
 * mutant BUMP_EARLY: out of the heap first, then the new number
 * mutant SEQ_LATE: the number is read under the heap's lock
 * mutant SEND_OPEN: what is sent is sent under the timer's lock
 * mutant NO_DRAIN: stop takes away what was sent
 * mutant NOT_REARMED: a ticker sets itself anew
 */
#define SETTINGS 3

bit lock;              /* of the timer */
byte seq = 0;          /* odd: it is to fire */
bool period;
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

inline even() {
#ifdef NO_BUMP
    seq--
#else
    seq++
#endif
}

inline disarm() {
    pending = seq % 2;
    if
    :: pending ->
#ifdef BUMP_EARLY
        seq++;
        heap = 0
#else
        heap = 0;      /* alarm_stop_masked() */
        even()
#endif
    :: else
    fi;
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
    atomic { seq++; heap = core + 1; alarm_for = valid }
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
        atomic {       /* stop_waiting() */
            pending = false;
            if
#ifdef TICKER_WAITS
            :: heap != 0 ->
#else
            :: heap != 0 && !period ->
#endif
                heap = 0;
                even();
                assert(period || !taken);
                valid = 0;
                pending = true
            :: else
            fi
        };
        if
        :: pending
        :: !pending ->
            spin_lock();
            disarm();
            lock = 0
        fi
    :: settings < SETTINGS && seq % 2 == 0 ->
        if             /* timer_free() and timer_make(), without a lock */
        :: chan_ == 0 ->
            valid = 0;
            if
            :: arm(0)
            :: arm(1)
            fi
        :: else
        fi
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
            fires = seq % 2;
#else
            fires = seq == popped;
#endif
#ifdef SEND_OPEN
            lock = 0;
#endif
#ifdef EVEN_EARLY
            if
            :: fires && !period -> even()
            :: else
            fi;
#endif
            /* Full: nobody has taken the last one, this one is dropped. */
            atomic {
                if
                :: fires && chan_ == 0 -> chan_ = popped_for
                :: else
                fi
            };
            if
#ifndef NOT_REARMED
            :: fires && period -> heap = core + 1
#endif
#ifndef EVEN_EARLY
            :: fires && !period -> even()
#endif
            :: else
            fi;
            lock = 0
        :: else
        fi;
        popped = 0; popped_for = 0; fires = false
    od
}

ltl last_one_comes { <> (settings == SETTINGS && taken) }
ltl tickers_go_on { [] ((settings == SETTINGS && period && lock == 0 && valid != 0) -> <> (chan_ != 0)) }
