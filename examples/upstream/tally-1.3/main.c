/* tally: prints every distinct line of the standard input and its count.
 * SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>

#include "tally.h"

static void print(const char *word, size_t length, unsigned long count, void *stream)
{
    fprintf(stream, "%lu\t%.*s\n", count, (int)length, word);
}

int main(void)
{
    tally *counts = tally_new();
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    if (!counts)
        return EXIT_FAILURE;
    while ((length = getline(&line, &room, stdin)) >= 0) {
        if (length > 0 && line[length - 1] == '\n')
            length--;
        if (tally_add(counts, line, (size_t)length) != 0) {
            perror("tally");
            return EXIT_FAILURE;
        }
    }
    tally_each(counts, print, stdout);
    free(line);
    tally_free(counts);
    if (ferror(stdin) || fclose(stdout) != 0) {
        perror("tally");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
