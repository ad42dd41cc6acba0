/* What a near-duplicate index keeps of each text, in chunks that never move. */
#ifndef FP_TEXTS_H
#define FP_TEXTS_H

#include "fp_core.h"

#define FP_NOBODY 0xffffffffu

typedef struct {
    uint64_t exact;  /* 0: the record is free */
    uint64_t count;  /* events alive */
    uint64_t total;  /* of a leader: events alive of its whole cluster */
    uint64_t order;  /* of a leader: when it came, by number; of a member: in how many values it agrees with its leader */
    uint32_t leader; /* itself, of a leader */
    uint32_t n_members : 31, is_signed : 1;
} fp_text_record_t;

/* Records of a chunk that were never used are the last, those that are free again are linked by their leaders. */
typedef struct {
    uint8_t *base; /* records, then values; null where it is not there */
    uint32_t n_used, n_touched, free;
    uint32_t previous, next; /* of the chunks that have room, or, of a chunk that is not there, the next such */
} fp_text_chunk_t;

typedef struct {
    int64_t num_perm;
    int64_t n_bytes; /* all that is held */
    /* private */
    uint32_t shift, per_chunk;
    size_t chunk_bytes, values_at;
    fp_text_chunk_t *chunks;
    uint32_t n_chunks, capacity;
    uint32_t first, last; /* with room: taken from the first, others come last */
    uint32_t absent;
} fp_texts_t;

void fp_texts_init(fp_texts_t *t, int64_t num_perm);
void fp_texts_free(fp_texts_t *t);
/* The number of a record, with nothing but zeros, or FP_NOBODY where there is no memory; its values are what they were. */
uint32_t fp_texts_take(fp_texts_t *t);
void fp_texts_give(fp_texts_t *t, uint32_t number);

static inline fp_text_record_t *fp_text_record(const fp_texts_t *t, uint32_t number) {
    return (fp_text_record_t *)(void *)t->chunks[number >> t->shift].base + (number & ((1u << t->shift) - 1));
}

static inline uint8_t *fp_text_values(const fp_texts_t *t, uint32_t number) {
    return t->chunks[number >> t->shift].base + t->values_at + (number & ((1u << t->shift) - 1)) * (size_t)t->num_perm;
}

#endif
