/* boot/command_line.c - whose words the words of the command line are.
 *
 * A Pi's firmware puts some hundred characters of its own before what stands in cmdline.txt. So a
 * word `--` divides the line, as it does Linux's: what follows it is the program's, what stands
 * before it the firmware's and ours. Ours are exit=reset and exit=halt. A line without `--` is the program's
 * alone. */
#include "boot/command_line.h"

#include "hal/board.h"

static bool blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Whether the word at s is this one. */
static bool is_word(const char *s, const char *word) {
    while (*word != '\0' && *s == *word) {
        s++;
        word++;
    }
    return *word == '\0' && (*s == '\0' || blank(*s));
}

static const char *next_word(const char *s) {
    while (*s != '\0' && !blank(*s)) {
        s++;
    }
    while (blank(*s)) {
        s++;
    }
    return s;
}

static void copy(const char *from) {
    size_t i = 0;
    for (; i + 1 < sizeof boot_info.args && from[i] != '\0'; i++) {
        boot_info.args[i] = from[i];
    }
    boot_info.args[i] = '\0';
}

void command_line_take(const char *line) {
    unsigned at_exit = AT_EXIT_OFF;
    const char *word = blank(*line) ? next_word(line) : line;
    for (; *word != '\0'; word = next_word(word)) {
        if (is_word(word, "--")) {
            boot_info.at_exit = at_exit;
            copy(next_word(word));
            return;
        }
        if (is_word(word, "exit=reset")) {
            at_exit = AT_EXIT_RESET;
        } else if (is_word(word, "exit=halt")) {
            at_exit = AT_EXIT_HALT;
        }
    }
    copy(line);
}
