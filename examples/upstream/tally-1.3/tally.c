/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *next_in_bucket;
    struct entry *next_seen;
    unsigned long count;
    size_t length;
    char word[];
};

enum { BUCKETS = 4096 };

struct tally {
    struct entry *buckets[BUCKETS];
    struct entry *first, *last;
    size_t size;
};

/* FNV-1a */
static size_t bucket_of(const char *word, size_t length)
{
    unsigned long hash = 2166136261UL;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)word[i]) * 16777619UL & 0xffffffffUL;
    return hash % BUCKETS;
}

static struct entry *find(const tally *counts, const char *word, size_t length)
{
    struct entry *entry = counts->buckets[bucket_of(word, length)];
    while (entry && (entry->length != length || memcmp(entry->word, word, length) != 0))
        entry = entry->next_in_bucket;
    return entry;
}

tally *tally_new(void)
{
    return calloc(1, sizeof(tally));
}

int tally_add(tally *counts, const char *word, size_t length)
{
    struct entry *entry = find(counts, word, length);
    if (!entry) {
        struct entry **bucket = &counts->buckets[bucket_of(word, length)];
        entry = malloc(sizeof *entry + length);
        if (!entry)
            return -1;
        memcpy(entry->word, word, length);
        entry->length = length;
        entry->count = 0;
        entry->next_seen = NULL;
        entry->next_in_bucket = *bucket;
        *bucket = entry;
        if (counts->last)
            counts->last->next_seen = entry;
        else
            counts->first = entry;
        counts->last = entry;
        counts->size++;
    }
    entry->count++;
    return 0;
}

unsigned long tally_count(const tally *counts, const char *word, size_t length)
{
    const struct entry *entry = find(counts, word, length);
    return entry ? entry->count : 0;
}

size_t tally_size(const tally *counts)
{
    return counts->size;
}

void tally_each(const tally *counts,
                void (*visit)(const char *word, size_t length, unsigned long count, void *data),
                void *data)
{
    for (const struct entry *entry = counts->first; entry; entry = entry->next_seen)
        visit(entry->word, entry->length, entry->count, data);
}

void tally_free(tally *counts)
{
    if (!counts)
        return;
    for (struct entry *entry = counts->first; entry;) {
        struct entry *next = entry->next_seen;
        free(entry);
        entry = next;
    }
    free(counts);
}
