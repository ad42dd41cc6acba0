/* Rows of texts in blocks: what the rows to come need is asked for while the present one is done.
 *
 * Design. A text takes a line of a shard for its hash, one for each band, and its record: twenty places all over the memory, each a tenth of a microsecond
 * away. The headers of the shards are asked for at the beginning of a block, lines and records some rows ahead. To ask is no promise: rows in between may
 * move what was asked for, and every row looks for itself when it is its turn. So the result is that of one row at a time.
 */
#include "fp_near_text.h"

#define ROWS_AHEAD 3
#define AT_ONCE 8192 /* comparisons, after which a block ends before its time: some .2 ms */

static void ask_texts(const fp_near_t *x, const uint64_t *exact, int64_t n) {
    for (int64_t i = 0; i < n; i++) fp_near_ask_text_shard(x, exact[i]);
    for (int64_t i = 0; i < n; i++) fp_near_ask_text_slot(x, exact[i]);
    for (int64_t i = 0; i < n; i++) fp_near_ask_text_record(x, exact[i]);
}

void fp_near_find(const fp_near_t *x, const uint64_t *exact, int64_t n, uint8_t *is_known) {
    ask_texts(x, exact, n);
    for (int64_t i = 0; i < n; i++) is_known[i] = exact[i] == 0 || fp_near_text(x, exact[i]) != FP_NOBODY;
}

void fp_near_held(const fp_near_t *x, const uint64_t *exact, int64_t n, uint64_t *leader, uint64_t *count, uint8_t *values, uint8_t *is_signed,
                  uint8_t *is_known) {
    uint32_t number[FP_NEAR_BLOCK];
    ask_texts(x, exact, n);
    for (int64_t i = 0; i < n; i++) {
        number[i] = exact[i] ? fp_near_text(x, exact[i]) : FP_NOBODY;
        if (number[i] != FP_NOBODY) fp_near_ask_values(x, number[i]);
    }
    for (int64_t i = 0; i < n; i++) {
        is_known[i] = number[i] != FP_NOBODY;
        leader[i] = count[i] = is_signed[i] = 0;
        if (!is_known[i]) continue;
        const fp_text_record_t *record = fp_text_record(&x->texts, number[i]);
        leader[i] = fp_text_record(&x->texts, record->leader)->exact;
        count[i] = record->count;
        is_signed[i] = record->is_signed;
        if (is_signed[i]) memcpy(values + i * x->num_perm, fp_text_values(&x->texts, number[i]), (size_t)x->num_perm);
    }
}

static uint32_t saturated(uint64_t n) { return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n; }

/* The values of row i, or null; `at` moves on to the next signed row. */
static const uint8_t *values_of(const fp_near_t *x, const fp_near_seen_t *rows, int64_t i, int64_t *at) {
    while (*at < rows->n_signed && rows->signed_rows[*at] < i) ++*at;
    return *at < rows->n_signed && rows->signed_rows[*at] == i ? rows->values + *at * x->num_perm : NULL;
}

static int observe_row(fp_near_t *x, fp_near_seen_t *rows, int64_t i, const uint8_t *values, int is_signed, const uint32_t *keys) {
    const uint64_t exact = rows->exact[i];
    rows->is_new[i] = 0;
    rows->cluster[i] = 0;
    rows->n_equal[i] = 0;
    rows->n_seen[i] = 0;
    if (!exact) return FP_OK;
    uint32_t number = fp_near_text(x, exact);
    if (number == FP_NOBODY) {
        if (!values) return FP_NEAR_UNKNOWN;
        number = fp_near_take_in(x, exact, values, is_signed ? keys : NULL);
        if (number == FP_NOBODY) return FP_NO_MEMORY;
        rows->is_new[i] = 1;
    }
    fp_text_record_t *record = fp_text_record(&x->texts, number);
    fp_near_add_events(x, record, 1);
    rows->cluster[i] = fp_text_record(&x->texts, record->leader)->exact;
    rows->n_equal[i] = fp_near_equal(x, record, number);
    rows->n_seen[i] = saturated(record->count);
    return FP_OK;
}

