/*
 * libc/pool.h - objects of one size cut from pages, for what must not come from malloc: malloc's
 * own lock and reent are made of them.
 */
#pragma once

#include <bareloom/sync.h>

struct pool_page;

struct pool {
    size_t size; /* of an object; fits into a page beside its head */
    struct mutex lock;
    struct pool_page *open; /* pages with a free object; guarded by lock */
};

/* An object, content undefined, aligned to 16; NULL when there is no page. From a G; may block. */
void *pool_alloc(struct pool *p);
void pool_free(struct pool *p, void *object);
