/* Near-duplicates of a stream.
 *
 * Design. Of each distinct text a record is kept, its exact hash, how often it was seen and a byte of each value of its signature (b-bit minwise hashing,
 * Li and Koenig 2010). A text joins the most similar of the leaders that it shares a band with, if that is near enough, or becomes one; only leaders are
 * found by bands. The key of a band is 32 bits of a hash of its bytes: of two keys that fall together the price is one comparison. Whoever has a key in
 * common makes up a bucket, of at most `max_candidates` leaders: that bounds the work which a flood of unlike texts can cause.
 * The tables are shards (fp_shards.c), records lie in chunks (fp_texts.c), so nothing grows at once.
 * A leader stays, even without events of its own, as long as it has members.
 * One thread at a time.
 */
#include "fp_near_text.h"

#include <stdlib.h>

#define MAX_MET 1024 /* leaders that are met, each once, before they are compared */
#define N_PLACES (4 * MAX_MET)
#define ALIKE 64 /* texts of one shard and tag that are looked at together; more are not to be expected, of 29 bits of a keyed hash */

static size_t scratch_bytes(const fp_near_t *x) {
    return (size_t)x->num_bands * (1 + sizeof *x->seeds + (FP_NEAR_BLOCK + 1) * sizeof *x->keys) + N_PLACES * sizeof *x->places +
           (MAX_MET + (size_t)x->max_candidates) * sizeof *x->met;
}

int fp_near_init(fp_near_t *x) {
    x->n_texts = x->n_leaders = x->n_budget_exceeded = 0;
    x->n_arrived = x->n_compared = x->round = x->n_met = 0;
    fp_texts_init(&x->texts, x->num_perm);
    const int status = fp_shards_init(&x->shards, FP_BAND_SHARDS + FP_TEXT_SHARDS);
    x->seeds = malloc((size_t)x->num_bands * sizeof *x->seeds);
    x->keys = malloc((FP_NEAR_BLOCK + 1) * (size_t)x->num_bands * sizeof *x->keys);
    x->places = calloc(N_PLACES, sizeof *x->places);
    x->met = malloc(MAX_MET * sizeof *x->met);
    x->bucket = malloc((size_t)x->max_candidates * sizeof *x->bucket);
    x->is_full = malloc((size_t)x->num_bands);
    if (status != FP_OK || !x->seeds || !x->keys || !x->places || !x->met || !x->bucket || !x->is_full) return FP_NO_MEMORY;
    for (int64_t b = 0; b < x->num_bands; b++) x->seeds[b] = fp_mix64((uint64_t)(b + 1));
    x->round = 1;
    return FP_OK;
}

void fp_near_free(fp_near_t *x) {
    fp_shards_free(&x->shards);
    fp_texts_free(&x->texts);
    free(x->seeds);
    free(x->keys);
    free(x->places);
    free(x->met);
    free(x->bucket);
    free(x->is_full);
    memset(x, 0, sizeof *x);
}

int64_t fp_near_n_bytes(const fp_near_t *x) { return x->shards.n_bytes + x->texts.n_bytes + (int64_t)scratch_bytes(x); }

