# hal/sanitize/build.mk - what a build with SAN=... adds: flags, files, and which sources are left as they are.
#
# Read by the Makefile. For each sanitizer S:
#   SAN_FLAG_S   the compiler's option, for programs and for linking
#   SAN_DEFS_S   definitions, for all sources
#   SAN_SRCS_S   files that implement hal/sanitize.h and what the compiler's calls lead to
#   SAN_LIBC_S   the same, above the C library
#   SAN_OMIT_S   what these take the place of
#   SAN_SKIP_S   sources that are not instrumented (patterns)
#   SAN_WRAP_S   functions whose callers get __wrap_f (machines)

ifeq ($(HAL),host)

SAN_FLAG_address   := -fsanitize=address
SAN_FLAG_race      := -fsanitize=thread
SAN_FLAG_scheduler := -fsanitize=thread
SAN_FLAG_undefined := -fsanitize=undefined

SAN_DEFS_address   := -DSANITIZE_REDZONE_BYTES=16 -DHOST_FIBERS
SAN_DEFS_race      := -DSANITIZE_REDZONE_BYTES=0 -DHOST_FIBERS -DHOST_FIBERS_ORDERED=0
SAN_DEFS_scheduler := -DSANITIZE_REDZONE_BYTES=0 -DHOST_FIBERS -DHOST_FIBERS_ORDERED=1
SAN_DEFS_undefined := -DSANITIZE_REDZONE_BYTES=0

SAN_SRCS_address   := hal/host/sanitize/address.c hal/sanitize/nothing.c hal/sanitize/hold.c
SAN_SRCS_race      := hal/host/sanitize/thread.c hal/sanitize/nothing.c
SAN_SRCS_scheduler := hal/host/sanitize/thread.c hal/sanitize/nothing.c
SAN_SRCS_undefined := hal/host/sanitize/undefined.c hal/sanitize/nothing.c

# hal/host changes stacks in the middle of functions. The allocators keep lists in what is free.
SAN_SKIP_address   := hal/host/% hal/sanitize/% sched/mem.c sched/pages.c
# Reports read Gs that run, field by field.
SAN_SKIP_scheduler := hal/host/% sched/dump.c sched/info.c
SAN_SKIP_undefined :=
# Of the runtime only what Gs wait on is instrumented: its locks and atomics are what orders Gs. The scheduler
# itself is not, else everything that two Gs ever did on one core would be ordered by its queues.
SAN_OBJECTS   := chan cond ctx event irq join mutex rwmutex select sema timer wait wg
SAN_SKIP_race := hal/% boards/% libc/% $(filter-out $(SAN_OBJECTS:%=sched/%.c),$(wildcard sched/*.c sched/policy/*.c))

else # ---- machines: the compiler's calls come to hal/sanitize

# Each access calls, variables on the stack and globals have room around them. The shadow of address 0: behind all
# windows (hal/aarch64/mmu.c), and reached by 39 bits.
SAN_SHADOW := 0x4000000000
SAN_FLAG_address   := -fsanitize=kernel-address --param asan-instrumentation-with-call-threshold=0 \
                      --param asan-globals=1 --param asan-stack=1 -fasan-shadow-offset=$(SAN_SHADOW) \
                      -fsanitize-address-use-after-scope -Wno-frame-larger-than
SAN_FLAG_race      := -fsanitize=thread --param tsan-instrument-func-entry-exit=0 --param tsan-distinguish-volatile=1 \
                      -Wno-tsan
# The checks hide from gcc what it would else know: its warnings about strings are wrong then.
SAN_FLAG_undefined := -fsanitize=undefined -Wno-stringop-truncation -Wno-stringop-overflow -Wno-maybe-uninitialized

SAN_DEFS_address   := -DSANITIZE -DSANITIZE_REDZONE_BYTES=96 -DSANITIZE_SHADOW=$(SAN_SHADOW)
SAN_DEFS_race      := -DSANITIZE -DSANITIZE_REDZONE_BYTES=0
SAN_DEFS_undefined := -DSANITIZE -DSANITIZE_REDZONE_BYTES=0

SAN_SRCS_address   := hal/sanitize/address.c hal/sanitize/copies.c hal/sanitize/hold.c hal/sanitize/report.c \
                      hal/sanitize/nothing.c
SAN_OMIT_address   := libc/malloc.c
SAN_LIBC_address   := libc/sanitize/malloc.c libc/sanitize/strings.c
SAN_SRCS_race      := hal/sanitize/race.c hal/sanitize/report.c hal/sanitize/nothing.c
SAN_SRCS_undefined := hal/sanitize/undefined.c hal/sanitize/report.c hal/sanitize/nothing.c

# Before the MMU is on there is nobody to call, and the sanitizer cannot watch itself. Reports, and what they are made
# with, read Gs that run.
SAN_BASE           := boot/% hal/sanitize/%
# The allocators keep lists in what is free.
SAN_SKIP_address   := $(SAN_BASE) hal/% drivers/% boards/% libc/sanitize/% sched/mem.c sched/pages.c
SAN_SKIP_race      := $(SAN_BASE) hal/% drivers/% boards/% sched/dump.c sched/info.c
SAN_SKIP_undefined := boot/early/% hal/sanitize/%

SAN_WRAP_address := hal_memcpy hal_memmove hal_memset hal_memcmp \
                    memcpy memmove memset memcmp strlen strnlen strcpy strncpy strcat strcmp strncmp strchr \
                    _malloc_r _free_r _calloc_r _realloc_r _memalign_r _malloc_usable_size_r

endif

# An object that is not instrumented: with the thread sanitizer it must not use the C library's memcpy either,
# which is.
san_plain = $(if $(filter race scheduler,$(SAN)),$(filter $(SAN_SKIP_$(SAN)),$1))
san_flags = $(if $(filter $(SAN_SKIP_$(SAN)),$1),,$(SAN_FLAG_$(SAN)))
