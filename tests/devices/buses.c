/* tests/devices/buses.c - SPI, I2C and PWM as their manuals have them: FIFOs that hold what they hold, and a bus that
 * takes its time. Sources: as drivers/pi_spi.c, pi_i2c.c, pi_pwm.c. */
#include "drivers/pi_i2c.h"
#include "drivers/pi_pwm.h"
#include "drivers/pi_spi.h"

#include "tests/devices/model.h"

#include <string.h>

#define DEPTH 16u

struct fifo {
    uint8_t bytes[DEPTH];
    unsigned n;
};

/* What finds no room is lost. */
static void put(struct fifo *f, uint8_t byte) {
    WANT(f->n < DEPTH);
    f->bytes[f->n++] = byte;
}

static uint8_t take(struct fifo *f) {
    WANT(f->n > 0);
    uint8_t byte = f->bytes[0];
    memmove(f->bytes, f->bytes + 1, --f->n);
    return byte;
}

/* ---- SPI: what is sent comes back, one more --------------------------------------------------------- */

#define SPI 0x204000u

static struct {
    uint32_t cs, clk;
    struct fifo out, in;
} spi;

static uint32_t spi_read(uint32_t offset) {
    if (offset == 0) {
        bool on = (spi.cs & 1u << 7) != 0;
        return spi.cs | (uint32_t)(on && spi.out.n == 0) << 16 | (uint32_t)(spi.in.n != 0) << 17 |
               (uint32_t)(spi.out.n < DEPTH) << 18;
    }
    WANT(offset == 4);
    return take(&spi.in);
}

static void spi_write(uint32_t offset, uint32_t value) {
    switch (offset) {
    case 0:
        spi.out.n = (value & 1u << 4) != 0 ? 0 : spi.out.n;
        spi.in.n = (value & 1u << 5) != 0 ? 0 : spi.in.n;
        spi.cs = value & 0xffcf;
        break;
    case 4:
        WANT((spi.cs & 1u << 7) != 0);
        put(&spi.out, (uint8_t)value);
        break;
    default:
        WANT(offset == 8 && (spi.cs & 1u << 7) == 0); /* not while a transfer is on */
        spi.clk = value;
    }
}

/* One byte goes over the wire. */
static void spi_clock(void) {
    if (spi.out.n != 0) {
        put(&spi.in, (uint8_t)(take(&spi.out) + 1));
    }
}

static bool spi_asks(void) {
    return (spi.cs & 1u << 9) != 0 && (spi_read(0) & 1u << 16) != 0;
}

static const struct model spi_model = {"SPI", SPI, 0x18, spi_read, spi_write, NULL};

void spi_bytes(void) {
    static const struct job_device d = {&pi_spi_ops, SPI, .line = 54};
    uint8_t out[100], in[100] = {0};
    for (unsigned i = 0; i < sizeof out; i++) {
        out[i] = (uint8_t)(3 * i);
    }
    struct spi_job job = {.chip = 1, .mode = 2, .divisor = 65536, .out = out, .in = in, .n = sizeof out};
    enum job_result result = JOB_BUSY;
    model_use(&spi_model);
    spi.in.n = 3; /* of earlier */
    spi.clk = 2;
    CALL(d.ops->begin(&d, &job));
    WANT(spi.clk == 0 && (spi.cs & 0xf) == (1 | 2 << 2) && spi.in.n == 0);
    unsigned interrupts = 0;
    for (unsigned i = 0; i < 1000 && result == JOB_BUSY; i++) {
        if (spi_asks()) {
            CALL(result = d.ops->step(&d, &job));
            interrupts++;
        } else if (i % 7 == 0) {
            CALL(result = d.ops->step(&d, &job)); /* for nothing */
            WANT(result == JOB_BUSY);
        }
        spi_clock();
    }
    WANT(result == JOB_DONE && !spi_asks() && (spi.cs & 1u << 7) == 0);
    WANT(interrupts == 100 / DEPTH + 2);
    for (unsigned i = 0; i < sizeof in; i++) {
        WANT(in[i] == (uint8_t)(out[i] + 1));
    }
    CALL(d.ops->begin(&d, &job));
    CALL(d.ops->abort(&d));
    WANT(!spi_asks() && (spi.cs & 1u << 7) == 0);
}

/* ---- I2C: a memory of 256 bytes at 0x50 --------------------------------------------------------------- */

#define I2C 0x804000u

static struct {
    uint32_t c, s, dlen, a, div, del;
    struct fifo fifo;
    uint8_t memory[256], at;
    unsigned left;
    bool on, holds_clock, stuck;
} i2c;

