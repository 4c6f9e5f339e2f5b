/* <bareloom/info.h> - what runs where: Gs, cores, counters; and the machine's power switch. */
#pragma once

#include <bareloom/base.h>

enum go_state { GO_RUNNABLE, GO_RUNNING, GO_WAITING, GO_DEAD };

struct go_info {
    uint64_t id;
    char name[24];
    enum go_state state;
    const char *reason; /* what a waiting G waits for: "chan receive", "sleep"; "" otherwise */
    unsigned core;      /* runs or last ran there */
    bool pinned;
    ns_t cpu;          /* how long it ran while info_count_cpu() was on */
    ns_t waiting;      /* since when it waits, as a duration; 0 otherwise */
    size_t stack_used; /* bytes of stack committed */
    size_t stack_size;
};

/* Calls fn for each G until it returns false. A snapshot G by G, not of all at one instant. From a
 * G; fn may block. */
void info_gs(bool (*fn)(const struct go_info *g, void *arg), void *arg);

/* From now on how long each G runs is added up, from 0 on, or no more: it costs two readings of the clock at each switch. A G that
 * runs is counted from when it is entered next, or from the next tick. From a G. */
void info_count_cpu(bool on);

/* Prints every G as a fatal error does - what it waits for, since when, who holds that, its backtrace, who
 * created it - and circles of waits, and stops nobody: each as it is found, CONFIG_DUMP_GS at most. Other
 * cores are asked where they are; one that does not answer within a second has its interrupts masked or is
 * stuck, and is named. Ctrl-\ on the console does the same. Any context. Go: runtime.Stack(buf, true), and
 * SIGQUIT, which also ends the program. */
void go_dump(void);

/* Prints which goroutines wait for each other in a circle - mutexes, rwmutexes that a writer holds, joins,
 * without a limit - with what each waits for and who holds it; and which wait for longer than
 * CONFIG_LONG_WAIT_NS. True: there was something to print. The ticks of busy cores find circles as
 * well, within a second or two. From a G. */
bool go_deadlocks(void);

/* Counters since power-on. Read without stopping the core: each is right, together they may be off
 * by the events between. */
struct core_info {
    unsigned index;
    bool active;        /* among the go_cores() that run Gs which are not pinned */
    uint64_t switches;  /* Gs entered */
    uint64_t started;   /* Gs that go() made here */
    uint64_t stolen;    /* Gs taken from other cores */
    uint64_t preempted; /* Gs stopped at the end of their slice, or for a woken one */
    uint64_t ticks;     /* timer interrupts */
    uint64_t ipis_sent, ipis_received;
    uint64_t idle_wakes;   /* times it slept */
    uint64_t futile_wakes; /* woken by an IPI and found nothing */
    uint64_t frames_short; /* preemptions put off for want of a frame; under 1-1 also switches by a call */
    uint64_t faults; /* stack pages committed by fault */
    ns_t lock_wait;  /* time waited for spinlocks; added up only with CONFIG_LOCKSTEP */
    uint64_t spun;   /* looks for work before it slept, while spin= is not off */
    ns_t idle;       /* time asleep */
    unsigned queued; /* runnable Gs in its queues */
    unsigned timers; /* sleepers */
};

/* Core i's counters; false when there is no such core. Any context. */
bool info_core(unsigned i, struct core_info *out);

/* How far the board's i-th core came at boot: "runs", "not there", or a word for where it stays, which the boot has told,
 * too. NULL: the board has fewer. The numbers are the board's: where a core is missing those behind it run under smaller
 * ones. Any context. */
const char *info_core_stage(unsigned i);

/* How often the clock of the core it is called on has ticked since the first call there; it may stand still while that core
 * sleeps. 0: the machine does not count. An emulator's clock is not that of the machine. Any context. */
uint64_t info_cycles(void);

/* Pages of RAM that the runtime gives out: all, and those free now. */
void info_memory(size_t *pages, size_t *free_pages);

/* Does what word says if it is one of the runtime's own, which is what it looks for on the command line:
 *
 *      trace, trace=EVENTS         record what each core does, and write it out at the end: <bareloom/trace.h>
 *      profile=HZ                  record samples of what runs
 *      blockprofile=1              record the stack of each wait
 *      schedtrace=MS               print a line about the scheduler that often, as Go does; 0: no more
 *      scheddetail=1               and with it each core and each G
 *      model=NAME                  what a goroutine is to the machine: <bareloom/model.h>
 *      policy=NAME                 who runs next: <bareloom/policy.h>
 *      tick=, reductions=, runnext=, spin=, steal=, demote=, gcache=, slice=, cores=
 *                                  knobs of the scheduler: docs/MODELS.md
 *
 * 0, -ENOENT: it is another word, -EINVAL: that value is none of its, -ENOMEM. From a G. */
int go_option(const char *word);

/* After -EINVAL: prints, in a line, what the word may be. */
void go_option_wants(const char *word);

/* The board's name, and the command line it was started with. */
const char *info_board(void);
const char *info_args(void);

/* What the board knows of itself, one after the other: its revision, clocks, temperature. "hex" and "date"
 * (seconds since 1970) are ways to write the number; "power", "watchdog" and other words stand for
 * themselves, and value is 0. An "emulator" says so. */
struct board_info {
    const char *name;
    uint64_t value;
    const char *unit;
};

/* Calls fn for each until it returns false. Asks the firmware, which takes milliseconds. From a G; fn may block. */
void info_board_facts(bool (*fn)(const struct board_info *fact, void *arg), void *arg);

/* Ends the program with status, or starts the machine again. Nothing is flushed: exit() does
 * that. */
_Noreturn void machine_exit(int status);
_Noreturn void machine_reset(void);
