/* Numbers of 32 bits by a shard and a tag of 16 bits, any number of times each. */
#ifndef FP_SHARDS_H
#define FP_SHARDS_H

#include "fp_core.h"

#define FP_SHARD_SIZES 23 /* the largest block is a chunk */
#define FP_LINE_SLOTS 10
#define FP_SPARE_CHUNKS 4

/* A cache line of slots; those in use are the first, a tag of 0 is none. */
typedef struct {
    uint16_t tags[FP_LINE_SLOTS];
    uint32_t counts; /* four bits each: of slots in use, then, of each of seven kinds of tags, of entries that lie beyond because the line was full */
    uint32_t numbers[FP_LINE_SLOTS];
} fp_line_t;

typedef struct {
    fp_line_t *lines; /* null: the shard is empty */
    uint32_t block;   /* of the pool of its size */
    uint32_t n_used : 24, size : 8;
} fp_shard_t;

typedef struct {
    uint32_t n_lines;     /* of a block */
    uint32_t most, least; /* entries from which a shard grows, and below which it shrinks */
    uint32_t per_chunk, n_blocks, n_chunks, capacity;
    uint8_t **chunks; /* [capacity], n_chunks are there: blocks, then the shard of each, uint32_t */
} fp_pool_t;

typedef struct {
    fp_shard_t *shards;
    uint32_t n_shards;
    int64_t n_bytes;  /* all that is held */
    int64_t n_chunks; /* of all pools */
    uint8_t *spare[FP_SPARE_CHUNKS];
    uint32_t n_spare;
    fp_pool_t pools[FP_SHARD_SIZES];
} fp_shards_t;

/* FP_OK or FP_NO_MEMORY. What is allocated is released by fp_shards_free, also after a failed init. */
int fp_shards_init(fp_shards_t *s, uint32_t n_shards);
void fp_shards_free(fp_shards_t *s);
/* FP_OK, or FP_NO_MEMORY and nothing has changed. */
int fp_shards_insert(fp_shards_t *s, uint32_t shard, uint16_t tag, uint32_t number);
/* Whether it was there; of equals one is removed. Never fails. */
int fp_shards_remove(fp_shards_t *s, uint32_t shard, uint16_t tag, uint32_t number);

static inline uint32_t fp_line_n_used(const fp_line_t *line) { return line->counts & 15; }

/* Where the count of a kind of tags stands. The home of a tag comes from its upper bits. */
static inline uint32_t fp_tag_kind(uint16_t tag) { return 4 + 4 * ((tag & 255u) * 7 >> 8); }

/* Where 16-bit lanes of a word are those of the other: the high bits of these lanes, and perhaps some above the first. */
static inline uint64_t fp_equal_lanes(uint64_t word, uint64_t tags) {
    const uint64_t x = word ^ tags;
    return (x - 0x0001000100010001u) & ~x & 0x8000800080008000u;
}

/* Fill `numbers` with those of a tag behind the first `skipped`, in no particular order; return how many there are, at most `most`. */
static inline int64_t fp_shards_find(const fp_shards_t *s, uint32_t shard, uint16_t tag, int64_t skipped, uint32_t *numbers, int64_t most) {
    const fp_shard_t *in = s->shards + shard;
    if (!in->lines) return 0;
    const uint32_t n_lines = s->pools[in->size].n_lines;
    const uint64_t tags = tag * 0x0001000100010001u;
    const fp_line_t *line = in->lines + ((uint64_t)tag * n_lines >> 16);
    const uint32_t kind = fp_tag_kind(tag);
    int64_t n = -skipped;
    for (uint32_t i = 0; i < n_lines; i++) {
        uint64_t words[2];
        uint32_t last;
        memcpy(words, line->tags, sizeof words);
        memcpy(&last, line->tags + 8, sizeof last);
        if (fp_equal_lanes(words[0], tags) | fp_equal_lanes(words[1], tags) | (fp_equal_lanes(last, tags) & 0x80008000u))
            for (int k = 0; k < FP_LINE_SLOTS; k++) {
                if (line->tags[k] != tag || n == most) continue;
                if (n >= 0) numbers[n] = line->numbers[k];
                n++;
            }
        if (!(line->counts >> kind & 15)) break;
        if (++line == in->lines + n_lines) line = in->lines;
    }
    return n > 0 ? n : 0;
}

FP_INLINE void fp_shards_ask_shard(const fp_shards_t *s, uint32_t shard) { __builtin_prefetch(s->shards + shard, 1); }

FP_INLINE void fp_shards_ask_slot(const fp_shards_t *s, uint32_t shard, uint16_t tag) {
    const fp_shard_t *in = s->shards + shard;
    if (in->lines) __builtin_prefetch(in->lines + ((uint64_t)tag * s->pools[in->size].n_lines >> 16), 1);
}

#endif
