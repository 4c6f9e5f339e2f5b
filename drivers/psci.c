/*
 * drivers/psci.c - Power State Coordination Interface.
 *
 * Source of the numbers: Arm DEN 0022 (PSCI 1.1), 5.1.
 *
 * No version call and no probing: an SMC or HVC that nobody takes is an undefined instruction, or,
 * from where EL2 was entered, would come back to ourselves.
 */
#include "drivers/psci.h"

#include "hal/aarch64/insn.h"
#include "hal/aarch64/psci_call.h"

#define PSCI_CPU_ON       0xc4000003u
#define PSCI_SYSTEM_OFF   0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u

#define PSCI_NOT_SUPPORTED (-1)

static int call(enum psci_conduit conduit, uint64_t fn, uint64_t a, uint64_t b, uint64_t c) {
    /* What the caller wrote, a console byte or what the new core reads, is out before the firmware
     * acts. */
    insn_dsb_sy();
    switch (conduit) {
    case PSCI_SMC:
        return psci_call_smc(fn, a, b, c);
    case PSCI_HVC:
        return psci_call_hvc(fn, a, b, c);
    case PSCI_NONE:
        break;
    }
    return PSCI_NOT_SUPPORTED;
}

int psci_cpu_on(enum psci_conduit conduit, uint64_t mpidr, uintptr_t entry, uint64_t context) {
    return call(conduit, PSCI_CPU_ON, mpidr, entry, context);
}

void psci_system_off(enum psci_conduit conduit) {
    call(conduit, PSCI_SYSTEM_OFF, 0, 0, 0);
}

void psci_system_reset(enum psci_conduit conduit) {
    call(conduit, PSCI_SYSTEM_RESET, 0, 0, 0);
}