static uint32_t i2c_status(void) {
    bool read = (i2c.c & 1) != 0;
    return i2c.s | (uint32_t)i2c.on | (uint32_t)(i2c.on && !read && i2c.fifo.n < DEPTH / 4) << 2 |
           (uint32_t)(i2c.on && read && i2c.fifo.n > 3 * DEPTH / 4) << 3 |
           (uint32_t)(i2c.fifo.n < DEPTH) << 4 | (uint32_t)(read && i2c.fifo.n != 0) << 5;
}

static uint32_t i2c_read_register(uint32_t offset) {
    if (offset == 4) {
        return i2c_status();
    }
    WANT(offset == 0x10 && (i2c.c & 1) != 0);
    return take(&i2c.fifo);
}

static void i2c_write_register(uint32_t offset, uint32_t value) {
    switch (offset) {
    case 0x00:
        i2c.c = value & ~(1u << 7 | 3u << 4);
        if ((value & 3u << 4) != 0) {
            i2c.fifo.n = 0;
        }
        if ((value & 1u << 15) == 0) {
            i2c.on = false;
        } else if ((value & 1u << 7) != 0) {
            WANT(!i2c.on && (i2c.s & 0x302) == 0); /* nothing of earlier */
            i2c.on = true;
            i2c.left = i2c.dlen;
        }
        break;
    case 0x04:
        i2c.s &= ~(value & 0x302);
        break;
    case 0x08:
        i2c.dlen = value;
        break;
    case 0x0c:
        i2c.a = value;
        break;
    case 0x10:
        put(&i2c.fifo, (uint8_t)value);
        break;
    case 0x14:
        WANT(!i2c.on);
        i2c.div = value;
        break;
    default:
        WANT(offset == 0x18);
        WANT((value >> 16) < i2c.div / 2 && (value & 0xffff) < i2c.div / 2); /* set after the divisor */
        i2c.del = value;
    }
}

/* One byte goes over the wire. */
static void i2c_clock(void) {
    if (!i2c.on || i2c.stuck) {
        return;
    }
    if (i2c.a != 0x50 || i2c.holds_clock) {
        i2c.s |= i2c.holds_clock ? 1u << 9 : 1u << 8 | 1u << 1;
        i2c.on = false;
    } else if ((i2c.c & 1) != 0 && i2c.fifo.n < DEPTH) {
        put(&i2c.fifo, i2c.memory[i2c.at++]);
        i2c.left--;
    } else if ((i2c.c & 1) == 0 && i2c.fifo.n > 0) {
        if (i2c.left == i2c.dlen) {
            i2c.at = take(&i2c.fifo);
        } else {
            i2c.memory[i2c.at++] = take(&i2c.fifo);
        }
        i2c.left--;
    }
    if (i2c.on && i2c.left == 0) {
        i2c.on = false;
        i2c.s |= 1u << 1;
    }
}

static bool i2c_asks(void) {
    uint32_t s = i2c_status();
    return ((i2c.c & 1u << 8) != 0 && (s & 0x302) != 0) ||
           ((i2c.c & 1u << 9) != 0 && (s & 1u << 2) != 0) ||
           ((i2c.c & 1u << 10) != 0 && (s & 1u << 3) != 0);
}

static const struct model i2c_model = {"I2C", I2C, 0x20, i2c_read_register, i2c_write_register,
                                       NULL};

static enum job_result i2c_do(unsigned address, bool read, void *data, size_t n, unsigned *interrupts) {
    static const struct job_device d = {&pi_i2c_ops, I2C, .line = 53};
    struct i2c_job job = {.address = address, .divisor = 2500, .read = read, .data = data, .n = n};
    enum job_result result = JOB_BUSY;
    *interrupts = 0;
    CALL(d.ops->begin(&d, &job));
    for (unsigned i = 0; i < 1000 && result == JOB_BUSY; i++) {
        for (unsigned storm = 0; storm < 3 && result == JOB_BUSY && i2c_asks(); storm++) {
            WANT(storm < 2); /* a handler that leaves the line up is called for ever */
            CALL(result = d.ops->step(&d, &job));
            ++*interrupts;
        }
        i2c_clock();
    }
    if (result == JOB_BUSY) {
        CALL(d.ops->abort(&d));
    }
    WANT(!i2c_asks() && i2c.c == 0 && i2c.fifo.n == 0);
    WANT(i2c.del == (2500 / 16 << 16 | 2500 / 4));
    return result;
}

