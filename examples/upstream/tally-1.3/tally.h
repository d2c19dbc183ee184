/* tally: counts the distinct lines of a text.
 * SPDX-License-Identifier: MIT */
#ifndef TALLY_H
#define TALLY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tally tally;

/* An empty tally, or NULL without memory. */
tally *tally_new(void);

/* Counts LENGTH bytes at WORD once more; 0, or -1 without memory. */
int tally_add(tally *counts, const char *word, size_t length);

/* How often WORD was counted. */
unsigned long tally_count(const tally *counts, const char *word, size_t length);

/* How many distinct words there are. */
size_t tally_size(const tally *counts);

/* Calls VISIT for every word, in the order in which they were first seen. */
void tally_each(const tally *counts,
                void (*visit)(const char *word, size_t length, unsigned long count, void *data),
                void *data);

void tally_free(tally *counts);

#ifdef __cplusplus
}
#endif

#endif
