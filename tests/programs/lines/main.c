/* tests/programs/lines/main.c - what tests/host/lines.py talks to: arguments, then lines from
 * standard input. */
#include <stdio.h>
#include <string.h>

static void show(const char *line) {
    printf("<");
    for (; *line != '\0'; line++) {
        printf(*line == '\n' ? "\\n" : "%c", *line);
    }
    printf(">\n");
}

int main(int argc, char **argv) {
    char line[300], word[20];
    int n;
    for (int i = 0; i < argc; i++) {
        printf("argument %d <%s>\n", i, argv[i]);
    }
    printf("your lines: "); /* no newline: reading from a terminal brings it out */
    while (fgets(line, sizeof line, stdin) != NULL) {
        show(line);
    }
    printf("end of file %d\n", feof(stdin) != 0);
    clearerr(stdin);
    n = scanf("%d %19s", &n, word) == 2 ? n : -1;
    printf("number %d word %s\n", n, word);
    return n;
}
