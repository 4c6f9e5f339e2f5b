/* libc/names.h - what a path means: the table that file_register() fills. */
#pragma once

#include <bareloom/file.h>

/* Finds path: f's ops and data are what was registered, *rest is what follows it. 0 or -ENOENT.
 * From a G. */
int names_find(const char *path, struct file *f, const char **rest);
