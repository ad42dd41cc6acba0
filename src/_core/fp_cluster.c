/* Leader clustering of compact signatures over one open-addressing table of band keys.
 *
 * Design. Of each value of a signature one byte is kept (b-bit minwise hashing, Li and Koenig 2010: of unequal values one in 256 agrees, which
 * whoever reads the counts takes off), of each band key 32 bits; what these let through costs one comparison. Rows come in a fixed order. A row looks up its bands, checks the leaders it finds there against its whole signature, and joins the
 * best one at or above the threshold, the earliest of equals; else it becomes a leader and its bands enter the table. Members are never
 * compared with members, so a drifting chain cannot grow into one cluster, and a flood costs one comparison a row.
 * A slot is tag (16 bits) | band (10) | leader + 1 (38); 0 is empty. Keys themselves are not stored: two of them that agree in tag, band and
 * neighbourhood only cost one comparison more. A bucket takes `max_candidates` leaders and a row checks as many, those with the most bands
 * in common first; a row that met either bound is counted in n_budget_exceeded.
 * One instance belongs to one thread. Everything it allocates is released by fp_cluster_free, also after a failed init.
 */
#include "fp_cluster.h"

#include <stdlib.h>

#include "fp_core.h"

#define FP_LEADER_BITS 38
#define FP_FIRST_SLOTS 1024

static uint64_t band_key(int64_t band, const uint32_t *value, int64_t n_rows) {
    uint64_t key = (uint64_t)(band + 1) << 32;
    for (int64_t r = 0; r < n_rows; r++) key = fp_mix64(key ^ value[r]);
    return key;
}

void fp_band_keys(const fp_bands_t *bands, int64_t row, uint64_t *keys) {
    const uint32_t *value = bands->values + row * bands->num_perm;
    for (int64_t b = 0; b < bands->num_bands; b++) {
        keys[b] = band_key(b, value, bands->rows_per_band);
        value += bands->rows_per_band;
    }
}

void fp_compact(const fp_bands_t *bands, int64_t row, uint8_t *bytes, uint32_t *band_keys) {
    const uint32_t *value = bands->values + row * bands->num_perm;
    /* the upper bits of a minimum are mostly zero and the lowest depend on its place: take those of a multiple */
    for (int64_t i = 0; i < bands->num_perm; i++) bytes[i] = (uint8_t)((value[i] * 0x9e3779b1u) >> 24);
    for (int64_t b = 0; b < bands->num_bands; b++) {
        const uint32_t half = (uint32_t)(band_key(b, value, bands->rows_per_band) >> 32);
        band_keys[b] = half ? half : 1;
        value += bands->rows_per_band;
    }
}

int64_t fp_count_equal(const uint32_t *a, const uint32_t *b, int64_t n) {
    uint32_t n_equal = 0; /* n <= FP_MAX_NUM_PERM; 32 bits keep the vector lanes even */
    for (int64_t i = 0; i < n; i++) n_equal += a[i] == b[i];
    return n_equal;
}

/* Eight bytes at a time: the high bit of each byte of `differ` tells whether a and b differ there. Counts of 255 words fit into the bytes of `sum`. */
static int64_t count_equal_bytes(const uint8_t *a, const uint8_t *b, int64_t n) {
    const uint64_t low = 0x7f7f7f7f7f7f7f7fu, pairs = 0x00ff00ff00ff00ffu;
    uint64_t sum = 0;
    int64_t i = 0, n_equal = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t x, y;
        memcpy(&x, a + i, 8);
        memcpy(&y, b + i, 8);
        x ^= y;
        const uint64_t differ = ((x & low) + low) | x;
        sum += (~differ >> 7) & 0x0101010101010101u;
    }
    sum = (sum & pairs) + ((sum >> 8) & pairs);
    n_equal = (int64_t)((sum * 0x0001000100010001u) >> 48);
    for (; i < n; i++) n_equal += a[i] == b[i];
    return n_equal;
}

/* 0 for a band whose key no other row has. */
static void slot_keys(const fp_cluster_t *c, int64_t row, uint64_t *keys) {
    const uint32_t *key = c->band_keys + row * c->num_bands;
    for (int64_t b = 0; b < c->num_bands; b++) keys[b] = key[b] ? fp_mix64((uint64_t)(b + 1) << 32 | key[b]) | 1 : 0;
}

static uint64_t slot_tag(uint64_t key, int64_t band) { return (key & 0xffff) << 48 | (uint64_t)band << FP_LEADER_BITS; }

static uint64_t slot_home(const fp_cluster_t *c, uint64_t key) { return fp_scale64(key, c->n_slots); }

