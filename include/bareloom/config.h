/* <bareloom/config.h> - the constants a user may want to change; a build can set each with -D. */
#pragma once

/* How long a G runs before the tick lets another go first. Go: 10 ms. */
#ifndef CONFIG_SLICE_NS
#define CONFIG_SLICE_NS 10000000
#endif

/* How long a G may sit in the private runnext slot while another core idles (HAZARDS 3, 46). */
#ifndef CONFIG_RUNNEXT_NS
#define CONFIG_RUNNEXT_NS 20000
#endif

/* At most one preemption for a woken G per core and this time (HAZARDS 7). */
#ifndef CONFIG_WAKE_BRAKE_NS
#define CONFIG_WAKE_BRAKE_NS 50000
#endif

/* How many Gs a fatal error or go_dump() prints; of the rest it says how many there are. */
#ifndef CONFIG_DUMP_GS
#define CONFIG_DUMP_GS 100
#endif

/* 0 leaves the hooks of traces and of CPU times out of the scheduler. */
#ifndef CONFIG_TRACE
#define CONFIG_TRACE 1
#endif

/* Not 0: what nothing prescribes (when a slice ends, whom a thief visits first) is drawn from a seed, which is
 * this number unless the command line says seed=N. For `make sim`. */
#ifndef CONFIG_SIM
#define CONFIG_SIM 0
#endif

/* Watchdogs, which report and stop nothing: how long goroutines have waited for each other in a circle;
 * how long one is runnable, beyond what the queues explain, while a core idles; how long a core takes
 * no tick, beyond a slice. */
#ifndef CONFIG_DEADLOCK_NS
#define CONFIG_DEADLOCK_NS 1000000000
#endif
#ifndef CONFIG_LOST_WAKEUP_NS
#define CONFIG_LOST_WAKEUP_NS 1000000000
#endif
#ifndef CONFIG_STUCK_NS
#define CONFIG_STUCK_NS 1000000000
#endif

/* From when on go_deadlocks() names a goroutine that waits. */
#ifndef CONFIG_LONG_WAIT_NS
#define CONFIG_LONG_WAIT_NS 60000000000
#endif

/* What a fault or a stack overflow of a G does: 0 stops the machine with status 2, 1 ends the G and
 * the others go on (never when the G held a lock of the runtime, owned a mutex or had preemption
 * off). What the G kept in the C library, a kilobyte or two, is lost. */
#ifndef CONFIG_FAULT_ENDS_G
#define CONFIG_FAULT_ENDS_G 0
#endif

/* 1: a Raspberry Pi's LED and its screen show how far the boot has come, which then takes ten seconds longer: docs/PI.md. */
#ifndef CONFIG_BOOT_LED
#define CONFIG_BOOT_LED 0
#endif

/* 1, for `make experiment`: a core that has nothing to do executes instructions, where WFI would make QEMU pass over it. So
 * under -icount all cores execute equally many, side by side; one nanosecond is one of them, which QEMU's counter, whose rate
 * does not count, must be told. What waits for a spinlock is added up (core_info). */
#ifndef CONFIG_LOCKSTEP
#define CONFIG_LOCKSTEP 0
#endif
