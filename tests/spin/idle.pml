/* tests/spin/idle.pml - falling asleep and waking: sched/idle.c.
 *
 * Abstracts wake_one(), choose_one(), search_begin(), search_end(), retract(), idle(). Two cores look for work and keep what
 * they get, a third makes it and is never idle; a timer may end a sleep at any time. A missing fence is what it allows: the load that
 * follows it comes first.
 *
 * mutant NO_WAKER_FENCE: the waker's fence
 * mutant NO_SLEEPER_FENCE: the sleeper's fence
 * mutant NO_CHAIN: a searcher that found work wakes the next one
 * mutant LEAK: a chosen core remembers that it counts as a searcher
 */
#define CORES 2
#define WORK  2

byte queue = 0, searchers = 0;
bool idle_bit[CORES], ipi[CORES];
byte timers = 1;

inline choose() {
    if
    :: atomic { idle_bit[0] -> idle_bit[0] = false; ipi[0] = true }; break
    :: atomic { idle_bit[1] -> idle_bit[1] = false; ipi[1] = true }; break
    :: atomic { !idle_bit[0] && !idle_bit[1] -> searchers-- }
    fi
}

/* seen: somebody idles, as loaded. */
inline wake_one(seen) {
    do
    :: !seen -> break
    :: else ->
        if
        :: atomic { searchers == 0 -> searchers = 1 }; choose()
        :: searchers != 0 -> break
        fi;
        seen = idle_bit[0] || idle_bit[1]
    od
}

active proctype maker() {
    byte n;
    bool seen;
    for (n : 1 .. WORK) {
#ifdef NO_WAKER_FENCE
        seen = idle_bit[0] || idle_bit[1];
        queue++;
#else
        queue++;
        seen = idle_bit[0] || idle_bit[1];
#endif
        wake_one(seen)
    }
}

inline found() {
    if
    :: searching ->
        searching = false;
        searchers--;
#ifndef NO_CHAIN
        if
        :: queue != 0 -> seen = idle_bit[0] || idle_bit[1]; wake_one(seen)
        :: else
        fi
#endif
    :: else
    fi
}

inline retract() {
    atomic {
        if
        :: !idle_bit[me] ->
#ifndef LEAK
            searching = true
#else
            skip
#endif
        :: else -> idle_bit[me] = false
        fi
    }
}

proctype core(byte me) {
    bool searching = false, seen, nothing;
    do
    :: atomic { queue != 0 -> queue-- }; found(); break /* and it computes for ever */
    :: atomic { queue == 0 ->
            if
            :: !searching && searchers == 0 -> searchers++; searching = true
            :: else
            fi };
        if
        :: atomic { queue != 0 -> queue-- }; found(); break
        :: queue == 0 ->
#ifdef NO_SLEEPER_FENCE
            nothing = (queue == 0);
            idle_bit[me] = true;
#else
            idle_bit[me] = true;
#endif
            if
            :: searching -> searching = false; searchers--
            :: else
            fi;
#ifndef NO_SLEEPER_FENCE
            nothing = (queue == 0);
#endif
            if
            :: nothing ->
end_asleep:     if
                :: atomic { ipi[me] -> ipi[me] = false }
                :: atomic { timers != 0 -> timers-- }
                fi;
                retract()
            :: else ->
                retract();
                if
                :: !searching -> searchers++; searching = true
                :: else
                fi
            fi
        fi
    od
}

init { atomic { run core(0); run core(1) } }

ltl no_work_waits { [] (queue != 0 -> <> (queue == 0)) }
ltl no_count_leaks { <> [] (searchers == 0) }
