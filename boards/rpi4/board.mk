# Raspberry Pi 4B, 400, CM4: BCM2711, 4x Cortex-A72, GIC-400, spin table.
TITLE       := Raspberry Pi 4
HAL         := aarch64
CPU         := cortex-a72
DRIVERS     := gicv2 pl011 mini_uart pi_dma pi_facts pi_framebuffer pi_gpio pi_i2c pi_led pi_mailbox pi_pm pi_pwm pi_soc pi_spi pi_systimer rng200 sdhci spin_table semihost
IMAGE       := kernel8.img
LOAD_ADDR   := 0x80000
TEXT_OFFSET := 0x80000
INPUT_MAX   := 268435456
RUN_KERNEL  := raw
QEMU        := -M raspi4b -m 2G -smp 4
QEMU_MIN    := 9
CORES       := 4
QEMU_DISK   := -drive if=sd,format=raw,file=$(DISK)
SCREEN      := 1
FIRMWARE    := start4.elf fixup4.dat
CHAIN_ADDR  := 0x14000000
