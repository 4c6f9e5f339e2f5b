/*
 * thermostat - a thermometer on the I2C bus, a heater (or an LED that stands for one) that gets pulses: the colder it is,
 * the longer they are.
 *
 * Both devices work by themselves: while a measurement goes over the bus, and between two of them, no core does anything.
 *
 * On a Raspberry Pi: a TMP102, TMP105 or LM75 at address 0x48 on GPIO 2 (data) and 3 (clock), an LED with a resistor of 330
 * ohms from GPIO 18 (pin 12 of its header) to ground. `thermostat 24 100`: to 24 degrees, a hundred measurements.
 */
#include <bareloom.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define THERMOMETER 0x48
#define TEMPERATURE 0 /* its register, in 1/256 degrees */
#define HEATER      18
#define PERIOD      MS(10)
#define EVERY       MS(500)
#define BAND        512 /* from full heat to none: two degrees */

static int measure(int *temperature) {
    uint8_t reg = TEMPERATURE, value[2];
    int error = i2c_write_read(THERMOMETER, &reg, 1, value, sizeof value);
    *temperature = (int16_t)(value[0] << 8 | value[1]);
    return error;
}

/* In percent. */
static int heat_for(int below) {
    return below <= 0 ? 0 : below >= BAND ? 100 : below * 100 / BAND;
}

int main(int argc, char **argv) {
    int target = (argc > 1 ? atoi(argv[1]) : 22) * 256;
    int rounds = argc > 2 ? atoi(argv[2]) : 10;
    int shown = -1;
    struct ticker *ticker = ticker_make(EVERY);

    for (int i = 0; i < rounds; i++) {
        int temperature;
        int error = measure(&temperature);
        if (error != 0) {
            if (shown >= 0) {
                pwm_stop(HEATER); /* it would heat on, and nobody would know how warm it gets */
            }
            printf("%s\n", error == -ENODEV  ? "this board has no I2C bus"
                           : error == -ENXIO ? "no thermometer answers at address 0x48"
                                             : "the thermometer does not work");
            return 1;
        }
        int heat = heat_for(target - temperature);
        error = pwm_start(HEATER, PERIOD, PERIOD * heat / 100);
        if (error != 0) {
            printf("no pulses for the heater\n");
            return 1;
        }
        if (heat != shown) {
            printf("%d.%02d degrees: heat %d %%\n", temperature / 256,
                   temperature % 256 * 100 / 256, heat);
            shown = heat;
        }
        chan_recv(ticker_chan(ticker), NULL);
    }
    ticker_free(ticker);
    return pwm_stop(HEATER) != 0;
}
