/* tests/devices/gpio.c - the pins of both chips. Sources: as drivers/pi_gpio.c. */
#include "drivers/pi_gpio.h"

#include "tests/devices/model.h"

#define BASE 0x200000u

static const struct gpio bcm2835 = {&pi_gpio_ops, BASE, .pins = 28};
static const struct gpio bcm2711 = {&pi_gpio_2711_ops, BASE, .pins = 28};

static uint32_t select_[6], level, seen, rising, falling, pud, pulls[2];
static uint32_t pulled; /* BCM283x: how each pin is pulled, two bits for the first 16 */
static uint64_t pud_at, clocked_at;
static uint32_t clocked;
static bool has_pull_registers;

static uint32_t read_(uint32_t offset) {
    switch (offset) {
    case 0x34:
        return level;
    case 0x40:
        return seen;
    case 0x4c:
        return rising;
    case 0x58:
        return falling;
    case 0x94:
        return pud;
    case 0xe4:
    case 0xe8:
        WANT(has_pull_registers);
        return pulls[(offset - 0xe4) / 4];
    default:
        WANT(offset < sizeof select_); /* the rest is write-only */
        return select_[offset / 4];
    }
}

static void set_level(uint32_t to) {
    seen |= (to & ~level & rising) | (level & ~to & falling);
    level = to;
}

static void write_(uint32_t offset, uint32_t value) {
    switch (offset) {
    case 0x1c:
        set_level(level | value);
        break;
    case 0x28:
        set_level(level & ~value);
        break;
    case 0x40:
        seen &= ~value;
        break;
    case 0x4c:
        rising = value;
        break;
    case 0x58:
        falling = value;
        break;
    case 0x94:
        WANT(!has_pull_registers && value < 3);
        pud = value;
        pud_at = model_ticks;
        break;
    case 0x98:
        WANT(!has_pull_registers);
        clocked = value;
        if (value != 0) {
            WANT(model_ticks - pud_at >= 8); /* 150 cycles of 19.2 MHz at least */
            clocked_at = model_ticks;
            pulled = (pulled & ~(3u << 2 * __builtin_ctz(value))) | pud << 2 * __builtin_ctz(value);
        } else {
            WANT(model_ticks - clocked_at >= 8);
        }
        break;
    case 0xe4:
    case 0xe8:
        WANT(has_pull_registers);
        pulls[(offset - 0xe4) / 4] = value;
        break;
    default:
        WANT(offset < sizeof select_);
        select_[offset / 4] = value;
    }
}

static const struct model gpio = {"GPIO", BASE, 0xf4, read_, write_, NULL};

void gpio_pulls(void) {
    model_use(&gpio);
    has_pull_registers = false;
    CALL(bcm2835.ops->pull(&bcm2835, 5, false, true));
    CALL(bcm2835.ops->pull(&bcm2835, 6, true, false));
    WANT(pulled == (2u << 10 | 1u << 12)); /* up is 2, down is 1 */
    WANT(pud == 0 && clocked == 0);
    CALL(bcm2835.ops->pull(&bcm2835, 5, false, false));
    WANT(pulled == 1u << 12);

    has_pull_registers = true;
    pulls[0] = pulls[1] = 0xaaaaaaaa;
    CALL(bcm2711.ops->pull(&bcm2711, 5, false, true));
    WANT(pulls[0] == 0xaaaaa6aa && pulls[1] == 0xaaaaaaaa); /* up is 1, down is 2 */
    CALL(bcm2711.ops->pull(&bcm2711, 17, false, false));
    WANT(pulls[1] == 0xaaaaaaa2);
}

void gpio_edges(void) {
    model_use(&gpio);
    bool kept, on;
    uint32_t pins;
    CALL(kept = bcm2835.ops->edges(&bcm2835, 5, true, false));
    WANT(kept && seen == 0);
    CALL(bcm2835.ops->edges(&bcm2835, 7, true, true));
    CALL(bcm2835.ops->write(&bcm2835, 5, true));
    CALL(on = bcm2835.ops->read(&bcm2835, 5));
    WANT(on);
    CALL(pins = bcm2835.ops->claim(&bcm2835));
    WANT(pins == 1u << 5 && seen == 0);
    CALL(bcm2835.ops->write(&bcm2835, 7, true));
    CALL(bcm2835.ops->write(&bcm2835, 5, false));
    CALL(pins = bcm2835.ops->claim(&bcm2835));
    WANT(pins == 1u << 7);
    CALL(bcm2835.ops->write(&bcm2835, 7, false));
    CALL(bcm2835.ops->edges(&bcm2835, 7, false, false)); /* forgets what was seen */
    CALL(pins = bcm2835.ops->claim(&bcm2835));
    WANT(pins == 0);
}
