/* libc/dma.c - copies by the board's DMA controller, for programs. */
#include <bareloom/irq.h>
#include <errno.h>

#include "libc/job.h"

#define PATIENCE SEC(20) /* a gigabyte, and slow memory */
#define MOST     ((size_t)1 << 30)

static bool inside(const struct dma_buf *b, size_t at, size_t n) {
    return b->cpu != NULL && at <= b->size && n <= b->size - at;
}

int dma_copy(const struct dma_buf *to, size_t to_at, const struct dma_buf *from, size_t from_at,
             size_t n) {
    static struct job_place place;
    bool valid = n != 0 && n < MOST && ((to_at | from_at | n) & 3) == 0 && inside(to, to_at, n) &&
                 inside(from, from_at, n);
    int status = board_devices.dma != NULL && !valid ? -EINVAL : job_begin(&place, board_devices.dma);
    if (status == 0) {
        struct dma_job job = {to->device + to_at, from->device + from_at, n};
        dma_to_device(from);
        dma_from_device(to);
        status = job_do(&place, &job, PATIENCE);
        dma_from_device(to);
        job_end(&place);
    }
    return status;
}
