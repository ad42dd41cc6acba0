/* Kernels in portable C: the readable statement of what fp_kernel_vector.inc.h does many at a time, and the path of every CPU without AVX2.
 *
 * Design: pure functions on the caller's buffers, no state, no allocation. Bit-identical to the vector paths by test.
 */
#include "fp_core.h"

static size_t ascii_run(const uint8_t *in, size_t n, size_t n_readable, uint8_t *out, int after_space) {
    (void)n_readable;
    size_t i = 0;
    for (; i < n; i++) {
        const uint8_t c = in[i];
        const int space = c == ' ' || (uint8_t)(c - 9) < 5;
        if ((space && after_space) || (!space && (uint8_t)(c - 0x21) > 0x5d)) break;
        out[i] = space ? ' ' : (uint8_t)(c + ((uint8_t)(c - 'A') < 26 ? 32 : 0));
        after_space = space;
    }
    return i;
}

static uint64_t sip_finish(uint64_t v0, uint64_t v1, uint64_t v2, uint64_t v3, uint64_t block) {
    v3 ^= block;
    FP_SIPROUND(v0, v1, v2, v3);
    v0 ^= block;
    v2 ^= 0xff;
    FP_SIPROUND(v0, v1, v2, v3);
    FP_SIPROUND(v0, v1, v2, v3);
    FP_SIPROUND(v0, v1, v2, v3);
    return v0 ^ v1 ^ v2 ^ v3;
}

/* As fp_siphash13, but it may read up to 7 bytes past the window: one masked load instead of a byte loop (FP_PADDING). */
static uint64_t hash_window(fp_sipkey_t key, const uint8_t *window, size_t n_bytes) {
    uint64_t v0 = key.k0 ^ FP_SIP0, v1 = key.k1 ^ FP_SIP1, v2 = key.k0 ^ FP_SIP2, v3 = key.k1 ^ FP_SIP3;
    size_t i = 0;
    for (; i + 8 <= n_bytes; i += 8) {
        const uint64_t block = fp_load64(window + i);
        v3 ^= block;
        FP_SIPROUND(v0, v1, v2, v3);
        v0 ^= block;
    }
    const uint64_t mask = ((uint64_t)1 << (8 * (n_bytes & 7))) - 1;
    return sip_finish(v0, v1, v2, v3, (fp_load64(window + i) & mask) | (uint64_t)n_bytes << 56);
}

static void hash_bytes(fp_sipkey_t key, const uint8_t *text, size_t n_windows, unsigned ngram, uint64_t *hashes) {
    for (size_t i = 0; i < n_windows; i++) hashes[i] = hash_window(key, text + i, ngram);
}

static void hash_windows(fp_sipkey_t key, const uint8_t *text, const uint32_t *starts, size_t n_windows, unsigned ngram, uint64_t *hashes) {
    for (size_t i = 0; i < n_windows; i++) hashes[i] = hash_window(key, text + starts[i], starts[i + ngram] - starts[i]);
}

static void minhash_update(const fp_scheme_t *scheme, const uint64_t *hashes, size_t n, uint32_t *values) {
    for (int32_t first = 0; first < scheme->num_perm; first += FP_LANE_PERMS) {
        uint32_t multiplier[FP_LANE_PERMS], best[FP_LANE_PERMS];
        for (int32_t l = 0; l < FP_LANE_PERMS; l++) multiplier[l] = scheme->lane[l] + scheme->step * (uint32_t)(first / FP_LANE_PERMS);
        memcpy(best, values + first, sizeof best);
        for (size_t s = 0; s < n; s++) {
            const uint32_t high = (uint32_t)(hashes[s] >> 32), low = (uint32_t)hashes[s];
            for (int32_t l = 0; l < FP_LANE_PERMS; l++) {
                const uint32_t value = high + multiplier[l] * low;
                best[l] = value < best[l] ? value : best[l];
            }
        }
        memcpy(values + first, best, sizeof best);
    }
}

/* Bit 8k + b of `byte_counts[k]`'s byte b: eight counters a word, emptied before any can pass 255. */
static void simhash_add(const uint64_t *hashes, size_t n, uint64_t *counts) {
    for (size_t first = 0; first < n; first += 255) {
        const size_t last = n - first < 255 ? n : first + 255;
        uint64_t byte_counts[8] = {0};
        for (size_t s = first; s < last; s++) {
            for (int k = 0; k < 8; k++) {
                const uint64_t spread = ((hashes[s] >> (8 * k) & 0xff) * 0x0101010101010101u) & 0x8040201008040201u;
                byte_counts[k] += ((spread + 0x7f7f7f7f7f7f7f7fu) >> 7) & 0x0101010101010101u;
            }
        }
        for (int j = 0; j < 64; j++) counts[j] += byte_counts[j >> 3] >> (8 * (j & 7)) & 0xff;
    }
}

static uint64_t majority(const uint64_t *counts, size_t n) {
    uint64_t bits = 0;
    for (int j = 0; j < 64; j++) bits |= (uint64_t)(2 * counts[j] > n) << j;
    return bits;
}

/* Eight bytes at a time: the high bit of each byte of `differ` tells whether a and b differ there. */
static int64_t count_equal(const uint8_t *a, const uint8_t *b, int64_t n) {
    const uint64_t low = 0x7f7f7f7f7f7f7f7fu, ones = 0x0101010101010101u;
    int64_t i = 0, n_equal = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t x, y;
        memcpy(&x, a + i, 8);
        memcpy(&y, b + i, 8);
        x ^= y;
        const uint64_t differ = ((x & low) + low) | x;
        n_equal += (int64_t)(((~differ >> 7 & ones) * ones) >> 56);
    }
    for (; i < n; i++) n_equal += a[i] == b[i];
    return n_equal;
}

const fp_kernels_t fp_kernels_scalar = {"scalar", ascii_run, hash_bytes, hash_windows, minhash_update,
                                        simhash_add, majority, fp_band_keys, fp_compact, count_equal};
