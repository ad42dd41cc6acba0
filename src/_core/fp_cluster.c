/* Leader clustering of compact signatures.
 *
 * Design. Of each value of a signature one byte is kept (b-bit minwise hashing, Li and Koenig 2010: of unequal values one in 256 agrees, which
 * whoever reads the counts takes off), of each band key 32 bits; what these let through costs one comparison. Rows come in a fixed order, their
 * position. A row that no leader has claimed becomes one: it checks whoever comes later in its buckets against its whole signature, and claims who is at or
 * above the threshold; the most similar leader wins, the earliest of equals. So members do nothing at all, and whoever is claimed costs one comparison for
 * each leader it meets. Members are never compared with members: a drifting chain cannot grow into one cluster. A bucket follows its first
 * `max_candidates` leaders only, which bounds the work of a flood of unlike rows that share a key; a row that comes after them there is counted in
 * n_budget_exceeded.
 * Threads work on a block of rows in three steps. Looking: each row of the block that nobody has claimed so far collects what it would claim, from its
 * crowded buckets only within the block. Settling, by one thread, in order, and short: who is claimed by a leader of the block itself is none. Spreading:
 * the leaders claim who is beyond the block in crowded buckets. A claim is the maximum of equal values and earliness, so the order of claims does not
 * matter, and the result is that of one thread, whatever the blocks.
 * Buckets, and the bytes of whom they hold, are all that is read out of order: the first are asked for a row ahead, the others as they are met. Where the
 * bytes do not fit into memory they stay in their file and are read one row at a time: page cache, not resident memory.
 * Everything that is allocated is released by fp_cluster_free, also after a failed init.
 */
#define _FILE_OFFSET_BITS 64
#define _POSIX_C_SOURCE 200809L /* pread */
#include "fp_cluster.h"

#include <stdlib.h>
#include <unistd.h>

#define MAX_MET 2048 /* rows that are met, each once, before they are compared */
#define N_PLACES (2 * MAX_MET)

int64_t fp_count_equal(const uint32_t *a, const uint32_t *b, int64_t n) {
    uint32_t n_equal = 0; /* n <= FP_MAX_NUM_PERM; 32 bits keep the vector lanes even */
    for (int64_t i = 0; i < n; i++) n_equal += a[i] == b[i];
    return n_equal;
}

/* What looking finds of a row of the block: which claims of which finder, and whether one of its buckets is crowded. */
typedef struct fp_row {
    int64_t first, n;
    int32_t finder, is_crowded;
} fp_row_t;

typedef struct {
    uint32_t position, n_equal;
} fp_claim_t;

/* What a thread looks with: the rows that one row meets, and the claims of the rows so far. */
typedef struct fp_finder {
    uint64_t *places; /* [N_PLACES] of a hash table: the round, and a position that was met in it */
    uint32_t round, n_met, *met;
    fp_claim_t *claims;
    int64_t n_claims, capacity;
    uint8_t *own, *other; /* what is read from the file */
    int is_spreading, status;
} fp_finder_t;

int fp_cluster_init(fp_cluster_t *c, int64_t n_parts) {
    c->n_budget_exceeded = c->n_spreading = 0;
    c->n_finders = n_parts + 1;
    c->block = malloc(FP_BLOCK_ROWS * sizeof *c->block);
    c->spreading = malloc(FP_BLOCK_ROWS * sizeof *c->spreading);
    c->finder = calloc((size_t)c->n_finders, sizeof *c->finder);
    if (!c->block || !c->spreading || !c->finder) return FP_NO_MEMORY;
    for (int64_t i = 0; i < c->n_finders; i++) {
        fp_finder_t *f = c->finder + i;
        f->places = calloc(N_PLACES, sizeof *f->places);
        f->met = malloc(MAX_MET * sizeof *f->met);
        f->own = malloc((size_t)c->num_perm);
        f->other = malloc((size_t)c->num_perm);
        if (!f->places || !f->met || !f->own || !f->other) return FP_NO_MEMORY;
        f->round = 1;
    }
    return FP_OK;
}

void fp_cluster_free(fp_cluster_t *c) {
    for (int64_t i = 0; c->finder && i < c->n_finders; i++) {
        free(c->finder[i].places);
        free(c->finder[i].met);
        free(c->finder[i].claims);
        free(c->finder[i].own);
        free(c->finder[i].other);
    }
    free(c->finder);
    free(c->block);
    free(c->spreading);
    memset(c, 0, sizeof *c);
}

/* The bytes of a row. From the file they are read one by one: a mapping would make whole neighbourhoods of pages resident for 128 bytes of each. Null where
 * that fails. */
static const uint8_t *bytes_of(const fp_cluster_t *c, int64_t position, uint8_t *buffer) {
    const int64_t offset = c->rows[position] * c->num_perm;
    if (c->bytes) return c->bytes + offset;
    return pread(c->file, buffer, (size_t)c->num_perm, (off_t)offset) == (ssize_t)c->num_perm ? buffer : NULL;
}

