/* tests/devices/sdhci.c - a host controller and a card in it. Sources: as drivers/sdhci.c. What QEMU's card never does:
 * fail, take its time to start, be an old one. */
#include "drivers/sdhci.h"

#include <string.h>

#include "tests/devices/model.h"

#define BASE    0x300000u
#define INPUT   50000000u
#define SECTORS 4096u

static uint32_t prepare(void) {
    return INPUT;
}

static const struct disk disk = {&sdhci_ops, BASE, .line = 62, .prepare = prepare};

enum where { IDLE, READY, IDENT, STANDBY, TRANSFER, SENDING, RECEIVING };

static struct {
    /* the controller */
    uint32_t argument, blocks, host, control, events, kept, raise, response[4];
    unsigned reads;      /* since the latest write */
    uint64_t free_at;    /* two slow clocks after that */
    bool stuck;          /* until its lines are reset */
    uint64_t clocked_at; /* when the clock began to go out, all the while powered */
    /* the card */
    bool there, old;
    enum where where;
    bool application;
    unsigned starts; /* how often it is to be asked before it has started */
    unsigned fails;  /* transfers that will break off after a sector */
    uint32_t status; /* more of it, in the next answer */
    uint32_t late;   /* the same, in that to the CMD12 which the controller sends */
    bool silent;     /* the controller keeps that answer to itself */
    uint64_t at;     /* the transfer: next byte, how many are left, in the controller's buffer */
    unsigned left, word;
    uint8_t content[SECTORS * 512];
} s;

static bool slow(void) {
    uint32_t half = (s.control >> 8 & 0xff) | (s.control >> 6 & 3) << 8;
    return half == 0 || INPUT / (2 * half) <= 400000;
}

/* ---- the card: its answers ----------------------------------------------------------------------------- */

static void answer_csd(void) {
    uint64_t low = 0, high; /* bits 63:0 and 127:64 of it */
    if (s.old) {            /* sectors of 512 bytes, (511 + 1) << (1 + 2): 4096 */
        low = 1ull << 47 | 511ull << 62;
        high = 9ull << (80 - 64) | 511ull >> 2;
    } else {
        low = (uint64_t)(SECTORS / 1024 - 1) << 48;
        high = 1ull << (126 - 64);
    }
    low = low >> 8 | high << 56;
    high >>= 8;
    s.response[0] = (uint32_t)low;
    s.response[1] = (uint32_t)(low >> 32);
    s.response[2] = (uint32_t)high;
    s.response[3] = (uint32_t)(high >> 32);
}

static void transfer(bool to_card) {
    WANT(s.where == TRANSFER && (s.blocks & 0x3ff) == 512 && (s.control & 4) != 0 && !slow());
    WANT((s.host & 2) != 0);
    s.where = to_card ? RECEIVING : SENDING;
    s.left = s.blocks >> 16;
    s.at = s.old ? s.argument : (uint64_t)s.argument * 512;
    s.word = 0;
    if (s.at + s.left * 512 > sizeof s.content) {
        s.status |= 1u << 31;
        s.left = 0;
        s.where = TRANSFER;
        s.events |= 1u << 1;
        return;
    }
    s.events |= to_card ? 1u << 4 : 1u << 5;
}

/* False: no answer. */
static bool card(unsigned command) {
    bool application = s.application;
    s.application = false;
    switch (command) {
    case 0:
        WANT(slow() && model_ticks - s.clocked_at >= 185); /* microseconds: 74 clocks of 400 kHz */
        s.where = IDLE;
        return s.there;
    case 8:
        s.response[0] = s.argument;
        return s.there;
    case 55:
        s.application = true;
        return true;
    case 41:
        WANT(application && s.where == IDLE);
        if (s.starts != 0) {
            s.starts--;
            s.response[0] = 0xff8000;
            return true;
        }
        WANT(s.old || (s.argument & 1u << 30) != 0);
        s.response[0] = 1u << 31 | 0xff8000 | (s.old ? 0 : 1u << 30);
        s.where = READY;
        return true;
    case 2:
        WANT(s.where == READY);
        s.where = IDENT;
        return true;
    case 3:
        WANT(s.where == IDENT);
        s.where = STANDBY;
        s.response[0] = 0x12340000;
        return true;
    case 9:
        WANT(s.where == STANDBY && s.argument == 0x12340000);
        answer_csd();
        return true;
    case 7:
        WANT(s.where == STANDBY && s.argument == 0x12340000);
        s.where = TRANSFER;
        return true;
    case 16:
        WANT(s.argument == 512);
        return true;
    case 6:
        WANT(application && s.argument == 2 && s.where == TRANSFER);
        return true;
    case 12:
        if (s.where != SENDING && s.where != RECEIVING) {
            return false;
        }
        s.where = TRANSFER;
        return true;
    case 13:
        WANT(s.where == TRANSFER && s.argument == 0x12340000);
        s.status = 0;
        return true;
    case 18:
    case 25:
        transfer(command == 25);
        s.response[0] = s.status;
        return true;
    default:
        return false;
    }
}

