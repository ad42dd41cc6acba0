/* One text of the index, for fp_near.c and fp_near_rows.c: nothing here is called from elsewhere. */
#ifndef FP_NEAR_TEXT_H
#define FP_NEAR_TEXT_H

#include "fp_near.h"

#define FP_BAND_SHARDS ((uint32_t)1 << 16) /* the key of a band is its shard and its tag */
#define FP_TEXT_SHARDS ((uint32_t)1 << 13) /* behind those */

typedef struct {
    uint32_t leader;
    int64_t n_equal;
} fp_nearest_t;

void fp_near_keys(const fp_near_t *x, const uint8_t *values, uint32_t *keys);
/* The number of a text, or nobody. */
uint32_t fp_near_text(const fp_near_t *x, uint64_t exact);
/* Enter a text that is not there: the number of its record, which has no events yet, or nobody where there is no memory. `keys` are those of its bands, null
 * of one that is not signed. The first looks for a leader, the second makes it one, the third has its leader. */
uint32_t fp_near_take_in(fp_near_t *x, uint64_t exact, const uint8_t *values, const uint32_t *keys);
uint32_t fp_near_lead(fp_near_t *x, uint64_t exact, const uint8_t *values, const uint32_t *keys);
uint32_t fp_near_follow(fp_near_t *x, uint64_t exact, const uint8_t *values, fp_nearest_t by);
/* Remove a text that has no events and no members; with its last member goes a leader that has no events, unless it is to stay. */
void fp_near_leave(fp_near_t *x, uint32_t number, int leader_stays);

FP_INLINE uint16_t fp_near_tag(uint64_t bits) { return (uint16_t)bits ? (uint16_t)bits : 1; }

FP_INLINE uint32_t fp_band_shard(uint32_t key) { return key >> 16; }

FP_INLINE uint32_t fp_text_shard(uint64_t exact) { return FP_BAND_SHARDS + (uint32_t)(exact >> 51); }

FP_INLINE uint16_t fp_text_tag(uint64_t exact) { return fp_near_tag(exact >> 35); }

FP_INLINE void fp_near_add_events(fp_near_t *x, fp_text_record_t *record, uint64_t count) {
    x->n_texts += !record->count && count;
    record->count += count;
    fp_text_record(&x->texts, record->leader)->total += count;
}

FP_INLINE void fp_near_take_events(fp_near_t *x, fp_text_record_t *record, uint64_t count) {
    record->count -= count;
    x->n_texts -= !record->count && count;
    fp_text_record(&x->texts, record->leader)->total -= count;
}

FP_INLINE int fp_near_is_idle(const fp_text_record_t *record) { return !record->count && !record->n_members; }

FP_INLINE int32_t fp_near_equal(const fp_near_t *x, const fp_text_record_t *record, uint32_t number) {
    return record->leader == number ? (int32_t)x->num_perm : (int32_t)record->order;
}

/* What brings a text near, in steps: each once the one before has arrived. Inlined, since a function that does nothing but this is found to do nothing. */
FP_INLINE void fp_near_ask_text_shard(const fp_near_t *x, uint64_t exact) { fp_shards_ask_shard(&x->shards, fp_text_shard(exact)); }

FP_INLINE void fp_near_ask_text_slot(const fp_near_t *x, uint64_t exact) { fp_shards_ask_slot(&x->shards, fp_text_shard(exact), fp_text_tag(exact)); }

FP_INLINE void fp_near_ask_text_record(const fp_near_t *x, uint64_t exact) {
    uint32_t number;
    if (fp_shards_find(&x->shards, fp_text_shard(exact), fp_text_tag(exact), 0, &number, 1)) __builtin_prefetch(fp_text_record(&x->texts, number), 1);
}

FP_INLINE void fp_near_ask_values(const fp_near_t *x, uint32_t number) {
    const uint8_t *values = fp_text_values(&x->texts, number);
    for (int64_t i = 0; i < x->num_perm; i += 64) __builtin_prefetch(values + i);
}

FP_INLINE void fp_near_ask_band_shards(const fp_near_t *x, const uint32_t *keys) {
    for (int64_t b = 0; b < x->num_bands; b++) fp_shards_ask_shard(&x->shards, fp_band_shard(keys[b]));
}

FP_INLINE void fp_near_ask_band_slots(const fp_near_t *x, const uint32_t *keys) {
    for (int64_t b = 0; b < x->num_bands; b++) fp_shards_ask_slot(&x->shards, fp_band_shard(keys[b]), fp_near_tag(keys[b]));
}

#endif
