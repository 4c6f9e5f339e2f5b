/* <bareloom/random.h> - numbers from the board's hardware generator of randomness: Raspberry Pi, QEMU's virt, and the
 * host's operating system. */
#pragma once

#include <bareloom/base.h>

/* Fills n bytes at p. 0; -ENODEV: the board has no generator that we know; -EIO: it has given nothing for a
 * second, or says that it is broken, and what stands at p is not to be used. Sleeps while the generator has
 * nothing ready: a Pi's makes some 100,000 bytes a second. From a G. getentropy(), and with it
 * arc4random(), come here. */
int random_bytes(void *p, size_t n);
