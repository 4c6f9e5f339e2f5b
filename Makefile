# Bareloom: one file, read from top to bottom. `make help` lists the verbs.
#
#   make run                            the default application on the default board, in QEMU
#   make run BOARD=virt APP=../my_app   any board, any folder with a main.c, in or out of this tree
#
# What is built goes to build/BOARD[-llvm][-debug][-SAN][-CONFIG]/; a board's objects are shared by all applications.

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
SHELL := /bin/sh
COMMA := ,

# ---- what to build -------------------------------------------------------------------------------
# := or = would lose against the environment; ?= lets `BOARD=virt make` work as `make BOARD=virt`.
BOARD         ?= rpi3
APP           ?= examples/wordcount
CROSS_COMPILE ?= aarch64-linux-gnu-
HOSTCC        ?= gcc
LLVM          ?=
DEBUG         ?=
V             ?=
ARGS          ?=
TEST          ?=
GIC           ?= 3
CONFIG        ?=
SAN           ?=
COVERAGE      ?=
export ARGS CROSS_COMPILE LLVM DEBUG HOSTCC V SAN

BOARDS  := $(sort $(patsubst boards/%/board.mk,%,$(wildcard boards/*/board.mk)))
TARGETS := $(filter-out host,$(BOARDS))
OTHER_CROSS := $(patsubst %,-%,$(filter-out aarch64-linux-gnu,$(notdir $(CROSS_COMPILE:%-=%))))
Q       := $(if $(V),,@)
say     = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),@:,@printf '  %-7s %s\n' '$1' '$2')

ifeq ($(filter $(BOARD),$(BOARDS)),)
$(error BOARD=$(BOARD) is unknown; it is one of: $(BOARDS))
endif

# `make setup run` on a fresh machine: what follows asks the compiler for its folders, so it is read by
# a second make, after setup has brought the compiler.
ifneq ($(filter setup,$(MAKECMDGOALS)),)
REST := $(filter-out setup,$(MAKECMDGOALS))
.PHONY: setup $(REST)
setup:
	@tools/setup.sh
	@tools/newlib.sh > /dev/null
	@tools/firmware.sh > /dev/null || echo 'setup: without it `make sdcard` does not work, and its tests are skipped'
	@tools/fatfs.sh > /dev/null || echo 'setup: without it nothing with files on a disk can be built'
ifneq ($(REST),)
$(firstword $(REST)): setup
	@$(MAKE) $(REST)
$(wordlist 2,99,$(REST)): $(firstword $(REST)) ; @:
endif
else

# ---- verbs that need no board --------------------------------------------------------------------
.PHONY: help doctor list-boards test parity test-all verify mutants sim soak bench bench-compare bench-growth experiment experiments saga bench-boot bench-where bench-mca bench-masked coverage check precommit layers docs fmt clean distclean
help: ## this list
	@echo 'make [verb] [BOARD=b] [APP=folder] [INPUT=text] [DISK=image] [ARGS="..."] [LLVM=1] [DEBUG=1] [V=1]'
	@echo '     [SAN=address|race|undefined|scheduler], docs/SANITIZERS.md says what each finds'
	@echo '     [CONFIG="-DCONFIG_SLICE_NS=1000000 ..."], include/bareloom/config.h lists them'
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' Makefile | awk -F'\t' '{ printf "%-14s %s\n", $$1, $$2 }'
	@echo '  setup        install what is missing, build newlib once'
	@echo 'BOARD: $(BOARDS) (now $(BOARD)); virt also takes SMP=1..8 GIC=2|3'

doctor: ## each tool found, its version, what is missing
	@tools/setup.sh doctor

list-boards: ## the boards
	@$(foreach b,$(BOARDS),printf '  %-8s %s\n' $b "$$(sed -n 's/^TITLE *:= //p' boards/$b/board.mk)";)

test: ## all tests as docs/TESTING.md says; BOARD=b and TEST=name run a part
	@tools/test.py $(if $(filter file,$(origin BOARD)),,--board $(BOARD)) $(if $(TEST),--test '$(TEST)')

.PHONY: monitor tap hw-report
monitor: ## a terminal on PORT=/dev/ttyUSB0
	@tools/monitor.py --port '$(PORT)'

hw-report: ## one page about the Pi at PORT=/dev/ttyUSB0, to be sent in: clocks, temperature, cores, times, the bench in cycles
	@$(MAKE) -s BOARD=$(BOARD) APP=examples/hwreport chainboot < /dev/null
	@$(MAKE) -s BOARD=$(BOARD) APP=bench ARGS=--cycles chainboot < /dev/null

tap: ## the tests on the board at PORT=/dev/ttyUSB0, sent to the loader on its card; TEST=names
	@tools/test.py --board $(BOARD) --port '$(PORT)' $(if $(TEST),--test '$(TEST)')

parity: ## what silicon does and QEMU does not, a line a difference, with what holds our side of it: docs/SILICON.md
	@tools/parity.py

test-all: ## the whole suite on every board with both compilers
	@tools/test.py --all

verify: ## models, litmus tests and the like: docs/VERIFICATION.md; FAST=1 for CI's part, ONLY=section for one
	@tools/verify-tools.sh || echo 'verify: the litmus tests will be skipped'
	@tools/verify.py $(if $(FAST),--fast) $(ONLY)

mutants: ## take each feature out and see its test fail
	@tools/mutants.py $(if $(TEST),--test '$(TEST)')

sim: ## the scheduler under a seed: SEED=n, or seeds 1 to 20; BOARD=virt|rpi3|host, TEST=names
	@tools/sim.py --board $(if $(filter file,$(origin BOARD)),virt,$(BOARD)) $(if $(SEED),--seed $(SEED) $(if $(SMP),--cores $(SMP)),--seeds 20) $(if $(TEST),--test '$(TEST)')

soak: ## new seeds until one fails, HOURS=1 at most; BOARD=virt|rpi3|host, FIRST=seed to begin with
	@tools/sim.py --board $(if $(filter file,$(origin BOARD)),virt,$(BOARD)) --soak $(or $(HOURS),1) $(if $(FIRST),--first $(FIRST)) $(if $(TEST),--test '$(TEST)')

BENCH_RUN = tools/bench.py --board $(if $(filter file,$(origin BOARD)),virt,$(BOARD)) $(if $(BENCH),--bench $(BENCH)) \
    $(if $(MODE),$(if $(filter wall,$(MODE)),--wall,$(error MODE=$(MODE) is unknown; there is MODE=wall)))
bench: ## what each operation costs, beside goals and peers: docs/PERFORMANCE.md; BENCH=names, MODE=wall, BASELINE=1
	@$(BENCH_RUN) $(if $(BASELINE),--baseline)

bench-compare: ## what it costs now and in OLD=build/bench/....json (or in NEW=, without running)
	@$(BENCH_RUN) --compare $(or $(OLD),$(error OLD=file is wanted)) $(if $(NEW),--new $(NEW))

bench-growth: ## what operations cost with more goroutines, waiters, timers, cores: tables and plots in docs/growth
	@$(ON_VIRT)tools/growth.py

EXPERIMENTS = $(shell ls tools/experiments | sed -nE 's/^e([0-9]+)\.py$$/\1/p' | sort -n)
EXPERIMENT = tools/experiment.py --board $(if $(filter file,$(origin BOARD)),virt,$(BOARD)) $(if $(SEED),--seed $(SEED)) $(if $(OUT),--out $(OUT))
experiment: ## one program under models, policies, knobs: E=n; tables, plots, traces in docs/experiments; SEED=n, BOARD=host: wall time
	@$(if $(filter $(E),$(EXPERIMENTS)),,$(error E=$(E) is unknown; there is $(EXPERIMENTS)))$(EXPERIMENT) $(E)

experiments: ## all of them, and docs/EXPERIMENTS.md
	@$(EXPERIMENT) --all

saga: ## the scheduler's story in a terminal: one workload, idea by idea, measured as you read
	@tools/saga.py

# Of what is counted on virt alone.
ON_VIRT = $(if $(filter-out virt,$(if $(filter file,$(origin BOARD)),,$(BOARD))),$(error $@ is of virt alone, not of $(BOARD)))
bench-boot: ## which functions the instructions from reset to main() are spent in
	@$(ON_VIRT)tools/inside.py boot

bench-where: ## which functions the instructions of each row behind its goal are spent in; BENCH=rows, DOCS=1
	@$(ON_VIRT)tools/inside.py where $(if $(BENCH),--row $(BENCH)) $(if $(DOCS),--docs)

bench-mca: ## what llvm-mca estimates for the hot paths on a Cortex-A53; DOCS=1
	@$(ON_VIRT)tools/inside.py cycles $(if $(DOCS),--docs)

bench-masked: ## for how long interrupts are masked at most, and where
	@$(ON_VIRT)tools/inside.py masked

coverage: ## which lines of the runtime the tests run; README=1 writes the numbers into README.md
	@tools/coverage.py $(if $(README),--readme)

check: layers ## layers, formatting, cppcheck, headers on their own; sizes are printed only
	@tools/check.py

precommit: ## the quick part of check
	@tools/check_layers.py
	@tools/check.py formatting headers
	@tools/mutants.py --check

layers: ## who includes and calls whom; what the runtime's machine code may contain
	@for b in $(TARGETS); do $(MAKE) -s BOARD=$$b LLVM= DEBUG= SAN= CONFIG= runtime-objects || exit 1; done
	@tools/check_layers.py --objects $(TARGETS:%=build/%$(OTHER_CROSS))

docs: ## make docs/API.md from the public headers, docs/SILICON.md from tools/parity.py, PERFORMANCE.md's figures from bench/
	@tools/apidoc.py
	@tools/bench.py --docs
	@tools/parity.py --docs

fmt: ## clang-format all sources
	@find bench boards boot drivers examples hal include libc sched sync tests -name '*.[ch]' | xargs clang-format -i

clean: ## remove build/, keep the built newlib
	rm -rf build compile_commands.json

distclean: clean ## remove everything that is not source
	rm -rf .cache

# ---- the board -----------------------------------------------------------------------------------
BOARD_VERBS := all run trace flame screenshot debug jtag gdb-jtag sdcard flash chainboot size disasm compile_commands.json runtime-objects image-path
ifneq ($(filter $(BOARD_VERBS) build/%,$(or $(MAKECMDGOALS),all)),)

include boards/$(BOARD)/board.mk
SMP ?= $(CORES)
ifeq ($(filter $(SMP),$(if $(filter virt host,$(BOARD)),1 2 3 4 5 6 7 8,$(CORES))),)
$(error SMP=$(SMP): board $(BOARD) has $(if $(filter virt host,$(BOARD)),1 to 8,$(CORES)) cores)
endif
ifeq ($(filter $(GIC),2 3),)
$(error GIC=$(GIC): virt has GIC=2 and GIC=3)
endif

# A sanitizer for the build; docs/SANITIZERS.md says what each finds.
SANS := address race undefined$(if $(filter host,$(BOARD)), scheduler)
ifneq ($(filter-out $(SANS),$(SAN)),)
$(error SAN=$(SAN): board $(BOARD) has $(SANS))
endif

OUT := build/$(BOARD)$(if $(LLVM),-llvm)$(if $(DEBUG),-debug)$(if $(SAN),-$(SAN))$(if $(COVERAGE),-coverage)$(OTHER_CROSS)$(if $(CONFIG),-$(firstword $(shell echo '$(CONFIG)' | cksum)))

# ---- the application -----------------------------------------------------------------------------
# A folder: main.c and the *.c and *.S beside it, or what its app.mk says in APP_SRCS (paths from the
# folder), APP_CFLAGS, APP_INPUT, APP_DISK, APP_WRAP (functions f whose callers get the application's __wrap_f); it may look at
# BOARD and HAL.
ifeq ($(wildcard $(APP)/main.c $(APP)/app.mk),)
$(error APP=$(APP) is no folder with a main.c or an app.mk; try one of: $(patsubst %/main.c,%,$(sort $(wildcard examples/*/main.c))))
endif
APP_SRCS   := $(sort $(notdir $(wildcard $(APP)/*.[cS])))
APP_CFLAGS :=
APP_INPUT  :=
APP_DISK   :=
APP_WRAP   :=
-include $(APP)/app.mk
ifneq ($(filter-out $(wildcard $(APP_SRCS:%=$(APP)/%)),$(APP_SRCS:%=$(APP)/%)),)
$(error APP_SRCS in $(APP)/app.mk names what is not there: $(filter-out $(wildcard $(APP_SRCS:%=$(APP)/%)),$(APP_SRCS:%=$(APP)/%)))
endif
# In the tree build/x/examples/hello; outside two folders may share a name, so its path is hashed.
IN_TREE := $(patsubst $(CURDIR)/%,%,$(filter $(CURDIR)/%,$(abspath $(APP))))
APP_OUT := $(OUT)/$(or $(IN_TREE),app/$(notdir $(abspath $(APP)))-$(firstword $(shell echo $(abspath $(APP)) | cksum)))

# ---- its input -----------------------------------------------------------------------------------
# A text that becomes part of the image, the same way on every board; APP_INPUT := 1 asks for it.
ifneq ($(APP_INPUT),)
INPUT ?= $(firstword $(wildcard $(APP)/input.txt) examples/wordcount/input.txt)
ifneq ($(words $(INPUT)),1)
$(error INPUT=$(INPUT): a path without spaces is wanted)
endif
INPUT_SIZE := $(shell test -f $(INPUT) && test -r $(INPUT) && stat -L -c %s $(INPUT))
ifeq ($(INPUT_SIZE),)
$(error INPUT=$(INPUT) is no readable file; give the path of a text)
endif
ifneq ($(shell test $(INPUT_SIZE) -le $(INPUT_MAX) || echo big),)
$(error INPUT=$(INPUT) has $(INPUT_SIZE) bytes; board $(BOARD) takes at most $(INPUT_MAX))
endif
else ifneq ($(filter command environment,$(firstword $(origin INPUT))),)
$(error INPUT=$(INPUT): APP=$(APP) takes no INPUT (its app.mk does not say APP_INPUT := 1))
endif

# ---- its disk ------------------------------------------------------------------------------------
# Files below /sd/ for APP_DISK := 1, by a library that setup has brought. DISK=file is what QEMU puts in.
DISK ?=
FATFS := $(if $(APP_DISK),$(if $(filter host,$(HAL)),,.cache/fatfs))
ifneq ($(FATFS),$(if $(FATFS),$(patsubst %/ff.c,%,$(wildcard $(FATFS)/ff.c))))
$(error FatFs is not there: run `make setup`)
endif
ifneq ($(DISK),)
ifeq ($(QEMU_DISK),)
$(error DISK=$(DISK): board $(BOARD) has no disk that we know; rpi3, rpi4 and virt have)
endif
ifneq ($(DISK),$(wildcard $(DISK)))
$(error DISK=$(DISK): there is no such file; docs/PI.md says how one is made)
endif
endif

# ---- flags ---------------------------------------------------------------------------------------
WARN   := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Werror
COMMON := -O2 -g -I. -Iinclude -MMD -MP -ffile-prefix-map=$(CURDIR)=. \
          -fno-omit-frame-pointer -ffunction-sections -fdata-sections -fno-common $(if $(DEBUG),-DDEBUG) $(CONFIG)
APP_WARN := $(if $(IN_TREE),$(WARN),-Wall -Wextra -ffile-prefix-map=$(abspath $(APP))=$(notdir $(abspath $(APP))))

include $(if $(SAN),hal/sanitize/build.mk)

ifeq ($(HAL),aarch64)

GCC := $(CROSS_COMPILE)gcc
GCC_INCLUDE := $(shell $(GCC) -print-file-name=include 2>/dev/null)
ifeq ($(GCC_INCLUDE),)
$(error $(GCC) is not there: run `make setup`, or set CROSS_COMPILE)
endif
NEWLIB := $(shell CROSS_COMPILE=$(CROSS_COMPILE) tools/newlib.sh --prefix)
ifeq ($(NEWLIB),)
$(error newlib's source is not there: run `make setup`)
endif

# Frames must not jump a stack's guard page: gcc probes each page, clang cannot and limits the frame.
ifeq ($(LLVM),)
CC       := $(GCC)
LD       := $(CROSS_COMPILE)ld
BINTOOL  := $(CROSS_COMPILE)
CC_INCLUDE := $(GCC_INCLUDE)
CC_FLAGS := -fstack-clash-protection --param=stack-clash-protection-guard-size=12 --param=min-pagesize=0
RUNTIME_CC_FLAGS := -fno-tree-loop-distribute-patterns -falign-loops=1 -Wframe-larger-than=2048
APP_CC_FLAGS     :=
LD_FLAGS := --no-warn-rwx-segments --fix-cortex-a53-835769
else
CC       := clang --target=aarch64-none-elf
LD       := ld.lld
BINTOOL  := llvm-
CC_INCLUDE := $(shell clang -print-resource-dir 2>/dev/null)/include
ifeq ($(CC_INCLUDE),/include)
$(error clang is not there: run `make setup`, or build without LLVM=1)
endif
CC_FLAGS :=
RUNTIME_CC_FLAGS := -Wframe-larger-than=3072
APP_CC_FLAGS     := -Wframe-larger-than=3072 -Werror=frame-larger-than -Werror=vla
LD_FLAGS := -z norelro
endif

ifneq ($(and $(SAN),$(LLVM)),)
$(error SAN=$(SAN) on a machine is built by gcc: leave out LLVM=1)
endif
ARCH_FLAGS := $(if $(SAN),$(SAN_DEFS_$(SAN))) -mcpu=$(CPU) -mno-outline-atomics -fno-pic -fno-pie -fno-stack-protector \
              -fno-asynchronous-unwind-tables -fno-delete-null-pointer-checks $(CC_FLAGS) -nostdinc
# boot, hal, sched, drivers, boards: no C library, no FP or SIMD register.
RUNTIME_CFLAGS := -std=c11 $(COMMON) $(WARN) $(ARCH_FLAGS) -isystem $(CC_INCLUDE) -ffreestanding \
                  -mgeneral-regs-only $(RUNTIME_CC_FLAGS) -DIMGHDR_TEXT_OFFSET=$(TEXT_OFFSET)
# libc, sync, applications, tests: newlib, which must not take the compiler's word that this is Linux.
# gnu11, since newlib hides POSIX (strdup, usleep) from a strict c11.
NEWLIB_CFLAGS  := -std=gnu11 $(COMMON) $(ARCH_FLAGS) $(APP_CC_FLAGS) -isystem $(CC_INCLUDE) \
                  -isystem $(NEWLIB)/aarch64-none-elf/include -D__DYNAMIC_REENT__ \
                  -U__linux__ -U__linux -Ulinux -U__gnu_linux__ -U__unix__ -U__unix -Uunix
LIBC_CFLAGS    := $(NEWLIB_CFLAGS) $(WARN) -isystem .cache/fatfs -isystem libc/fat
SYNC_CFLAGS    := $(LIBC_CFLAGS)
APP_ALL_CFLAGS := $(NEWLIB_CFLAGS) $(APP_WARN) $(if $(SAN),$(SAN_FLAG_$(SAN))) $(APP_CFLAGS)

RUNTIME_SRCS := $(sort $(wildcard boot/*.[cS] boot/early/*.[cS] hal/*.[cS] hal/aarch64/*.[cS] sched/*.c sched/policy/*.c)) \
                $(DRIVERS:%=drivers/%.c) $(wildcard boards/$(BOARD)/*.c) $(if $(SAN),$(SAN_SRCS_$(SAN)))
LIBC_SRCS    := $(sort $(filter-out $(if $(APP_INPUT),,libc/input.c libc/input_file.c) \
                $(if $(APP_DISK),,libc/disk.c libc/fat.c libc/fat_port.c) $(if $(SAN),$(SAN_OMIT_$(SAN))),$(wildcard libc/*.[cS]))) \
                $(if $(SAN),$(SAN_LIBC_$(SAN)))
# libc/malloc.c stands in front of these; a sanitizer may take its place.
LIBC_WRAP    := $(if $(filter libc/malloc.c,$(LIBC_SRCS)),_malloc_r _free_r _realloc_r _mallinfo_r _malloc_stats_r _malloc_trim_r)

else # ---- HAL = host

# With a sanitizer it is clang: gcc's thread sanitizer reports races that are none.
CC      := $(if $(LLVM)$(SAN),clang,$(HOSTCC))
BINTOOL :=
SAN_LIB := $(if $(SAN),$(SAN_FLAG_$(SAN)))
HOST_FLAGS := $(COMMON) -pthread -DHAL_HOST -U_FORTIFY_SOURCE $(if $(SAN),-DSANITIZE $(SAN_DEFS_$(SAN)))
RUNTIME_CFLAGS := -std=c11 $(HOST_FLAGS) $(WARN)
PORT_CFLAGS    := $(RUNTIME_CFLAGS) -D_GNU_SOURCE
LIBC_CFLAGS    := -std=gnu11 $(HOST_FLAGS) $(WARN)
# Interrupts are polled where control flow joins: trace-pc calls hal/host there, in programs and sync/. clang
# would leave out the edge of a loop of one block. And errno is the one of the thread where a G goes on.
SWITCHED := -fsanitize-coverage=trace-pc$(if $(filter clang%,$(CC)),$(COMMA)no-prune) -isystem hal/host/include
SYNC_CFLAGS := -std=gnu11 $(HOST_FLAGS) $(WARN) $(SWITCHED)
APP_ALL_CFLAGS := -std=gnu11 $(HOST_FLAGS) $(APP_WARN) $(SWITCHED) $(SAN_LIB) $(APP_CFLAGS)

RUNTIME_SRCS := $(sort $(wildcard hal/*.[cS] hal/host/*.[cS] sched/*.c sched/policy/*.c)) $(DRIVERS:%=drivers/%.c) boards/host/board.c \
                $(if $(SAN),$(SAN_SRCS_$(SAN)))
# Of libc/ what is not glue to newlib.
LIBC_SRCS    := $(addprefix libc/,board_info.c console.c dma.c font.c framebuffer.c gpio.c i2c.c job.c pwm.c random.c \
                spi.c start.c watchdog.c $(if $(APP_INPUT),input.c))

endif

# COVERAGE=1: how often each piece of the runtime ran; tests/coverage/dump.c tells, before the machine ends.
COVERAGE_FLAGS := $(if $(COVERAGE),-fprofile-arcs -ftest-coverage -fprofile-update=atomic $(if $(filter host,$(HAL)),,-fprofile-info-section))

SYNC_SRCS := $(sort $(wildcard sync/*.c))

runtime_flags = $(if $(filter hal/host/% boards/host/%,$1),$(PORT_CFLAGS),$(RUNTIME_CFLAGS))
flags = $(if $(filter libc/%,$1),$(LIBC_CFLAGS),$(if $(filter sync/%,$1),$(SYNC_CFLAGS),$(call runtime_flags,$1))) \
        $(if $(filter boot/early/%,$1),-mstrict-align,$(COVERAGE_FLAGS)) $(if $(SAN),$(call san_flags,$1)) \
        $(if $(and $(filter sched/%,$1),$(findstring CONFIG_SIM,$(CONFIG))),-Itests/sim)

# Which objects get the runtime's own memcpy and so on (below).
own_copies = $(if $(filter libc/% sync/%,$1),,$(if $(filter host,$(HAL)),$(if $(SAN),$(call san_plain,$1)),$1))

# ---- rules ---------------------------------------------------------------------------------------
RUNTIME_OBJS := $(RUNTIME_SRCS:%=$(OUT)/%.o)
LIBC_OBJS    := $(LIBC_SRCS:%=$(OUT)/%.o)
SYNC_OBJS    := $(SYNC_SRCS:%=$(OUT)/%.o)
APP_OBJS     := $(APP_SRCS:%=$(APP_OUT)/%.o) $(if $(APP_INPUT),$(APP_OUT)/input.o)
FATFS_OBJS   := $(FATFS:%=$(OUT)/fatfs/ff.o)
OBJS         := $(RUNTIME_OBJS) $(LIBC_OBJS) $(FATFS_OBJS) $(SYNC_OBJS) $(APP_OBJS)
IMAGE_FILE   := $(APP_OUT)/$(IMAGE)
SETTINGS     := Makefile boards/$(BOARD)/board.mk $(if $(SAN),hal/sanitize/build.mk)

.PHONY: all run screenshot debug jtag gdb-jtag sdcard flash chainboot size disasm runtime-objects image-path FORCE
all: $(IMAGE_FILE) ## build APP for BOARD (the default verb)
runtime-objects: $(RUNTIME_OBJS) $(CHAIN_OBJS)
image-path:
	@echo $(IMAGE_FILE)

# libc/start.c calls the program's main() by another name: on the host the process has one already. Renamed
# in the object, since a compiler gives the word main its own meaning (it returns 0 at its end).
$(APP_SRCS:%=$(APP_OUT)/%.o): $(APP_OUT)/%.o: $(APP)/% $(SETTINGS) $(wildcard $(APP)/app.mk) | $(if $(NEWLIB),$(NEWLIB)/done)
	$(call say,$(if $(filter %.S,$<),AS,CC),$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(APP_ALL_CFLAGS) -c -o $@ $<
	$(Q)$(BINTOOL)objcopy --redefine-sym main=app_main $@

# A compiler calls memcpy and memset even when told to be freestanding. The C library's use SIMD registers,
# so in the runtime's objects these names become hal_memcpy and so on: its own integer copies.
OWN_COPIES := $(foreach f,memcpy memmove memset memcmp,--redefine-sym $f=hal_$f)
$(RUNTIME_OBJS) $(LIBC_OBJS) $(SYNC_OBJS): $(OUT)/%.o: % $(SETTINGS) | $(if $(NEWLIB),$(NEWLIB)/done)
	$(call say,$(if $(filter %.S,$<),AS,CC),$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(call flags,$<) -c -o $@ $<
	$(if $(call own_copies,$<),$(Q)$(BINTOOL)objcopy $(OWN_COPIES) $@)

$(FATFS_OBJS): $(OUT)/fatfs/%.o: $(FATFS)/%.c libc/fat/ffconf.h $(SETTINGS) | $(NEWLIB)/done
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NEWLIB_CFLAGS) -isystem libc/fat -c -o $@ $<

$(APP_OUT)/input.S: $(INPUT) $(APP_OUT)/input.path tools/input.py
	$(call say,INPUT,$(INPUT))
	$(Q)tools/input.py $(INPUT) > $@

$(APP_OUT)/input.path: FORCE
	@mkdir -p $(@D)
	@echo '$(INPUT)' | cmp -s - $@ || echo '$(INPUT)' > $@

# What a tool has written: the input, the symbol table.
$(addprefix $(APP_OUT)/,input.o symtab.o symtab0.o): %.o: %.S
	$(Q)$(CC) $(ARCH_FLAGS) -c -o $@ $<

ifeq ($(HAL),host)

$(IMAGE_FILE): $(OBJS)
	$(call say,LINK,$@)
	$(Q)$(CC) -pthread -rdynamic $(SAN_LIB) $(APP_WRAP:%=-Wl,--wrap=%) $(if $(COVERAGE),--coverage) -o $@ $(OBJS) -lm

else

# The loader of boards that start from a card: what it needs of the runtime, built for a core without MMU.
CHAIN_IMAGE := $(if $(CHAIN_ADDR),$(OUT)/chain/chain.img)
CHAIN_SRCS  := $(if $(CHAIN_ADDR),$(sort $(wildcard boot/chain/*.[cS])) hal/string.c hal/aarch64/semihost_call.S \
               $(DRIVERS:%=drivers/%.c) boards/$(BOARD)/board.c)
CHAIN_OBJS  := $(CHAIN_SRCS:%=$(OUT)/chain/%.o)
$(CHAIN_OBJS): $(OUT)/chain/%.o: % $(SETTINGS) | $(NEWLIB)/done
	$(call say,$(if $(filter %.S,$<),AS,CC),$< (loader))
	@mkdir -p $(@D)
	$(Q)$(CC) $(RUNTIME_CFLAGS) -Os -mstrict-align -DLOAD_ADDR=$(LOAD_ADDR) -c -o $@ $<
	$(Q)$(BINTOOL)objcopy $(OWN_COPIES) $@

$(OUT)/chain/link.ld: linker/chain.ld.S $(SETTINGS)
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -x assembler-with-cpp -undef -DCHAIN_ADDR=$(CHAIN_ADDR) -o $@ $<

$(OUT)/chain/chain.elf: $(CHAIN_OBJS) $(OUT)/chain/link.ld
	$(call say,LINK,$@)
	$(Q)$(LD) -static -nostdlib -T $(OUT)/chain/link.ld -z noexecstack --build-id=none --gc-sections --fatal-warnings \
	    $(LD_FLAGS) $(CHAIN_OBJS) -Map $@.map -o $@

$(OUT)/chain/chain.img: $(OUT)/chain/chain.elf
	$(Q)$(BINTOOL)objcopy -O binary $< $@

$(NEWLIB)/done:
	@CROSS_COMPILE=$(CROSS_COMPILE) tools/newlib.sh > /dev/null

$(OUT)/link.ld: linker/aarch64.ld.S $(SETTINGS)
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -x assembler-with-cpp -undef -I. -MMD -MP -MT $@ -MF $@.d -DLOAD_ADDR=$(LOAD_ADDR) -o $@ $<

# Linked twice: the first link has an empty symbol table, from its symbols the second's is made. The
# table lies behind all code and constants, so that no function moves between them; symtab.py checks it.
link = $(LD) -static -nostdlib -T $(OUT)/link.ld -z max-page-size=4096 -z noexecstack --build-id=none \
       --gc-sections --fix-cortex-a53-843419 --fatal-warnings $(LD_FLAGS) $(patsubst %,--wrap=%,$(APP_WRAP) $(LIBC_WRAP) $(if $(SAN),$(SAN_WRAP_$(SAN)))) $(OBJS) $1 \
       --start-group $(NEWLIB)/aarch64-none-elf/lib/libc.a $(NEWLIB)/aarch64-none-elf/lib/libm.a \
       $(shell $(GCC) -print-libgcc-file-name) --end-group -Map $@.map -o $@

$(APP_OUT)/symtab0.S: tools/symtab.py
	@mkdir -p $(@D)
	$(Q)tools/symtab.py > $@
$(APP_OUT)/pass1.elf: $(OBJS) $(OUT)/link.ld $(APP_OUT)/symtab0.o
	$(Q)$(call link,$(APP_OUT)/symtab0.o)
$(APP_OUT)/symtab.S: $(APP_OUT)/pass1.elf tools/symtab.py
	$(Q)$(BINTOOL)nm -n $< | tools/symtab.py - > $@
$(APP_OUT)/app.elf: $(APP_OUT)/symtab.o $(APP_OUT)/pass1.elf
	$(call say,LINK,$@)
	$(Q)$(call link,$<)
	$(Q)$(BINTOOL)nm -n $@ | tools/symtab.py --verify $(APP_OUT)/symtab.S -

$(IMAGE_FILE): $(APP_OUT)/app.elf
	$(call say,IMAGE,$@)
	$(Q)$(BINTOOL)objcopy -O binary $< $@

endif

# ---- verbs of a board ----------------------------------------------------------------------------
RUN := tools/run.py --board $(BOARD) --image $(IMAGE_FILE) --smp $(SMP) --gic $(GIC) $(DISK:%=--disk %)
run: $(IMAGE_FILE) ## build and run it in QEMU; without a terminal it ends with the program's status
	@$(RUN) --interactive --args="$$ARGS"

CARD_KERNEL := $(or $(if $(CHAIN),$(CHAIN_IMAGE)),$(IMAGE_FILE))
CARD := $(dir $(CARD_KERNEL))sdcard.img
CARD_MAKE = tools/sdcard.py --board $(BOARD) --kernel $(CARD_KERNEL) --args="$$ARGS" $(if $(JTAG),--jtag) --out $(CARD)
sdcard: $(CARD_KERNEL) ## the image of an SD card that starts it: BOARD=rpi3|rpi4; CHAIN=1 with the loader for make chainboot
	@$(CARD_MAKE)

flash: $(CARD_KERNEL) ## the same, written to the card in DEV=/dev/sdX after a question; DRY_RUN=1 only tells
	@$(CARD_MAKE) > /dev/null
	@tools/flash.py --image $(CARD) $(if $(DRY_RUN),--dry-run) --device '$(DEV)'

chainboot: $(IMAGE_FILE) ## send it over PORT=/dev/ttyUSB0 to the loader on a Pi's card, and be its terminal
	@tools/chainboot.py --board $(BOARD) --port '$(PORT)' --image $(IMAGE_FILE) --args="$$ARGS"

ELF := $(if $(filter host,$(HAL)),$(IMAGE_FILE),$(APP_OUT)/app.elf)
# The record and what is made of it: build/trace/APP-BOARD.*
RECORDED = --board $(BOARD) --image $(IMAGE_FILE) --elf $(ELF) --smp $(SMP) --gic $(GIC) \
    --out build/trace/$(notdir $(abspath $(APP)))-$(BOARD)
RECORD = tools/trace.py --run $(RECORDED)
trace: $(IMAGE_FILE) ## what each core does while APP runs: checked, drawn, for ui.perfetto.dev; docs/TRACE.md
	@$(RECORD) --args="trace=131072 $$ARGS" --check --gantt --gs --make-pictures

AFTER ?= $(if $(WHEN),0,5)
screenshot: $(IMAGE_FILE) ## what APP shows on the Pi's screen, as build/screenshot/APP-BOARD.png; KEYS='...\r' are typed, WHEN=text AFTER=seconds
	@tools/screenshot.py --board $(BOARD) --image $(IMAGE_FILE) --args="$$ARGS" --keys '$(KEYS)' --when '$(WHEN)' --after $(AFTER) \
	    --out build/screenshot/$(notdir $(abspath $(APP)))-$(BOARD).png

KIND   ?= cpu
HZ     ?= 1000
SOURCE ?= samples
FLAME_samples = $(RECORD) --args="$(if $(filter cpu,$(KIND)),profile=$(HZ),trace=131072 blockprofile=1) $$ARGS" --profile $(or $(filter cpu block mutex,$(KIND)),$(error KIND=$(KIND) is unknown; it is one of: cpu block mutex))
FLAME_qemu    = tools/counts.py $(RECORDED) --args="$$ARGS"
flame: $(IMAGE_FILE) ## a flame graph of APP: KIND=cpu (HZ=1000 samples a second), block (waits) or mutex; SOURCE=qemu: instructions that it counts
	@$(or $(FLAME_$(SOURCE)),$(error SOURCE=$(SOURCE) is unknown; it is one of: samples qemu))

debug: $(IMAGE_FILE) ## the same under gdb, which knows Gs: docs/DEBUGGING.md; DUMP=file: of a memory dump; DEBUGGER=none: waits
	@tools/debug.py --board $(BOARD) --image $(IMAGE_FILE) --elf $(ELF) --smp $(SMP) --gic $(GIC) --debugger="$(DEBUGGER)" \
	    --dump="$(DUMP)" --args="$$ARGS"

jtag: $(IMAGE_FILE) ## load it into a Pi over JTAG, ADAPTER=name, and start it; ATTACH=1: only look; docs/JTAG.md
	@tools/jtag.py --board $(BOARD) --adapter '$(ADAPTER)' --image $(IMAGE_FILE) $(if $(ATTACH),--attach)

gdb-jtag: $(IMAGE_FILE) ## gdb, which knows Gs, for what make jtag holds
	@tools/debug.py --board $(BOARD) --image $(IMAGE_FILE) --elf $(ELF) --debugger="$(DEBUGGER)" --remote localhost:3333

size: $(IMAGE_FILE) ## what the image consists of
	@$(BINTOOL)size $(ELF)

disasm: $(IMAGE_FILE) ## its machine code, with sources
	@$(BINTOOL)objdump -d -S $(ELF)

# For editors and clangd.
compile_commands.json: FORCE ## what each source of BOARD and APP is compiled with
	@{ echo '['; { $(foreach s,$(RUNTIME_SRCS) $(LIBC_SRCS) $(SYNC_SRCS),$(call compdb,$s,$(call flags,$s))) \
	   $(foreach s,$(APP_SRCS),$(call compdb,$(APP)/$s,$(APP_ALL_CFLAGS))) } | sed '$$s/,$$//'; echo ']'; } > $@
compdb = echo '{"directory": "$(CURDIR)", "file": "$1", "command": "$(CC) $(strip $2) -c $1"},';

-include $(OBJS:.o=.d) $(OUT)/link.ld.d
endif # BOARD_VERBS
endif # setup
