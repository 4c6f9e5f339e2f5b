/* drivers/sdhci.h - an SD card in a slot of the SD association's host controller, as on the Raspberry Pis. An instance:
 * {&sdhci_ops, base, line, prepare}; there is one. */
#pragma once

#include "hal/board.h"

extern const struct disk_ops sdhci_ops;
