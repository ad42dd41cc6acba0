/* Buckets of band keys: runs of the positions that share one. */
#ifndef FP_BUCKETS_H
#define FP_BUCKETS_H

#include "fp_core.h"

/* A number says where the run of a row begins: 1 + its first slot, with FP_CROWDED where more than `max_candidates` rows are in it; 0: no other row has
 * the key. A run is its positions; its first slot bears FP_RUN, as does the one behind the last run. A crowded run begins with a header (how many of its
 * rows became leaders, from 0 on, with FP_RUN; its size; the position of the leader that filled it, FP_OPEN until then), and is in ascending order. */
#define FP_CROWDED 0x80000000u
#define FP_RUN 0x80000000u
#define FP_OPEN 0xffffffffu
#define FP_HEADER_SLOTS 3
#define FP_MAX_ROWS ((int64_t)1 << 30) /* positions and numbers leave the high bit free, headers included */

/* Slots that n rows can take. */
int64_t fp_slots_at_most(int64_t n, int64_t max_candidates);
/* From the keys of n rows, their positions, and which have a signature: numbers[position] and slots. A key of 0 is none. `numbers` may be the memory of
 * `keys`. Returns the number of slots, the one behind the last run among them, or FP_NO_MEMORY. */
int64_t fp_buckets(const uint32_t *keys, const int32_t *positions, const uint8_t *is_signed, int64_t n, int64_t max_candidates, uint32_t *numbers,
                   uint32_t *slots);

#endif