static void insert(fp_cluster_t *c, uint64_t key, int64_t band, int64_t leader) {
    if (!key) return;
    const uint64_t tag = slot_tag(key, band);
    uint64_t at = slot_home(c, key);
    int64_t n_same = 0;
    while (c->slots[at]) {
        n_same += c->slots[at] >> FP_LEADER_BITS == tag >> FP_LEADER_BITS;
        at = at + 1 == c->n_slots ? 0 : at + 1;
    }
    if (n_same >= c->max_candidates) return; /* the bucket is full; find() tells so to everyone who looks */
    c->slots[at] = tag | (uint64_t)(leader + 1);
    c->n_used++;
}

/* Grow by half when three quarters are taken, and enter all leaders again. */
static int reserve_slots(fp_cluster_t *c) {
    if ((uint64_t)(c->n_used + c->num_bands) <= c->n_slots / 4 * 3) return FP_OK;
    uint64_t n_slots = c->n_slots;
    while ((uint64_t)(c->n_used + c->num_bands) > n_slots / 4 * 3) n_slots += n_slots / 2;
    uint64_t *slots = calloc(n_slots, sizeof *slots);
    if (!slots) return FP_NO_MEMORY;
    free(c->slots);
    c->slots = slots;
    c->n_slots = n_slots;
    c->n_used = 0;
    uint64_t *keys = (uint64_t *)c->sorted; /* as long as num_bands * max_candidates words, and idle here */
    for (int64_t leader = 0; leader < c->n_leaders; leader++) {
        slot_keys(c, c->leader_rows[leader], keys);
        for (int64_t b = 0; b < c->num_bands; b++) __builtin_prefetch(c->slots + slot_home(c, keys[b]), 1);
        for (int64_t b = 0; b < c->num_bands; b++) insert(c, keys[b], b, leader);
    }
    return FP_OK;
}

static int reserve_leaders(fp_cluster_t *c) {
    if (c->n_leaders < c->leader_capacity) return FP_OK;
    const int64_t capacity = c->leader_capacity ? c->leader_capacity + c->leader_capacity / 2 : 1024;
    void *p;
    if (capacity >= (int64_t)1 << FP_LEADER_BITS) return FP_NO_MEMORY;
    if (!(p = realloc(c->leader_rows, (size_t)capacity * sizeof *c->leader_rows))) return FP_NO_MEMORY;
    c->leader_rows = p;
    if (!(p = realloc(c->met, (size_t)capacity * sizeof *c->met))) return FP_NO_MEMORY;
    c->met = p;
    c->leader_capacity = capacity;
    return FP_OK;
}

int fp_cluster_init(fp_cluster_t *c) {
    const size_t n_bands = (size_t)c->num_bands, n_candidates = n_bands * (size_t)c->max_candidates;
    c->n_slots = FP_FIRST_SLOTS;
    c->slots = calloc(c->n_slots, sizeof *c->slots);
    c->keys = malloc(n_bands * sizeof *c->keys);
    c->next_keys = malloc(n_bands * sizeof *c->next_keys);
    c->candidates = malloc(n_candidates * sizeof *c->candidates);
    c->sorted = malloc(n_candidates * sizeof *c->sorted);
    c->leader_rows = NULL;
    c->met = NULL;
    c->n_leaders = c->n_budget_exceeded = c->leader_capacity = c->n_used = 0;
    return c->slots && c->keys && c->next_keys && c->candidates && c->sorted ? FP_OK : FP_NO_MEMORY;
}

void fp_cluster_free(fp_cluster_t *c) {
    free(c->slots);
    free(c->keys);
    free(c->next_keys);
    free(c->candidates);
    free(c->sorted);
    free(c->leader_rows);
    free(c->met);
    memset(c, 0, sizeof *c);
}

/* Distinct leaders that share a band with the row at `position`, and how many bands each shares; *full: some bucket holds no more. A band
 * yields max_candidates at most, as insert() saw to for this bucket; a neighbouring bucket of equal tag may stand behind. */
