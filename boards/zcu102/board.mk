# Xilinx ZCU102: Zynq UltraScale+, 4x Cortex-A53, GIC-400, PSCI by SMC.
TITLE       := Xilinx ZCU102
HAL         := aarch64
CPU         := cortex-a53
DRIVERS     := gicv2 cadence_uart psci semihost
IMAGE       := zcu102.img
LOAD_ADDR   := 0x80000
TEXT_OFFSET := 0x80000
INPUT_MAX   := 268435456
RUN_KERNEL  := raw
QEMU        := -M xlnx-zcu102 -m 1G -smp 4
QEMU_NICS   := 4
QEMU_MIN    := 5
CORES       := 4
