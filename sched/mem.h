/*
 * sched/mem.h - the runtime's own memory for objects of any size: channels and the like.
 *
 * Not malloc: no libc below the libc floor. G context; never from a handler.
 */
#pragma once

#include <stddef.h>

/* Core 0, at boot. */
void mem_init(void);

/* size bytes, 16-byte aligned, or NULL. The content is undefined. */
void *mem_alloc(size_t size);
void mem_free(void *p, size_t size);
