#include "index.h"

#include "killpoint.h"

/*
 * Longest chain that a split rearranges; with a keyed hash and one slot a bucket none comes near.
 */
#define SPLIT_CHAIN_MAX 64u

/* The largest power of two that is at most n (n > 0). */
static uint32_t floor_power(uint32_t n)
{
    return 1u << (31 - __builtin_clz(n));
}

uint32_t index_bucket_of(uint32_t hash, uint32_t buckets)
{
    uint32_t low = floor_power(buckets);
    uint32_t bucket = hash & (2 * low - 1);

    return bucket < buckets ? bucket : hash & (low - 1);
}

/* Every word of the index is changed here. */
static void set_word(index_t *index, uint32_t *word, uint32_t value)
{
    if (*word != value) {
        (void)undo_save(index->undo, index->base, word, sizeof *word);
        *word = value;
        killpoint();
    }
}

static uint32_t skip_others(const index_t *index, uint32_t link, uint32_t hash)
{
    while (link != 0 && index->hash[link - 1] != hash) {
        link = index->next[link - 1];
    }
    return link != 0 ? link - 1 : INDEX_NONE;
}

uint32_t index_first(const index_t *index, uint32_t hash)
{
    return skip_others(index, index->bucket[index_bucket_of(hash, *index->buckets)], hash);
}

uint32_t index_after(const index_t *index, uint32_t slot, uint32_t hash)
{
    return skip_others(index, index->next[slot], hash);
}

static uint32_t chain_length(const index_t *index, uint32_t link)
{
    uint32_t length = 0;

    while (link != 0 && length <= SPLIT_CHAIN_MAX) {
        length++;
        link = index->next[link - 1];
    }
    return length;
}

/* Put one more bucket to use: it takes its share of the chain of the one that stood in for it. */
static void split(index_t *index)
{
    uint32_t fresh = *index->buckets;
    uint32_t old = fresh - floor_power(fresh);
    uint32_t length = chain_length(index, index->bucket[old]);
    uint32_t link, *keep = &index->bucket[old], *move = &index->bucket[fresh];

    if (length > SPLIT_CHAIN_MAX || !undo_has_room(index->undo, length + 3)) {
        return;
    }
    for (link = *keep; link != 0; link = index->next[link - 1]) {
        uint32_t **tail =
            index_bucket_of(index->hash[link - 1], fresh + 1) == fresh ? &move : &keep;

        set_word(index, *tail, link);
        *tail = &index->next[link - 1];
    }
    set_word(index, keep, 0);
    set_word(index, move, 0);
    set_word(index, index->buckets, fresh + 1);
}

void index_insert(index_t *index, uint32_t slot, uint32_t hash, uint32_t slots)
{
    uint32_t *head = &index->bucket[index_bucket_of(hash, *index->buckets)];

    set_word(index, &index->hash[slot], hash);
    set_word(index, &index->next[slot], *head);
    set_word(index, head, slot + 1);
    if (slots > *index->buckets && *index->buckets < index->capacity) {
        split(index);
    }
}

void index_remove(index_t *index, uint32_t slot)
{
    uint32_t *link = &index->bucket[index_bucket_of(index->hash[slot], *index->buckets)];

    while (*link != 0 && *link != slot + 1) {
        link = &index->next[*link - 1];
    }
    if (*link != 0) {
        set_word(index, link, index->next[slot]);
        set_word(index, &index->next[slot], 0);
    }
}
