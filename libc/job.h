/* libc/job.h - devices that do one job at a time: who waits for them parks until their interrupt. */
#pragma once

#include <bareloom/sync.h>
#include <bareloom/time.h>

#include "hal/board.h"

struct job_place {
    struct mutex lock;
    /* guarded by lock, but result */
    const struct job_device *device;
    bool ready;     /* prepare() has been called */
    uint32_t clock; /* what it said */
    void *job;
    enum job_result result; /* the handler's, until it posts over */
    struct sema over;
};

/* Takes device d, of which there is one at a place; 0, or -ENODEV where it is NULL. From a G. */
int job_begin(struct job_place *p, const struct job_device *d);

/* Between these two: does job, and parks until it is done, but no longer than limit. 0, -ENXIO (nobody answered), -EIO,
 * -ETIMEDOUT, -EBUSY (somebody has the line). */
int job_do(struct job_place *p, void *job, ns_t limit);

void job_end(struct job_place *p);
