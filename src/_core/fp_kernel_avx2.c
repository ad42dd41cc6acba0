/* AVX2 kernels: see fp_kernel_vector.inc.h. Empty on other processors. */
#include "fp_core.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define FP_TARGET __attribute__((target("avx2,bmi,bmi2,lzcnt")))
#define FP_BYTES 32
#define FP_ACCUMULATORS 8 /* 64 permutations: 16 registers hold these, the two lane vectors and the temporaries */
#define FP_ROT16 _mm256_setr_epi8(6, 7, 0, 1, 2, 3, 4, 5, 14, 15, 8, 9, 10, 11, 12, 13, 6, 7, 0, 1, 2, 3, 4, 5, 14, 15, 8, 9, 10, 11, 12, 13)
#define FP_ROTLV(x, r)                                                             \
    ((r) == 32   ? (v64)_mm256_shuffle_epi32((__m256i)(x), _MM_SHUFFLE(2, 3, 0, 1)) \
     : (r) == 16 ? (v64)_mm256_shuffle_epi8((__m256i)(x), FP_ROT16)                 \
                 : FP_ROTL64(x, r))
#define FP_SLLV64(x, n) ((v64)_mm256_sllv_epi64((__m256i)(x), (__m256i)(n)))
#define FP_MIN32(a, b) _mm256_min_epu32((__m256i)(a), (__m256i)(b))
#define FP_SPREAD(p) _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define FP_SHUFFLE(x, i) _mm256_shuffle_epi8(x, (__m256i)(i))
#define FP_GATHER(p, i) _mm256_i32gather_epi64((const long long *)(const void *)(p), (__m128i)(i), 1)
#define FP_ANY(x) (!_mm256_testz_si256((__m256i)(x), (__m256i)(x)))
#include "fp_kernel_vector.inc.h"

/* c - low < count, unsigned bytes: AVX2 has no unsigned compare, but min(x, count - 1) == x says the same. */
FP_TARGET static inline uint32_t in_range(__m256i c, uint8_t low, uint8_t count) {
    const __m256i x = _mm256_sub_epi8(c, _mm256_set1_epi8((char)low));
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8((char)(count - 1))), x));
}

FP_TARGET static inline __m256i in_range_mask(__m256i c, uint8_t low, uint8_t count) {
    const __m256i x = _mm256_sub_epi8(c, _mm256_set1_epi8((char)low));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8((char)(count - 1))), x);
}

FP_TARGET static size_t ascii_run(const uint8_t *in, size_t n, size_t n_readable, uint8_t *out, int after_space) {
    uint32_t carry = after_space != 0;
    for (size_t i = 0; i < n; i += 32) {
        const size_t n_left = n - i;
        uint8_t tail[32] = {0};
        const uint8_t *p = in + i;
        if (n_readable - i < 32) p = memcpy(tail, p, n_left);
        const __m256i c = _mm256_loadu_si256((const __m256i *)(const void *)p);
        const uint32_t present = n_left < 32 ? ((uint32_t)1 << n_left) - 1 : ~(uint32_t)0;
        const __m256i control = in_range_mask(c, 9, 5);
        const uint32_t space = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(control, _mm256_cmpeq_epi8(c, _mm256_set1_epi8(' '))));
        const uint32_t stop = ~((in_range(c, 0x21, 0x5e) | (space & ~(space << 1 | carry))) & present);
        const __m256i lifted = _mm256_add_epi8(c, _mm256_and_si256(in_range_mask(c, 'A', 26), _mm256_set1_epi8(32)));
        _mm256_storeu_si256((__m256i *)(void *)(out + i), _mm256_blendv_epi8(lifted, _mm256_set1_epi8(' '), control));
        if (stop) return i + (size_t)__builtin_ctz(stop);
        carry = space >> 31;
    }
    return n;
}

/* Byte j of the counters compares bit j of the hash, spread by a shuffle, with itself: the mask is -1 where the bit is set. */
FP_TARGET static void simhash_add(const uint64_t *hashes, size_t n, uint64_t *counts) {
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201u);
    const __m256i low = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i high = _mm256_add_epi8(low, _mm256_set1_epi8(4));
    for (size_t first = 0; first < n; first += 255) {
        const size_t last = n - first < 255 ? n : first + 255;
        __m256i sum_low = _mm256_setzero_si256(), sum_high = sum_low;
        for (size_t s = first; s < last; s++) {
            const __m256i h = _mm256_set1_epi64x((long long)hashes[s]);
            sum_low = _mm256_sub_epi8(sum_low, _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_shuffle_epi8(h, low), bit), bit));
            sum_high = _mm256_sub_epi8(sum_high, _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_shuffle_epi8(h, high), bit), bit));
        }
        uint8_t bytes[64];
        _mm256_storeu_si256((__m256i *)(void *)bytes, sum_low);
        _mm256_storeu_si256((__m256i *)(void *)(bytes + 32), sum_high);
        for (int j = 0; j < 64; j++) counts[j] += bytes[j];
    }
}

const fp_kernels_t fp_kernels_avx2 = {"avx2", ascii_run, hash_bytes, hash_windows, minhash_update, simhash_add, majority, band_keys, compact, count_equal};
#endif
