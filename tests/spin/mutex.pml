/* tests/spin/mutex.pml - the mutex of sched/mutex.c: nobody starves.
 *
 * Abstracts lock_slow(), take_or_mark(), flags_after(), let_go(), word_after(). A section under the spinlock is one
 * step: the spinlock itself is not what is verified. "Over a millisecond" is: it has lost twice after it was woken.
 * Three Gs lock and unlock for ever, and each may be as fast as it likes.
 *
 * mutant NO_STARVING: the mode in which the mutex is handed over
 * mutant NO_MARK: the flag that somebody waits
 * mutant WOKEN_STAYS: the flag that one is on its way is not cleared when it waits again
 */
#define N 3

byte owner = 0;                      /* 0: nobody; else the G's number and 1 */
bool waiters, woken, starving;       /* with owner one word: changed in one step */
chan list = [N] of { byte };
bool wake[N], handed[N], waiting[N];
byte lost[N];
byte inside = 0;
hidden byte at, other;               /* within one step */

inline push_front(g) {
    list!g;
    at = len(list);
    do
    :: at > 1 -> list?other; list!other; at--
    :: else -> break
    od
}

/* Under the spinlock: takes it, or waits; got says which. */
inline take_or_wait(g, was_woken, got) {
    atomic {
        if
        :: owner == 0 ->
            owner = g + 1;
            woken = woken && !was_woken;
            waiters = woken || nempty(list);
            starving = starving && nempty(list);
            got = true
        :: else ->
#ifndef NO_MARK
            waiters = true;
#endif
            if
            :: was_woken ->
#ifndef WOKEN_STAYS
                woken = false;
#endif
#ifndef NO_STARVING
                starving = starving || lost[g] >= 2;
#endif
                push_front(g)
            :: else -> list!g
            fi;
            handed[g] = false;
            got = false
        fi
    }
}

inline lock(g) {
    waiting[g] = true;
    if
    :: atomic { owner == 0 && !waiters && !woken && !starving -> owner = g + 1 }
    :: else ->
        take_or_wait(g, false, got);
        do
        :: got -> got = false; break
        :: else ->
            atomic { wake[g] -> wake[g] = false };
            if
            :: handed[g] -> break
            :: else ->
                lost[g] = (lost[g] < 2 -> lost[g] + 1 : 2);
                take_or_wait(g, true, got)
            fi
        od
    fi;
    atomic { lost[g] = 0; handed[g] = false; waiting[g] = false }
}

inline unlock(g) {
    do
    :: atomic { owner == g + 1 && !waiters && !woken && !starving -> owner = 0; break }
    :: atomic {
            (waiters || woken || starving) ->
            if
            :: !woken && empty(list) -> waiters = false; starving = false /* nobody is there any more */
            :: woken -> owner = 0; waiters = true; starving = false; break
            :: !woken && nempty(list) && !starving ->
                list?other; owner = 0; waiters = true; woken = true; wake[other] = true; break
            :: !woken && nempty(list) && starving ->
                list?other; handed[other] = true; owner = other + 1; waiters = nempty(list);
                if
                :: starving = waiters
                :: starving = false
                fi;
                wake[other] = true; break
            fi
       }
    od
}

active [N] proctype user() {
    bool got = false;
    do
    :: lock(_pid);
        inside++;
        assert(owner == _pid + 1 && inside == 1);
        inside--;
        unlock(_pid)
    od
}

ltl nobody_starves { [] (waiting[0] -> <> !waiting[0]) }
