/* tests/spin/cores.pml - cores that retire and come back: nothing they had is lost.
 *
 * Abstracts go_set_cores(), core_hand_over() of sched/cores.c, gmp_pick() and gmp_put() for a core that is not active,
 * idle() for such a core, and wake_one(). Core 0 is always active; core 1 has two Gs on its ring and gets one that is
 * pinned to it through its inbox, and is retired and called back in the meantime.
 *
 * mutant NO_HAND_OVER: a retired core gives what it has to the global queue
 * mutant NO_WAKE: it wakes somebody for that
 * mutant NO_INBOX: a retired core serves its inbox
 * mutant LEAK: a retired core that was chosen to search passes that on
 */
byte ring = 2, global = 0, inbox = 0, ran = 0;   /* of core 1, of nobody, of core 1 */
bool active1 = true;
byte searchers = 0;
bool idle_bit[2], ipi[2];
byte changes = 2;

inline wake_one() {
    if
    :: atomic { searchers == 0 && idle_bit[0] -> searchers = 1; idle_bit[0] = false; ipi[0] = true }
    :: atomic { searchers == 0 && idle_bit[1] -> searchers = 1; idle_bit[1] = false; ipi[1] = true }
    :: atomic { searchers != 0 || (!idle_bit[0] && !idle_bit[1]) -> skip }
    fi
}

inline search_end() {
    if
    :: searching ->
        searching = false;
        searchers--;
        if
        :: global != 0 -> wake_one()
        :: else
        fi
    :: else
    fi
}

/* Announced, and everything looked at again: one step, as idle.pml allows. */
inline sleep(me, work) {
    if
    :: atomic { (work) -> skip }
    :: atomic { !(work) -> idle_bit[me] = true;
            if
            :: searching -> searching = false; searchers--
            :: else
            fi };
end_asleep_0:
        atomic { ipi[me] -> ipi[me] = false;
            if
            :: !idle_bit[me] -> searching = true
            :: else -> idle_bit[me] = false
            fi }
    fi
}

active proctype core_0() {
    bool searching = false;
    do
    :: atomic { global != 0 -> global--; ran++ }; search_end()
    :: atomic { global == 0 && ring != 0 && active1 -> ring--; ran++ }; search_end()   /* stolen while it is busy there */
    :: global == 0 && (ring == 0 || !active1) -> sleep(0, global != 0)
    od
}

active proctype core_1() {
    bool searching = false;
    do
    :: active1 ->
        if
        :: atomic { inbox != 0 -> inbox--; ran++ }; search_end()
        :: atomic { inbox == 0 && ring != 0 -> ring--; ran++ }; search_end()
        :: atomic { inbox == 0 && ring == 0 && global != 0 -> global--; ran++ }; search_end()
        :: atomic { inbox == 0 && ring == 0 && global == 0 -> skip }; sleep(1, inbox != 0 || global != 0 || !active1)
        fi
    :: !active1 ->
#ifndef NO_HAND_OVER
        if
        :: ring != 0 ->
            atomic { global = global + ring; ring = 0 };
#ifndef NO_WAKE
            wake_one()
#endif
        :: else
        fi;
#endif
#ifndef NO_INBOX
        if
        :: atomic { inbox != 0 -> inbox--; ran++ }
        :: inbox == 0
        fi;
#endif
#ifndef LEAK
        search_end();
#endif
        /* No bit in the mask: only a kick ends this sleep. */
        if
        :: atomic { inbox != 0 -> skip }
        :: atomic { inbox == 0 -> skip };
end_asleep_1:
            atomic { ipi[1] -> ipi[1] = false }
        fi
    od
}

/* A G on a core that is left out puts another one. */
active proctype maker() {
    global++;
    wake_one()
}

active proctype setter() {
    /* one for the inbox, at any time */
    atomic { inbox++; ipi[1] = true };
    do
    :: atomic { changes != 0 -> changes--; active1 = !active1; ipi[0] = true; ipi[1] = true }
    :: changes == 0 -> break
    :: atomic { changes == 1 -> changes = 0 }; break
    od
}

ltl all_run { <> (ran == 4) }
ltl no_count_leaks { <> [] (searchers == 0) }
