/* Buckets of band keys, and leader clustering of compact signatures over them.
 *
 * Design. Of each value of a signature one byte is kept (b-bit minwise hashing, Li and Koenig 2010: of unequal values one in 256 agrees, which
 * whoever reads the counts takes off), of each band key 32 bits; what these let through costs one comparison. Rows come in a fixed order, their
 * position. Sorting a band's keys gives every key that two rows or more share a run of slots, as many as it has rows, and each of these rows the
 * number of the first; a key that nobody shares has none. So nothing is hashed any more: of a row come, band by band from a stream each, its
 * buckets, and a bucket is a run of leaders that grows from its first slot to the next run.
 * A row checks the leaders it finds there against its whole signature, and joins the best one at or above the threshold, the earliest of equals;
 * else it becomes a leader and enters its buckets. Members are never compared with members, so a drifting chain cannot grow into one cluster, and a
 * flood costs one comparison a row. A bucket takes `max_candidates` leaders and a row checks as many, those with the most bands in common first; a
 * row that met either bound is counted in n_budget_exceeded.
 * Where the bytes do not fit into memory they stay in their file and are read one row at a time: page cache, not resident memory.
 * A slot is position + 1, with the high bit where it is the first of its run; 0 is empty. Only slots and the leaders' bytes are read out of order:
 * both are asked for a row ahead.
 * Threads look for the leaders of a block of rows among those of before the block, and change nothing. Then one settles the rows in turn: what was found
 * stands unless a leader of the block itself has entered a bucket of the row meanwhile, in which case the row is looked for again. So the result is that of
 * one thread, whatever the blocks. Everything that is allocated is released by fp_cluster_free, also after a failed init.
 */
#define _FILE_OFFSET_BITS 64
#define _POSIX_C_SOURCE 200809L /* pread */
#include "fp_cluster.h"

#include <stdlib.h>
#include <unistd.h>

#include "fp_core.h"

#define FP_FIRST 0x80000000u /* of a slot: the first of its bucket */

int64_t fp_count_equal(const uint32_t *a, const uint32_t *b, int64_t n) {
    uint32_t n_equal = 0; /* n <= FP_MAX_NUM_PERM; 32 bits keep the vector lanes even */
    for (int64_t i = 0; i < n; i++) n_equal += a[i] == b[i];
    return n_equal;
}

#define FP_DIGIT_BITS 11
#define FP_DIGITS (1 << FP_DIGIT_BITS)

/* One pass of a radix sort: stable, by the digit of the key at `shift`; at[digit] is where its elements begin. */
static void radix_pass(const uint64_t *from, uint64_t *to, int64_t n, int shift, int64_t *at) {
    for (int64_t i = 0; i < n; i++) to[at[from[i] >> shift & (FP_DIGITS - 1)]++] = from[i];
}

int64_t fp_buckets(const uint32_t *keys, const int32_t *rows, const uint8_t *is_signed, int64_t n, uint64_t *room, uint32_t *numbers) {
    enum { N_PASSES = (32 + FP_DIGIT_BITS - 1) / FP_DIGIT_BITS };
    int64_t at[N_PASSES][FP_DIGITS] = {{0}};
    uint64_t *from = room, *to = room + n;
    int64_t n_slots = 0, last;
    for (int64_t i = 0; i < n; i++) {
        if (i + 16 < n) __builtin_prefetch(keys + rows[i + 16]);
        const uint32_t key = is_signed[rows[i]] ? keys[rows[i]] : 0;
        from[i] = (uint64_t)key << 32 | (uint64_t)i;
        for (int pass = 0; pass < N_PASSES; pass++) at[pass][key >> pass * FP_DIGIT_BITS & (FP_DIGITS - 1)]++;
    }
    for (int pass = 0; pass < N_PASSES; pass++) {
        int64_t begin = 0;
        for (int digit = 0; digit < FP_DIGITS; digit++) {
            const int64_t size = at[pass][digit];
            at[pass][digit] = begin;
            begin += size;
        }
        radix_pass(from, to, n, 32 + pass * FP_DIGIT_BITS, at[pass]);
        uint64_t *swapped = from;
        from = to;
        to = swapped;
    }
    memset(numbers, 0, (size_t)n * sizeof *numbers);
    for (int64_t i = 0; i < n; i = last) {
        const uint64_t key = from[i] >> 32;
        for (last = i + 1; last < n && from[last] >> 32 == key; last++) {}
        if (!key || last - i < 2) continue;
        for (int64_t k = i; k < last; k++) numbers[from[k] & 0xffffffffu] = (uint32_t)n_slots + 1;
        n_slots += last - i;
    }
    return n_slots;
}

static int64_t power_of_two(int64_t least) {
    int64_t n = 64;
    while (n < least) n *= 2;
    return n;
}

/* What was found for a row of the block. */
typedef struct fp_found {
    int32_t leader, n_equal; /* -1: none */
    int exceeded;
} fp_found_t;

