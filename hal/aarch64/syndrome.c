/* hal/aarch64/syndrome.c - an exception's syndrome in words.
 *
 * Source: Arm DDI 0487 (Architecture Reference Manual), D24.2.40 ESR_EL1. */
#include "hal/aarch64/port.h"

#define EC_UNKNOWN       0x00u
#define EC_FP            0x07u
#define EC_ILLEGAL_STATE 0x0eu
#define EC_SVC           0x15u
#define EC_INSTR_ABORT   0x21u
#define EC_PC_ALIGN      0x22u
#define EC_DATA_ABORT    0x25u
#define EC_SP_ALIGN      0x26u
#define EC_SERROR        0x2fu
#define EC_BRK           0x3cu

static const char *class_name(unsigned ec) {
    switch (ec) {
    case EC_UNKNOWN:
        return "undefined instruction";
    case EC_FP:
        return "FP or SIMD instruction where it is off";
    case EC_ILLEGAL_STATE:
        return "illegal execution state";
    case EC_SVC:
        return "SVC instruction";
    case EC_INSTR_ABORT:
        return "instruction abort";
    case EC_PC_ALIGN:
        return "misaligned program counter";
    case EC_DATA_ABORT:
        return "data abort";
    case EC_SP_ALIGN:
        return "misaligned stack pointer";
    case EC_SERROR:
        return "asynchronous external abort (SError)";
    case EC_BRK:
        return "BRK instruction";
    default:
        return "exception of a class that has no name here";
    }
}

/* Bits 5:2 of an abort's status; bits 1:0 are the level. */
static const char *abort_name(unsigned fsc) {
    switch (fsc >> 2) {
    case 0:
        return "address size fault";
    case 1:
        return "translation fault";
    case 2:
        return "access flag fault";
    case 3:
        return "permission fault";
    case 4:
        return "external abort";
    case 8:
        return "alignment fault";
    default:
        return "fault of another kind";
    }
}

static size_t append(char *buffer, size_t at, size_t n, const char *text) {
    while (*text != '\0' && at + 1 < n) {
        buffer[at++] = *text++;
    }
    buffer[at] = '\0';
    return at;
}

void syndrome_decode(struct hal_fault *f, const struct trap *t, char *buffer, size_t n) {
    uint64_t esr = SYSREG_READ(esr_el1);
    unsigned ec = (unsigned)(esr >> 26) & 0x3f;
    unsigned fsc = (unsigned)esr & 0x3f;
    bool abort = ec == EC_INSTR_ABORT || ec == EC_DATA_ABORT;
    *f = (struct hal_fault){.what = buffer, .pc = t->pc, .syndrome = esr, .regs = t->x};
    f->masked = (t->pstate & DAIF_I) != 0;
    f->has_address = abort || ec == EC_PC_ALIGN;
    f->address = f->has_address ? SYSREG_READ(far_el1) : 0;
    f->translation = abort && (fsc >> 2) == 1;
    size_t at = append(buffer, 0, n, class_name(ec));
    if (abort) {
        char level[] = {' ', 'l', 'e', 'v', 'e', 'l', ' ', (char)('0' + (fsc & 3)), '\0'};
        at = append(buffer, at, n, ": ");
        at = append(buffer, at, n, abort_name(fsc));
        at = append(buffer, at, n, (fsc >> 2) < 4 ? level : "");
    }
    if (ec == EC_DATA_ABORT) {
        append(buffer, at, n, (esr & (1u << 6)) != 0 ? ", write" : ", read");
    } else if (ec == EC_INSTR_ABORT && f->pc < HAL_PAGE) {
        append(buffer, at, n, ", call of a NULL function");
    }
}
