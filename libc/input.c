/*
 * libc/input.c - the text that was built into the image (tools/input.py makes the assembly for it).
 *
 * The CRC tells an image that was damaged on its way: cut short on an SD card, overwritten in RAM
 * by what the firmware put there. Only a program with APP_INPUT has the three symbols, and only
 * such a program is linked with this file.
 */
#include <bareloom/input.h>

#include <stdint.h>

extern const char input_start[], input_end[];
extern const uint32_t input_crc;

#define CRC32_POLYNOMIAL 0xedb88320u /* zlib's, bits reversed */

static uint32_t crc32(const char *p, const char *end) {
    uint32_t table[256];

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t r = i;
        for (int bit = 0; bit < 8; bit++) {
            r = (r >> 1) ^ ((r & 1) != 0 ? CRC32_POLYNOMIAL : 0);
        }
        table[i] = r;
    }
    uint32_t crc = UINT32_MAX;
    for (; p < end; p++) {
        crc = (crc >> 8) ^ table[(crc ^ (uint8_t)*p) & 0xff];
    }
    return ~crc;
}

bool input_text(const char **text, size_t *size) {
    *text = input_start;
    *size = (size_t)(input_end - input_start);
    return crc32(input_start, input_end) == input_crc;
}
