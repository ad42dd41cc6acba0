/* Band keys, compact signatures and leader clustering of these. */
#ifndef FP_CLUSTER_H
#define FP_CLUSTER_H

#include "fp_hash.h"

#define FP_MAX_BANDS 1024 /* 10 bits of a slot */

typedef struct {
    const uint32_t *values; /* [*, num_perm] */
    int64_t num_perm, num_bands, rows_per_band;
} fp_bands_t;

/* keys[num_bands] of one signature. */
void fp_band_keys(const fp_bands_t *bands, int64_t row, uint64_t *keys);
int64_t fp_count_equal(const uint32_t *a, const uint32_t *b, int64_t n);
/* bytes[num_perm] and band_keys[num_bands] of one signature: what clustering needs of it, in less than half of the memory. */
void fp_compact(const fp_bands_t *bands, int64_t row, uint8_t *bytes, uint32_t *band_keys);

/* When a leader was met last, and in how many bands. */
typedef struct {
    int64_t position;
    int64_t n_hits;
} fp_met_t;

typedef struct {
    const uint8_t *bytes;      /* [*, num_perm] */
    const uint32_t *band_keys; /* [*, num_bands]; 0: a key that no other row has, which is neither looked up nor entered */
    int64_t num_perm, num_bands;
    int64_t min_equal, max_candidates;
    const int64_t *rows; /* rows to cluster, in the order in which they may become leaders */
    int64_t n_leaders, n_budget_exceeded;
    /* private */
    int64_t leader_capacity, n_used;
    uint64_t n_slots;
    uint64_t *slots;
    uint64_t *keys, *next_keys;
    int64_t *leader_rows;
    fp_met_t *met;
    int64_t *candidates, *sorted;
} fp_cluster_t;

int fp_cluster_init(fp_cluster_t *cluster);
/* Positions [first, last) of rows: labels[i] the leader number, n_equal[i] the equal values with that leader. FP_OK or FP_NO_MEMORY. */
int fp_cluster_run(fp_cluster_t *cluster, int64_t first, int64_t last, int64_t n_rows, int64_t *labels, int32_t *n_equal);
void fp_cluster_free(fp_cluster_t *cluster);

#endif