/* ---- the controller ------------------------------------------------------------------------------------ */

static void issue(uint32_t command) {
    WANT((s.control & 4) != 0 && (s.host & 0x100) != 0); /* clock and power */
    WANT(!s.stuck || command >> 24 == 12);
    if (card(command >> 24)) {
        s.events |= 1u << 0;
    } else if ((command & 3u << 16) == 0) {
        s.events |= 1u << 0; /* none is wanted */
    } else {
        s.events |= 1u << 16 | 1u << 15; /* it took too long */
    }
}

static void sector_done(void) {
    s.word = 0;
    s.left--;
    if (s.fails != 0) {
        s.fails--;
        s.stuck = true;
        s.events |= 1u << 21 | 1u << 15; /* check sum of data */
    } else if (s.left != 0) {
        s.events |= s.where == SENDING ? 1u << 5 : 1u << 4;
    } else {
        s.where = TRANSFER; /* by the CMD12 that the controller sends */
        if (!s.silent) {
            s.response[3] = s.late | 0xb00;
        }
        s.events |= 1u << 1;
    }
}

static uint8_t *data(void) {
    WANT(s.left != 0 && !s.stuck);
    uint8_t *at = s.content + s.at;
    s.at += 4;
    return at;
}

static uint32_t read_(uint32_t offset) {
    s.reads++;
    uint32_t word;
    switch (offset) {
    case 0x10:
    case 0x14:
    case 0x18:
    case 0x1c:
        return s.response[(offset - 0x10) / 4];
    case 0x20:
        WANT(s.where == SENDING);
        memcpy(&word, data(), 4);
        if (++s.word == 128) {
            sector_done();
        }
        return word;
    case 0x24:
        return (s.stuck ? 3u : 0) |
               (s.left != 0 && !s.stuck ? s.where == SENDING ? 1u << 11 : 1u << 10 : 0);
    case 0x28:
        return s.host;
    case 0x2c:
        return s.control | ((s.control & 1) != 0 ? 2 : 0);
    case 0x30:
        return s.events & s.kept;
    default:
        WANT(!"a register that can be read");
        return 0;
    }
}

static void write_(uint32_t offset, uint32_t value) {
    if (offset != 0x20) { /* two of the card's clocks: 5 us, or 80 ns */
        WANT(slow() ? model_ticks >= s.free_at : s.reads >= 2);
        s.reads = 0;
        s.free_at = model_ticks + 5;
    }
    switch (offset) {
    case 0x04:
        s.blocks = value;
        break;
    case 0x08:
        s.argument = value;
        break;
    case 0x0c:
        issue(value);
        break;
    case 0x20:
        WANT(s.where == RECEIVING);
        memcpy(data(), &value, 4);
        if (++s.word == 128) {
            sector_done();
        }
        break;
    case 0x28:
        s.host = value;
        break;
    case 0x2c:
        WANT((value & 1u << 24) != 0 || ((s.control ^ value) & 0xffc0) == 0 ||
             (s.control & 4) == 0); /* not under way */
        if ((value & 3u << 25) != 0) {
            s.stuck = false;
            s.left = 0;
            s.events = 0;
        }
        if ((value & 4) != 0 && (s.control & 4) == 0) {
            WANT((s.host & 0x100) != 0);
            s.clocked_at = model_ticks;
        }
        s.control = (value & 1u << 24) != 0 ? 0 : value & ~(3u << 25);
        break;
    case 0x30:
        s.events &= ~value;
        break;
    case 0x34:
        s.kept = value;
        break;
    case 0x38:
        s.raise = value;
        break;
    default:
        WANT(!"a register that can be written");
    }
}