/* A leader that the row at `position - 1` meets, in so many bands. */
typedef struct {
    int64_t position;
    uint32_t leader, n_hits;
} fp_met_t;

/* What a thread looks with. */
typedef struct {
    int64_t n_met;
    fp_met_t *met;
    uint32_t *candidates, *sorted;
    uint8_t *read, *read_leader;
} fp_finder_t;

static int finder_init(fp_finder_t *f, const fp_cluster_t *c) {
    const int64_t n_candidates = c->num_bands * (c->max_candidates < c->n_rows ? c->max_candidates : c->n_rows);
    f->n_met = power_of_two(2 * n_candidates);
    f->met = calloc((size_t)f->n_met, sizeof *f->met);
    f->candidates = malloc((size_t)n_candidates * sizeof *f->candidates);
    f->sorted = malloc((size_t)n_candidates * sizeof *f->sorted);
    f->read = malloc((size_t)c->num_perm);
    f->read_leader = malloc((size_t)c->num_perm);
    return f->met && f->candidates && f->sorted && f->read && f->read_leader ? FP_OK : FP_NO_MEMORY;
}

static void finder_free(fp_finder_t *f) {
    free(f->met);
    free(f->candidates);
    free(f->sorted);
    free(f->read);
    free(f->read_leader);
}

int fp_cluster_init(fp_cluster_t *c) {
    const int64_t n_bands = c->num_bands;
    c->starts = malloc((size_t)(n_bands + 1) * sizeof *c->starts);
    c->ends = malloc((size_t)(FP_BLOCK_ROWS * n_bands) * sizeof *c->ends);
    c->found = malloc(FP_BLOCK_ROWS * sizeof *c->found);
    c->slots = NULL;
    c->n_leaders = c->n_budget_exceeded = 0;
    if (!c->starts || !c->ends || !c->found) return FP_NO_MEMORY;
    c->starts[0] = 0;
    for (int64_t b = 0; b < n_bands; b++) c->starts[b + 1] = c->starts[b] + c->n_slots[b];
    c->slots = calloc((size_t)c->starts[n_bands] + 1, sizeof *c->slots);
    return c->slots ? FP_OK : FP_NO_MEMORY;
}

void fp_cluster_free(fp_cluster_t *c) {
    free(c->starts);
    free(c->ends);
    free(c->found);
    free(c->slots);
    memset(c, 0, sizeof *c);
}

static void ask_for(const fp_cluster_t *c, int64_t position) {
    if (!c->bytes) return;
    const uint8_t *bytes = c->bytes + c->rows[position] * c->num_perm;
    for (int64_t k = 0; k < c->num_perm; k += 64) __builtin_prefetch(bytes + k);
}

/* The bytes of a row. From the file they are read one by one: a mapping would make whole neighbourhoods of pages resident for 128 bytes of each. Null where
 * that fails. */
static const uint8_t *bytes_of(const fp_cluster_t *c, int64_t position, uint8_t *buffer) {
    const int64_t offset = c->rows[position] * c->num_perm;
    if (c->bytes) return c->bytes + offset;
    return pread(c->file, buffer, (size_t)c->num_perm, (off_t)offset) == (ssize_t)c->num_perm ? buffer : NULL;
}

/* Where the bucket of a row begins in slots; -1 where it has none. */
static int64_t bucket(const fp_cluster_t *c, int64_t band, int64_t position) {
    const uint32_t number = c->numbers[band][position];
    return number ? c->starts[band] + number - 1 : -1;
}

/* The place of a leader in the table of those that this row has met. */
static fp_met_t *met(const fp_finder_t *f, uint32_t leader, int64_t position) {
    uint64_t at = fp_scale64(fp_mix64(leader), (uint64_t)f->n_met);
    while (f->met[at].position == position + 1 && f->met[at].leader != leader) at = (at + 1) & (uint64_t)(f->n_met - 1);
    return f->met + at;
}

/* Distinct leaders that share a band with the row, and how many bands each shares; *full: some bucket holds no more. ends[band] becomes the slot that
 * the row would take as a leader, -1 for none. */
static int64_t find_candidates(const fp_cluster_t *c, fp_finder_t *f, int64_t position, int64_t *ends, int *full) {
    int64_t n = 0;
    *full = 0;
    for (int64_t b = 0; b < c->num_bands; b++) {
        const int64_t first = bucket(c, b, position);
        int64_t at = first;
        ends[b] = -1;
        if (first < 0) continue;
        const int64_t most = first + c->max_candidates, last = most < c->starts[b + 1] ? most : c->starts[b + 1];
        for (; at < last && c->slots[at] && (at == first || !(c->slots[at] & FP_FIRST)); at++) {
            const uint32_t leader = (c->slots[at] & ~FP_FIRST) - 1;
            fp_met_t *m = met(f, leader, position);
            if (m->position != position + 1) {
                *m = (fp_met_t){position + 1, leader, 0};
                f->candidates[n++] = leader;
                ask_for(c, leader);
            }
            m->n_hits++;
        }
        *full |= at == most;
        if (at < last && !c->slots[at]) ends[b] = at;
    }
    return n;
}

