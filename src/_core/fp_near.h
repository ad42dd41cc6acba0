/* An index of near-duplicate texts that takes in and forgets: leaders, their members, and how often each text was seen. */
#ifndef FP_NEAR_H
#define FP_NEAR_H

#include "fp_shards.h"
#include "fp_texts.h"

#define FP_NEAR_BLOCK 64 /* rows at a time, at most: between two blocks whoever waits may have a turn */

/* What can be wrong with a row, beside FP_NO_MEMORY. */
enum {
    FP_NEAR_EMPTY = -16,
    FP_NEAR_UNKNOWN = -17,
    FP_NEAR_TOO_MANY = -18,
    FP_NEAR_NO_LEADER = -19,
    FP_NEAR_OTHER_LEADER = -20,
    FP_NEAR_UNSIGNED = -21,
    FP_NEAR_NO_EVENTS = -22
};

typedef struct {
    const fp_kernels_t *kernels;
    int64_t num_perm, num_bands, rows_per_band, min_equal, max_candidates; /* all of these are set before fp_near_init */
    int64_t n_texts;   /* that have events */
    int64_t n_leaders; /* those without events among them */
    int64_t n_budget_exceeded;
    /* private */
    fp_shards_t shards; /* leaders by the keys of their bands; then, texts by their exact hashes */
    fp_texts_t texts;
    uint64_t n_arrived, n_compared;
    uint64_t *seeds;  /* [num_bands] */
    uint32_t *keys;   /* [FP_NEAR_BLOCK + 1, num_bands] of the rows of a block, and of one text more */
    uint64_t *places; /* of a hash table: the round, and a leader that was met in it */
    uint32_t *met;
    uint32_t *bucket; /* [max_candidates] */
    uint8_t *is_full; /* [num_bands] whether the buckets of the text at hand are */
    uint32_t round, n_met;
} fp_near_t;

/* Texts as they come. Rows are done in ascending order; the next one is `n_done`. */
typedef struct {
    const uint64_t *exact;
    const int64_t *signed_rows; /* [n_signed] ascending: the rows that the two below are of; all that may be new are among them */
    const uint8_t *values;      /* [n_signed, num_perm] */
    const uint8_t *is_signed;   /* 0: too short for a signature, the values mean nothing */
    int64_t n_signed;
    uint8_t *is_new;
    uint64_t *cluster;
    int32_t *n_equal;
    uint32_t *n_seen;
    int64_t n_done, next_signed;
} fp_near_seen_t;

/* Texts to be put back, in the order that `order` gives: leaders before their members. */
typedef struct {
    const int64_t *order;
    const uint64_t *exact, *leader;
    const uint32_t *count;
    const uint8_t *values; /* [n, num_perm] */
    const uint8_t *is_signed;
    uint8_t *is_new;
    int64_t n_done;
} fp_near_kept_t;

typedef struct {
    uint64_t cluster; /* 0: none is near enough */
    uint64_t n_seen, n_prompts;
    uint32_t n_texts;
    int32_t n_equal;
} fp_near_answer_t;

/* FP_OK or FP_NO_MEMORY. What is allocated is released by fp_near_free, also after a failed init. */
int fp_near_init(fp_near_t *x);
void fp_near_free(fp_near_t *x);
int64_t fp_near_n_bytes(const fp_near_t *x);

/* Each of the following does at most FP_NEAR_BLOCK rows, observing fewer where they are much work. Whoever stops at a row that fails has done those before,
 * and nothing of that one. */
void fp_near_find(const fp_near_t *x, const uint64_t *exact, int64_t n, uint8_t *is_known);
int fp_near_observe(fp_near_t *x, fp_near_seen_t *rows, int64_t n);
int fp_near_restore(fp_near_t *x, fp_near_kept_t *rows, int64_t n);
/* Take back what these two did, from their last row on. */
void fp_near_undo_observe(fp_near_t *x, fp_near_seen_t *rows, int64_t n);
void fp_near_undo_restore(fp_near_t *x, fp_near_kept_t *rows, int64_t n);
/* What is kept of each text: whether it is there, its leader, its events and, where it has a signature, its values. */
void fp_near_held(const fp_near_t *x, const uint64_t *exact, int64_t n, uint64_t *leader, uint64_t *count, uint8_t *values, uint8_t *is_signed,
                  uint8_t *is_known);
/* Lower the counts, and mark who has to go; add them again; let go of those that are marked. */
int fp_near_lower(fp_near_t *x, const uint64_t *exact, const uint32_t *count, int64_t n, uint8_t *is_gone, int64_t *n_done);
void fp_near_raise(fp_near_t *x, const uint64_t *exact, const uint32_t *count, int64_t n);
void fp_near_forget(fp_near_t *x, const uint64_t *exact, const uint8_t *is_gone, int64_t n);

/* `values` is null where the text has no signature. */
void fp_near_query(fp_near_t *x, uint64_t exact, const uint8_t *values, fp_near_answer_t *answer);
/* Zeros where no leader has this hash. */
void fp_near_size(const fp_near_t *x, uint64_t exact, uint64_t *n_prompts, uint32_t *n_texts);
/* What is kept of the texts of a chunk, of which there are `texts.n_chunks`, at most `texts.per_chunk` in each; returns how many. */
int64_t fp_near_items(const fp_near_t *x, uint32_t chunk, uint64_t *exact, uint64_t *count, uint64_t *leader);

#endif
