/* AVX-512 (F, BW, DQ, VL) kernels: see fp_kernel_vector.inc.h. Empty on other processors. */
#include "fp_core.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define FP_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi,bmi2,lzcnt")))
#define FP_BYTES 64
#define FP_ACCUMULATORS 8
#define FP_ROTLV(x, r) ((v64)_mm512_rol_epi64((__m512i)(x), r))
#define FP_SLLV64(x, n) ((v64)_mm512_sllv_epi64((__m512i)(x), (__m512i)(n)))
#define FP_MIN32(a, b) _mm512_min_epu32((__m512i)(a), (__m512i)(b))
#define FP_SPREAD(p) _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define FP_SHUFFLE(x, i) _mm512_shuffle_epi8(x, (__m512i)(i))
#define FP_GATHER(p, i) _mm512_i32gather_epi64((__m256i)(i), p, 1)
#define FP_ANY(x) (_mm512_test_epi64_mask((__m512i)(x), (__m512i)(x)) != 0)
#include "fp_kernel_vector.inc.h"

FP_TARGET static size_t ascii_run(const uint8_t *in, size_t n, size_t n_readable, uint8_t *out, int after_space) {
    (void)n_readable; /* masked loads touch nothing behind n */
    uint64_t carry = after_space != 0;
    for (size_t i = 0; i < n; i += 64) {
        const uint64_t present = n - i < 64 ? ((uint64_t)1 << (n - i)) - 1 : ~(uint64_t)0;
        const __m512i c = _mm512_maskz_loadu_epi8(present, in + i);
        const uint64_t control = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(c, _mm512_set1_epi8(9)), _mm512_set1_epi8(5));
        const uint64_t space = control | _mm512_cmpeq_epi8_mask(c, _mm512_set1_epi8(' '));
        const uint64_t upper = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(c, _mm512_set1_epi8('A')), _mm512_set1_epi8(26));
        const uint64_t print = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(c, _mm512_set1_epi8(0x21)), _mm512_set1_epi8(0x5e));
        const uint64_t stop = ~((print | (space & ~(space << 1 | carry))) & present);
        const __m512i folded = _mm512_mask_add_epi8(_mm512_mask_set1_epi8(c, control, ' '), upper, c, _mm512_set1_epi8(32));
        _mm512_storeu_si512((void *)(out + i), folded); /* what lies behind the stop is overwritten by whoever goes on */
        if (stop) return i + (size_t)__builtin_ctzll(stop);
        carry = space >> 63;
    }
    return n;
}

/* Full adder of bits: the sum of three, and what is carried. */
#define FP_SUM3(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define FP_CARRY3(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0xe8)

FP_TARGET static inline __m512i add_two(__m512i *sum, __m512i a, __m512i b) {
    const __m512i carry = FP_CARRY3(*sum, a, b);
    *sum = FP_SUM3(*sum, a, b);
    return carry;
}

/* The same lanes of two sets of `n` levels, bit by bit as a number each: their sum has a level more. */
#define FP_FOLD(n, level, other)                                          \
    do {                                                                  \
        __m512i carry = _mm512_setzero_si512();                           \
        for (int k = 0; k < (n); k++) {                                   \
            const __m512i a = level[k], b = other(a);                     \
            level[k] = FP_SUM3(a, b, carry);                              \
            carry = FP_CARRY3(a, b, carry);                               \
        }                                                                 \
        level[n] = carry;                                                 \
    } while (0)
#define FP_OTHER_HALF(x) _mm512_shuffle_i64x2(x, x, 0x4e)
#define FP_OTHER_QUARTER(x) _mm512_shuffle_i64x2(x, x, 0xb1)
#define FP_OTHER_LANE(x) _mm512_shuffle_epi32(x, _MM_PERM_BADC)

/* Five levels of eight lanes to eight of their sum, which is in every lane. */
FP_TARGET static inline void fold_lanes(__m512i *level) {
    FP_FOLD(5, level, FP_OTHER_HALF);
    FP_FOLD(6, level, FP_OTHER_QUARTER);
    FP_FOLD(7, level, FP_OTHER_LANE);
}

/* Positional population count: bit j of lane l of level[k] is bit k of how many hashes of that lane have bit j, eight hashes a vector, added by a tree of full
 * adders (Harley and Seal; Klarqvist, Mula and Lemire 2019). At the end the lanes are added in the same way, and a level is the write mask of an add of its
 * weight to 64 byte counters. */
FP_TARGET static void simhash_add(const uint64_t *hashes, size_t n, uint64_t *counts) {
    enum { AT_ONCE = 64, MOST = 248 }; /* 31 vectors: five levels, and no byte passes 255 */
    for (size_t first = 0; first < n; first += MOST) {
        const size_t last = n - first < MOST ? n : first + MOST;
        __m512i level[8] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
        for (size_t s = first; s < last; s += AT_ONCE) {
            __m512i v[8];
            for (size_t k = 0; k < 8; k++) {
                const size_t begin = s + 8 * k, left = begin < last ? last - begin : 0;
                v[k] = left >= 8 ? _mm512_loadu_si512((const void *)(hashes + begin)) : _mm512_maskz_loadu_epi64((__mmask8)((1u << left) - 1), hashes + begin);
            }
            const __m512i low = add_two(level + 1, add_two(level, v[0], v[1]), add_two(level, v[2], v[3]));
            const __m512i high = add_two(level + 1, add_two(level, v[4], v[5]), add_two(level, v[6], v[7]));
            const __m512i eight = add_two(level + 2, low, high);
            level[4] = _mm512_xor_si512(level[4], _mm512_and_si512(level[3], eight));
            level[3] = _mm512_xor_si512(level[3], eight);
        }
        fold_lanes(level);
        __m512i sum = _mm512_setzero_si512();
#pragma GCC unroll 8
        for (int k = 0; k < 8; k++) {
            const __mmask64 mask = (__mmask64)_mm_cvtsi128_si64(_mm512_castsi512_si128(level[k]));
            sum = _mm512_mask_add_epi8(sum, mask, sum, _mm512_set1_epi8((char)(1 << k)));
        }
        uint8_t bytes[64];
        _mm512_storeu_si512((void *)bytes, sum);
        for (int j = 0; j < 64; j++) counts[j] += bytes[j];
    }
}

const fp_kernels_t fp_kernels_avx512 = {"avx512", ascii_run, hash_bytes, hash_windows, minhash_update, simhash_add, majority, band_keys, compact, count_equal};
#endif
