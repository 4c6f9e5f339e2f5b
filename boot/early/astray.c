/* boot/early/astray.c - the one thing an image can do that was loaded to another address than it is
 * linked for: say so.
 *
 * MMU and caches off, BSS not cleared. Code finds code and data relative to itself; every address
 * that lies in memory, like those in the board's tables, is off by delta and is corrected here
 * before it is followed. The pins are as the firmware left them: board.early() may use more than
 * this allows. */
#include "hal/board.h"

void early_astray(uintptr_t delta);

/* The pointer p as it would be had it been linked for here. */
#define HERE(p, delta) ((__typeof__(p))((uintptr_t)(p) + (delta)))

static const struct uart *console;
static bool (*tx_ready)(const struct uart *u);
static void (*tx)(const struct uart *u, uint8_t b);

static void say(const char *text) {
    for (; *text != '\0'; text++) {
        while (!tx_ready(console)) {
        }
        tx(console, (uint8_t)*text);
    }
}

static void say_address(uintptr_t v) {
    char digit[2] = {'\0', '\0'};
    int shift = 60;
    while (shift > 0 && (v >> shift & 15) == 0) {
        shift -= 4;
    }
    for (say("0x"); shift >= 0; shift -= 4) {
        digit[0] = "0123456789abcdef"[v >> shift & 15];
        say(digit);
    }
}

void early_astray(uintptr_t delta) {
    extern const char _start[];
    console = HERE(board.console, delta);
    const struct uart_ops *ops = HERE(console->ops, delta);
    tx_ready = HERE(ops->tx_ready, delta);
    tx = HERE(ops->tx, delta);
    HERE(ops->init, delta)(console);
    say("\r\nBareloom: loaded at ");
    say_address((uintptr_t)_start);
    say(", but linked for ");
    say_address((uintptr_t)_start - delta);
    say(": set the loader to that address (the board's README.md)\r\n");
}
