/* The order of hashes.
 *
 * Design. Hashes are even, so dealing rows by the highest bits gives parts of much the same size, which fit into the second-level cache. Each is sorted there
 * by the next 32 bits, three radix passes of 11 bits over words that hold these and the row. What agrees in all these bits is rare, and put right by the
 * hashes themselves; hashes that are not even cost time, not order. O(n), 8 bytes a row beyond the result.
 */
#include "fp_order.h"

#include <stdlib.h>

enum { PART_BITS = 13, MAX_PARTS_BITS = 12, DIGIT_BITS = 11, N_PASSES = 3, DIGITS = 1 << DIGIT_BITS };

/* Sort words by their upper halves; stable. The result is where `words` were. */
static void sort_words(uint64_t *words, uint64_t *other, int64_t n) {
    int64_t at[N_PASSES][DIGITS] = {{0}};
    for (int64_t i = 0; i < n; i++)
        for (int pass = 0; pass < N_PASSES; pass++) at[pass][words[i] >> (32 + pass * DIGIT_BITS) & (DIGITS - 1)]++;
    for (int pass = 0; pass < N_PASSES; pass++) {
        int64_t begin = 0;
        for (int digit = 0; digit < DIGITS; digit++) {
            const int64_t size = at[pass][digit];
            at[pass][digit] = begin;
            begin += size;
        }
        const uint64_t *from = pass % 2 ? other : words;
        uint64_t *to = pass % 2 ? words : other;
        for (int64_t i = 0; i < n; i++) to[at[pass][from[i] >> (32 + pass * DIGIT_BITS) & (DIGITS - 1)]++] = from[i];
    }
    memcpy(words, other, (size_t)n * sizeof *words); /* an odd number of passes */
}

static void write_order(const uint64_t *hashes, const uint64_t *words, int64_t n, int32_t *order) {
    for (int64_t i = 0; i < n; i++) {
        const uint32_t row = (uint32_t)words[i];
        int64_t at = i;
        while (at > 0 && words[i] >> 32 == words[at - 1] >> 32 && hashes[order[at - 1]] > hashes[row]) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = (int32_t)row;
    }
}

int fp_order_hashes(const uint64_t *hashes, int64_t n, int32_t *order) {
    int64_t ends[1 << MAX_PARTS_BITS] = {0}, begin = 0, largest = 0;
    int bits = 1;
    while (bits < MAX_PARTS_BITS && n >> (bits + PART_BITS)) bits++;
    for (int64_t i = 0; i < n; i++) ends[hashes[i] >> (64 - bits)]++;
    for (int64_t p = 0; p < (int64_t)1 << bits; p++) {
        const int64_t size = ends[p];
        if (size > largest) largest = size;
        ends[p] = begin;
        begin += size;
    }
    uint64_t *dealt = malloc((size_t)(n + largest) * sizeof *dealt + 1);
    if (!dealt) return FP_NO_MEMORY;
    for (int64_t i = 0; i < n; i++) dealt[ends[hashes[i] >> (64 - bits)]++] = hashes[i] << bits >> 32 << 32 | (uint32_t)i;
    begin = 0;
    for (int64_t p = 0; p < (int64_t)1 << bits; begin = ends[p++]) {
        sort_words(dealt + begin, dealt + n, ends[p] - begin);
        write_order(hashes, dealt + begin, ends[p] - begin, order + begin);
    }
    free(dealt);
    return FP_OK;
}
