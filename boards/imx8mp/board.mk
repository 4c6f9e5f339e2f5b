# NXP i.MX 8M Plus EVK: 4x Cortex-A53, GICv3, PSCI by SMC. Raw image alone: an ELF starts at EL3,
# where QEMU offers no way to start the other cores. The console is UART2, QEMU's second.
TITLE       := NXP i.MX 8M Plus EVK
HAL         := aarch64
CPU         := cortex-a53
DRIVERS     := gicv3 imx_uart psci semihost
IMAGE       := imx8mp.img
LOAD_ADDR   := 0x40080000
TEXT_OFFSET := 0x80000
INPUT_MAX   := 268435456
RUN_KERNEL  := raw
QEMU        := -M imx8mp-evk -m 1G -smp 4
QEMU_SERIAL := -serial null
QEMU_NICS   := 1
QEMU_MIN    := 10
CORES       := 4
