/* tests/fuzz/atags.c - boot/atags.c and boot/command_line.c: any 4 KiB where a list of tags should be, and what is
 * then taken of the command line. */
#include "boot/atags.c"
#include "boot/command_line.c"

#include "tests/fuzz/fuzz.h"

#define ROOM 4096u

struct boot_info boot_info;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    uint32_t *list = calloc(1, ROOM); /* just what may be read: more is found */
    WANT(list != NULL);
    memcpy(list, data, n < ROOM ? n : ROOM);
    const char *line = atags_command_line(list);
    if (line != NULL) {
        WANT(line > (const char *)list && line + strlen(line) < (const char *)list + ROOM);
        command_line_take(line);
        WANT(strlen(boot_info.args) < sizeof boot_info.args);
    }
    free(list);
    return 0;
}
