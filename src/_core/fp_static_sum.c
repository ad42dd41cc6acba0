/* The weighted sum of rows, for each instruction set. Two rows go through one multiply-add of 16-bit pairs; int8 times a weight of at most
   FP_STATIC_MAX_WEIGHT never saturates it, so all ways give the same integers. (Left to itself, gcc 12 vectorises the plain loop across rows
   and is as slow as without vectors.) */
#include <string.h>

#include "fp_static.h"

static void sum_scalar(const fp_term_t *terms, int n_terms, int dim, int32_t *sums) {
    memset(sums, 0, (size_t)dim * sizeof *sums);
    for (int t = 0; t < n_terms; t++) {
        const int8_t *row = terms[t].row;
        int32_t weight = terms[t].weight;
        for (int d = 0; d < dim; d++) sums[d] += weight * row[d];
    }
}

#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#include <immintrin.h>

typedef struct {
    const int8_t *first, *second;
    int32_t weights; /* two of 16 bits */
} pair_t;

/* An odd row goes with itself at weight 0. */
static inline pair_t pair_at(const fp_term_t *terms, int n_terms, int t) {
    bool whole = t + 1 < n_terms;
    uint32_t low = (uint32_t)terms[t].weight & 0xffffu, high = whole ? (uint32_t)terms[t + 1].weight << 16 : 0;
    return (pair_t){terms[t].row, whole ? terms[t + 1].row : terms[t].row, (int32_t)(low | high)};
}

__attribute__((target("avx2"))) static void sum_avx2(const fp_term_t *terms, int n_terms, int dim, int32_t *sums) {
    for (int block = 0; block < dim; block += 64) {
        __m256i acc[8];
        for (int i = 0; i < 8; i++) acc[i] = _mm256_setzero_si256();
        for (int t = 0; t < n_terms; t += 2) {
            pair_t p = pair_at(terms, n_terms, t);
            __m256i weights = _mm256_set1_epi32(p.weights);
            for (int i = 0; i < 4; i++) { /* 16 dimensions: bytes of both rows side by side, then widened */
                __m128i a = _mm_loadu_si128((const __m128i *)(p.first + block + 16 * i));
                __m128i b = _mm_loadu_si128((const __m128i *)(p.second + block + 16 * i));
                __m256i low = _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b)), weights);
                __m256i high = _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm_unpackhi_epi8(a, b)), weights);
                acc[2 * i] = _mm256_add_epi32(acc[2 * i], low);
                acc[2 * i + 1] = _mm256_add_epi32(acc[2 * i + 1], high);
            }
        }
        for (int i = 0; i < 8; i++) _mm256_storeu_si256((__m256i *)(sums + block + 8 * i), acc[i]);
    }
}

__attribute__((target("avx512f,avx512bw"))) static void sum_avx512(const fp_term_t *terms, int n_terms, int dim, int32_t *sums) {
    for (int block = 0; block < dim; block += 64) {
        __m512i acc[4];
        for (int i = 0; i < 4; i++) acc[i] = _mm512_setzero_si512();
        for (int t = 0; t < n_terms; t += 2) {
            pair_t p = pair_at(terms, n_terms, t);
            __m512i weights = _mm512_set1_epi32(p.weights);
            for (int i = 0; i < 2; i++) { /* 32 dimensions; unpacking works in lanes: low holds 0..7 and 16..23, high the others */
                __m256i a = _mm256_loadu_si256((const __m256i *)(p.first + block + 32 * i));
                __m256i b = _mm256_loadu_si256((const __m256i *)(p.second + block + 32 * i));
                __m512i low = _mm512_madd_epi16(_mm512_cvtepi8_epi16(_mm256_unpacklo_epi8(a, b)), weights);
                __m512i high = _mm512_madd_epi16(_mm512_cvtepi8_epi16(_mm256_unpackhi_epi8(a, b)), weights);
                acc[2 * i] = _mm512_add_epi32(acc[2 * i], low);
                acc[2 * i + 1] = _mm512_add_epi32(acc[2 * i + 1], high);
            }
        }
        for (int i = 0; i < 2; i++) {
            __m512i first = _mm512_shuffle_i64x2(acc[2 * i], acc[2 * i + 1], 0x44), second = _mm512_shuffle_i64x2(acc[2 * i], acc[2 * i + 1], 0xee);
            _mm512_storeu_si512(sums + block + 32 * i, first);       /* 0..7 of low, 8..15 of high */
            _mm512_storeu_si512(sums + block + 32 * i + 16, second); /* 16..23 of low, 24..31 of high */
        }
    }
}
#endif

fp_static_sum_t fp_static_sum_by_name(const char *isa) {
#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
    if (strcmp(isa, "avx512") == 0) return sum_avx512;
    if (strcmp(isa, "avx2") == 0) return sum_avx2;
#endif
    (void)isa;
    return sum_scalar;
}
