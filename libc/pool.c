/*
 * libc/pool.c - objects of one size cut from pages.
 *
 * A page knows its own free objects and how many are out, so that an empty page goes back to the
 * runtime: ten thousand Gs that each printed one line leave nothing behind. One empty page stays,
 * or a G that comes and goes would take and give a page each time. An object's page is found by its
 * address.
 */
#include "libc/pool.h"

#include <bareloom/go.h>

#define PAGE  KB(4)
#define ALIGN ((size_t)16)

struct object {
    struct object *next;
};

/* guarded by the pool's lock */
struct pool_page {
    struct pool_page *next, *prev; /* on the pool's list while free is not NULL */
    struct object *free;
    size_t used;
};
#define HEAD ((sizeof(struct pool_page) + ALIGN - 1) & ~(ALIGN - 1))

static void link_page(struct pool *p, struct pool_page *page) {
    page->prev = NULL;
    page->next = p->open;
    if (p->open != NULL) {
        p->open->prev = page;
    }
    p->open = page;
}

static void unlink_page(struct pool *p, struct pool_page *page) {
    if (page->prev != NULL) {
        page->prev->next = page->next;
    } else {
        p->open = page->next;
    }
    if (page->next != NULL) {
        page->next->prev = page->prev;
    }
}

static void push(struct pool_page *page, void *object) {
    struct object *o = object;
    o->next = page->free;
    page->free = o;
}

static struct pool_page *new_page(struct pool *p) {
    struct pool_page *page = go_page_alloc();
    if (page != NULL) {
        size_t size = (p->size + ALIGN - 1) & ~(ALIGN - 1);
        *page = (struct pool_page){0};
        for (size_t at = HEAD; at + size <= PAGE; at += size) {
            push(page, (char *)page + at);
        }
        link_page(p, page);
    }
    return page;
}

void *pool_alloc(struct pool *p) {
    struct object *o = NULL;
    mutex_lock(&p->lock);
    struct pool_page *page = p->open != NULL ? p->open : new_page(p);
    if (page != NULL) {
        o = page->free;
        page->free = o->next;
        page->used++;
        if (page->free == NULL) {
            unlink_page(p, page);
        }
    }
    mutex_unlock(&p->lock);
    return o;
}

void pool_free(struct pool *p, void *object) {
    struct pool_page *page = (struct pool_page *)((uintptr_t)object & ~(uintptr_t)(PAGE - 1));
    struct pool_page *empty = NULL;
    mutex_lock(&p->lock);
    if (page->free == NULL) {
        link_page(p, page);
    }
    push(page, object);
    if (--page->used == 0 && (page->next != NULL || page->prev != NULL)) {
        unlink_page(p, page);
        empty = page;
    }
    mutex_unlock(&p->lock);
    if (empty != NULL) {
        go_page_free(empty);
    }
}
