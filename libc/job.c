/*
 * libc/job.c - devices that do one job at a time: a lock, an interrupt, a time limit.
 *
 * The line is attached for as long as a job is under way, so the handler and the rest of the driver never run at once:
 * irq_detach() returns when the handler does not run.
 */
#include "libc/job.h"

#include <bareloom/irq.h>
#include <bareloom/limit.h>
#include <errno.h>

#include "libc/board.h"

static void on_interrupt(void *arg) {
    struct job_place *p = arg;
    if (p->result == JOB_BUSY) { /* else it is over, and this call is for nothing: irq.h */
        p->result = p->device->ops->step(p->device, p->job);
        if (p->result != JOB_BUSY) {
            sema_post(&p->over);
        }
    }
}

int job_begin(struct job_place *p, const struct job_device *d) {
    if (d == NULL) {
        return -ENODEV;
    }
    mutex_lock(&p->lock);
    p->device = d;
    if (!p->ready && p->device->prepare != NULL) {
        board_ask();
        mutex_lock(&board_pins);
        p->clock = p->device->prepare();
        mutex_unlock(&board_pins);
        board_told();
    }
    p->ready = true;
    return 0;
}

int job_do(struct job_place *p, void *job, ns_t limit) {
    const struct job_device *d = p->device;
    p->job = job;
    p->result = JOB_BUSY;
    d->ops->begin(d, job);
    int error = irq_attach(d->line, on_interrupt, p);
    if (error == 0) {
        (void)sema_wait_until(&p->over, WITHIN(limit));
        irq_detach(d->line);
        (void)sema_try(&p->over, 1); /* it came as we gave up */
    }
    if (p->result != JOB_DONE) {
        d->ops->abort(d);
    }
    return error != 0                ? error
           : p->result == JOB_DONE   ? 0
           : p->result == JOB_NOBODY ? -ENXIO
           : p->result == JOB_FAILED ? -EIO
                                     : -ETIMEDOUT;
}

void job_end(struct job_place *p) {
    mutex_unlock(&p->lock);
}
