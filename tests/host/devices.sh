#!/usr/bin/env bash
# The Pis' drivers beside models of their devices, as the manuals describe them: what QEMU does not model, or forgives.
# boards: host
. "$(dirname "$0")/lib.sh"

# No PIE: what a device reads lies below 1 GiB, as on a Pi.
gcc -std=gnu11 -g -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover=all -no-pie \
    -Itests/devices -I. -Iinclude tests/devices/*.c \
    drivers/{pi_gpio,bcm2835_rng,rng200,pi_pm,pi_systimer,pi_spi,pi_i2c,pi_pwm,pi_led,pi_dma,pi_mailbox,pi_framebuffer,sdhci}.c \
    -o "$work/devices"
"$work/devices"
