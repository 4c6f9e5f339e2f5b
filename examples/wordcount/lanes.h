/* lanes.h - what the cores do for some time, as lines of letters. */
#pragma once

#include <bareloom.h>
#include <stdbool.h>

/* Records for so long, then prints a line for each core. False: there is no memory for a record. From a G. */
bool lanes(ns_t duration);
