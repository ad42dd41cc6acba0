/* Kernel template for vectors; included by fp_kernel_avx2.c, fp_kernel_avx512.c and fp_kernel_neon.c, which define the macros below and `ascii_run` and
 * `simhash_add`, the two whose best form differs between them.
 *
 * Lanes of minima have 32 bits. With 16, twice as many permutations would go through a register, but of two unequal minima over n shingles about n / 2^17
 * agree by chance: .16 % at 208 characters, a third at 50 kB, where every two texts would look alike.
 *
 *
 *   FP_TARGET          attribute of every function: nothing outside them may use the instructions
 *   FP_BYTES           bytes of a vector
 *   FP_ACCUMULATORS    vectors of minima that fit the registers beside the temporaries
 *   FP_ROTLV(x, r)     rotate the 64-bit lanes
 *   FP_SLLV64(x, n)    shift the 64-bit lanes, each by its own count; 64 and more give 0
 *   FP_MIN32(a, b)     unsigned minimum of 32-bit lanes
 *   FP_SPREAD(p)       the 16 bytes at p in every 128-bit lane
 *   FP_SHUFFLE(x, i)   bytes of each 128-bit lane by index, 0 where the index has bit 7
 *   FP_GATHER(p, i)    64 bits at p + i of each index of a vector of half the size
 *   FP_ANY(x)          whether any bit of x is set
 */
#define FP_LANES64 (FP_BYTES / 8)
#define FP_LANES32 (FP_BYTES / 4)
#define FP_HALVES (FP_LANE_PERMS / FP_LANES32) /* vectors that hold the FP_LANE_PERMS lanes */

typedef uint64_t v64 __attribute__((vector_size(FP_BYTES)));
typedef int64_t v64s __attribute__((vector_size(FP_BYTES)));
typedef uint32_t v32 __attribute__((vector_size(FP_BYTES)));
typedef uint32_t v32half __attribute__((vector_size(FP_BYTES / 2)));
typedef uint8_t v8 __attribute__((vector_size(FP_BYTES)));

#define FP_SIPROUND_V(v0, v1, v2, v3) FP_SIPROUND_WITH(FP_ROTLV, v0, v1, v2, v3)

/* Shuffle that makes FP_LANES64 windows of `n_bytes` <= 8 bytes out of FP_SPREAD(text): lane k holds the windows 2k and 2k + 1. */
FP_TARGET static v8 window_shuffle(unsigned n_bytes) {
    uint8_t index[FP_BYTES];
    for (unsigned i = 0; i < FP_BYTES; i++) index[i] = (uint8_t)((i & 7) < n_bytes ? (i >> 3) + (i & 7) : 0x80);
    v8 shuffle;
    memcpy(&shuffle, index, sizeof shuffle);
    return shuffle;
}

FP_TARGET static void hash_bytes(fp_sipkey_t key, const uint8_t *text, size_t n_windows, unsigned ngram, uint64_t *hashes) {
    const v64 zero = {0}, length = zero + ((uint64_t)ngram << 56);
    const v8 whole = window_shuffle(8), rest = window_shuffle(ngram & 7);
    for (size_t i = 0; i < n_windows; i += FP_LANES64) {
        v64 v0 = zero + (key.k0 ^ FP_SIP0), v1 = zero + (key.k1 ^ FP_SIP1), v2 = zero + (key.k0 ^ FP_SIP2), v3 = zero + (key.k1 ^ FP_SIP3);
        const uint8_t *p = text + i;
        for (unsigned j = 8; j <= ngram; j += 8, p += 8) {
            const v64 block = (v64)FP_SHUFFLE(FP_SPREAD(p), whole);
            v3 ^= block;
            FP_SIPROUND_V(v0, v1, v2, v3);
            v0 ^= block;
        }
        const v64 block = (v64)FP_SHUFFLE(FP_SPREAD(p), rest) | length;
        v3 ^= block;
        FP_SIPROUND_V(v0, v1, v2, v3);
        v0 ^= block;
        v2 ^= 0xff;
        FP_SIPROUND_V(v0, v1, v2, v3);
        FP_SIPROUND_V(v0, v1, v2, v3);
        FP_SIPROUND_V(v0, v1, v2, v3);
        v0 ^= v1 ^ v2 ^ v3;
        memcpy(hashes + i, &v0, sizeof v0);
    }
}

/* Windows of unequal length: a lane whose message is over keeps its state while longer ones take further blocks. */
FP_TARGET static void hash_windows(fp_sipkey_t key, const uint8_t *text, const uint32_t *starts, size_t n_windows, unsigned ngram, uint64_t *hashes) {
    const v64 zero = {0}, one = zero + 1;
    for (size_t i = 0; i < n_windows; i += FP_LANES64) {
        v64 v0 = zero + (key.k0 ^ FP_SIP0), v1 = zero + (key.k1 ^ FP_SIP1), v2 = zero + (key.k0 ^ FP_SIP2), v3 = zero + (key.k1 ^ FP_SIP3);
        v32half start, end;
        memcpy(&start, starts + i, sizeof start);
        memcpy(&end, starts + i + ngram, sizeof end);
        const v64 n_bytes = __builtin_convertvector(end - start, v64);
        const uint8_t *p = text;
        v64s left = (v64s)n_bytes;
        v64 active = ~zero;
        for (;;) {
            const v64 is_last = (v64)(left < 8);
            const v64 mask = FP_SLLV64(one, (v64)left << 3) - one;
            const v64 block = ((v64)FP_GATHER(p, start) & mask) | ((n_bytes << 56) & is_last);
            v64 w0 = v0, w1 = v1, w2 = v2, w3 = v3 ^ block;
            FP_SIPROUND_V(w0, w1, w2, w3);
            w0 ^= block;
            v0 ^= (v0 ^ w0) & active;
            v1 ^= (v1 ^ w1) & active;
            v2 ^= (v2 ^ w2) & active;
            v3 ^= (v3 ^ w3) & active;
            active &= ~is_last;
            if (!FP_ANY(active)) break;
            left -= 8;
            p += 8;
        }
        v2 ^= 0xff;
        FP_SIPROUND_V(v0, v1, v2, v3);
        FP_SIPROUND_V(v0, v1, v2, v3);
        FP_SIPROUND_V(v0, v1, v2, v3);
        v0 ^= v1 ^ v2 ^ v3;
        memcpy(hashes + i, &v0, sizeof v0);
    }
}

