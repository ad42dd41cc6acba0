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

/* The bits of a hash are the write mask of an add of ones to 64 byte counters, emptied before any can pass 255. */
FP_TARGET static void simhash_add(const uint64_t *hashes, size_t n, uint64_t *counts) {
    const __m512i one = _mm512_set1_epi8(1);
    for (size_t first = 0; first < n; first += 255) {
        const size_t last = n - first < 255 ? n : first + 255;
        __m512i even = _mm512_setzero_si512(), odd = even; /* two sums: an add takes a cycle, and two can start in one */
        size_t s = first;
        for (; s + 2 <= last; s += 2) {
            even = _mm512_mask_add_epi8(even, hashes[s], even, one);
            odd = _mm512_mask_add_epi8(odd, hashes[s + 1], odd, one);
        }
        if (s < last) even = _mm512_mask_add_epi8(even, hashes[s], even, one);
        uint8_t bytes[64];
        _mm512_storeu_si512((void *)bytes, _mm512_add_epi8(even, odd));
        for (int j = 0; j < 64; j++) counts[j] += bytes[j];
    }
}

const fp_kernels_t fp_kernels_avx512 = {"avx512", ascii_run, hash_bytes, hash_windows, minhash_update, simhash_add, count_equal};
#endif