static const struct model controller = {"SDHCI", BASE, 0x100, read_, write_, NULL};

/* ---- the driver --------------------------------------------------------------------------------------------- */

static uint8_t buffer[DISK_AT_ONCE * 512] __attribute__((aligned(4)));
static const struct disk_memory memory = {buffer, 0, NULL, 0};
static struct disk_found found;

static enum disk_result init(void) {
    enum disk_result r;
    do {
        CALL(r = disk.ops->init(&disk, &memory, &found));
    } while (r == DISK_BUSY);
    return r;
}

/* While the line is up, as the interrupt controller would. */
static enum disk_result request(bool write, uint64_t sector, unsigned n) {
    enum disk_result r = DISK_BUSY;
    CALL(disk.ops->begin(&disk, write, sector, n));
    while (r == DISK_BUSY) {
        WANT((s.events & s.kept & s.raise) != 0); /* else it waits for ever */
        CALL(r = disk.ops->step(&disk));
    }
    WANT((s.events & s.kept & s.raise) == 0);
    return r;
}

static void insert(bool old, unsigned starts) {
    memset(&s, 0, sizeof s);
    s.reads = 1000;
    s.there = true;
    s.old = old;
    s.starts = starts;
    for (unsigned i = 0; i < sizeof s.content; i++) {
        s.content[i] = (uint8_t)(i / 512 * 7 + i);
    }
}

static void there_and_back(void) {
    WANT(request(false, 5, 3) == DISK_DONE && memcmp(buffer, s.content + 5 * 512, 3 * 512) == 0);
    memset(buffer, 0x77, sizeof buffer);
    WANT(request(true, SECTORS - DISK_AT_ONCE, DISK_AT_ONCE) == DISK_DONE);
    WANT(s.content[sizeof s.content - 1] == 0x77 && s.content[(SECTORS - DISK_AT_ONCE) * 512] == 0x77);
    WANT(s.content[(SECTORS - DISK_AT_ONCE) * 512 - 1] != 0x77);
}

void sdhci_cards(void) {
    model_use(&controller);
    for (int old = 0; old < 2; old++) {
        insert(old, 5);
        WANT(init() == DISK_DONE && found.sectors == SECTORS && found.line == 62);
        there_and_back();
    }
    insert(false, 1000); /* never starts */
    WANT(init() == DISK_FAILED);
    insert(false, 0);
    s.there = false;
    WANT(init() == DISK_NONE);
    s.there = true; /* pushed in */
    s.reads = 1000;
    WANT(init() == DISK_DONE);
    there_and_back();
}

void sdhci_errors(void) {
    model_use(&controller);
    insert(false, 0);
    WANT(init() == DISK_DONE);
    for (int write = 0; write < 2; write++) {
        s.fails = 1;
        WANT(request(write, 8, 4) == DISK_FAILED);
        CALL(disk.ops->abort(&disk));
        there_and_back();
        s.status = 1u << 19; /* of before */
        WANT(request(write, 8, 4) == DISK_FAILED);
        CALL(disk.ops->abort(&disk));
        s.late = 1u << 21; /* it could not put its own bits right, and sent them all the same */
        for (int twice = 0; twice < 2; twice++) {
            WANT(request(write, 8, 4) == DISK_FAILED);
            CALL(disk.ops->abort(&disk));
        }
        s.late = 1u << 31; /* it has read ahead, beyond its end */
        WANT(request(write, SECTORS - 1, 1) == DISK_DONE);
        s.late = 0;
        WANT(request(write, SECTORS - 1, 2) == DISK_FAILED); /* beyond its end */
        CALL(disk.ops->abort(&disk));
        there_and_back();
    }
    insert(false, 0);
    s.silent = true;
    WANT(init() == DISK_DONE);
    there_and_back();
}
