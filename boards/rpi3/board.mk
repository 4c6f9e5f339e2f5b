# Raspberry Pi 3B, 3B+, 3A+ and Zero 2 W: BCM2837 or RP3A0, 4x Cortex-A53, spin table.
# Data only: the Makefile and tools/run.py both read it, as lines of NAME := value.
TITLE       := Raspberry Pi 3
HAL         := aarch64
CPU         := cortex-a53
DRIVERS     := bcm2836 bcm2835_ic pl011 mini_uart pi_dma pi_facts pi_framebuffer pi_gpio pi_i2c pi_led pi_mailbox pi_pm pi_pwm pi_soc pi_spi pi_systimer bcm2835_rng sdhci spin_table semihost
IMAGE       := kernel8.img
LOAD_ADDR   := 0x80000
TEXT_OFFSET := 0x80000
INPUT_MAX   := 268435456
RUN_KERNEL  := raw
QEMU        := -M raspi3b -m 1G -smp 4
QEMU_MIN    := 6
CORES       := 4
QEMU_DISK   := -drive if=sd,format=raw,file=$(DISK)
SCREEN      := 1
FIRMWARE    := bootcode.bin start.elf fixup.dat
CHAIN_ADDR  := 0x14000000
