# On a Pi: a button from GPIO 17 (pin 11 of its header) to ground, an LED at GPIO 16 (pin 36). On virt QEMU's power
# button, which is at pin 3 and gives a one. On the host nothing is at a pin.
APP_CFLAGS := $(if $(filter rpi%,$(BOARD)),-DBUTTON=17 -DPULL=GPIO_PULL_UP -DDOWN=false -DLED=16,\
                                           -DBUTTON=3 -DPULL=GPIO_FLOATING -DDOWN=true -DLED=5)
