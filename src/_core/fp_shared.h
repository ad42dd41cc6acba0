/* Shared text of the prompts of one group: what many of them have in common, and what one account puts into most of its own. */
#ifndef FP_SHARED_H
#define FP_SHARED_H

#include "fp_core.h"

typedef struct {
    int64_t min_prompts, min_holders; /* distinct prompts and accounts from which three words in a row are shared text */
    int64_t min_own;                  /* prompts of an account, at least half of them, from which a text is its refrain */
    int64_t max_refrain;              /* words at either end that are looked at */
} fp_shared_limits_t;

/* Mark the words of n prompts, those of prompt i being offsets[i] to offsets[i + 1]: `shared` and `refrain` are all zero before. `order` has the prompts
 * account by account, `account` is of each prompt. FP_OK or FP_NO_MEMORY. */
int fp_shared_words(const uint64_t *hashes, const int64_t *offsets, const int32_t *account, const int64_t *order, int64_t n, fp_shared_limits_t limits,
                    uint8_t *shared, uint8_t *refrain);

#endif
