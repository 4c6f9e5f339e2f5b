/* boot/fdt.c - a reader of flattened device trees, for RAM and command line alone.
 *
 * The blob is outside data: every offset is checked against the size in its header before it is
 * followed, and a blob that breaks a rule ends the reading.
 * Source: Devicetree Specification 0.4, chapter 5. */
#include "boot/fdt.h"

#define MAGIC      0xd00dfeedu
#define SIZE_MAX_B 0x200000u

#define BEGIN_NODE 1u
#define END_NODE   2u
#define PROP       3u
#define NOP        4u

struct reader {
    const unsigned char *blob;
    uint32_t size;
    uint32_t at, end; /* structure block */
    uint32_t strings;
    int depth;
    char node[32]; /* name of the node at depth 1 we are in, without its address */
    uint32_t address_cells, size_cells;
};

struct property {
    uint32_t name; /* where it begins; it is looked at only when somebody asks, by named() */
    const unsigned char *value;
    uint32_t size;
};

static uint32_t be32(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool fdt_valid(const void *p) {
    const unsigned char *b = p;
    return p != NULL && be32(b) == MAGIC && be32(b + 4) >= 40 && be32(b + 4) <= SIZE_MAX_B;
}

static bool open(struct reader *r, const void *fdt) {
    *r = (struct reader){.blob = fdt, .address_cells = 2, .size_cells = 1};
    if (!fdt_valid(fdt)) {
        return false;
    }
    r->size = be32(r->blob + 4);
    r->at = be32(r->blob + 8);
    r->strings = be32(r->blob + 12);
    uint32_t length = be32(r->blob + 36);
    if (r->at > r->size || length > r->size - r->at || r->strings > r->size || (r->at & 3) != 0) {
        return false;
    }
    r->end = r->at + length;
    return true;
}

static bool word(struct reader *r, uint32_t *out) {
    if (r->at > r->end || r->end - r->at < 4) {
        return false;
    }
    *out = be32(r->blob + r->at);
    r->at += 4;
    return true;
}

/* The length of the string from there, or limit - from if it does not end before limit. */
static uint32_t length(const struct reader *r, uint32_t from, uint32_t limit) {
    uint32_t at = from;
    while (at < limit && r->blob[at] != '\0') {
        at++;
    }
    return at - from;
}

static bool enter(struct reader *r) {
    const unsigned char *name = r->blob + r->at;
    uint32_t n = length(r, r->at, r->end);
    if (n == r->end - r->at) {
        return false;
    }
    r->at = (r->at + n + 1 + 3) & ~3u;
    if (++r->depth == 2) {
        uint32_t i = 0;
        for (; i + 1 < sizeof r->node && i < n && name[i] != '@'; i++) {
            r->node[i] = (char)name[i];
        }
        r->node[i] = '\0';
    }
    return true;
}

static bool same(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static bool named(const struct reader *r, const struct property *p, const char *name) {
    for (uint32_t at = p->name; at < r->size && r->blob[at] == (unsigned char)*name; at++, name++) {
        if (*name == '\0') {
            return true;
        }
    }
    return false;
}

static bool take_property(struct reader *r, struct property *p) {
    uint32_t size, name;
    if (!word(r, &size) || !word(r, &name) || r->at > r->end || size > r->end - r->at ||
        name >= r->size - r->strings) {
        return false;
    }
    p->name = r->strings + name;
    p->value = r->blob + r->at;
    p->size = size;
    r->at = (r->at + size + 3) & ~3u;
    if (r->depth == 1 && size == 4) {
        if (named(r, p, "#address-cells")) {
            r->address_cells = be32(p->value);
        } else if (named(r, p, "#size-cells")) {
            r->size_cells = be32(p->value);
        }
    }
    return true;
}

/* The next property of any node; false at the end, or where the blob breaks a rule. */
static bool next_property(struct reader *r, struct property *p) {
    uint32_t token;
    while (word(r, &token)) {
        switch (token) {
        case BEGIN_NODE:
            if (!enter(r)) {
                return false;
            }
            break;
        case END_NODE:
            r->depth--;
            break;
        case PROP:
            return take_property(r, p);
        case NOP:
            break;
        default:
            return false;
        }
    }
    return false;
}

static uint64_t cells(const unsigned char *p, uint32_t n) {
    uint64_t v = 0;
    for (uint32_t i = 0; i < n; i++) {
        v = v << 32 | be32(p + 4 * i);
    }
    return v;
}

bool fdt_memory(const void *fdt, struct range *out) {
    struct reader r;
    struct property p;
    if (!open(&r, fdt)) {
        return false;
    }
    while (next_property(&r, &p)) {
        uint32_t a = r.address_cells, s = r.size_cells;
        if (r.depth == 2 && same(r.node, "memory") && named(&r, &p, "reg") && a >= 1 && a <= 2 &&
            s >= 1 && s <= 2 && p.size >= 4 * (a + s)) {
            out->base = cells(p.value, a);
            out->size = cells(p.value + 4 * a, s);
            return true;
        }
    }
    return false;
}

/* The reservation block: pairs of 64-bit base and size, ended by zeros. */
static void reservations(const struct reader *r, void (*keep_off)(uintptr_t base, size_t size)) {
    for (uint32_t at = be32(r->blob + 16); at <= r->size && r->size - at >= 16; at += 16) {
        uint64_t base = cells(r->blob + at, 2), size = cells(r->blob + at + 8, 2);
        if (base == 0 && size == 0) {
            break;
        }
        keep_off(base, size);
    }
}

/* All ranges of a reg below /reserved-memory, whose cells are the root's (Devicetree Specification,
 * 3.5). */
static void reserved_reg(const struct reader *r, const struct property *p,
                         void (*keep_off)(uintptr_t base, size_t size)) {
    uint32_t a = r->address_cells, s = r->size_cells;
    if (a < 1 || a > 2 || s < 1 || s > 2) {
        return;
    }
    for (uint32_t at = 0; p->size - at >= 4 * (a + s); at += 4 * (a + s)) {
        keep_off(cells(p->value + at, a), cells(p->value + at + 4 * a, s));
    }
}

void fdt_reserved(const void *fdt, void (*keep_off)(uintptr_t base, size_t size)) {
    struct reader r;
    struct property p;
    uint64_t start = 0, end = 0; /* of the initrd */
    if (!open(&r, fdt)) {
        return;
    }
    keep_off((uintptr_t)fdt, r.size);
    reservations(&r, keep_off);
    while (next_property(&r, &p)) {
        if (r.depth == 3 && same(r.node, "reserved-memory") && named(&r, &p, "reg")) {
            reserved_reg(&r, &p, keep_off);
        } else if (r.depth == 2 && same(r.node, "chosen") && (p.size == 4 || p.size == 8)) {
            if (named(&r, &p, "linux,initrd-start")) {
                start = cells(p.value, p.size / 4);
            } else if (named(&r, &p, "linux,initrd-end")) {
                end = cells(p.value, p.size / 4);
            }
        }
    }
    if (end > start) {
        keep_off(start, end - start);
    }
}

const char *fdt_bootargs(const void *fdt) {
    struct reader r;
    struct property p;
    if (!open(&r, fdt)) {
        return NULL;
    }
    while (next_property(&r, &p)) {
        if (r.depth == 2 && same(r.node, "chosen") && named(&r, &p, "bootargs")) {
            uint32_t from = (uint32_t)(p.value - r.blob);
            return length(&r, from, from + p.size) < p.size ? (const char *)p.value : NULL;
        }
    }
    return NULL;
}
