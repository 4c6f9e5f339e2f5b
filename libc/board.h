/* libc/board.h - what the files of libc/ that ask the board's firmware share. */
#pragma once

#include <bareloom/sync.h>

/* board.fact(), board.screen() and a disk's init() take one caller at a time. */
extern struct mutex board_asked;