/* Order candidates by the bands they share, most first: a counting sort, stable. */
static void sort_candidates(const fp_cluster_t *c, fp_finder_t *f, int64_t n, int64_t position) {
    int64_t n_with[FP_MAX_BANDS + 2] = {0};
    for (int64_t i = 0; i < n; i++) n_with[c->num_bands - met(f, f->candidates[i], position)->n_hits + 1]++;
    for (int64_t h = 1; h <= c->num_bands; h++) n_with[h] += n_with[h - 1];
    for (int64_t i = 0; i < n; i++) f->sorted[n_with[c->num_bands - met(f, f->candidates[i], position)->n_hits]++] = f->candidates[i];
    memcpy(f->candidates, f->sorted, (size_t)n * sizeof *f->candidates);
}

/* FP_OK or FP_NO_INPUT. */
static int find_leader(const fp_cluster_t *c, fp_finder_t *f, int64_t position, int64_t *ends, fp_found_t *found) {
    int full;
    int64_t n = find_candidates(c, f, position, ends, &full), best = -1, best_equal = c->min_equal;
    *found = (fp_found_t){-1, (int32_t)c->num_perm, full || n > c->max_candidates};
    if (!n) return FP_OK;
    const uint8_t *bytes = bytes_of(c, position, f->read);
    if (!bytes) return FP_NO_INPUT;
    if (n > c->max_candidates) {
        sort_candidates(c, f, n, position);
        n = c->max_candidates;
    }
    for (int64_t i = 0; i < n; i++) {
        const int64_t leader = f->candidates[i];
        const uint8_t *other = bytes_of(c, leader, f->read_leader);
        if (!other) return FP_NO_INPUT;
        const int64_t n_equal = c->kernels->count_equal(bytes, other, c->num_perm);
        if (n_equal > best_equal || (n_equal == best_equal && (best < 0 || leader < best))) {
            best_equal = n_equal;
            best = leader;
        }
    }
    if (best >= 0) *found = (fp_found_t){(int32_t)best, (int32_t)best_equal, found->exceeded};
    return FP_OK;
}

static void look_ahead(const fp_cluster_t *c, int64_t position) {
    if (position + 1 < c->n_rows)
        for (int64_t b = 0; b < c->num_bands; b++) {
            const int64_t first = bucket(c, b, position + 1);
            if (first >= 0) __builtin_prefetch(c->slots + first);
        }
    if (position + 2 < c->n_rows) ask_for(c, position + 2);
}

int fp_cluster_find(const fp_cluster_t *c, int64_t begin, int64_t first, int64_t last) {
    fp_finder_t finder;
    int status = finder_init(&finder, c);
    for (int64_t i = first; i < last && status == FP_OK; i++) {
        look_ahead(c, i);
        status = find_leader(c, &finder, i, c->ends + (i - begin) * c->num_bands, c->found + (i - begin));
    }
    finder_free(&finder);
    return status;
}

/* Whether a leader of the block has entered a bucket of the row since it was looked for. */
static int is_stale(const fp_cluster_t *c, const int64_t *ends) {
    for (int64_t b = 0; b < c->num_bands; b++)
        if (ends[b] >= 0 && c->slots[ends[b]]) return 1;
    return 0;
}

int fp_cluster_settle(fp_cluster_t *c, int64_t begin, int64_t end, int is_found, int32_t *labels, int32_t *n_equal) {
    fp_finder_t finder;
    int status = finder_init(&finder, c);
    for (int64_t i = begin; i < end && status == FP_OK; i++) {
        int64_t *ends = c->ends + (i - begin) * c->num_bands;
        fp_found_t *found = c->found + (i - begin);
        if (!is_found) look_ahead(c, i);
        else if (i + 4 < end)
            for (int64_t b = 0; b < c->num_bands; b++)
                if (ends[4 * c->num_bands + b] >= 0) __builtin_prefetch(c->slots + ends[4 * c->num_bands + b]);
        if (!is_found || is_stale(c, ends)) status = find_leader(c, &finder, i, ends, found);
        n_equal[i] = found->n_equal;
        c->n_budget_exceeded += found->exceeded;
        labels[i] = found->leader < 0 ? (int32_t)c->n_leaders++ : labels[found->leader];
        if (found->leader >= 0) continue;
        for (int64_t b = 0; b < c->num_bands; b++)
            if (ends[b] >= 0) c->slots[ends[b]] = (uint32_t)(i + 1) | (ends[b] == bucket(c, b, i) ? FP_FIRST : 0);
    }
    finder_free(&finder);
    return status;
}