int fp_near_observe(fp_near_t *x, fp_near_seen_t *rows, int64_t n) {
    const int64_t first = rows->n_done;
    const uint64_t last_compared = x->n_compared + AT_ONCE;
    const uint8_t *values[FP_NEAR_BLOCK];
    uint8_t is_signed[FP_NEAR_BLOCK];
    int64_t at = rows->next_signed;
    for (int64_t i = 0; i < n; i++) {
        values[i] = values_of(x, rows, first + i, &at);
        is_signed[i] = values[i] && rows->is_signed[at];
        fp_near_ask_text_shard(x, rows->exact[first + i]);
        if (!is_signed[i]) continue;
        fp_near_keys(x, values[i], x->keys + i * x->num_bands);
        fp_near_ask_band_shards(x, x->keys + i * x->num_bands);
    }
    for (int64_t i = -2 * ROWS_AHEAD; i < n && x->n_compared < last_compared; i++) {
        const int64_t near = i + ROWS_AHEAD, far = near + ROWS_AHEAD;
        if (far < n) {
            fp_near_ask_text_slot(x, rows->exact[first + far]);
            if (is_signed[far]) fp_near_ask_band_slots(x, x->keys + far * x->num_bands);
        }
        if (near >= 0 && near < n && !values[near]) fp_near_ask_text_record(x, rows->exact[first + near]);
        if (i < 0) continue;
        const int status = observe_row(x, rows, first + i, values[i], is_signed[i], x->keys + i * x->num_bands);
        if (status != FP_OK) return status;
        rows->n_done++;
        rows->next_signed += values[i] != NULL;
    }
    return FP_OK;
}

/* Take back what a row did, and the record where the row has made it. */
static void undo(fp_near_t *x, uint64_t exact, uint64_t count, int is_new) {
    if (!exact) return;
    const uint32_t number = fp_near_text(x, exact);
    fp_near_take_events(x, fp_text_record(&x->texts, number), count);
    if (is_new) fp_near_leave(x, number, 1);
}

void fp_near_undo_observe(fp_near_t *x, fp_near_seen_t *rows, int64_t n) {
    for (; n; n--) {
        const int64_t i = --rows->n_done;
        undo(x, rows->exact[i], 1, rows->is_new[i]);
    }
}

void fp_near_undo_restore(fp_near_t *x, fp_near_kept_t *rows, int64_t n) {
    for (; n; n--) {
        const int64_t i = rows->order[--rows->n_done];
        undo(x, rows->exact[i], rows->count[i], rows->is_new[i]);
    }
}

/* A text that is not there, with the leader that it had: the number of its record, nobody, or *status says what is wrong. */
static uint32_t put_back(fp_near_t *x, const fp_near_kept_t *rows, int64_t i, uint32_t leader, const uint32_t *keys, int *status) {
    const uint8_t *values = rows->values + i * x->num_perm;
    if (rows->leader[i] == rows->exact[i]) return fp_near_lead(x, rows->exact[i], values, rows->is_signed[i] ? keys : NULL);
    if (!rows->count[i]) *status = FP_NEAR_NO_EVENTS;
    if (!rows->is_signed[i] || !fp_text_record(&x->texts, leader)->is_signed) *status = FP_NEAR_UNSIGNED;
    if (*status != FP_OK) return FP_NOBODY;
    const int64_t n_equal = x->kernels->count_equal(values, fp_text_values(&x->texts, leader), x->num_perm);
    return fp_near_follow(x, rows->exact[i], values, (fp_nearest_t){leader, n_equal});
}

static int restore_row(fp_near_t *x, fp_near_kept_t *rows, int64_t i, const uint32_t *keys) {
    const uint64_t exact = rows->exact[i], wanted = rows->leader[i];
    int status = FP_OK;
    if (!exact) return FP_NEAR_EMPTY;
    uint32_t number = fp_near_text(x, exact);
    const uint32_t leader = wanted == exact ? number : fp_near_text(x, wanted);
    rows->is_new[i] = number == FP_NOBODY;
    if (wanted != exact && (leader == FP_NOBODY || fp_text_record(&x->texts, leader)->leader != leader)) return FP_NEAR_NO_LEADER;
    if (number != FP_NOBODY && fp_text_record(&x->texts, number)->leader != leader) return FP_NEAR_OTHER_LEADER;
    if (number == FP_NOBODY) number = put_back(x, rows, i, leader, keys, &status);
    if (number == FP_NOBODY) return status == FP_OK ? FP_NO_MEMORY : status;
    fp_near_add_events(x, fp_text_record(&x->texts, number), rows->count[i]);
    return FP_OK;
}

