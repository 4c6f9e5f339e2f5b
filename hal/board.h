/*
 * hal/board.h - what a board is: one const table, and the drivers that it wires.
 *
 * boards/<b>/board.c defines `const struct board board`. Drivers are instances: const data with a
 * base address and a table of functions; they never block, know no G, and call upwards only by
 * pointer. All of it is read-only after boot. The device tree or the firmware gives quantities
 * (RAM), never bindings.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- UART ----------------------------------------------------------------------------------- */
struct uart;
struct uart_ops {
    void (*init)(const struct uart *u);          /* 115200 8n1, receive interrupt off. Boot core. */
    bool (*tx_ready)(const struct uart *u);      /* room for one byte */
    void (*tx)(const struct uart *u, uint8_t b); /* only when tx_ready */
    int (*rx)(const struct uart *u);             /* a byte, or -1 if none waits */
    void (*rx_enable)(const struct uart *u); /* receive interrupts on; then drain once with rx() */
    void (*rx_ack)(const struct uart *u);    /* in the handler, before draining with rx() */
    void (*set_baud)(const struct uart *u, uint32_t baud); /* init() at another rate. NULL: cannot */
    bool (*eof)(const struct uart *u); /* nothing waits and nothing will come: only where the input
                                                    is a file (host). NULL: never */
};
struct uart {
    const struct uart_ops *ops;
    uintptr_t base;
    uint32_t clock; /* input clock in Hz; 0: leave the divisor as the firmware set it */
    unsigned line;  /* receive interrupt, for irq_attach() */
};

/* Typed on the console it asks for a report on all goroutines: Ctrl-\. */
#define DUMP_KEY 0x1c

/* ---- interrupt controller ------------------------------------------------------------------- */
#define IRQ_NONE      1023u /* claim(): nothing pending */
#define IRQ_LINE_MASK 1023u /* a claim's low bits are the line */
#define IRQ_LINES     256u  /* lines below this can be attached */

struct intc;
struct intc_ops {
    void (*init)(const struct intc *c); /* once, on the boot core, before any init_core */
    void (*init_core)(const struct intc *c, unsigned core); /* on each core: its timer and IPI lines on */
    uint32_t (*claim)(const struct intc *c); /* acknowledge the most urgent pending interrupt of this core */
    void (*done)(const struct intc *c, uint32_t claim); /* end it; gets the whole value claim() gave */
    void (*enable)(const struct intc *c, unsigned line, unsigned core); /* device line on, to this core
                                                where the hardware can route it or all, else to core 0 */
    void (*disable)(const struct intc *c, unsigned line);
    void (*ipi)(const struct intc *c, unsigned core); /* ring core's doorbell; the caller did dsb ishst */
};
struct intc {
    const struct intc_ops *ops;
    uintptr_t base[3];   /* GICv2: distributor, cpu interface. GICv3: distributor, redistributors.
                            BCM2836: local controller, legacy controller. */
    unsigned timer_line; /* the line that claim() gives for this core's physical timer */
    unsigned ipi_line;   /* and for an IPI */
    unsigned gic; /* Arm's controller of this version, 2 or 3; 0: another. Where no firmware was before us,
                            boot/early/start.S opens it to the non-secure world. */
};

/* ---- pins ----------------------------------------------------------------------------------- */
struct gpio;
struct gpio_ops {
    void (*direction)(const struct gpio *p, unsigned pin, bool output); /* one caller at a time */
    bool (*pull)(const struct gpio *p, unsigned pin, bool down, bool up); /* the same; false: cannot */
    void (*write)(const struct gpio *p, unsigned pin, bool on);
    bool (*read)(const struct gpio *p, unsigned pin);
    bool (*edges)(const struct gpio *p, unsigned pin, bool rising, bool falling); /* which raise the line; false:
                                                this device keeps none. One caller at a time, line off */
    uint32_t (*claim)(const struct gpio *p); /* in the handler: the pins that have seen one; the line falls */
};
struct gpio {
    const struct gpio_ops *ops;
    uintptr_t base;
    unsigned pins;  /* 0 to this less 1, at most 32 */
    uint32_t taken; /* bits of those that are not the program's */
    unsigned line;  /* of edges, for irq_attach() */
};

/* ---- a disk --------------------------------------------------------------------------------- */
#define DISK_SECTOR 512u
#define BOARD_RING  8192u /* what a virtio queue takes */

