/* Text column -> signatures, fingerprints and exact hashes, row by row in one pass.
 *
 * Design. A row is normalised into the caller's reused buffer, its windows are hashed FP_CHUNK at a time, and each chunk goes straight into
 * the minima and the bit counts: no list of shingles exists, so the memory of a call is one normalised text. No globals; any number of
 * threads may run on disjoint rows. Which kernels run never changes a result.
 */
#include "fp_core.h"

#define FP_PIECE_ROWS 4096
#define FP_PIECE_BYTES ((int64_t)1 << 20)

static fp_sipkey_t derive(fp_sipkey_t key, uint64_t purpose) {
    uint8_t message[8];
    fp_sipkey_t derived;
    for (int i = 0; i < 8; i++) message[i] = (uint8_t)(2 * purpose >> (8 * i));
    derived.k0 = fp_siphash24(key, message, sizeof message);
    message[0] |= 1;
    derived.k1 = fp_siphash24(key, message, sizeof message);
    return derived;
}

static uint32_t draw(fp_sipkey_t key, uint8_t index) {
    const uint8_t message[8] = {index};
    return (uint32_t)fp_siphash24(key, message, sizeof message);
}

/* Multipliers m_i are congruent to i modulo 1024, so two of them differ by at most 2^9 times an odd number: values of any two permutations
 * are then jointly uniform to within that factor. The upper 22 bits are drawn from the key; evenly spaced ones alone would make every third
 * value of an arithmetic progression predictable from two, which matters inside a band. */
void fp_scheme_init(fp_scheme_t *scheme, const uint8_t key[16], int32_t num_perm, int32_t ngram) {
    const fp_sipkey_t master = {fp_load64(key), fp_load64(key + 8)};
    const fp_sipkey_t permutation = derive(master, 2);
    scheme->shingle = derive(master, 0);
    scheme->exact = derive(master, 1);
    scheme->spelling = derive(master, 3);
    for (uint8_t l = 0; l < FP_LANE_PERMS; l++) scheme->lane[l] = draw(permutation, l) << 10 | l;
    scheme->step = draw(permutation, FP_LANE_PERMS) << 10 | FP_LANE_PERMS;
    scheme->num_perm = num_perm;
    scheme->ngram = ngram;
}

static int64_t offset_at(const fp_column_t *column, int64_t i) { return column->offsets32 ? column->offsets32[i] : column->offsets64[i]; }

int64_t fp_column_find_bad_offset(const fp_column_t *column, int64_t n_rows) {
    if (offset_at(column, 0) < 0) return 0;
    for (int64_t i = 0; i < n_rows; i++)
        if (offset_at(column, i) > offset_at(column, i + 1) || offset_at(column, i + 1) > column->n_bytes) return i;
    return -1;
}

static int is_null(const fp_column_t *column, int64_t row) {
    const int64_t bit = row + column->validity_offset;
    return column->validity && !(column->validity[bit >> 3] >> (bit & 7) & 1);
}

/* A null row is the empty text. */
void fp_column_row(const fp_column_t *column, int64_t row, const uint8_t **start, size_t *n_bytes, size_t *n_readable) {
    const int64_t begin = offset_at(column, row);
    *start = column->data + begin;
    *n_bytes = is_null(column, row) ? 0 : (size_t)(offset_at(column, row + 1) - begin);
    *n_readable = (size_t)(column->n_bytes - begin);
}

/* End of a piece of [first, last) that takes some milliseconds: the wrapper looks for signals between pieces. */
int64_t fp_column_piece_end(const fp_column_t *column, int64_t first, int64_t last) {
    int64_t end = first + 1;
    while (end < last && end - first < FP_PIECE_ROWS && offset_at(column, end + 1) - offset_at(column, first) < FP_PIECE_BYTES) end++;
    return end < last ? end : last;
}

/* Bytes that continue no character, which look like 10xxxxxx: eight a step, counted in the bytes of a word that is emptied before any passes 255. */
static size_t count_chars(const fp_text_t *text) {
    const uint64_t ones = 0x0101010101010101u, even = 0x00ff00ff00ff00ffu;
    size_t n_others = 0, i = 0;
    if (text->from_ascii) return text->n_bytes;
    while (i + 8 <= text->n_bytes) {
        uint64_t sums = 0, x;
        for (int k = 0; k < 255 && i + 8 <= text->n_bytes; k++, i += 8) {
            memcpy(&x, text->bytes + i, 8);
            sums += x >> 7 & ~x >> 6 & ones;
        }
        n_others += (size_t)(((sums & even) + (sums >> 8 & even)) * 0x0001000100010001u >> 48);
    }
    for (; i < text->n_bytes; i++) n_others += (int8_t)text->bytes[i] < -0x40;
    return text->n_bytes - n_others;
}

/* Offsets, from `begin`, of the next `n_starts` characters; the end of the text counts as one. Branchless: a continuation byte writes its
 * offset where the next character overwrites it. */
static void find_starts(const fp_text_t *text, size_t begin, size_t n_starts, uint32_t *starts) {
    size_t k = 0, p = begin;
    for (; p < text->n_bytes && k < n_starts; p++) {
        starts[k] = (uint32_t)(p - begin);
        k += (int8_t)text->bytes[p] >= -0x40;
    }
    if (k < n_starts) starts[k] = (uint32_t)(p - begin);
}

typedef struct {
    uint64_t hashes[FP_CHUNK + 16];
    uint32_t starts[FP_CHUNK + FP_MAX_NGRAM + 16];
    uint32_t values[FP_MAX_NUM_PERM + FP_BLOCK_PERMS];
    uint64_t counts[64], keys[FP_MAX_BANDS];
} scratch_t;