static int64_t find_candidates(fp_cluster_t *c, int64_t position, int *full) {
    int64_t n = 0, n_found = 0;
    *full = 0;
    for (int64_t b = 0; b < c->num_bands; b++) {
        if (!c->keys[b]) continue;
        const uint64_t tag = slot_tag(c->keys[b], b);
        int64_t n_same = 0;
        for (uint64_t at = slot_home(c, c->keys[b]); c->slots[at] && n_same < c->max_candidates; at = at + 1 == c->n_slots ? 0 : at + 1) {
            const uint64_t slot = c->slots[at];
            if (slot >> FP_LEADER_BITS != tag >> FP_LEADER_BITS) continue;
            const int64_t leader = (int64_t)(slot & (((uint64_t)1 << FP_LEADER_BITS) - 1)) - 1;
            n_same++;
            c->sorted[n_found++] = leader;
            __builtin_prefetch(c->met + leader, 1); /* leaders lie anywhere: ask for all before the first is looked at */
            __builtin_prefetch(c->leader_rows + leader);
        }
        *full |= n_same >= c->max_candidates;
    }
    for (int64_t i = 0; i < n_found; i++) {
        const int64_t leader = c->sorted[i];
        if (c->met[leader].position != position) {
            c->met[leader] = (fp_met_t){position, 0};
            c->candidates[n++] = leader;
            const uint8_t *bytes = c->bytes + c->leader_rows[leader] * c->num_perm;
            for (int64_t k = 0; k < c->num_perm; k += 64) __builtin_prefetch(bytes + k);
        }
        c->met[leader].n_hits++;
    }
    return n;
}

/* Order candidates by the bands they share, most first: a counting sort, stable. */
static void sort_candidates(fp_cluster_t *c, int64_t n) {
    int64_t n_with[FP_MAX_BANDS + 2] = {0};
    for (int64_t i = 0; i < n; i++) n_with[c->num_bands - c->met[c->candidates[i]].n_hits + 1]++;
    for (int64_t h = 1; h <= c->num_bands; h++) n_with[h] += n_with[h - 1];
    for (int64_t i = 0; i < n; i++) c->sorted[n_with[c->num_bands - c->met[c->candidates[i]].n_hits]++] = c->candidates[i];
    memcpy(c->candidates, c->sorted, (size_t)n * sizeof *c->candidates);
}

static int64_t find_leader(fp_cluster_t *c, int64_t position, int64_t *best_equal) {
    const int64_t num_perm = c->num_perm;
    const uint8_t *bytes = c->bytes + c->rows[position] * num_perm;
    int full;
    int64_t n = find_candidates(c, position, &full), best = -1;
    *best_equal = c->min_equal;
    c->n_budget_exceeded += full || n > c->max_candidates;
    if (n > c->max_candidates) {
        sort_candidates(c, n);
        n = c->max_candidates;
    }
    for (int64_t i = 0; i < n; i++) {
        const int64_t leader = c->candidates[i];
        const int64_t n_equal = count_equal_bytes(bytes, c->bytes + c->leader_rows[leader] * num_perm, num_perm);
        if (n_equal > *best_equal || (n_equal == *best_equal && (best < 0 || leader < best))) {
            *best_equal = n_equal;
            best = leader;
        }
    }
    return best;
}

static int add_leader(fp_cluster_t *c, int64_t row) {
    if (reserve_leaders(c) != FP_OK) return FP_NO_MEMORY;
    if (reserve_slots(c) != FP_OK) return FP_NO_MEMORY;
    const int64_t leader = c->n_leaders++;
    c->leader_rows[leader] = row;
    c->met[leader] = (fp_met_t){-1, 0};
    for (int64_t b = 0; b < c->num_bands; b++) insert(c, c->keys[b], b, leader);
    return FP_OK;
}

/* Rows lie anywhere in memory, and so do their slots: ask for the values two rows ahead and for the slots one row ahead. */
static void look_ahead(fp_cluster_t *c, int64_t position, int64_t n_rows) {
    if (position + 1 < n_rows) {
        slot_keys(c, c->rows[position + 1], c->next_keys);
        for (int64_t b = 0; b < c->num_bands; b++)
            if (c->next_keys[b]) __builtin_prefetch(c->slots + slot_home(c, c->next_keys[b]));
    }
    if (position + 2 < n_rows) {
        const uint8_t *bytes = c->bytes + c->rows[position + 2] * c->num_perm;
        for (int64_t i = 0; i < c->num_perm; i += 64) __builtin_prefetch(bytes + i);
        __builtin_prefetch(c->band_keys + c->rows[position + 2] * c->num_bands);
    }
}

int fp_cluster_run(fp_cluster_t *c, int64_t first, int64_t last, int64_t n_rows, int64_t *labels, int32_t *n_equal) {
    if (first < last) slot_keys(c, c->rows[first], c->next_keys);
    for (int64_t i = first; i < last; i++) {
        uint64_t *keys = c->keys;
        int64_t equal;
        c->keys = c->next_keys;
        c->next_keys = keys;
        look_ahead(c, i, n_rows);
        int64_t leader = find_leader(c, i, &equal);
        if (leader < 0) {
            leader = c->n_leaders;
            equal = c->num_perm;
            if (add_leader(c, c->rows[i]) != FP_OK) return FP_NO_MEMORY;
        }
        labels[i] = leader;
        n_equal[i] = (int32_t)equal;
    }
    return FP_OK;
}