enum disk_result { DISK_DONE, DISK_BUSY, DISK_FAILED, DISK_NONE };

/* Memory that the device reads and writes, and where it sees it. */
struct disk_memory {
    uint8_t *data; /* of DISK_AT_ONCE sectors */
    uint64_t data_device;
    uint8_t *ring; /* of BOARD_RING bytes, whole pages, for the driver's own use */
    uint64_t ring_device;
};
#define DISK_AT_ONCE 128u

struct disk_found {
    uint64_t sectors;
    unsigned line; /* of its interrupt, for irq_attach() */
};

struct disk;
/* One caller at a time; step() is the handler's, and no other of these is called while the line is attached. */
struct disk_ops {
    /* Finds it and makes it ready. DISK_BUSY: not yet, call again some milliseconds later. May poll for
     * milliseconds; may ask the firmware, as board.fact() does. */
    enum disk_result (*init)(const struct disk *d, const struct disk_memory *m, struct disk_found *out);
    /* n sectors, 1 to DISK_AT_ONCE, from or to m->data: to be followed by step() at each interrupt. */
    void (*begin)(const struct disk *d, bool write, uint64_t sector, unsigned n);
    enum disk_result (*step)(const struct disk *d); /* quietens the line. DISK_BUSY: more will come */
    void (*abort)(const struct disk *d); /* what has failed, or takes too long, is over; it is as after init */
};
struct disk {
    const struct disk_ops *ops;
    uintptr_t base;
    unsigned line;             /* of its interrupt, or of the first of several */
    uint32_t (*prepare)(void); /* before init: pins, power; its input clock in Hz. NULL: nothing */
};

/* NULL-terminated candidates, the first that is there is used. Not in the table below, so that a program without files
 * has none of it in its image: boards/<b>/disks.c, or board.c where there are none that we know. */
extern const struct disk *const board_disks[];

/* ---- screen --------------------------------------------------------------------------------- */
/* A picture of 32-bit pixels, 0x00RRGGBB. */
struct board_screen {
    uintptr_t base; /* a page's address, which is none of RAM */
    size_t pitch;   /* bytes from one row to the next */
};

/* ---- random numbers ------------------------------------------------------------------------- */
struct rng;
struct rng_ops {
    /* Once, before word; ring as above, where it wants one. False: there is none. */
    bool (*init)(const struct rng *r, uint8_t *ring, uint64_t ring_device);
    bool (*word)(const struct rng *r, uint32_t *out); /* one caller at a time; false: none is ready yet */
};
struct rng {
    const struct rng_ops *ops;
    uintptr_t base;
    bool wants_ring;
};

/* ---- devices that do one job at a time ------------------------------------------------------ */
enum job_result { JOB_DONE, JOB_BUSY, JOB_NOBODY /* answered */, JOB_FAILED };

struct job_device;
/* One caller at a time; step() is the handler's, and no other of these is called while the line is attached. job is the
 * struct ..._job of the device's kind. */
struct job_ops {
    void (*begin)(const struct job_device *d, void *job); /* to be followed by step() at each interrupt */
    enum job_result (*step)(const struct job_device *d, void *job); /* JOB_BUSY: more will come, or nothing
                                         has come at all; else the line has fallen */
    void (*abort)(const struct job_device *d); /* what takes too long is over */
};
struct job_device {
    const struct job_ops *ops;
    uintptr_t base;
    unsigned line;
    uint32_t (*prepare)(void); /* before the first job: pins, power; its input clock in Hz. NULL: nothing. May
                                         ask the firmware, as board.fact() does */
};

/* Does job by d as above, while the G that called is parked, for some milliseconds at most. False: it has not been done,
 * and was aborted. */
typedef bool job_park(const struct job_device *d, void *job);

struct spi_job {
    unsigned chip, mode; /* mode: bit 0 the clock's phase, bit 1 its polarity */
    uint32_t divisor;    /* of the input clock: even, 2 to 65536 */
    const uint8_t *out;  /* NULL: zeros */
    uint8_t *in;         /* NULL: dropped */
    size_t n, sent, received;
};

struct i2c_job {
    unsigned address;
    uint32_t divisor; /* of the input clock: even, 2 to 65534 */
    bool read;
    uint8_t *data;
    size_t n, done; /* n: 1 to 65535 */
};

