/* Leader clustering of compact signatures over buckets of band keys. */
#ifndef FP_CLUSTER_H
#define FP_CLUSTER_H

#include "fp_buckets.h"

int64_t fp_count_equal(const uint32_t *a, const uint32_t *b, int64_t n);

#define FP_BLOCK_ROWS 16384

typedef struct {
    const fp_kernels_t *kernels;
    const uint8_t *bytes; /* [*, num_perm]; null: they are read from `file` */
    int file;
    const int32_t *rows;            /* [n_rows] of bytes, by position: the order in which they may become leaders */
    const uint32_t *const *numbers; /* [num_bands][n_rows] of fp_buckets, made with the same max_candidates */
    uint32_t *const *slots;         /* [num_bands]; leaders are counted in the headers */
    int64_t n_rows, num_perm, num_bands;
    int64_t min_equal, max_candidates;
    uint64_t *best; /* [n_rows], 0 at first: equal values of a row and the best leader so far, and, inverted, the position of that one */
    int64_t n_budget_exceeded;
    /* private */
    int64_t begin, end, n_spreading;
    struct fp_row *block;     /* [FP_BLOCK_ROWS] */
    int32_t *spreading;       /* [FP_BLOCK_ROWS] leaders of the block that are in crowded buckets */
    struct fp_finder *finder; /* [n_parts + 1] */
    int64_t n_finders;
} fp_cluster_t;

/* FP_OK or FP_NO_MEMORY; so many parts of a block may be looked at side by side. */
int fp_cluster_init(fp_cluster_t *cluster, int64_t n_parts);
/* For each block of at most FP_BLOCK_ROWS positions in turn, from 0: begin it, look at its positions, settle it, spread its leaders. Threads may share
 * looking and spreading, each with parts of its own. FP_OK, FP_NO_MEMORY, or FP_NO_INPUT where the file cannot be read. */
void fp_cluster_begin(fp_cluster_t *cluster, int64_t begin, int64_t end);
int fp_cluster_look(const fp_cluster_t *cluster, int64_t part, int64_t first, int64_t last);
int fp_cluster_settle(fp_cluster_t *cluster);
/* Spread the leaders first to last of those that `n_spreading` counts. */
int fp_cluster_spread(const fp_cluster_t *cluster, int64_t part, int64_t first, int64_t last);
/* At the end: best becomes the cluster of each position, numbered in the order of their leaders, and, in the high half, the equal values with its leader. */
void fp_cluster_label(fp_cluster_t *cluster);
void fp_cluster_free(fp_cluster_t *cluster);

#endif
