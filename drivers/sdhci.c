/*
 * drivers/sdhci.c - SD cards behind an SD host controller, without DMA.
 *
 * Source of the registers: SD Specifications, Part A2, SD Host Controller Simplified Specification 3.00, chapter 2; the
 * BCM283x's, which takes accesses of 32 bits alone: BCM2835 ARM Peripherals, chapter 5. Of the cards: Part 1,
 * Physical Layer Simplified Specification 6.00, chapters 4 and 5.
 *
 * The data goes through the processor, a sector for each interrupt: the BCM283x's controller has no DMA of its own.
 * Cards run at default speed, 25 MHz and four wires.
 */
#include "drivers/sdhci.h"

#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define BLOCKS       0x04u /* 31:16 number, 9:0 bytes of one */
#define ARGUMENT     0x08u
#define COMMAND      0x0cu /* and transfer mode */
#define RESPONSE(i)  (0x10u + 4 * (i))
#define DATA         0x20u
#define STATE        0x24u
#define STATE_CMD    (1u << 0) /* a command is on its way */
#define STATE_DAT    (1u << 1) /* data are, or the card is busy */
#define STATE_SPACE  (1u << 10)
#define STATE_FILLED (1u << 11)
#define HOST         0x28u
#define HOST_4_WIRES (1u << 1)
#define HOST_POWER   (0xfu << 8) /* on, 3.3 V */
#define CONTROL      0x2cu
#define CLOCK_ON     (1u << 0)
#define CLOCK_STABLE (1u << 1)
#define CLOCK_OUT    (1u << 2)
#define CLOCK_SHIFT  8u /* divisor / 2, bits 7:0 here, 9:8 in 7:6 */
#define CLOCK_MASK   (0xffu << 8 | 3u << 6)
#define TIMEOUT_LONG (0xeu << 16)
#define RESET_ALL    (1u << 24)
#define RESET_LINES  (3u << 25) /* command and data circuits */
#define EVENTS       0x30u      /* a one clears */
#define EVENTS_KEPT  0x34u
#define EVENTS_RAISE 0x38u /* which of them raise the line */
#define COMMAND_DONE (1u << 0)
#define ALL_DONE     (1u << 1)
#define WRITE_READY  (1u << 4)
#define READ_READY   (1u << 5)
#define ERRORS       0xffff8000u

/* Commands: number, what response, what else. */
#define CMD(n)      ((uint32_t)(n) << 24)
#define NO_RESPONSE 0u
#define LONG        (1u << 16 | 1u << 19) /* 136 bits, with check sum */
#define UNCHECKED   (2u << 16)
#define SHORT       (2u << 16 | 3u << 19) /* with check sum and number */
#define SHORT_BUSY  (3u << 16 | 3u << 19)
#define WITH_DATA   (1u << 21)
#define ABORTS      (3u << 22)
#define SEVERAL     (1u << 5 | 1u << 2 | 1u << 1) /* blocks, counted, and CMD12 at the end */
#define FROM_CARD   (1u << 4)

#define GO_IDLE       (CMD(0) | NO_RESPONSE)
#define SEND_CIDS     (CMD(2) | LONG)
#define SEND_ADDRESS  (CMD(3) | SHORT)
#define SET_WIRES     (CMD(6) | SHORT) /* behind CMD55, as the next two of the same kind */
#define SELECT        (CMD(7) | SHORT_BUSY)
#define SEND_IF       (CMD(8) | SHORT)
#define SEND_CSD      (CMD(9) | LONG)
#define STOP          (CMD(12) | SHORT_BUSY | ABORTS)
#define SEND_STATUS   (CMD(13) | SHORT)
#define SET_BLOCK     (CMD(16) | SHORT)
#define READ_SECTORS  (CMD(18) | SHORT | WITH_DATA | SEVERAL | FROM_CARD)
#define WRITE_SECTORS (CMD(25) | SHORT | WITH_DATA | SEVERAL)
#define OPERATE       (CMD(41) | UNCHECKED)
#define APPLICATION   (CMD(55) | SHORT)

#define IF_3V3      0x1aau      /* 2.7 to 3.6 V, and a pattern that comes back */
#define WE_CAN      0x40ff8000u /* large cards, 2.7 to 3.6 V */
#define POWERED_UP  (1u << 31)
#define LARGE       (1u << 30)
#define CARD_ERRORS 0xe4f80000u /* in the status that a card answers with */
#define BEYOND      (1u << 31) /* of those; a card may say so of what it has read ahead, at its end */

#define SLOW_HZ    400000u
#define SPACING_US 10u /* twice what is needed, as the counter may start before the write arrives */
#define WARM_UP_US                                                                                 \
    5000u /* 74 clocks of the slow one; what a card's supply takes, and a Pi 4's pins to 3.3 V */
#define FAST_HZ       25000000u
#define POLLS         1000000u /* a tenth of a second at least */
#define OPERATE_TRIES 100u

