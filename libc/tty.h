/* libc/tty.h - the console as a file: lines with editing, text with CR LF. */
#pragma once

#include <bareloom/file.h>

extern const struct file_ops tty_ops;
