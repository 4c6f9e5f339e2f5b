/* spi - reads a serial flash memory: 0x03 and three bytes of address, then as many bytes as one likes. */
#include <bareloom.h>
#include <stdio.h>

#define N 200

int main(void) {
    const struct spi_chip flash = {.select = 0, .mode = 0, .hz = 1000000};
    uint8_t bytes[4 + N] = {0x03, 0, 1, 0};
    int error = spi_transfer(&flash, bytes, bytes, sizeof bytes);
    printf("error %d\n", error);
    for (unsigned i = 4; i < sizeof bytes; i++) {
        printf("%02x", bytes[i]);
    }
    printf("\n");
    return error != 0;
}
