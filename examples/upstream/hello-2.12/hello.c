/* hello: prints a greeting.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef VERSION
#define VERSION "unknown"
#endif

static int usage(FILE *stream, int status)
{
    fputs("Usage: hello [--greeting=TEXT] [--help] [--version]\n"
          "Prints a friendly, customizable greeting.\n",
          stream);
    return status;
}

int main(int argc, char **argv)
{
    const char *greeting = "Hello, world!";
    static const char option[] = "--greeting=";

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], option, sizeof option - 1) == 0)
            greeting = argv[i] + sizeof option - 1;
        else if (strcmp(argv[i], "--help") == 0)
            return usage(stdout, EXIT_SUCCESS);
        else if (strcmp(argv[i], "--version") == 0)
            greeting = "hello " VERSION;
        else
            return usage(stderr, EXIT_FAILURE);
    }
    puts(greeting);
    return EXIT_SUCCESS;
}
