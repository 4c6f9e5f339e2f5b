/*
 * sched/mem.h - the runtime's own memory for objects of any size: channels and the like.
 *
 * Not malloc: no libc below the libc floor. G context; never from a handler.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Core 0, at boot. */
void mem_init(void);

/* size bytes, 16-byte aligned, or NULL. The content is undefined. */
void *mem_alloc(size_t size);
void mem_free(void *p, size_t size);

/* Makes the translation tables of [base, base + size) in HAL_WINDOW_TABLES, of which the alarms have a part
 * (alarm.c). False: no memory. */
bool mem_tables(uintptr_t base, size_t size);