/* The first of n bytes, at most 8, as a number; no byte behind the row is read. */
static uint64_t word_at(const uint8_t *bytes, int64_t n, int64_t n_readable) {
    if (n_readable >= 8) return n >= 8 ? fp_load64(bytes) : fp_load64(bytes) & (((uint64_t)1 << (8 * n)) - 1);
    uint64_t word = 0;
    for (int64_t i = 0; i < n && i < 8; i++) word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

void fp_near_keys(const fp_near_t *x, const uint8_t *values, uint32_t *keys) {
    for (int64_t b = 0; b < x->num_bands; b++) {
        uint64_t key = x->seeds[b];
        for (int64_t i = 0; i < x->rows_per_band; i += 8) {
            const int64_t at = b * x->rows_per_band + i;
            key = fp_mix64(key ^ word_at(values + at, x->rows_per_band - i, x->num_perm - at));
        }
        keys[b] = (uint32_t)(key >> 32);
    }
}

uint32_t fp_near_text(const fp_near_t *x, uint64_t exact) {
    uint32_t numbers[ALIKE];
    for (int64_t skipped = 0;; skipped += ALIKE) {
        const int64_t n = fp_shards_find(&x->shards, fp_text_shard(exact), fp_text_tag(exact), skipped, numbers, ALIKE);
        for (int64_t i = 0; i < n; i++)
            if (fp_text_record(&x->texts, numbers[i])->exact == exact) return numbers[i];
        if (n < ALIKE) return FP_NOBODY;
    }
}

/* Compare a text with all leaders that it has met, and forget these. */
static void compare(fp_near_t *x, const uint8_t *values, fp_nearest_t *best) {
    for (uint32_t i = 0; i < x->n_met; i++) {
        const uint32_t number = x->met[i];
        const int64_t n_equal = x->kernels->count_equal(values, fp_text_values(&x->texts, number), x->num_perm);
        if (n_equal < x->min_equal || n_equal < best->n_equal) continue;
        if (n_equal == best->n_equal && fp_text_record(&x->texts, number)->order > fp_text_record(&x->texts, best->leader)->order) continue;
        *best = (fp_nearest_t){number, n_equal};
    }
    x->n_compared += x->n_met;
    x->n_met = 0;
    if (++x->round) return;
    memset(x->places, 0, N_PLACES * sizeof *x->places);
    x->round = 1;
}

static void meet(fp_near_t *x, uint32_t number) {
    const uint64_t wanted = (uint64_t)x->round << 32 | number;
    uint32_t at = (number * 0x9e3779b1u >> 8) & (N_PLACES - 1);
    while (x->places[at] >> 32 == x->round) {
        if (x->places[at] == wanted) return;
        at = (at + 1) & (N_PLACES - 1);
    }
    x->places[at] = wanted;
    x->met[x->n_met++] = number;
    fp_near_ask_values(x, number);
}

/* The leader that a text belongs to, or nobody; and which of its buckets are full. */
static fp_nearest_t nearest(fp_near_t *x, const uint8_t *values, const uint32_t *keys, int *is_beyond_budget) {
    fp_nearest_t best = {FP_NOBODY, 0};
    *is_beyond_budget = 0;
    for (int64_t b = 0; b < x->num_bands; b++) {
        const int64_t n = fp_shards_find(&x->shards, fp_band_shard(keys[b]), fp_near_tag(keys[b]), 0, x->bucket, x->max_candidates);
        x->is_full[b] = n == x->max_candidates;
        *is_beyond_budget |= x->is_full[b];
        for (int64_t i = 0; i < n; i++) {
            meet(x, x->bucket[i]);
            if (x->n_met == MAX_MET) compare(x, values, &best);
        }
    }
    compare(x, values, &best);
    return best;
}

static void leave_bands(fp_near_t *x, const uint32_t *keys, int64_t n, uint32_t number) {
    for (int64_t b = 0; b < n; b++) fp_shards_remove(&x->shards, fp_band_shard(keys[b]), fp_near_tag(keys[b]), number);
}

/* Where `is_full` is that of these keys. */
static int enter_bands(fp_near_t *x, const uint32_t *keys, uint32_t number) {
    for (int64_t b = 0; b < x->num_bands; b++) {
        if (x->is_full[b] || fp_shards_insert(&x->shards, fp_band_shard(keys[b]), fp_near_tag(keys[b]), number) == FP_OK) continue;
        leave_bands(x, keys, b, number);
        return FP_NO_MEMORY;
    }
    return FP_OK;
}

/* A record that is found by its hash, without events, or nobody. */
static uint32_t enter_text(fp_near_t *x, uint64_t exact, const uint8_t *values, int is_signed) {
    const uint32_t number = fp_texts_take(&x->texts);
    if (number == FP_NOBODY) return FP_NOBODY;
    if (fp_shards_insert(&x->shards, fp_text_shard(exact), fp_text_tag(exact), number) != FP_OK) {
        fp_texts_give(&x->texts, number);
        return FP_NOBODY;
    }
    fp_text_record_t *record = fp_text_record(&x->texts, number);
    record->exact = exact;
    record->is_signed = is_signed != 0;
    if (is_signed) memcpy(fp_text_values(&x->texts, number), values, (size_t)x->num_perm);
    return number;
}

static void leave_text(fp_near_t *x, uint32_t number) {
    const uint64_t exact = fp_text_record(&x->texts, number)->exact;
    fp_shards_remove(&x->shards, fp_text_shard(exact), fp_text_tag(exact), number);
    fp_texts_give(&x->texts, number);
}

static uint32_t lead(fp_near_t *x, uint64_t exact, const uint8_t *values, const uint32_t *keys) {
    const uint32_t number = enter_text(x, exact, values, keys != NULL);
    if (number == FP_NOBODY) return FP_NOBODY;
    if (keys && enter_bands(x, keys, number) != FP_OK) {
        leave_text(x, number);
        return FP_NOBODY;
    }
    fp_text_record_t *record = fp_text_record(&x->texts, number);
    record->leader = number;
    record->order = x->n_arrived++;
    x->n_leaders++;
    return number;
}

uint32_t fp_near_lead(fp_near_t *x, uint64_t exact, const uint8_t *values, const uint32_t *keys) {
    for (int64_t b = 0; keys && b < x->num_bands; b++)
        x->is_full[b] = fp_shards_find(&x->shards, fp_band_shard(keys[b]), fp_near_tag(keys[b]), 0, x->bucket, x->max_candidates) == x->max_candidates;
    return lead(x, exact, values, keys);
}

uint32_t fp_near_follow(fp_near_t *x, uint64_t exact, const uint8_t *values, fp_nearest_t by) {
    const uint32_t number = enter_text(x, exact, values, 1);
    if (number == FP_NOBODY) return FP_NOBODY;
    fp_text_record_t *record = fp_text_record(&x->texts, number);
    record->leader = by.leader;
    record->order = (uint64_t)by.n_equal;
    fp_text_record(&x->texts, by.leader)->n_members++;
    return number;
}

static void leave_leader(fp_near_t *x, uint32_t number) {
    if (fp_text_record(&x->texts, number)->is_signed) {
        uint32_t *const keys = x->keys + FP_NEAR_BLOCK * x->num_bands; /* those of a block may be in use */
        fp_near_keys(x, fp_text_values(&x->texts, number), keys);
        leave_bands(x, keys, x->num_bands, number);
    }
    leave_text(x, number);
    x->n_leaders--;
}

void fp_near_leave(fp_near_t *x, uint32_t number, int leader_stays) {
    const uint32_t leader = fp_text_record(&x->texts, number)->leader;
    if (leader != number) {
        fp_text_record_t *record = fp_text_record(&x->texts, leader);
        leave_text(x, number);
        record->n_members--;
        if (leader_stays || !fp_near_is_idle(record)) return;
    }
    leave_leader(x, leader);
}

uint32_t fp_near_take_in(fp_near_t *x, uint64_t exact, const uint8_t *values, const uint32_t *keys) {
    int is_beyond_budget = 0;
    const fp_nearest_t by = keys ? nearest(x, values, keys, &is_beyond_budget) : (fp_nearest_t){FP_NOBODY, 0};
    const uint32_t number = by.leader == FP_NOBODY ? lead(x, exact, values, keys) : fp_near_follow(x, exact, values, by);
    x->n_budget_exceeded += number != FP_NOBODY && is_beyond_budget;
    return number;
}

static void fill_size(const fp_text_record_t *leader, uint64_t *n_prompts, uint32_t *n_texts) {
    *n_prompts = leader->total;
    *n_texts = leader->n_members + (leader->count ? 1u : 0u);
}

void fp_near_query(fp_near_t *x, uint64_t exact, const uint8_t *values, fp_near_answer_t *answer) {
    memset(answer, 0, sizeof *answer);
    uint32_t number = exact ? fp_near_text(x, exact) : FP_NOBODY, leader = FP_NOBODY;
    if (number != FP_NOBODY) {
        const fp_text_record_t *record = fp_text_record(&x->texts, number);
        leader = record->leader;
        answer->n_seen = record->count;
        answer->n_equal = fp_near_equal(x, record, number);
    } else if (exact && values) {
        uint32_t *const keys = x->keys + FP_NEAR_BLOCK * x->num_bands;
        int is_beyond_budget;
        fp_near_keys(x, values, keys);
        fp_near_ask_band_shards(x, keys);
        fp_near_ask_band_slots(x, keys);
        const fp_nearest_t by = nearest(x, values, keys, &is_beyond_budget);
        leader = by.leader;
        answer->n_equal = (int32_t)by.n_equal;
    }
    if (leader == FP_NOBODY) return;
    const fp_text_record_t *record = fp_text_record(&x->texts, leader);
    answer->cluster = record->exact;
    fill_size(record, &answer->n_prompts, &answer->n_texts);
}

void fp_near_size(const fp_near_t *x, uint64_t exact, uint64_t *n_prompts, uint32_t *n_texts) {
    *n_prompts = *n_texts = 0;
    const uint32_t number = exact ? fp_near_text(x, exact) : FP_NOBODY;
    if (number == FP_NOBODY) return;
    const fp_text_record_t *record = fp_text_record(&x->texts, number);
    if (record->leader == number) fill_size(record, n_prompts, n_texts);
}

int64_t fp_near_items(const fp_near_t *x, uint32_t chunk, uint64_t *exact, uint64_t *count, uint64_t *leader) {
    int64_t n = 0;
    if (!x->texts.chunks[chunk].base) return 0;
    for (uint32_t i = 0; i < x->texts.chunks[chunk].n_touched; i++) {
        const fp_text_record_t *record = fp_text_record(&x->texts, chunk << x->texts.shift | i);
        if (!record->exact) continue;
        exact[n] = record->exact;
        count[n] = record->count;
        leader[n++] = fp_text_record(&x->texts, record->leader)->exact;
    }
    return n;
}