struct dma_job {
    uint64_t to, from; /* struct dma_buf's addresses; multiples of 4, as n */
    size_t n;          /* 4 to 2^30 - 4 */
};

/* Pulses: pins that are high for a part of each period. */
struct pwm;
struct pwm_ops {
    void (*init)(const struct pwm *p); /* once; pins, clock. One caller at a time, as the next */
    bool (*set)(const struct pwm *p, unsigned pin, uint64_t period, uint64_t high); /* nanoseconds; period 0: off,
                                         low. False: this pin cannot, or not such a period */
};
struct pwm {
    const struct pwm_ops *ops;
    uintptr_t base[3]; /* its own, the clock manager's, the pins' */
    uint32_t clock;    /* the crystal, in Hz */
};

/* Not in the table below, so that a program that uses none has none of it in its image: boards/<b>/devices.c. NULL:
 * none that we know. */
struct board_devices {
    const struct job_device *spi, *i2c, *dma;
    const struct pwm *pwm;
    void (*show)(unsigned n); /* by an LED, in some seconds: how far the boot has come */
};
extern const struct board_devices board_devices;

/* ---- memory --------------------------------------------------------------------------------- */
struct range {
    uintptr_t base;
    size_t size;
};
#define BOARD_RANGES 8

/* ---- the board ------------------------------------------------------------------------------ */
/* What the boot found: entry state, device tree. Written once by core 0 before any driver runs. */
struct boot_info {
    const void *fdt;   /* device tree, NULL if none was passed */
    unsigned entry_el; /* 1, 2 or 3 */
    char args[512];    /* the program's command line, NUL terminated, "" if none */
    /* hal_exit() says its status on the console, since who listens there has no other way to learn it, and resets
     * or halts. AT_EXIT_OFF: it hands the status over and powers off, if it can. */
    enum { AT_EXIT_OFF, AT_EXIT_RESET, AT_EXIT_HALT } at_exit;
};
extern struct boot_info boot_info;

/* What a board knows of itself: a number with a unit, or a word, which then is the unit. */
struct board_fact {
    const char *name; /* NULL: not known here */
    uint64_t value;
    const char *unit; /* "hex" and "date" (seconds since 1970) say how to write the number */
};

struct board {
    const char *name;
    unsigned max_cores;
    uint64_t core_ids[8]; /* MPIDR & 0xff00ffffff of logical core i; [0] is the boot core */
    const struct uart *console;
    const struct intc *const *intc; /* NULL-terminated candidates, the first that is there is used */
    bool (*intc_present)(const struct intc *c); /* NULL: the first is the one */
    const struct gpio *gpio;                    /* NULL: none that we know */
    const struct rng *rng;                      /* the same */
    struct range devices[BOARD_RANGES];         /* mapped Device-nGnRnE; ends at size 0 */
    struct range ram;                           /* where RAM starts, and its least size */
    size_t (*ram_size)(void); /* bytes of RAM from ram.base, as mailbox or device tree say; NULL or 0:
                                    ram.size. Runs with MMU on. */
    void (*early)(void);      /* before the console: clocks, pins. May be NULL. */
    /* Starts logical core `core` at physical address entry, with context in x0 where the method
     * can. 0, or negative when this machine has no such core. */
    int (*start_core)(unsigned core, uintptr_t entry);
    void (*power_off)(int status); /* returns if it cannot; may be NULL */
    void (*reset)(void);           /* returns if it cannot; may be NULL */
    /* Resets the machine after so many microseconds, 16 to 15 million, unless it is called again; 0: never mind. Any
     * context. NULL: no watchdog that we know. */
    void (*watchdog)(uint64_t us);
    /* The i-th of what it knows of itself; false: there are no more. One caller at a time; may poll
     * for milliseconds. May be NULL. */
    bool (*fact)(unsigned i, struct board_fact *out);
    /* Shows a picture of that size from now on, and none of before; false: it cannot. One caller at a time, fact() being
     * another. NULL: there is no screen that we know. */
    bool (*screen)(unsigned width, unsigned height, struct board_screen *out);
    /* Written with who parks, while a G asks fact(), screen(), a prepare() or a disk's init(); NULL in it: poll, there is
     * nobody to park. NULL: these have nothing to wait for. */
    job_park **park;
};
extern const struct board board;

/* The controller in use; NULL before boot has chosen it. */
extern const struct intc *board_intc;
