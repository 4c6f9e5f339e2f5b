/*
 * wordcount - counts the words of a text on every core, then gives its user a prompt.
 *
 *     make run                      the text is examples/wordcount/input.txt
 *     make run INPUT=path           or another one: it becomes part of the image
 *     make run ARGS=--batch         no prompt: the exit status is the job's (so too without a
 * terminal)
 *
 * Read on: job.c (the Gs and their channels), tally.c (counting), console.c (the prompt).
 */
#include <bareloom.h>
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "job.h"

int main(int argc, char **argv) {
    bool batch = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--batch") != 0) {
            printf("wordcount: unknown argument \"%s\"; the only one is --batch\n", argv[i]);
            return 2;
        }
        batch = true;
    }

    int status = wordcount(!batch);
    if (batch) {
        return status;
    }

    /* The prompt is a G of its own; main waits for what it was told to exit with. */
    struct chan *exit_status = CHAN(int, 0);
    if (exit_status == NULL || go_with(&GO_OPTS(.name = "console"), console, exit_status) != 0) {
        printf("wordcount: out of memory\n");
        return 1;
    }
    chan_recv(exit_status, &status);
    return status;
}