/* Hash the next `n_windows` <= FP_CHUNK windows at byte *begin, and move it to the first character behind them. */
static void hash_chunk(const fp_kernels_t *kernels, const fp_scheme_t *scheme, const fp_text_t *text, int is_ascii, size_t n_windows, size_t *begin,
                       scratch_t *scratch) {
    const uint8_t *p = text->bytes + *begin;
    const unsigned ngram = (unsigned)scheme->ngram;
    const size_t n_starts = n_windows + ngram;
    if (!is_ascii) {
        find_starts(text, *begin, n_starts, scratch->starts);
        is_ascii = scratch->starts[n_starts - 1] == n_starts - 1;
    }
    if (is_ascii) {
        kernels->hash_bytes(scheme->shingle, p, n_windows, ngram, scratch->hashes);
        *begin += n_windows;
        return;
    }
    for (size_t i = 0; i < 16; i++) scratch->starts[n_starts + i] = scratch->starts[n_starts - 1]; /* whole vectors: empty windows at the end */
    kernels->hash_windows(scheme->shingle, p, scratch->starts, n_windows, ngram, scratch->hashes);
    *begin += scratch->starts[n_windows];
}

static void sketch_text(const fp_kernels_t *kernels, const fp_scheme_t *scheme, const fp_text_t *text, size_t n_chars, size_t n_windows,
                        scratch_t *scratch, int want_values, int want_fingerprint) {
    size_t begin = 0;
    const int32_t n_blocks = (scheme->num_perm + FP_BLOCK_PERMS - 1) / FP_BLOCK_PERMS;
    if (want_values) memset(scratch->values, 0xff, sizeof(uint32_t) * FP_BLOCK_PERMS * (size_t)n_blocks);
    if (want_fingerprint) memset(scratch->counts, 0, sizeof scratch->counts);
    for (size_t done = 0; done < n_windows; done += FP_CHUNK) {
        const size_t n = n_windows - done < FP_CHUNK ? n_windows - done : FP_CHUNK;
        hash_chunk(kernels, scheme, text, n_chars == text->n_bytes, n, &begin, scratch);
        if (want_values) kernels->minhash_update(scheme, scratch->hashes, n, scratch->values);
        if (want_fingerprint) kernels->simhash_add(scratch->hashes, n, scratch->counts);
    }
}

/* 0 is kept for the empty text, whatever the key, so that its rows can be told without it. */
static uint64_t exact_of(const fp_scheme_t *scheme, const fp_text_t *text) {
    if (text->n_bytes == 0) return 0;
    const uint64_t exact = fp_siphash13(scheme->exact, text->bytes, text->n_bytes);
    return exact ? exact : 1;
}

void fp_hash_rows(fp_sipkey_t key, const fp_column_t *column, int64_t first, int64_t last, uint64_t *out) {
    for (int64_t row = first; row < last; row++) {
        const uint8_t *in;
        size_t n_bytes, n_readable;
        fp_column_row(column, row, &in, &n_bytes, &n_readable);
        const uint64_t hash = fp_siphash13(key, in, n_bytes);
        out[row] = is_null(column, row) ? 0 : hash ? hash : 1;
    }
}

static int32_t saturate(size_t n) { return n > INT32_MAX ? INT32_MAX : (int32_t)n; }

int fp_sketch_rows(const fp_kernels_t *kernels, const fp_scheme_t *scheme, const fp_column_t *column, int64_t first, int64_t last,
                   fp_text_t *text, const fp_sketch_out_t *out) {
    scratch_t scratch;
    for (int64_t row = first; row < last; row++) {
        const uint8_t *in;
        size_t n_bytes, n_readable;
        fp_column_row(column, row, &in, &n_bytes, &n_readable);
        if (fp_text_normalize(kernels, in, n_bytes, n_readable, text) != FP_OK) return FP_NO_MEMORY;
        const size_t n_chars = count_chars(text), ngram = (size_t)scheme->ngram;
        const size_t n_windows = n_chars < ngram ? 0 : n_chars - ngram + 1;
        const int want_values = out->values || out->band_keys || out->bytes;
        if (want_values || out->fingerprints)
            sketch_text(kernels, scheme, text, n_chars, n_windows, &scratch, want_values, out->fingerprints != NULL);
        if (out->values) memcpy(out->values + row * scheme->num_perm, scratch.values, sizeof(uint32_t) * (size_t)scheme->num_perm);
        uint64_t *const keys = out->band_keys ? out->band_keys + row * out->num_bands : scratch.keys;
        if (out->band_keys || out->half_keys) kernels->band_keys(scratch.values, out->num_bands, out->rows_per_band, keys);
        if (out->half_keys) fp_half_keys(keys, out->num_bands, out->half_keys + row * out->num_bands, 1);
        if (out->bytes) kernels->compact(scratch.values, scheme->num_perm, out->bytes + row * scheme->num_perm);
        if (out->n_shingles) out->n_shingles[row] = saturate(n_windows);
        if (out->fingerprints) out->fingerprints[row] = kernels->majority(scratch.counts, n_windows);
        if (out->exact) out->exact[row] = exact_of(scheme, text);
        if (out->spellings) out->spellings[row] = fp_siphash13(scheme->spelling, in, n_bytes);
        if (out->n_invisible) out->n_invisible[row] = text->n_invisible;
        if (out->n_chars) out->n_chars[row] = saturate(n_chars);
        if (out->flags) out->flags[row] = text->flags;
    }
    return FP_OK;
}
