/* sync/group.h - what nursery.c needs of a group beside its manual. */
#pragma once

#include <bareloom/group.h>

/* The first error counts; it cancels the context. */
void group_fail(struct group *g, int error);
