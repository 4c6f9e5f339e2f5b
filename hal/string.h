/* hal/string.h - the runtime's own memory copies; called through memcpy and its like, which the
 * build renames. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *hal_memcpy(void *to, const void *from, size_t n);
void *hal_memmove(void *to, const void *from, size_t n);
void *hal_memset(void *to, int c, size_t n);
int hal_memcmp(const void *a, const void *b, size_t n);
