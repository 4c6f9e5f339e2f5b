# QEMU's virt machine: GIC=2 or GIC=3, SMP=1 to 8, PSCI, device tree.
# The image starts 2 MiB into RAM: QEMU puts the device tree below an ELF only where it leaves 1 MiB
# free, and a raw image goes to RAM + TEXT_OFFSET, so that one link address serves both.
TITLE       := QEMU virt
HAL         := aarch64
CPU         := cortex-a53
DRIVERS     := gicv2 gicv3 pl011 pl061 psci semihost virtio virtio_disk virtio_random
IMAGE       := virt.img
LOAD_ADDR   := 0x40200000
TEXT_OFFSET := 0x200000
INPUT_MAX   := 268435456
RUN_KERNEL  := raw
QEMU        := -M virt,gic-version=$(GIC) -cpu cortex-a53 -m 1G -smp $(SMP) -device virtio-rng-device
QEMU_MIN    := 5
CORES       := 4
QEMU_DISK   := -drive if=none,id=disk,format=raw,file=$(DISK) -device virtio-blk-device,drive=disk
