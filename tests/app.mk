# The test suite as one application; what only makes sense on AArch64, or with newlib, is left out of the
# host's.
APP_SRCS := $(notdir $(wildcard $(APP)/*.c)) $(if $(COVERAGE),coverage/dump.c)
ifeq ($(HAL),aarch64)
APP_SRCS += $(patsubst $(APP)/%,%,$(wildcard $(APP)/aarch64/*.c $(APP)/libc/*.c))
# A text, for the test of /input.
APP_INPUT := 1
endif
# test_contexts.c, libc/test_board.c catch what they say.
APP_WRAP := must_not_block check_g mem_alloc mem_free $(if $(COVERAGE),hal_exit)
ifeq ($(HAL),aarch64)
APP_WRAP += job_do
endif