/* Halves of the hashes and steps, each in an array of its own: what comes from memory is spread over the lanes by the load, what comes from a
 * register by the port that adds. */
typedef struct {
    uint32_t high[FP_CHUNK], low[FP_CHUNK], step[FP_CHUNK];
} shingles_t;

/* FP_ACCUMULATORS vectors of minima stay in registers while all shingles pass: one add and one minimum a vector, because the multipliers of
 * permutation i and i + 16 differ by the same `step` for all i. A multiply instead of the add costs two micro-operations. */
FP_TARGET static inline __attribute__((always_inline)) void update_block(const v32 *lane, const shingles_t *shingles, size_t n, uint32_t *values) {
    const v32 zero = {0};
    v32 best[FP_ACCUMULATORS];
    memcpy(best, values, sizeof best);
    for (size_t s = 0; s < n; s++) {
        const v32 high = zero + shingles->high[s], low = zero + shingles->low[s], step = zero + shingles->step[s];
        v32 value[FP_HALVES];
#pragma GCC unroll 2
        for (int h = 0; h < FP_HALVES; h++) value[h] = high + lane[h] * low;
#pragma GCC unroll 16
        for (int k = 0; k < FP_ACCUMULATORS; k += FP_HALVES) {
#pragma GCC unroll 2
            for (int h = 0; h < FP_HALVES; h++) {
                best[k + h] = (v32)FP_MIN32(best[k + h], value[h]);
                value[h] += step;
            }
        }
    }
    memcpy(values, best, sizeof best);
}

FP_TARGET static void minhash_update(const fp_scheme_t *scheme, const uint64_t *hashes, size_t n, uint32_t *values) {
    const int32_t block_perms = FP_ACCUMULATORS * FP_LANES32;
    shingles_t shingles;
    for (size_t s = 0; s < n; s++) {
        shingles.high[s] = (uint32_t)(hashes[s] >> 32);
        shingles.low[s] = (uint32_t)hashes[s];
        shingles.step[s] = scheme->step * (uint32_t)hashes[s];
    }
    v32 lane[FP_HALVES];
    memcpy(lane, scheme->lane, sizeof lane);
    for (int32_t first = 0; first < scheme->num_perm; first += block_perms) {
        update_block(lane, &shingles, n, values + first);
        for (int h = 0; h < FP_HALVES; h++) lane[h] += scheme->step * (uint32_t)(block_perms / FP_LANE_PERMS);
    }
}

/* A comparison gives -1 in every byte that agrees; up to 255 of them fit into a byte of the sum, which counts n = 255 * FP_BYTES. */
FP_TARGET static int64_t count_equal(const uint8_t *a, const uint8_t *b, int64_t n) {
    const v64 pairs = (v64){0} + 0x00ff00ff00ff00ffu;
    int64_t i = 0, n_equal = 0;
    while (i + FP_BYTES <= n) {
        v8 sum = {0};
        for (int k = 0; k < 255 && i + FP_BYTES <= n; k++, i += FP_BYTES) {
            v8 x, y;
            memcpy(&x, a + i, sizeof x);
            memcpy(&y, b + i, sizeof y);
            sum -= (v8)(x == y);
        }
        const v64 words = (((v64)sum & pairs) + ((v64)sum >> 8 & pairs)) * 0x0001000100010001u >> 48;
        for (int lane = 0; lane < FP_LANES64; lane++) n_equal += (int64_t)words[lane];
    }
    for (; i < n; i++) n_equal += a[i] == b[i];
    return n_equal;
}

/* The sign of n less twice the count. */
FP_TARGET static uint64_t majority(const uint64_t *counts, size_t n) {
    v64 place, bits = {0};
    uint64_t all = 0;
    for (int lane = 0; lane < FP_LANES64; lane++) place[lane] = (uint64_t)lane;
    for (int j = 0; j < 64; j += FP_LANES64) {
        v64 count;
        memcpy(&count, counts + j, sizeof count);
        bits |= (n - 2 * count) >> 63 << place;
        place += FP_LANES64;
    }
    for (int lane = 0; lane < FP_LANES64; lane++) all |= bits[lane];
    return all;
}

FP_TARGET static void band_keys(const uint32_t *values, int64_t num_bands, int64_t rows_per_band, uint64_t *keys) {
    fp_band_keys(values, num_bands, rows_per_band, keys);
}

FP_TARGET static void compact(const uint32_t *values, int64_t n, uint8_t *bytes) { fp_compact(values, n, bytes); }