static void ask_for(const fp_cluster_t *c, int64_t position) {
    if (!c->bytes) return;
    const uint8_t *bytes = c->bytes + c->rows[position] * c->num_perm;
    for (int64_t k = 0; k < c->num_perm; k += 64) __builtin_prefetch(bytes + k);
}

/* The largest claim stays. */
static void claim(const fp_cluster_t *c, int64_t leader, fp_claim_t by) {
    const uint64_t mine = (uint64_t)by.n_equal << 32 | (uint32_t)~(uint32_t)leader;
    uint64_t *best = c->best + by.position, held = __atomic_load_n(best, __ATOMIC_RELAXED);
    while (mine > held && !__atomic_compare_exchange_n(best, &held, mine, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

static void add_claim(fp_finder_t *f, fp_claim_t made) {
    if (f->n_claims == f->capacity) {
        const int64_t capacity = f->capacity ? 2 * f->capacity : 1024;
        fp_claim_t *grown = realloc(f->claims, (size_t)capacity * sizeof *grown);
        if (!grown) {
            f->status = FP_NO_MEMORY;
            return;
        }
        f->claims = grown;
        f->capacity = capacity;
    }
    f->claims[f->n_claims++] = made;
}

/* Compare a row with all that it has met, and forget these. */
static void compare(const fp_cluster_t *c, fp_finder_t *f, int64_t position) {
    const uint8_t *own = f->n_met ? bytes_of(c, position, f->own) : f->own;
    if (!own) f->status = FP_NO_INPUT;
    for (uint32_t i = 0; i < f->n_met && f->status == FP_OK; i++) {
        const uint8_t *other = bytes_of(c, f->met[i], f->other);
        if (!other) {
            f->status = FP_NO_INPUT;
            break;
        }
        const int64_t n_equal = c->kernels->count_equal(own, other, c->num_perm);
        if (n_equal < c->min_equal) continue;
        const fp_claim_t made = {f->met[i], (uint32_t)n_equal};
        if (f->is_spreading) claim(c, position, made);
        else add_claim(f, made);
    }
    f->n_met = 0;
    if (++f->round) return;
    memset(f->places, 0, N_PLACES * sizeof *f->places);
    f->round = 1;
}

static void meet(const fp_cluster_t *c, fp_finder_t *f, int64_t position, uint32_t other) {
    const uint64_t wanted = (uint64_t)f->round << 32 | other;
    uint32_t at = (other * 0x9e3779b1u >> 8) & (N_PLACES - 1);
    while (f->places[at] >> 32 == f->round) {
        if (f->places[at] == wanted) return;
        at = (at + 1) & (N_PLACES - 1);
    }
    f->places[at] = wanted;
    f->met[f->n_met++] = other;
    ask_for(c, other);
    if (f->n_met == MAX_MET) compare(c, f, position);
}

/* Whether a crowded bucket has followed as many leaders as it may before this position. */
static int is_full(const uint32_t *header, int64_t position) { return header[2] < position; }

/* Where positions beyond this one begin, of n ascending ones. */
static int64_t beyond(const uint32_t *positions, int64_t n, int64_t position) {
    int64_t low = 0;
    while (low < n) {
        const int64_t middle = low + (n - low) / 2;
        if (positions[middle] <= position) low = middle + 1;
        else n = middle;
    }
    return low;
}

static void meet_crowded(const fp_cluster_t *c, fp_finder_t *f, int64_t position, const uint32_t *header, int64_t end) {
    const uint32_t *const positions = header + FP_HEADER_SLOTS;
    if (is_full(header, position)) return;
    for (int64_t i = beyond(positions, header[1], position); i < header[1] && positions[i] < end; i++) meet(c, f, position, positions[i]);
}

/* Collect what a row would claim: in its crowded buckets before `end` only. Returns whether it is in one. */
static int look_at(const fp_cluster_t *c, fp_finder_t *f, int64_t position, int64_t end) {
    int is_crowded = 0;
    for (int64_t b = 0; b < c->num_bands; b++) {
        const uint32_t number = c->numbers[b][position];
        if (!number) continue;
        const uint32_t *slot = c->slots[b] + (number & ~FP_CROWDED) - 1;
        if (number & FP_CROWDED) {
            is_crowded = 1;
            meet_crowded(c, f, position, slot, end);
            continue;
        }
        do {
            const uint32_t other = *slot & ~FP_RUN;
            if (other > position) meet(c, f, position, other);
        } while (!(*++slot & FP_RUN));
    }
    compare(c, f, position);
    return is_crowded;
}

static int64_t next_unclaimed(const fp_cluster_t *c, int64_t position, int64_t last) {
    while (position < last && c->best[position]) position++;
    return position;
}

static void ask_for_buckets(const fp_cluster_t *c, int64_t position) {
    for (int64_t b = 0; b < c->num_bands; b++) {
        const uint32_t number = c->numbers[b][position];
        if (number) __builtin_prefetch(c->slots[b] + (number & ~FP_CROWDED) - 1);
    }
    ask_for(c, position);
}

static int in_crowded(const fp_cluster_t *c, int64_t position) {
    uint32_t any = 0;
    for (int64_t b = 0; b < c->num_bands; b++) any |= c->numbers[b][position];
    return (any & FP_CROWDED) != 0;
}

void fp_cluster_begin(fp_cluster_t *c, int64_t begin, int64_t end) {
    c->begin = begin;
    c->end = end;
    c->n_spreading = 0;
    for (int64_t i = 0; i < c->n_finders; i++) c->finder[i].n_claims = 0;
}

int fp_cluster_look(const fp_cluster_t *c, int64_t part, int64_t first, int64_t last) {
    fp_finder_t *f = c->finder + part;
    f->is_spreading = 0;
    f->status = FP_OK;
    int64_t next = next_unclaimed(c, first, last);
    for (int64_t i = first; i < last && f->status == FP_OK; i++) {
        fp_row_t *row = c->block + (i - c->begin);
        *row = (fp_row_t){f->n_claims, 0, (int32_t)part, 0};
        if (i < next) {
            row->is_crowded = in_crowded(c, i);
            continue;
        }
        next = next_unclaimed(c, i + 1, last);
        if (next < last) ask_for_buckets(c, next);
        row->is_crowded = look_at(c, f, i, c->end);
        row->n = f->n_claims - row->first;
    }
    return f->status;
}

/* Enter a leader into its crowded buckets. Returns whether one of them was filled within the block: what looking found may be more than it follows. */
static int enter(fp_cluster_t *c, int64_t position, int *spreads) {
    int is_stale = 0;
    for (int64_t b = 0; b < c->num_bands; b++) {
        const uint32_t number = c->numbers[b][position];
        if (!(number & FP_CROWDED)) continue;
        uint32_t *header = c->slots[b] + (number & ~FP_CROWDED) - 1;
        if (is_full(header, position)) {
            is_stale |= header[2] >= c->begin;
            continue;
        }
        *spreads = 1;
        if ((++header[0] & ~FP_RUN) == c->max_candidates) header[2] = (uint32_t)position;
    }
    return is_stale;
}

static int is_beyond_a_full_one(const fp_cluster_t *c, int64_t position) {
    for (int64_t b = 0; b < c->num_bands; b++) {
        const uint32_t number = c->numbers[b][position];
        if (number & FP_CROWDED && is_full(c->slots[b] + (number & ~FP_CROWDED) - 1, position)) return 1;
    }
    return 0;
}

static void ask_for_claimed(const fp_cluster_t *c, int64_t i) {
    if (i >= c->end - c->begin) return;
    const fp_row_t *row = c->block + i;
    for (int64_t k = row->first; k < row->first + row->n; k++) __builtin_prefetch(c->best + c->finder[row->finder].claims[k].position, 1);
}

int fp_cluster_settle(fp_cluster_t *c) {
    fp_finder_t *again = c->finder + c->n_finders - 1;
    again->is_spreading = 0;
    again->status = FP_OK;
    for (int64_t i = c->begin; i < c->end && again->status == FP_OK; i++) {
        fp_row_t *row = c->block + (i - c->begin);
        int spreads = 0;
        ask_for_claimed(c, i - c->begin + 8);
        c->n_budget_exceeded += row->is_crowded && is_beyond_a_full_one(c, i);
        if (c->best[i]) continue;
        if (row->is_crowded && enter(c, i, &spreads)) {
            *row = (fp_row_t){again->n_claims, 0, (int32_t)(c->n_finders - 1), 1};
            look_at(c, again, i, c->end);
            row->n = again->n_claims - row->first;
        }
        for (int64_t k = row->first; k < row->first + row->n; k++) claim(c, i, c->finder[row->finder].claims[k]);
        if (spreads) c->spreading[c->n_spreading++] = (int32_t)i;
    }
    return again->status;
}

int fp_cluster_spread(const fp_cluster_t *c, int64_t part, int64_t first, int64_t last) {
    fp_finder_t *f = c->finder + part;
    f->is_spreading = 1;
    f->status = FP_OK;
    for (int64_t k = first; k < last && f->status == FP_OK; k++) {
        const int64_t position = c->spreading[k];
        for (int64_t b = 0; b < c->num_bands; b++) {
            const uint32_t number = c->numbers[b][position];
            if (number & FP_CROWDED) meet_crowded(c, f, position, c->slots[b] + (number & ~FP_CROWDED) - 1, c->n_rows);
        }
        compare(c, f, position);
    }
    return f->status;
}

void fp_cluster_label(fp_cluster_t *c) {
    uint32_t n_labels = 0;
    for (int64_t i = 0; i < c->n_rows; i++) {
        const uint64_t best = c->best[i];
        const uint64_t label = best ? (uint32_t)c->best[(uint32_t)~(uint32_t)best] : n_labels++;
        c->best[i] = (best ? best >> 32 : (uint64_t)c->num_perm) << 32 | label;
    }
}
