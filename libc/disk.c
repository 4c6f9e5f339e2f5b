/*
 * libc/disk.c - sectors of the board's disk, for programs: its driver behind a lock, a buffer that the device may
 * touch, an interrupt and a time limit.
 *
 * Requests go one at a time. The line is attached for as long as one is under way, so the handler and the rest of the
 * driver never run at once: irq_detach() returns when the handler does not run.
 */
#include <bareloom/disk.h>
#include <bareloom/irq.h>
#include <bareloom/limit.h>
#include <bareloom/sync.h>
#include <bareloom/time.h>
#include <errno.h>
#include <string.h>

#include "hal/board.h"
#include "libc/board.h"

#define TRIES      3
#define TOO_LONG   SEC(2) /* cards may write for half a second */
#define LOOK_AGAIN MS(10)

/* guarded by lock, but result */
static struct {
    struct mutex lock;
    const struct disk *disk; /* NULL: not found yet */
    struct dma_buf data, ring;
    struct disk_found found;
    enum disk_result result; /* the handler's, until it posts over */
    struct sema over;
} unit;

static void on_interrupt(void *arg) {
    const struct disk *d = arg;
    enum disk_result result = d->ops->step(d);
    if (result != DISK_BUSY) {
        unit.result = result;
        sema_post(&unit.over);
    }
}

/* ---- finding it ------------------------------------------------------------------------------ */

static int buffers(void) {
    if (unit.data.cpu != NULL) {
        return 0;
    }
    int status = dma_alloc(&unit.data, DISK_AT_ONCE * DISK_SECTOR);
    if (status == 0 && (status = dma_alloc(&unit.ring, BOARD_RING)) != 0) {
        dma_free(&unit.data);
    }
    return status;
}

/* Under the lock. */
static enum disk_result find(const struct disk *d) {
    const struct disk_memory m = {unit.data.cpu, unit.data.device, unit.ring.cpu, unit.ring.device};
    for (;;) {
        board_ask();
        enum disk_result result = d->ops->init(d, &m, &unit.found);
        board_told();
        if (result != DISK_BUSY) {
            return result;
        }
        go_sleep(LOOK_AGAIN);
    }
}

/* Under the lock. */
static int start(void) {
    int status = unit.disk == NULL ? buffers() : 0;
    enum disk_result result = unit.disk == NULL ? DISK_NONE : DISK_DONE;
    for (const struct disk *const *d = board_disks;
         status == 0 && *d != NULL && result == DISK_NONE; d++) {
        result = find(*d);
        unit.disk = result == DISK_DONE ? *d : NULL;
    }
    return status != 0 ? status : result == DISK_DONE ? 0 : result == DISK_NONE ? -ENODEV : -EIO;
}

/* ---- requests -------------------------------------------------------------------------------- */

/* Under the lock. False: it failed, or nothing came. */
static bool attempt(bool write, uint64_t sector, unsigned n, int *status) {
    const struct disk *d = unit.disk;
    unit.result = DISK_FAILED;
    dma_to_device(&unit.data);
    d->ops->begin(d, write, sector, n);
    *status = irq_attach(unit.found.line, on_interrupt, (void *)(uintptr_t)d);
    if (*status == 0) {
        (void)sema_wait_until(&unit.over, WITHIN(TOO_LONG));
        irq_detach(unit.found.line);
        while (sema_try(&unit.over, 1) == 0) { /* it came as we gave up, or once more than it had to */
        }
    }
    dma_from_device(&unit.data);
    if (unit.result != DISK_DONE) {
        d->ops->abort(d);
    }
    return unit.result == DISK_DONE;
}

/* Under the lock. Up to DISK_AT_ONCE sectors, from or to the buffer. */
static int request(bool write, uint64_t sector, unsigned n) {
    int status = 0;
    for (int i = 0; i < TRIES && status == 0; i++) {
        if (attempt(write, sector, n, &status)) {
            return 0;
        }
    }
    return status != 0 ? status : -EIO;
}

static unsigned portion(size_t n) {
    return n < DISK_AT_ONCE ? (unsigned)n : DISK_AT_ONCE;
}

static int begin(uint64_t sector, size_t n) {
    mutex_lock(&unit.lock);
    int status = start();
    if (status == 0 && (sector > unit.found.sectors || n > unit.found.sectors - sector)) {
        status = -EINVAL;
    }
    return status;
}

int disk_read_sectors(uint64_t sector, void *buffer, size_t n) {
    int status = begin(sector, n);
    uint8_t *to = buffer;
    while (status == 0 && n != 0) {
        unsigned now = portion(n);
        if ((status = request(false, sector, now)) == 0) {
            memcpy(to, unit.data.cpu, now * DISK_SECTOR);
        }
        sector += now;
        to += now * DISK_SECTOR;
        n -= now;
    }
    mutex_unlock(&unit.lock);
    return status;
}

int disk_write_sectors(uint64_t sector, const void *bytes, size_t n) {
    int status = begin(sector, n);
    const uint8_t *from = bytes;
    while (status == 0 && n != 0) {
        unsigned now = portion(n);
        memcpy(unit.data.cpu, from, now * DISK_SECTOR);
        status = request(true, sector, now);
        sector += now;
        from += now * DISK_SECTOR;
        n -= now;
    }
    mutex_unlock(&unit.lock);
    return status;
}

int disk_sectors(uint64_t *n) {
    int status = begin(0, 0);
    *n = status == 0 ? unit.found.sectors : 0;
    mutex_unlock(&unit.lock);
    return status;
}
