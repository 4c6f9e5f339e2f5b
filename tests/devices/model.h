/*
 * tests/devices/model.h - Pi devices in software, as their manuals describe them, for the drivers alone: what QEMU
 * does not model, or forgives. Built for this computer by tests/host/devices.sh; the drivers are the boards' own,
 * their hal/mmio.h and hal/aarch64/insn.h are the ones beside this file.
 *
 * A model refuses what the manual forbids. For all of them holds HAZARDS 35: whoever calls a driver may have come from
 * another peripheral, so CALL() wants a DMB before its first access and after its last, and between two peripherals.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A device: its registers, from base on. */
struct model {
    const char *name;
    uintptr_t base, size;
    uint32_t (*read)(uint32_t offset);
    void (*write)(uint32_t offset, uint32_t value);
    void (*clean)(const void *p,
                  size_t size); /* what the program has written is in memory from now on, and what the
                                                  device has is what the program sees. NULL: it reads no memory */
};

/* The devices of the test that runs; at most four. */
void model_use(const struct model *m);

uint32_t model_read(uintptr_t a);
void model_write(uintptr_t a, uint32_t v);
void model_barrier(void);
void model_clean(const void *p, size_t size);

#define MODEL_HZ 1000000u
extern uint64_t model_ticks; /* microseconds */

void model_enter(const char *call);
void model_leave(void);
#define CALL(call) (model_enter(#call), (call), model_leave())

#define WANT(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #cond);                                 \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* The tests. */
void gpio_pulls(void), gpio_edges(void);
void sdhci_cards(void), sdhci_errors(void);
void rng_of_bcm2835(void), rng_of_bcm2711(void);
void watchdog(void), system_timer(void);
void spi_bytes(void), i2c_bytes(void), pwm_pulses(void);
void dma_copies(void);
void boot_led(void);
void firmware_answers(void), firmware_shows(void);

/* The firmware behind the mailbox, and what it does with a tag: the bytes of its answer, which is in values; or -1, it does not
 * know the tag. */
extern const struct model firmware;
extern int (*firmware_does)(uint32_t tag, uint32_t *values, unsigned n);
#define FIRMWARE 0xb880u
