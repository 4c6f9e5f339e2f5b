/* boot/chain/frame.c - frames over the console's UART, polled.
 *
 * Nothing that comes is believed before its CRC fits. A frame that stops in the middle is given up
 * after a quarter of a second without a byte, which is sooner than the host asks again. */
#include "boot/chain/frame.h"

#include "hal/aarch64/insn.h"
#include "hal/board.h"

#define SYNC_0 0xa5u
#define SYNC_1 0x5au
#define HEADER 7u
#define CRC    4u

static uint32_t get32(const uint8_t *p) {
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void put32(uint8_t *p, uint32_t v) {
    for (unsigned i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> 8 * i);
    }
}

uint32_t frame_crc(uint32_t crc, const void *bytes, size_t n) {
    static uint32_t table[16]; /* of half a byte each */
    if (table[1] == 0) {
        for (uint32_t i = 0; i < 16; i++) {
            uint32_t c = i;
            for (unsigned bit = 0; bit < 4; bit++) {
                c = (c & 1) != 0 ? c >> 1 ^ 0xedb88320u : c >> 1;
            }
            table[i] = c;
        }
    }
    const uint8_t *p = bytes;
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/* The next byte, or -1 when until has come; 0 is never. */
static int byte_until(uint64_t until) {
    const struct uart *u = board.console;
    for (;;) {
        int b = u->ops->rx(u);
        if (b >= 0 || (until != 0 && insn_counter() >= until)) {
            return b;
        }
    }
}

static bool bytes(uint8_t *to, size_t n) {
    uint64_t patience = insn_counter_hz() / 4;
    for (size_t i = 0; i < n; i++) {
        int b = byte_until(insn_counter() + patience);
        if (b < 0) {
            return false;
        }
        to[i] = (uint8_t)b;
    }
    return true;
}

/* What follows the two bytes that a frame begins with. */
static bool rest(struct frame *f) {
    uint8_t header[HEADER], crc[CRC];
    if (!bytes(header, HEADER)) {
        return false;
    }
    f->kind = header[0];
    f->length = (size_t)header[1] | (size_t)header[2] << 8;
    f->value = get32(header + 3);
    if (f->length > FRAME_PAYLOAD || !bytes(f->payload, f->length) || !bytes(crc, CRC)) {
        return false;
    }
    return frame_crc(frame_crc(0, header, HEADER), f->payload, f->length) == get32(crc);
}

bool frame_get(struct frame *f, uint64_t until) {
    int before = -1, b;
    while ((b = byte_until(until)) >= 0) {
        if (before == SYNC_0 && b == SYNC_1) {
            if (rest(f)) {
                return true;
            }
            b = -1;
        }
        before = b;
    }
    return false;
}

static void send(const void *p, size_t n) {
    const struct uart *u = board.console;
    for (size_t i = 0; i < n; i++) {
        while (!u->ops->tx_ready(u)) {
        }
        u->ops->tx(u, ((const uint8_t *)p)[i]);
    }
}

void frame_put(uint8_t kind, uint32_t value, const void *payload, size_t length) {
    uint8_t header[2 + HEADER] = {SYNC_0, SYNC_1, kind, (uint8_t)length, (uint8_t)(length >> 8)},
                       crc[CRC];
    put32(header + 5, value);
    put32(crc, frame_crc(frame_crc(0, header + 2, HEADER), payload, length));
    send(header, sizeof header);
    send(payload, length);
    send(crc, CRC);
}
