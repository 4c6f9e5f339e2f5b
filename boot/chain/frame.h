/* boot/chain/frame.h - what loader and tools/chainboot.py say to each other. A frame, little endian:
 *
 *      0xa5 0x5a  kind  length:2  value:4  payload  CRC-32 of all from kind on:4
 *
 * The host asks, the loader answers each question with the same kind in lower case and the same
 * value, or with FRAME_NO and why not. Every question may be asked again, and is as long as no
 * answer comes: what a line has dropped, doubled or garbled is no frame, and is not answered. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_PAYLOAD 2048u

#define FRAME_HELLO  'H' /* answer: the board's name */
#define FRAME_BAUD   'B' /* value: the rate after the answer. Once more there, or it is taken back */
#define FRAME_START  'S' /* value: the image's size; payload: its command line */
#define FRAME_DATA   'D' /* value: where in the image; payload: its bytes */
#define FRAME_ZEROS  'Z' /* value: where in the image; payload: how many zeros, 4 bytes */
#define FRAME_GO     'G' /* value: the CRC-32 of the whole image */
#define FRAME_NO     'n' /* value: enum frame_no */
#define FRAME_ANSWER 0x20

enum frame_no {
    FRAME_NO_ROOM = 1, /* the image, or this piece of it, is too large */
    FRAME_NO_CRC,      /* what came is not what was sent: start again */
    FRAME_NO_BAUD,     /* this UART cannot change its rate */
    FRAME_NO_KIND,     /* no such question */
};

struct frame {
    uint8_t kind;
    uint32_t value;
    size_t length;
    uint8_t payload[FRAME_PAYLOAD];
};

/* CRC-32 as zlib has it: of n bytes behind those whose CRC crc is; 0 to begin. */
uint32_t frame_crc(uint32_t crc, const void *bytes, size_t n);

/* Waits for a good frame until the counter is at until, for ever if it is 0. */
bool frame_get(struct frame *f, uint64_t until);

void frame_put(uint8_t kind, uint32_t value, const void *payload, size_t length);