void i2c_bytes(void) {
    uint8_t out[101], in[100];
    unsigned interrupts;
    model_use(&i2c_model);
    out[0] = 20;
    for (unsigned i = 1; i < sizeof out; i++) {
        out[i] = (uint8_t)(7 * i);
    }
    WANT(i2c_do(0x50, false, out, sizeof out, &interrupts) == JOB_DONE);
    WANT(interrupts < 20);
    WANT(memcmp(i2c.memory + 20, out + 1, 100) == 0);
    WANT(i2c_do(0x50, false, out, 1, &interrupts) == JOB_DONE);
    WANT(i2c_do(0x50, true, in, sizeof in, &interrupts) == JOB_DONE);
    WANT(interrupts < 40);
    WANT(memcmp(in, out + 1, 100) == 0);
    WANT(i2c_do(0x51, false, out, 3, &interrupts) == JOB_NOBODY);
    WANT(i2c_do(0x51, true, in, 3, &interrupts) == JOB_NOBODY);
    WANT(i2c_do(0x50, false, out, 1, &interrupts) == JOB_DONE); /* and it goes on */
    i2c.holds_clock = true;
    WANT(i2c_do(0x50, true, in, 3, &interrupts) == JOB_FAILED);
    i2c.holds_clock = false;
    i2c.stuck = true;
    WANT(i2c_do(0x50, true, in, 3, &interrupts) == JOB_BUSY);
    i2c.stuck = false;
    i2c.fifo.n = 3; /* of earlier */
    WANT(i2c_do(0x50, false, out, sizeof out, &interrupts) == JOB_DONE);
    WANT(memcmp(i2c.memory + 20, out + 1, 100) == 0);
}

/* ---- PWM ------------------------------------------------------------------------------------------------ */

#define PWM    0x20c000u
#define CLOCKS 0x101000u
#define PINS   0x200000u

static uint32_t ctl, range[2], data[2], cm_ctl, cm_div, selects[6];
static unsigned stops_in;

static uint32_t pwm_read(uint32_t offset) {
    WANT(offset == 0);
    return ctl;
}

static void pwm_write(uint32_t offset, uint32_t value) {
    if (offset == 0) {
        ctl = value;
    } else {
        WANT(offset == 0x10 || offset == 0x14 || offset == 0x20 || offset == 0x24);
        *((offset & 4) != 0 ? &data[offset >= 0x20] : &range[offset >= 0x20]) = value;
    }
}

static uint32_t clock_read(uint32_t offset) {
    WANT(offset == 0xa0);
    stops_in -= stops_in != 0 && (cm_ctl & 1u << 4) == 0;
    return cm_ctl | (uint32_t)(stops_in != 0) << 7;
}

static void clock_write(uint32_t offset, uint32_t value) {
    WANT(value >> 24 == 0x5a && (offset == 0xa0 || offset == 0xa4));
    value &= 0xffffff;
    if (offset == 0xa0) {
        bool source_stays = (cm_ctl & 0xf) == (value & 0xf);
        WANT(source_stays || (stops_in == 0 && (value & 1u << 4) == 0));
        WANT((value & 1u << 4) == 0 || stops_in == 0); /* on again only once it stands still */
        cm_ctl = value;
    } else {
        WANT(stops_in == 0 && value >> 12 >= 2);
        cm_div = value;
    }
}

static uint32_t pins_read(uint32_t offset) {
    WANT(offset < sizeof selects);
    return selects[offset / 4];
}

static void pins_write(uint32_t offset, uint32_t value) {
    WANT(offset < sizeof selects);
    selects[offset / 4] = value;
}

static const struct model pwm_model = {"PWM", PWM, 0x28, pwm_read, pwm_write, NULL};
static const struct model clock_model = {"clocks", CLOCKS, 0x200, clock_read, clock_write, NULL};
static const struct model pins_model = {"GPIO", PINS, 0xf4, pins_read, pins_write, NULL};

void pwm_pulses(void) {
    static const struct pwm p = {&pi_pwm_ops, {PWM, CLOCKS, PINS}, .clock = 19200000};
    bool done;
    model_use(&pwm_model);
    model_use(&clock_model);
    model_use(&pins_model);
    cm_ctl = 0x16; /* the firmware's: on, from another source */
    stops_in = 5;
    ctl = 0x2121;
    CALL(p.ops->init(&p));
    WANT(cm_ctl == 0x11 && cm_div == 2u << 12 && ctl == 0);
    CALL(done = p.ops->set(&p, 18, 1000000, 250000));
    WANT(done && range[0] == 9600 && data[0] == 2400 && ctl == 0x81);
    WANT(selects[1] == 2u << 24); /* ALT5 */
    CALL(done = p.ops->set(&p, 13, 20000000, 0));
    WANT(done && range[1] == 192000 && data[1] == 0 && ctl == 0x8181);
    WANT(selects[1] == (2u << 24 | 4u << 9)); /* ALT0 */
    CALL(done = p.ops->set(&p, 18, 0, 0));
    WANT(done && ctl == 0x8100);
    CALL(done = p.ops->set(&p, 17, 1000000, 1));
    WANT(!done);
    CALL(done = p.ops->set(&p, 18, UINT64_C(500000000000), 1)); /* more than its counter counts */
    WANT(!done);
}