/* Whoever the floor above lets call us. */
static struct card {
    uint8_t *buffer;
    uint32_t clock;   /* input, Hz */
    bool slow;        /* at SLOW_HZ */
    unsigned tries;   /* of OPERATE so far; 0: not begun */
    uint32_t address; /* RCA, in the upper half */
    bool in_sectors;  /* or its addresses are in bytes */
    uint32_t csd;     /* what stands in RESPONSE(3), unless the controller puts something there */
    bool write;       /* the request, and how far it is */
    unsigned n, moved;
} card;

static uint32_t get(const struct disk *d, uint32_t reg) {
    return mmio_read32(d->base + reg);
}

static void wait_us(uint64_t us) {
    uint64_t until = insn_counter() + insn_counter_hz() * us / 1000000;
    while (insn_counter() < until) {
    }
}

/* The BCM283x forgets a write that comes within two of the card's clocks after another, except data: 5 us at the slow
 * one, 80 ns at the fast, where two reads are enough: each takes 50 ns or more. */
static void put(const struct disk *d, uint32_t reg, uint32_t value) {
    mmio_write32(d->base + reg, value);
    (void)get(d, STATE);
    (void)get(d, STATE);
    if (card.slow) {
        wait_us(SPACING_US);
    }
}

static bool wait_for(const struct disk *d, uint32_t reg, uint32_t mask, uint32_t want) {
    for (unsigned i = 0; i < POLLS; i++) {
        if ((get(d, reg) & mask) == want) {
            return true;
        }
    }
    return false;
}

/* ---- commands -------------------------------------------------------------------------------- */

static void issue(const struct disk *d, uint32_t command, uint32_t argument) {
    put(d, EVENTS, ~0u);
    put(d, ARGUMENT, argument);
    put(d, COMMAND, command);
}

/* Without data, to its end. */
static bool tell(const struct disk *d, uint32_t command, uint32_t argument) {
    bool ends_others = (command & ABORTS) == ABORTS;
    if (!wait_for(d, STATE, ends_others ? STATE_CMD : STATE_CMD | STATE_DAT, 0)) {
        return false;
    }
    issue(d, command, argument);
    for (unsigned i = 0; i < POLLS; i++) {
        uint32_t seen = get(d, EVENTS);
        if ((seen & ERRORS) != 0) {
            return false;
        }
        if ((seen & COMMAND_DONE) != 0) {
            return wait_for(d, STATE, STATE_DAT, 0); /* a card may be busy after its answer */
        }
    }
    return false;
}

static bool tell_application(const struct disk *d, uint32_t command, uint32_t argument) {
    return tell(d, APPLICATION, card.address) && tell(d, command, argument);
}

/* ---- init ------------------------------------------------------------------------------------ */

static bool reset(const struct disk *d, uint32_t what) {
    put(d, CONTROL, get(d, CONTROL) | what);
    return wait_for(d, CONTROL, what, 0);
}

static bool set_clock(const struct disk *d, uint32_t hz) {
    uint32_t half = card.clock <= hz ? 0 : (card.clock + 2 * hz - 1) / (2 * hz);
    uint32_t control = get(d, CONTROL) & ~CLOCK_OUT; /* the divisor changes while nothing goes out */
    put(d, CONTROL, control);
    control = (control & ~CLOCK_MASK) | TIMEOUT_LONG | CLOCK_ON;
    control |= (half & 0xff) << CLOCK_SHIFT | (half >> 8 & 3) << 6;
    put(d, CONTROL, control);
    if (!wait_for(d, CONTROL, CLOCK_STABLE, CLOCK_STABLE)) {
        return false;
    }
    put(d, CONTROL, control | CLOCK_OUT);
    card.slow = hz == SLOW_HZ;
    return true;
}

static enum disk_result wake_up(const struct disk *d, const struct disk_memory *m) {
    card =
        (struct card){.buffer = m->data, .slow = true, .clock = d->prepare != NULL ? d->prepare() : 0};
    if (card.clock == 0 || !reset(d, RESET_ALL)) {
        return DISK_FAILED;
    }
    put(d, HOST, HOST_POWER);
    put(d, EVENTS_RAISE, 0);
    put(d, EVENTS_KEPT, ~0u);
    if (!set_clock(d, SLOW_HZ)) {
        return DISK_FAILED;
    }
    wait_us(WARM_UP_US); /* a card wants 74 clocks before its first command */
    if (!tell(d, GO_IDLE, 0)) {
        return DISK_FAILED;
    }
    if (!tell(d, SEND_IF, IF_3V3) || get(d, RESPONSE(0)) != IF_3V3) {
        return DISK_NONE; /* or one from before 2006 */
    }
    card.tries = 1;
    return DISK_BUSY;
}

/* Bits high to low of the CSD, whose lowest eight the controller keeps to itself. */
static uint32_t csd(const struct disk *d, unsigned high, unsigned low) {
    unsigned at = low - 8, width = high - low + 1;
    uint64_t two = get(d, RESPONSE(at / 32));
    if (at / 32 < 3) {
        two |= (uint64_t)get(d, RESPONSE(at / 32 + 1)) << 32;
    }
    return (uint32_t)(two >> at % 32) & ((1u << width) - 1);
}

