/* Buckets of band keys: which rows share a key.
 *
 * Design. One pass deals the keys of a band, each with its row's position, into parts by their highest bits, so many that the table of a part stays in the
 * second-level cache. There a hash table counts every key, and every key that two rows or more share gets a run of slots, side by side: the positions of
 * its rows. A row is told where its run begins, and whether it is a crowded one; a key that nobody shares has none. Rows are read as they lie,
 * never by position: what is written out of order are the numbers of rows that share a key. Time O(n), memory beyond the result 8 bytes a row.
 */
#define _DEFAULT_SOURCE /* madvise */
#include "fp_buckets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MIN_PART_BITS 13 /* rows of a part, about: 64 to 128 KiB of table */
#define MAX_PARTS_BITS 12 /* parts that are written side by side: a cache line each */

typedef struct {
    uint32_t key, n; /* n == 0: free */
} fp_key_t;

/* Of the key at the same place: the number of its rows, and the slot of the next of them, with FP_RUN where that begins the run. */
typedef struct {
    uint32_t number, next;
} fp_run_t;

typedef struct {
    fp_key_t *keys;
    fp_run_t *runs;
    uint32_t *places, *positions; /* of the rows of a part: where their keys are */
    int64_t n_slots, max_candidates;
    uint32_t *slots, *numbers;
} fp_bucketing_t;

/* Positions ascending: a radix sort, three passes of 11 bits. */
static void sort_positions(uint32_t *positions, uint32_t *other, int64_t n) {
    enum { BITS = 11, N_PASSES = 3, DIGITS = 1 << BITS };
    for (int pass = 0; pass < N_PASSES; pass++) {
        int64_t at[DIGITS] = {0}, begin = 0;
        for (int64_t i = 0; i < n; i++) at[positions[i] >> pass * BITS & (DIGITS - 1)]++;
        for (int digit = 0; digit < DIGITS; digit++) {
            const int64_t size = at[digit];
            at[digit] = begin;
            begin += size;
        }
        for (int64_t i = 0; i < n; i++) other[at[positions[i] >> pass * BITS & (DIGITS - 1)]++] = positions[i];
        memcpy(positions, other, (size_t)n * sizeof *positions);
    }
}

/* Count the keys of the rows, and note where they are. */
static void count_keys(fp_bucketing_t *b, const uint64_t *part, int64_t n, int bits) {
    const uint32_t last = ((uint32_t)1 << bits) - 1;
    memset(b->keys, 0, ((size_t)last + 1) * sizeof *b->keys);
    for (int64_t i = 0; i < n; i++) {
        const uint32_t key = (uint32_t)(part[i] >> 32);
        uint32_t at = (key * 0x9e3779b1u) >> (32 - bits);
        while (b->keys[at].n && b->keys[at].key != key) at = (at + 1) & last;
        b->keys[at].key = key;
        b->keys[at].n++;
        b->places[i] = at;
        b->positions[i] = (uint32_t)part[i];
    }
}

/* Give a run to each key that rows share. Returns whether one is crowded. */
static int allot_runs(fp_bucketing_t *b, int bits) {
    int any_crowded = 0;
    for (int64_t at = 0; at < (int64_t)1 << bits; at++) {
        const uint32_t n = b->keys[at].n;
        b->runs[at] = (fp_run_t){(uint32_t)b->n_slots + 1, (uint32_t)b->n_slots | FP_RUN};
        if (n > 1 && n > b->max_candidates) {
            any_crowded = 1;
            b->slots[b->n_slots] = FP_RUN;
            b->slots[b->n_slots + 1] = n;
            b->slots[b->n_slots + 2] = FP_OPEN;
            b->n_slots += FP_HEADER_SLOTS;
            b->runs[at] = (fp_run_t){b->runs[at].number | FP_CROWDED, (uint32_t)b->n_slots};
        }
        b->n_slots += n > 1 ? n : 0;
    }
    return any_crowded;
}

