/* boot/command_line.h - whose words the words of the command line are. */
#pragma once

/* Sets boot_info's args and at_exit from what the loader or the device tree passed. */
void command_line_take(const char *line);
