/* tests/devices/model.c - who answers at which address, and in which order the tests run. */
#include "tests/devices/model.h"

#define MODELS 4

static const struct model *models[MODELS];
static unsigned used;

uint64_t model_ticks;

static const char *inside;          /* the call under test; NULL: none */
static bool fenced;                 /* since its begin */
static const struct model *touched; /* since the latest barrier; NULL: none */

void model_use(const struct model *m) {
    WANT(used < MODELS);
    models[used++] = m;
}

static const struct model *at(uintptr_t a) {
    for (unsigned i = 0; i < used; i++) {
        if (a >= models[i]->base && a - models[i]->base < models[i]->size) {
            if (!fenced) {
                printf("FAIL %s: no DMB before the first access\n", inside);
                exit(1);
            }
            if (touched != NULL && touched != models[i]) {
                printf("FAIL %s: no DMB between %s and %s\n", inside, touched->name, models[i]->name);
                exit(1);
            }
            return touched = models[i];
        }
    }
    printf("FAIL %s: nothing is at %#lx\n", inside, (unsigned long)a);
    exit(1);
}

uint32_t model_read(uintptr_t a) {
    const struct model *m = at(a);
    return m->read((uint32_t)(a - m->base));
}

void model_write(uintptr_t a, uint32_t v) {
    const struct model *m = at(a);
    m->write((uint32_t)(a - m->base), v);
}

void model_clean(const void *p, size_t size) {
    for (unsigned i = 0; i < used; i++) {
        if (models[i]->clean != NULL) {
            models[i]->clean(p, size);
        }
    }
}

void model_barrier(void) {
    fenced = true;
    touched = NULL;
}

void model_enter(const char *call) {
    inside = call;
    fenced = false;
    touched = NULL;
}

void model_leave(void) {
    if (touched != NULL) {
        printf("FAIL %s: no DMB after the last access\n", inside);
        exit(1);
    }
}

static const struct {
    const char *what;
    void (*fn)(void);
} tests[] = {
    {"GPIO: pulls of both chips", gpio_pulls},
    {"GPIO: edges", gpio_edges},
    {"SD host controller: cards, old and new, slow to start, not there", sdhci_cards},
    {"SD host controller: gets over errors", sdhci_errors},
    {"random numbers of the BCM2835", rng_of_bcm2835},
    {"random numbers of the BCM2711", rng_of_bcm2711},
    {"watchdog, reset, last reset", watchdog},
    {"system timer", system_timer},
    {"SPI: bytes there and back, none lost", spi_bytes},
    {"I2C: bytes, nobody, a clock that is held; no storm of interrupts", i2c_bytes},
    {"DMA: block, end, errors", dma_copies},
    {"PWM: clock and channels", pwm_pulses},
    {"LED: which one, how often", boot_led},
    {"mailbox: questions and answers, polled and parked", firmware_answers},
    {"mailbox: a picture, or none", firmware_shows},
};

int main(void) {
    for (unsigned i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        used = 0;
        tests[i].fn();
        printf("ok   %s\n", tests[i].what);
    }
    return 0;
}