static uint64_t sectors(const struct disk *d) {
    if (csd(d, 127, 126) != 0) {
        return ((uint64_t)csd(d, 69, 48) + 1) * 1024;
    }
    return ((uint64_t)csd(d, 73, 62) + 1) << (csd(d, 49, 47) + 2) << csd(d, 83, 80) >> 9;
}

static enum disk_result take_over(const struct disk *d, struct disk_found *out) {
    if (!tell(d, SEND_CIDS, 0) || !tell(d, SEND_ADDRESS, 0)) {
        return DISK_FAILED;
    }
    card.address = get(d, RESPONSE(0)) & 0xffff0000;
    if (!tell(d, SEND_CSD, card.address)) {
        return DISK_FAILED;
    }
    *out = (struct disk_found){sectors(d), d->line};
    card.csd = get(d, RESPONSE(3));
    if (!tell(d, SELECT, card.address) || !tell(d, SET_BLOCK, DISK_SECTOR) ||
        !tell_application(d, SET_WIRES, 2)) {
        return DISK_FAILED;
    }
    put(d, HOST, get(d, HOST) | HOST_4_WIRES);
    return set_clock(d, FAST_HZ) ? DISK_DONE : DISK_FAILED;
}

static enum disk_result sdhci_init(const struct disk *d, const struct disk_memory *m,
                                   struct disk_found *out) {
    insn_dmb_sy();
    enum disk_result result;
    if (card.tries == 0) {
        result = wake_up(d, m);
    } else if (!tell_application(d, OPERATE, WE_CAN) || ++card.tries > OPERATE_TRIES) {
        result = DISK_FAILED;
    } else if ((get(d, RESPONSE(0)) & POWERED_UP) == 0) {
        result = DISK_BUSY;
    } else {
        card.in_sectors = (get(d, RESPONSE(0)) & LARGE) != 0;
        result = take_over(d, out);
    }
    if (result != DISK_BUSY) {
        card.tries = 0; /* the next call begins anew */
    }
    insn_dmb_sy();
    return result;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void sdhci_begin(const struct disk *d, bool write, uint64_t sector, unsigned n) {
    insn_dmb_sy();
    card.write = write;
    card.n = n;
    card.moved = 0;
    (void)wait_for(d, STATE, STATE_CMD | STATE_DAT, 0); /* if not, no interrupt comes */
    put(d, BLOCKS, n << 16 | DISK_SECTOR);
    put(d, EVENTS_RAISE, ERRORS | ALL_DONE | (write ? WRITE_READY : READ_READY));
    issue(d, write ? WRITE_SECTORS : READ_SECTORS,
          (uint32_t)(card.in_sectors ? sector : sector * DISK_SECTOR));
    insn_dmb_sy();
}

static void move_sector(const struct disk *d) {
    uint8_t *at = card.buffer + (size_t)card.moved++ * DISK_SECTOR;
    for (unsigned i = 0; i < DISK_SECTOR; i += 4) {
        if (card.write) {
            mmio_write32(d->base + DATA, *(const uint32_t *)(const void *)(at + i));
        } else {
            *(uint32_t *)(void *)(at + i) = get(d, DATA);
        }
    }
}

/* What went wrong while the data went, a card tells in its answer to the CMD12 that the controller sends; that to the
 * command itself knows of earlier things alone. A controller that keeps it to itself leaves the CSD there. */
static bool card_complains(const struct disk *d) {
    uint32_t last = get(d, RESPONSE(3));
    return (get(d, RESPONSE(0)) & CARD_ERRORS) != 0 ||
           (last != card.csd && (last & CARD_ERRORS & ~BEYOND) != 0);
}

static enum disk_result advance(const struct disk *d) {
    uint32_t seen = get(d, EVENTS);
    put(d, EVENTS, seen); /* before the data: the next sector's must not be lost */
    if ((seen & ERRORS) != 0) {
        return DISK_FAILED;
    }
    if (card.moved < card.n && (get(d, STATE) & (card.write ? STATE_SPACE : STATE_FILLED)) != 0) {
        move_sector(d);
    }
    if ((seen & ALL_DONE) == 0) {
        return DISK_BUSY;
    }
    return card.moved == card.n && !card_complains(d) ? DISK_DONE : DISK_FAILED;
}

static enum disk_result sdhci_step(const struct disk *d) {
    insn_dmb_sy();
    enum disk_result result = advance(d);
    if (result != DISK_BUSY) {
        put(d, EVENTS_RAISE, 0);
    }
    insn_dmb_sy();
    return result;
}

static void sdhci_abort(const struct disk *d) {
    insn_dmb_sy();
    put(d, EVENTS_RAISE, 0);
    (void)reset(d, RESET_LINES);
    (void)tell(d, STOP, 0); /* refused by a card that has ended by itself */
    (void)reset(d, RESET_LINES);
    (void)tell(d, SEND_STATUS, card.address); /* takes the errors with it */
    insn_dmb_sy();
}

const struct disk_ops sdhci_ops = {
    .init = sdhci_init, .begin = sdhci_begin, .step = sdhci_step, .abort = sdhci_abort};
