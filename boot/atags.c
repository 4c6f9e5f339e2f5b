/* boot/atags.c - a reader of ATAG lists, for the command line alone.
 *
 * The list is outside data: nothing of it is read beyond 4 KiB, and a tag that breaks a rule ends
 * the reading.
 * Source: Linux, Documentation/arch/arm/booting.rst; arch/arm/include/uapi/asm/setup.h. */
#include "boot/atags.h"

#include <stddef.h>
#include <stdint.h>

#define LIST_WORDS 1024u

#define NONE         0u
#define CORE         0x54410001u
#define COMMAND_LINE 0x54410009u

static const char *text_of(const uint32_t *words, uint32_t n) {
    const char *text = (const char *)words;
    for (uint32_t i = 0; i < 4 * n; i++) {
        if (text[i] == '\0') {
            return text;
        }
    }
    return NULL;
}

const char *atags_command_line(const void *p) {
    const uint32_t *list = p; /* each tag: its size in words with these two, its kind, values */
    if (p == NULL || ((uintptr_t)p & 3) != 0 || list[1] != CORE) {
        return NULL;
    }
    for (uint32_t at = 0; at + 2 <= LIST_WORDS;) {
        uint32_t size = list[at], kind = list[at + 1];
        if (kind == NONE || size < 2 || size > LIST_WORDS - at) {
            return NULL;
        }
        if (kind == COMMAND_LINE) {
            return text_of(&list[at + 2], size - 2);
        }
        at += size;
    }
    return NULL;
}