int fp_near_restore(fp_near_t *x, fp_near_kept_t *rows, int64_t n) {
    const int64_t *order = rows->order + rows->n_done;
    for (int64_t i = 0; i < n; i++) {
        fp_near_ask_text_shard(x, rows->exact[order[i]]);
        fp_near_ask_text_shard(x, rows->leader[order[i]]);
        if (rows->leader[order[i]] != rows->exact[order[i]]) continue;
        fp_near_keys(x, rows->values + order[i] * x->num_perm, x->keys + i * x->num_bands);
        fp_near_ask_band_shards(x, x->keys + i * x->num_bands);
    }
    for (int64_t i = -2 * ROWS_AHEAD; i < n; i++) {
        const int64_t near = i + ROWS_AHEAD, far = near + ROWS_AHEAD;
        if (far < n) {
            fp_near_ask_text_slot(x, rows->exact[order[far]]);
            fp_near_ask_text_slot(x, rows->leader[order[far]]);
            if (rows->leader[order[far]] == rows->exact[order[far]]) fp_near_ask_band_slots(x, x->keys + far * x->num_bands);
        }
        if (near >= 0 && near < n) fp_near_ask_text_record(x, rows->leader[order[near]]);
        if (i < 0) continue;
        const int status = restore_row(x, rows, order[i], x->keys + i * x->num_bands);
        if (status != FP_OK) return status;
        rows->n_done++;
    }
    return FP_OK;
}

static int lower_row(fp_near_t *x, uint64_t exact, uint64_t count, uint8_t *is_gone) {
    *is_gone = 0;
    if (!exact) return FP_OK;
    const uint32_t number = fp_near_text(x, exact);
    if (number == FP_NOBODY) return FP_NEAR_UNKNOWN;
    fp_text_record_t *record = fp_text_record(&x->texts, number);
    if (record->count < count) return FP_NEAR_TOO_MANY;
    fp_near_take_events(x, record, count);
    *is_gone = fp_near_is_idle(record) ? 1 : 0;
    return FP_OK;
}

int fp_near_lower(fp_near_t *x, const uint64_t *exact, const uint32_t *count, int64_t n, uint8_t *is_gone, int64_t *n_done) {
    ask_texts(x, exact, n);
    for (int64_t i = 0; i < n; i++) {
        const int status = lower_row(x, exact[i], count[i], is_gone + i);
        if (status != FP_OK) return status;
        ++*n_done;
    }
    return FP_OK;
}

void fp_near_raise(fp_near_t *x, const uint64_t *exact, const uint32_t *count, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (exact[i]) fp_near_add_events(x, fp_text_record(&x->texts, fp_near_text(x, exact[i])), count[i]);
}

/* The bands that marked leaders of a block are in, asked for before anybody leaves. */
static void ask_leaving(fp_near_t *x, const uint64_t *exact, int64_t n, uint8_t *is_marked) {
    uint32_t number[FP_NEAR_BLOCK];
    for (int64_t i = 0; i < n; i++) {
        number[i] = is_marked[i] ? fp_near_text(x, exact[i]) : FP_NOBODY;
        if (number[i] != FP_NOBODY) fp_near_ask_values(x, number[i]);
    }
    for (int64_t i = 0; i < n; i++) {
        is_marked[i] = number[i] != FP_NOBODY && fp_text_record(&x->texts, number[i])->leader == number[i];
        if (!is_marked[i]) continue;
        fp_near_keys(x, fp_text_values(&x->texts, number[i]), x->keys + i * x->num_bands);
        fp_near_ask_band_shards(x, x->keys + i * x->num_bands);
    }
}

void fp_near_forget(fp_near_t *x, const uint64_t *exact, const uint8_t *is_gone, int64_t n) {
    uint8_t is_leader[FP_NEAR_BLOCK];
    memcpy(is_leader, is_gone, (size_t)n);
    ask_leaving(x, exact, n, is_leader);
    for (int64_t i = -ROWS_AHEAD; i < n; i++) {
        const int64_t near = i + ROWS_AHEAD;
        if (near < n && is_leader[near]) fp_near_ask_band_slots(x, x->keys + near * x->num_bands);
        if (i < 0 || !is_gone[i]) continue;
        const uint32_t number = fp_near_text(x, exact[i]); /* again: it may have left with an equal row */
        if (number != FP_NOBODY && fp_near_is_idle(fp_text_record(&x->texts, number))) fp_near_leave(x, number, 0);
    }
}
