/* libc/font.h - letters of 5 by 8 points, for libc/framebuffer.c. */
#pragma once

#include <stdbool.h>

#define FONT_WIDTH  5u
#define FONT_HEIGHT 8u

/* Whether this point of c belongs to it; what is no printable ASCII is a box. */
bool font_point(char c, unsigned x, unsigned y);
