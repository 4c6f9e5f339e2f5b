/*
 * drivers/pi_framebuffer.c - a picture in the GPU's memory, by the property channel of the mailbox.
 *
 * Source of the tags: raspberrypi/firmware wiki, "Mailbox property interface", frame buffer. All of them go in one
 * message: the firmware makes the buffer once it has seen them all.
 *
 * The answer is an address as the VideoCore sees it, whose upper two bits choose one of its caches: the ARM's are
 * without them. The buffer lies above the RAM that the firmware has left to the cores. Whoever paints maps it past the
 * caches, so there is no line that would have to be cleaned for the GPU; the message itself is (pi_mailbox.c).
 */
#include "drivers/pi_framebuffer.h"

#include "drivers/pi_mailbox.h"

#define BUS_ADDRESS 0x3fffffffu
#define PAGE        4096u
#define ORDER_BGR   0u /* blue in the lowest byte: a pixel is 0x00RRGGBB */

bool pi_framebuffer_open(uintptr_t mailbox, unsigned width, unsigned height, struct board_screen *out) {
    enum { SCREEN, BUFFER, DEPTH, ORDER, ALLOCATE, PITCH, TAGS };
    struct pi_tag tags[TAGS] = {
        [SCREEN] = {0x00048003, 2, {width, height}},
        [BUFFER] = {0x00048004, 2, {width, height}},
        [DEPTH] = {0x00048005, 1, {32}},
        [ORDER] = {0x00048006, 1, {ORDER_BGR}},
        [ALLOCATE] = {0x00040001, 2, {PAGE, 0}}, /* alignment; address, size */
        [PITCH] = {0x00040008, 1, {0}},
    };
    if (!pi_mailbox_tags(mailbox, tags, TAGS)) {
        return false;
    }
    out->base = tags[ALLOCATE].values[0] & BUS_ADDRESS;
    out->pitch = tags[PITCH].values[0];
    /* What it could not do it answers otherwise. */
    bool as_wanted = tags[BUFFER].values[0] == width && tags[BUFFER].values[1] == height &&
                     tags[DEPTH].values[0] == 32 && tags[ORDER].values[0] == ORDER_BGR;
    return as_wanted && out->base != 0 && out->base % PAGE == 0 && out->pitch % 4 == 0 &&
           out->pitch >= 4 * width && tags[ALLOCATE].values[1] >= (uint64_t)out->pitch * height;
}
