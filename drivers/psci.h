/* drivers/psci.h - the firmware's power switch for cores and the machine. The board knows how the
 * firmware is called. */
#pragma once

#include <stdint.h>

enum psci_conduit {
    PSCI_SMC,
    PSCI_HVC,
    PSCI_NONE, /* nobody is below: every call fails */
};

/* Starts the core of that MPIDR at physical address entry, at the caller's level as it was entered,
 * with context in x0. 0, or PSCI's negative error: no such core, on already. */
int psci_cpu_on(enum psci_conduit conduit, uint64_t mpidr, uintptr_t entry, uint64_t context);

/* They return only where they fail. */
void psci_system_off(enum psci_conduit conduit);
void psci_system_reset(enum psci_conduit conduit);
