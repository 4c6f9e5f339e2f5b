/*
 * <bareloom/irq.h> - device interrupts and DMA memory for drivers written as programs.
 *
 * A handler runs masked on its core's own stack. It may call what this manual marks "also from a
 * handler" (sema_post, chan_try_send, go_now, ...) and must not block: that is a panic.
 */
#pragma once

#include <bareloom/base.h>

typedef void irq_fn(void *arg);

/* Calls fn(arg) on each interrupt of line, on the core that the machine routes it to, until
 * irq_detach(). The handler must quieten its device, and looks whether it has asked at all: it may be called when
 * the device is quiet already (on the Raspberry Pi 3 all lines move with the one that roams). The line numbers are the board's (docs of
 * boards/<b>). 0, -EINVAL for a line that the board cannot have, -EBUSY when it is taken. From a
 * G. */
int irq_attach(unsigned line, irq_fn *fn, void *arg);

/* Ends that. When it returns the handler is not running and will not run. From a G. */
int irq_detach(unsigned line);

/* When all Gs wait and nothing is left that could wake one, the program has a deadlock and is told so. An
 * attached line is something that could. A driver whose interrupts wake nobody unless somebody waits
 * for them says irq_listen(line, false) after irq_attach(), then irq_listen(line, true) before each
 * such wait and false after it; they add up. Any context. */
void irq_listen(unsigned line, bool yes);

/* From now on line's interrupts go to a core that sleeps, if one does, where the machine can route them: so
 * its handler holds up no goroutine, and is called even where a core is stuck with its interrupts masked. It
 * may be called on two cores at once. One line of the machine: the console's is it already. From a G. */
void irq_roam(unsigned line);

/* Memory that a device reads or writes: physically contiguous, in whole cache lines of its own. */
struct dma_buf {
    void *cpu;       /* the program's address */
    uint64_t device; /* the address the device is given */
    size_t size;     /* rounded up to whole pages */
};

/* 0, or -ENOMEM. The content is undefined. Allocate at start and keep: rows of pages are cut from
 * memory that was never used, and what is freed goes back page by page. From a G. */
int dma_alloc(struct dma_buf *b, size_t size);
void dma_free(struct dma_buf *b);

/* Before the device reads what the program wrote; before the program reads what the device wrote
 * (and also before the device writes: a dirty line must not fall on its data). Any context. */
void dma_to_device(const struct dma_buf *b);
void dma_from_device(const struct dma_buf *b);

/* Memory that is a device's own, as a picture's: from now on the program reads and writes it at that address, past
 * the caches, so nothing is to be cleaned for the device. Whole pages, for ever. 0, or -EINVAL where that cannot be:
 * something is mapped there already, as RAM is; no page is left for tables; on the host. From a G. */
int dma_map(uint64_t device, size_t size);

/* Copies n bytes by the board's DMA controller, while the caller's G is parked and the cores do other things: a
 * Raspberry Pi's, from memory to memory. What it does about caches is for the whole of both buffers, so nobody writes
 * either meanwhile. One copy at a time, others wait.
 *
 * 0; -ENODEV: the board has no controller that we know; -EINVAL: a place or n is no multiple of 4, or lies outside of its
 * buffer, or n is 0 or 2^30 and more; -EBUSY: the program has attached the channel's line itself; -EIO: the controller
 * says so; -ETIMEDOUT: the interrupt did not come. From a G. */
int dma_copy(const struct dma_buf *to, size_t to_at, const struct dma_buf *from, size_t from_at,
             size_t n);
