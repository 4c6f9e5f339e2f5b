/* screen.h - top's view on the board's screen: bars of load, and a timeline of what the cores run. */
#pragma once

#include <stdbool.h>

#include "picture.h"

/* False: there is no screen, or no memory. Otherwise screen_end() comes. All of these are called by one G. */
bool screen_begin(const struct picture *now);

/* What has changed between two pictures. */
void screen_numbers(const struct picture *now, const struct picture *then);

/* Moves the timeline on to now. */
void screen_timeline(void);

void screen_end(void);
