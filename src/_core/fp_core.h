/* Types that cross between the boundary (_core.pyx), the row loop (fp_sketch.c) and the kernels (fp_kernel_*.c). */
#ifndef FP_CORE_H
#define FP_CORE_H

#include "fp_hash.h"

#define FP_MAX_NUM_PERM 1024
#define FP_MAX_NGRAM 64
#define FP_MAX_BANDS 1024
#define FP_LANE_PERMS 16  /* permutations that share one multiple of `step`, see fp_scheme_t */
#define FP_BLOCK_PERMS 128 /* signatures are computed in multiples of this, then cut */
#define FP_CHUNK 512      /* windows hashed at a time: hashes and steps stay in the first-level cache */
#define FP_PADDING 384    /* readable bytes behind a normalised text: a vector of windows over-reads one of 4 * FP_MAX_NGRAM bytes and a block */
#define FP_MAX_MARKS 30   /* combining marks kept per starter: UAX 15, stream-safe text */
#define FP_NO_SIGNATURE 0xffffffffu

enum { FP_OK = 0, FP_NO_MEMORY = -1, FP_NO_INPUT = -2 };
enum { FP_FLAG_MARKS = 1, FP_FLAG_EXPANSION = 2, FP_FLAG_INVALID = 4 }; /* fp_text_t.flags */

/* value[i] = min over shingles of hi(h) + m_i * lo(h) mod 2^32, m_i = lane[i % 16] + step * (i / 16). */
typedef struct {
    fp_sipkey_t shingle, exact, spelling;
    uint32_t lane[FP_LANE_PERMS];
    uint32_t step;
    int32_t num_perm, ngram;
} fp_scheme_t;

/* An Arrow string column: offsets32 or offsets64, validity null where no row is null. Offsets are checked before a kernel sees them. */
typedef struct {
    const uint8_t *data;
    int64_t n_bytes;
    const int32_t *offsets32;
    const int64_t *offsets64;
    const uint8_t *validity;
    int64_t validity_offset;
} fp_column_t;

/* Each array may be null: then that result is not computed. */
typedef struct {
    uint32_t *values; /* [n, num_perm] */
    int32_t *n_shingles;
    uint64_t *fingerprints;
    uint64_t *exact;
    uint64_t *spellings;
    uint32_t *n_invisible;
    int32_t *n_chars;
    uint8_t *flags;
    int64_t num_bands, rows_per_band; /* of the three below */
    uint64_t *band_keys;              /* [n, num_bands] */
    uint8_t *bytes;                   /* [n, num_perm] */
    uint32_t *half_keys;              /* [n, num_bands] */
} fp_sketch_out_t;

/* One normalised text in a buffer that grows and is reused from row to row. */
typedef struct {
    uint8_t *bytes;
    size_t capacity, n_bytes;
    uint32_t n_invisible;
    uint8_t flags;
    int from_ascii; /* all that was read is ASCII, and so is the text */
} fp_text_t;

typedef struct {
    const char *name;
    /* Copy the longest prefix that is printable ASCII or single white space, folded, to `out`; return its length. `n_readable >= n`
       bytes may be read, `out` has room for n + 64. `after_space`: the text so far is empty or ends in a space. */
    size_t (*ascii_run)(const uint8_t *in, size_t n, size_t n_readable, uint8_t *out, int after_space);
    /* Hash windows of `ngram` bytes that start at every byte. */
    void (*hash_bytes)(fp_sipkey_t key, const uint8_t *text, size_t n_windows, unsigned ngram, uint64_t *hashes);
    /* Hash windows [starts[i], starts[i + ngram]). */
    void (*hash_windows)(fp_sipkey_t key, const uint8_t *text, const uint32_t *starts, size_t n_windows, unsigned ngram, uint64_t *hashes);
    /* values[FP_BLOCK_PERMS * k] = elementwise minimum with these shingles. At most FP_CHUNK hashes. */
    void (*minhash_update)(const fp_scheme_t *scheme, const uint64_t *hashes, size_t n, uint32_t *values);
    /* counts[j] += how many hashes have bit j. */
    void (*simhash_add)(const uint64_t *hashes, size_t n, uint64_t *counts);
    /* Bit j: whether more than half of n hashes have it. */
    uint64_t (*majority)(const uint64_t *counts, size_t n);
    /* keys[num_bands] of the values of a signature, `rows_per_band` each. */
    void (*band_keys)(const uint32_t *values, int64_t num_bands, int64_t rows_per_band, uint64_t *keys);
    /* A byte of each of n values. */
    void (*compact)(const uint32_t *values, int64_t n, uint8_t *bytes);
    /* In how many of n bytes two rows agree. */
    int64_t (*count_equal)(const uint8_t *a, const uint8_t *b, int64_t n);
} fp_kernels_t;

