/* tests/fuzz/fdt.c - boot/fdt.c: any bytes behind a header that says how many they are. */
#include "boot/fdt.c"

#include "tests/fuzz/fuzz.h"

#define MOST   65536u
#define HEADER 40u

static uintptr_t ranges; /* so that a call has an effect */

static void keep_off(uintptr_t base, size_t size) {
    ranges += base ^ size;
}

/* A blob of just the size that its header says: what is read beyond it is found. */
static unsigned char *blob_of(const uint8_t *data, size_t n) {
    if (n < HEADER) {
        return NULL;
    }
    size_t size = be32(data + 4);
    if (size > MOST) {
        return NULL;
    }
    size = size > HEADER ? size : HEADER; /* what a header is read from is always there */
    unsigned char *blob = calloc(1, size);
    WANT(blob != NULL);
    memcpy(blob, data, n < size ? n : size);
    return blob;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    unsigned char *blob = blob_of(data, n);
    if (blob == NULL) {
        return 0;
    }
    struct range r = {0};
    const char *args = fdt_bootargs(blob);
    WANT(args == NULL || strlen(args) < MOST);
    if (fdt_memory(blob, &r)) {
        WANT(fdt_valid(blob));
    }
    fdt_reserved(blob, keep_off);
    free(blob);
    return 0;
}
