/* The order of hashes. */
#ifndef FP_ORDER_H
#define FP_ORDER_H

#include "fp_core.h"

/* order[i] is the row of the i-th smallest of n hashes, n <= 2^31 - 1; equal ones by row. FP_OK or FP_NO_MEMORY. */
int fp_order_hashes(const uint64_t *hashes, int64_t n, int32_t *order);

#endif