extern const fp_kernels_t fp_kernels_scalar, fp_kernels_avx2, fp_kernels_avx512, fp_kernels_neon;

#define FP_INLINE static inline __attribute__((always_inline, unused)) /* into whatever instruction set the caller is compiled for */

/* Keys of all bands advance together, a value of each at a time: the mixing of one band is a chain, and that of the others fills its gaps. */
FP_INLINE void fp_band_keys(const uint32_t *values, int64_t num_bands, int64_t rows_per_band, uint64_t *keys) {
    for (int64_t b = 0; b < num_bands; b++) keys[b] = (uint64_t)(b + 1) << 32;
    for (int64_t r = 0; r < rows_per_band; r++)
        for (int64_t b = 0; b < num_bands; b++) keys[b] = fp_mix64(keys[b] ^ values[b * rows_per_band + r]);
}

/* The upper bits of a minimum are mostly zero and the lowest depend on its place: those of a multiple are taken. */
FP_INLINE void fp_compact(const uint32_t *values, int64_t n, uint8_t *bytes) {
    for (int64_t i = 0; i < n; i++) bytes[i] = (uint8_t)((values[i] * 0x9e3779b1u) >> 24);
}

/* Half of each key, never 0, at half_keys[band * stride]. */
static inline void fp_half_keys(const uint64_t *keys, int64_t num_bands, uint32_t *half_keys, int64_t stride) {
    for (int64_t b = 0; b < num_bands; b++) half_keys[b * stride] = (uint32_t)(keys[b] >> 32) ? (uint32_t)(keys[b] >> 32) : 1;
}

/* fp_isa.c */
const fp_kernels_t *fp_kernels_best(void);
const fp_kernels_t *fp_kernels_by_name(const char *name); /* null: unknown, or this CPU cannot run it */
const fp_kernels_t *fp_kernels_at(int index);              /* every kernel this CPU can run, then null */

/* fp_normalize.c: FP_OK or FP_NO_MEMORY. */
int fp_text_normalize(const fp_kernels_t *kernels, const uint8_t *in, size_t n, size_t n_readable, fp_text_t *text);
void fp_text_free(fp_text_t *text);

/* fp_sketch.c */
void fp_scheme_init(fp_scheme_t *scheme, const uint8_t key[16], int32_t num_perm, int32_t ngram);
int64_t fp_column_find_bad_offset(const fp_column_t *column, int64_t n_rows); /* row of the first bad offset, -1: none */
int64_t fp_column_piece_end(const fp_column_t *column, int64_t first, int64_t last);
void fp_column_row(const fp_column_t *column, int64_t row, const uint8_t **start, size_t *n_bytes, size_t *n_readable);
/* out[row]: SipHash-1-3 of the bytes as they are; 0 for null and for nothing else. */
void fp_hash_rows(fp_sipkey_t key, const fp_column_t *column, int64_t first, int64_t last, uint64_t *out);
int fp_sketch_rows(const fp_kernels_t *kernels, const fp_scheme_t *scheme, const fp_column_t *column, int64_t first, int64_t last,
                   fp_text_t *text, const fp_sketch_out_t *out);

#endif
