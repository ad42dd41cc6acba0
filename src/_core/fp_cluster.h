/* Band keys, compact signatures and leader clustering of these. */
#ifndef FP_CLUSTER_H
#define FP_CLUSTER_H

#include "fp_core.h"

int64_t fp_count_equal(const uint32_t *a, const uint32_t *b, int64_t n);

/* Of a band's keys, [*], and n of their rows, in the order of their positions: numbers[position] becomes 1 + the place of the first slot of the row's
 * bucket, 0 where the row is not signed, its key is 0, or no other row has it. Returns the number of slots. `room` is for 2 n words; `numbers` may be the
 * memory of `keys`. A radix sort: keys are hashes, 32 bits are three passes, a seventh of the time of a comparison sort. */
int64_t fp_buckets(const uint32_t *keys, const int32_t *rows, const uint8_t *is_signed, int64_t n, uint64_t *room, uint32_t *numbers);

typedef struct {
    const fp_kernels_t *kernels;
    const uint8_t *bytes; /* [*, num_perm]; null: they are read from `file` */
    int file;
    const int32_t *rows;            /* [n_rows] of bytes, in the order in which they may become leaders; fewer than 2^31 - 1 */
    const uint32_t *const *numbers; /* [num_bands][n_rows] of fp_buckets */
    const int64_t *n_slots;         /* [num_bands] */
    int64_t n_rows, num_perm, num_bands;
    int64_t min_equal, max_candidates;
    int64_t n_leaders, n_budget_exceeded;
    /* private */
    int64_t *starts;
    uint32_t *slots;
    struct fp_found *found; /* [FP_BLOCK_ROWS] */
    int64_t *ends;          /* [FP_BLOCK_ROWS, num_bands] */
} fp_cluster_t;

#define FP_BLOCK_ROWS 4096

/* FP_OK or FP_NO_MEMORY. */
int fp_cluster_init(fp_cluster_t *cluster);
/* Look for the leaders of positions [first, last), which lie in a block [begin, begin + FP_BLOCK_ROWS), among those of before the block. Several threads may
 * do that for parts of a block. FP_OK, FP_NO_MEMORY, or FP_NO_INPUT where the file cannot be read. */
int fp_cluster_find(const fp_cluster_t *cluster, int64_t begin, int64_t first, int64_t last);
/* Settle positions [begin, end) of a block, which have been looked for if `is_found`, else are now: labels[i] the cluster, numbered in the order of their
 * leaders, n_equal[i] the equal values with its leader. Blocks come in turn from 0. As fp_cluster_find. */
int fp_cluster_settle(fp_cluster_t *cluster, int64_t begin, int64_t end, int is_found, int32_t *labels, int32_t *n_equal);
void fp_cluster_free(fp_cluster_t *cluster);

#endif
