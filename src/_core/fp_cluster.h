/* Band keys, compact signatures and leader clustering of these. */
#ifndef FP_CLUSTER_H
#define FP_CLUSTER_H

#include "fp_core.h"

#define FP_MAX_BANDS 1024 /* 10 bits of a slot */

typedef struct {
    const uint32_t *values; /* [*, num_perm] */
    int64_t num_perm, num_bands, rows_per_band;
} fp_bands_t;

/* keys[num_bands] of one signature. */
void fp_band_keys(const fp_bands_t *bands, int64_t row, uint64_t *keys);
int64_t fp_count_equal(const uint32_t *a, const uint32_t *b, int64_t n);
/* bytes[num_perm] and band_keys[num_bands * stride] of one signature: what clustering needs of it, in less than half of the memory. */
void fp_compact(const fp_bands_t *bands, int64_t row, uint8_t *bytes, uint32_t *band_keys, int64_t stride);

/* Of a band's keys, [*], and n of their rows, in the order of their positions: numbers[position] becomes 1 + the place of the first slot of the row's
 * bucket, 0 where the row is not signed, its key is 0, or no other row has it. Returns the number of slots. `room` is for 2 n words; `numbers` may be the
 * memory of `keys`. A radix sort: keys are hashes, 32 bits are three passes, a seventh of the time of a comparison sort. */
int64_t fp_buckets(const uint32_t *keys, const int32_t *rows, const uint8_t *is_signed, int64_t n, uint64_t *room, uint32_t *numbers);

/* A leader that the row at `position - 1` meets, in so many bands. */
typedef struct {
    int64_t position;
    uint32_t leader, n_hits;
} fp_met_t;

typedef struct {
    const fp_kernels_t *kernels;
    const uint8_t *bytes;    /* [*, num_perm]; null: they are read from `file` */
    int file;
    const int32_t *rows;     /* [n_rows] of bytes, in the order in which they may become leaders; fewer than 2^31 - 1 */
    const uint32_t *const *numbers; /* [num_bands][n_rows] of fp_buckets */
    const int64_t *n_slots;  /* [num_bands] */
    int64_t n_rows, num_perm, num_bands;
    int64_t min_equal, max_candidates;
    int64_t n_leaders, n_budget_exceeded;
    /* private */
    uint8_t *read, *read_leader;
    int64_t n_met;
    int64_t *starts, *ends;
    uint32_t *slots;
    fp_met_t *met;
    uint32_t *candidates, *sorted;
} fp_cluster_t;

/* FP_OK or FP_NO_MEMORY. */
int fp_cluster_init(fp_cluster_t *cluster);
/* Positions [first, last) of rows, in turn from 0: labels[i] the cluster, numbered in the order of their leaders, n_equal[i] the equal values with its
 * leader. FP_OK, or FP_NO_INPUT where the file cannot be read. */
int fp_cluster_run(fp_cluster_t *cluster, int64_t first, int64_t last, int32_t *labels, int32_t *n_equal);
void fp_cluster_free(fp_cluster_t *cluster);

#endif