/* Chance decides which keys are shared, and who comes first: so both passes go without a branch. */
static void fill_runs(fp_bucketing_t *b, int64_t n) {
    int64_t n_shared = 0;
    for (int64_t i = 0; i < n; i++) {
        b->places[n_shared] = b->places[i];
        b->positions[n_shared] = b->positions[i];
        n_shared += b->keys[b->places[i]].n > 1;
    }
    for (int64_t i = 0; i < n_shared; i++) {
        fp_run_t *run = b->runs + b->places[i];
        b->slots[run->next & ~FP_RUN] = b->positions[i] | (run->next & FP_RUN);
        b->numbers[b->positions[i]] = run->number;
        run->next = (run->next & ~FP_RUN) + 1;
    }
}

static void group_part(fp_bucketing_t *b, const uint64_t *part, int64_t n) {
    int bits = 4;
    while ((int64_t)1 << bits < n + n / 2) bits++;
    count_keys(b, part, n, bits);
    const int any_crowded = allot_runs(b, bits);
    fill_runs(b, n);
    for (int64_t at = 0; any_crowded && at < (int64_t)1 << bits; at++)
        if (b->keys[at].n > 1 && b->runs[at].number & FP_CROWDED) sort_positions(b->slots + b->runs[at].next - b->keys[at].n, b->positions, b->keys[at].n);
}

/* FP_OK or FP_NO_MEMORY; `ends` says where the parts end. */
static int group_parts(fp_bucketing_t *b, const uint64_t *dealt, const int64_t *ends, int64_t n_parts) {
    int64_t largest = 0, size = 16;
    for (int64_t p = 0, begin = 0; p < n_parts; begin = ends[p++])
        if (ends[p] - begin > largest) largest = ends[p] - begin;
    while (size < largest + largest / 2) size *= 2;
    b->keys = malloc((size_t)size * sizeof *b->keys);
    b->runs = malloc((size_t)size * sizeof *b->runs);
    b->places = malloc((size_t)largest * sizeof *b->places + 1);
    b->positions = malloc((size_t)largest * sizeof *b->positions + 1);
    const int status = b->keys && b->runs && b->places && b->positions ? FP_OK : FP_NO_MEMORY;
    for (int64_t p = 0, begin = 0; p < n_parts && status == FP_OK; begin = ends[p++]) group_part(b, dealt + begin, ends[p] - begin);
    free(b->keys);
    free(b->runs);
    free(b->places);
    free(b->positions);
    return status;
}

static uint64_t *room_for(int64_t n) {
    void *room = NULL;
    if (posix_memalign(&room, 1 << 21, (size_t)n * sizeof(uint64_t) + 1)) return NULL;
    madvise(room, (size_t)n * sizeof(uint64_t), MADV_HUGEPAGE); /* parts are written side by side, each in a page of its own */
    return room;
}

int64_t fp_slots_at_most(int64_t n, int64_t max_candidates) { return n + FP_HEADER_SLOTS * (n / (max_candidates + 1)) + 1; }

int64_t fp_buckets(const uint32_t *keys, const int32_t *positions, const uint8_t *is_signed, int64_t n, int64_t max_candidates, uint32_t *numbers,
                   uint32_t *slots) {
    int64_t ends[1 << MAX_PARTS_BITS] = {0}, begin = 0;
    int bits = 0;
    while (bits < MAX_PARTS_BITS && n >> (bits + MIN_PART_BITS)) bits++;
    const int shift = 32 - bits;
    const int64_t n_parts = (int64_t)1 << bits;
    uint64_t *dealt = room_for(n);
    if (!dealt) return FP_NO_MEMORY;
    for (int64_t i = 0; i < n; i++)
        if (keys[i] && is_signed[i]) ends[(uint64_t)keys[i] >> shift]++;
    for (int64_t p = 0; p < n_parts; p++) {
        const int64_t size = ends[p];
        ends[p] = begin;
        begin += size;
    }
    for (int64_t i = 0; i < n; i++)
        if (keys[i] && is_signed[i]) dealt[ends[(uint64_t)keys[i] >> shift]++] = (uint64_t)keys[i] << 32 | (uint32_t)positions[i];
    memset(numbers, 0, (size_t)n * sizeof *numbers);
    fp_bucketing_t b = {.max_candidates = max_candidates, .slots = slots, .numbers = numbers};
    const int status = group_parts(&b, dealt, ends, n_parts);
    free(dealt);
    slots[b.n_slots] = FP_RUN;
    return status == FP_OK ? b.n_slots + 1 : status;
}
