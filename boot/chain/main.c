/* boot/chain/main.c - the loader that lives on a Pi's card: takes images over the console's UART and
 * starts each as the firmware would (docs/PI.md; tools/chainboot.py is the other end).
 *
 * One core, MMU and data cache off: what is written is in memory, and no lock and no atomic is
 * needed. The rules that keep the image whole:
 * - A piece may come twice: it has its place, so that changes nothing.
 * - The data cache's lines over the image are written back and dropped before its first byte comes,
 *   so that none of them is written back over it later, and dropped again before the jump.
 * - The answer to GO may be lost: GO is answered until nothing comes for half a second, so that no
 *   question is left for the image's console. */
#include "boot/chain/frame.h"
#include "hal/aarch64/cache.h"
#include "hal/aarch64/insn.h"
#include "hal/board.h"

#define BAUD_PATIENCE 3u /* seconds at a new rate without a frame, then back */
#define LINE_BYTES    1024u

#define ATAG_CORE         0x54410001u
#define ATAG_COMMAND_LINE 0x54410009u

_Noreturn void chain_main(void);
_Noreturn void chain_jump(const void *tags, uintptr_t image);

extern uint8_t __chain_start[];

static struct {
    size_t size;
    uint32_t tags[2 + 2 + LINE_BYTES / 4 + 2]; /* boot/atags.c reads them */
} image;
static uint8_t *const bytes = (uint8_t *)LOAD_ADDR;

static struct frame frame;

static void say(const char *text) {
    const struct uart *u = board.console;
    for (; *text != '\0'; text++) {
        while (!u->ops->tx_ready(u)) {
        }
        u->ops->tx(u, (uint8_t)*text);
    }
}

static size_t length_of(const char *text) {
    size_t n = 0;
    while (text[n] != '\0') {
        n++;
    }
    return n;
}

static void yes(void) {
    bool hello = frame.kind == FRAME_HELLO;
    frame_put(frame.kind | FRAME_ANSWER, frame.value, board.name, hello ? length_of(board.name) : 0);
}

static void no(enum frame_no why) {
    frame_put(FRAME_NO, why, NULL, 0);
}

static bool has_room(size_t at, size_t n) {
    return at <= image.size && n <= image.size - at;
}

static void start(void) {
    if (frame.value > (size_t)(__chain_start - bytes) || frame.length >= LINE_BYTES) {
        no(FRAME_NO_ROOM);
        return;
    }
    image.size = frame.value;
    cache_clean_invalidate(bytes, image.size);
    uint32_t *tag = image.tags;
    *tag++ = 2;
    *tag++ = ATAG_CORE;
    *tag++ = 2 + LINE_BYTES / 4;
    *tag++ = ATAG_COMMAND_LINE;
    uint8_t *line = (uint8_t *)tag;
    for (size_t i = 0; i < LINE_BYTES; i++) {
        line[i] = i < frame.length ? frame.payload[i] : 0;
    }
    tag[LINE_BYTES / 4] = 0;
    tag[LINE_BYTES / 4 + 1] = 0;
    yes();
}

static void data(void) {
    if (!has_room(frame.value, frame.length)) {
        no(FRAME_NO_ROOM);
        return;
    }
    for (size_t i = 0; i < frame.length; i++) {
        bytes[frame.value + i] = frame.payload[i];
    }
    yes();
}

static void zeros(void) {
    size_t n = 0;
    for (size_t i = frame.length; i-- > 0;) {
        n = n << 8 | frame.payload[i];
    }
    if (frame.length != 4 || !has_room(frame.value, n)) {
        no(FRAME_NO_ROOM);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        bytes[frame.value + i] = 0;
    }
    yes();
}

static void go(void) {
    const struct uart *u = board.console;
    if (image.size == 0 || frame_crc(0, bytes, image.size) != frame.value) {
        no(FRAME_NO_CRC);
        return;
    }
    do {
        yes();
    } while (frame_get(&frame, insn_counter() + insn_counter_hz() / 2));
    u->ops->init(u); /* at the rate that the image begins with; waits until the answer is out */
    cache_clean_invalidate(bytes, image.size);
    chain_jump(image.tags, (uintptr_t)bytes);
}

/* True if the rate has changed. */
static bool baud(void) {
    const struct uart *u = board.console;
    if (u->ops->set_baud == NULL || frame.value < 9600) {
        no(FRAME_NO_BAUD);
        return false;
    }
    yes();
    u->ops->set_baud(u, frame.value);
    return true;
}

static void answer(void) {
    switch (frame.kind) {
    case FRAME_HELLO:
        yes();
        break;
    case FRAME_START:
        start();
        break;
    case FRAME_DATA:
        data();
        break;
    case FRAME_ZEROS:
        zeros();
        break;
    case FRAME_GO:
        go();
        break;
    default:
        no(FRAME_NO_KIND);
        break;
    }
}

_Noreturn void chain_main(void) {
    const struct uart *u = board.console;
    if (board.early != NULL) {
        board.early();
    }
    u->ops->init(u);
    say("\r\nBareloom's loader on ");
    say(board.name);
    say(": waiting for an image from `make chainboot`\r\n");
    bool usual = true;
    for (;;) {
        if (!frame_get(&frame, usual ? 0 : insn_counter() + BAUD_PATIENCE * insn_counter_hz())) {
            u->ops->init(u); /* whoever asked for this rate does not get through at it */
            usual = true;
        } else if (frame.kind == FRAME_BAUD) {
            usual = !baud() && usual;
        } else {
            answer();
        }
    }
}
