/*
 * tests/fuzz/chain.c - boot/chain/frame.c and main.c, the loader: whatever comes over the line, what is written lies
 * below the loader, and what is started has a size, and a command line with an end.
 *
 * No fuzzer guesses a CRC. So the input is a list of things that come over the line: raw bytes, silence, or a frame, to
 * which the CRC is put here; to GO, half of the times, the one of what lies in memory.
 */
#include <setjmp.h>

/* The machine of the core, without its instructions. */
#define insn_counter           no_counter
#define insn_counter_hz        no_counter_hz
#define cache_clean_invalidate no_clean_invalidate
#include "hal/aarch64/cache.h"
#include "hal/aarch64/insn.h"
#undef insn_counter
#undef insn_counter_hz
#undef cache_clean_invalidate

#include "tests/fuzz/fuzz.h"

#define HZ   1000u
#define ROOM 4096u

uint8_t ram[ROOM];
__asm__(".globl __chain_start\n.set __chain_start, ram + 4096");
#define LOAD_ADDR ram

static uint64_t now;
static uint64_t insn_counter(void) {
    return ++now;
}
static uint64_t insn_counter_hz(void) {
    return HZ;
}
static void cache_clean_invalidate(const void *p, size_t n) {
    WANT(p == ram && n <= ROOM);
}

#define bytes frame_bytes
#include "boot/chain/frame.c"
#undef bytes
#include "boot/chain/main.c"

/* ---- the line ---------------------------------------------------------------------------------------- */

static jmp_buf over;
static struct { const uint8_t *at, *end; } input;
static struct {
    uint8_t text[2 + HEADER + FRAME_PAYLOAD + 1 + CRC];
    size_t at, n;
    unsigned silent; /* looks that find nothing */
} line;

static size_t take(void *to, size_t n) {
    size_t left = (size_t)(input.end - input.at);
    n = n < left ? n : left;
    memcpy(to, input.at, n);
    input.at += n;
    return n;
}

static void next_frame(uint8_t kind, bool of_ram) {
    uint8_t head[6] = {0};
    take(head, sizeof head);
    size_t length = ((size_t)head[4] | (size_t)head[5] << 8) % (FRAME_PAYLOAD + 2); /* one is too long */
    uint8_t *p = line.text;
    *p++ = SYNC_0;
    *p++ = SYNC_1;
    *p++ = kind;
    *p++ = (uint8_t)length;
    *p++ = (uint8_t)(length >> 8);
    memcpy(p, head, 4);
    if (of_ram) {
        put32(p, frame_crc(0, ram, image.size));
    }
    p += 4;
    memset(p, 0, length);
    take(p, length);
    p += length;
    put32(p, frame_crc(0, line.text + 2, HEADER + length));
    line.n = (size_t)(p + CRC - line.text);
}

static void next(void) {
    uint8_t what = 0;
    line.at = line.n = 0;
    if (take(&what, 1) == 0) {
        longjmp(over, 1);
    }
    if (what < 0x20) {
        line.n = take(line.text, what);
    } else if (what < 0x40) {
        line.silent = (what - 0x20u) * HZ / 4;
    } else {
        next_frame(what & 0x7f, what >= 0x80);
    }
}

static int rx(const struct uart *u) {
    (void)u;
    if (line.silent > 0) {
        line.silent--;
        return -1;
    }
    if (line.at == line.n) {
        next();
        return -1;
    }
    return line.text[line.at++];
}

static void init(const struct uart *u) {
    (void)u;
}
static bool tx_ready(const struct uart *u) {
    (void)u;
    return true;
}
static void tx(const struct uart *u, uint8_t b) {
    (void)u;
    (void)b;
}
static void set_baud(const struct uart *u, uint32_t rate) {
    (void)u;
    WANT(rate >= 9600);
}

static const struct uart_ops ops = {
    .init = init, .tx_ready = tx_ready, .tx = tx, .rx = rx, .set_baud = set_baud};
static const struct uart uart = {.ops = &ops};
const struct board board = {.name = "fuzz", .console = &uart};

_Noreturn void chain_jump(const void *tags, uintptr_t at) {
    const uint32_t *t = tags;
    WANT(at == (uintptr_t)ram && image.size > 0 && image.size <= ROOM);
    WANT(t[1] == ATAG_CORE && t[3] == ATAG_COMMAND_LINE && strlen((const char *)&t[4]) < LINE_BYTES);
    WANT(t[2] == 2 + LINE_BYTES / 4 && t[2 + t[2]] == 0 && t[3 + t[2]] == 0);
    longjmp(over, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    input.at = data;
    input.end = data + n;
    memset(&line, 0, sizeof line);
    memset(&image, 0, sizeof image);
    memset(ram, 0xa5, sizeof ram);
    now = 0;
    if (setjmp(over) == 0) {
        chain_main();
    }
    return 0;
}
