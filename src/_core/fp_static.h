/* Static sentence encoder: the sum of one weighted int8 row a word piece, scaled to unit length.

   Design
   - All sums are of integers: int8 values times an integer weight into int32, which FP_STATIC_MAX_TERMS and FP_STATIC_MAX_WEIGHT keep from
     overflowing. Integer addition has no order, so every instruction set, thread count and batch split gives the same bits. The norm is a sum of
     exact products in a fixed order, so a fused multiply-add cannot change it either.
   - A word that the vocabulary shatters into single characters or does not know says nothing through its pieces: an English vocabulary makes
     most other scripts an alphabet. Such words, and runs of ideographs, get hashed character n-grams instead (fp_grams.c): each a row of random
     signs with the amplitudes that word pieces have in each dimension, so that they are strangers in none. */
#ifndef FP_STATIC_H
#define FP_STATIC_H
#include "fp_wordpiece.h"

enum {
    FP_STATIC_MAX_TERMS = 4096,
    FP_STATIC_MAX_WEIGHT = 4095, /* 127 * 4095 * 4096 < 2^31 */
    FP_STATIC_DIM_STEP = 64,
    FP_STATIC_MAX_DIM = 1024,
    FP_STATIC_GRAM_ROWS = 4096,  /* a hash bit gives the sign, so collisions cancel in the mean; 1 MB at 256 dimensions */
    FP_STATIC_MAX_PIECES = 1024, /* of the head */
    FP_STATIC_MAX_TAIL = 1024,   /* bytes */
    FP_STATIC_SCAN = 1 << 16,    /* bytes looked at for the head: a word or a run of invisible characters may be as long as the text */
    FP_STATIC_FULL_SHARE = 255,
};

typedef struct {
    const int8_t *row;
    int32_t weight;
} fp_term_t;

typedef struct {
    fp_vocab_t vocab;
    const int8_t *rows;        /* one for each line of the vocabulary that is not empty; not owned */
    size_t n_rows;
    const int16_t *weights;    /* likewise, 1 to FP_STATIC_MAX_WEIGHT */
    uint32_t *row_of_line;
    int8_t *gram_rows;         /* FP_STATIC_GRAM_ROWS x dim */
    uint8_t *ideograph_shares; /* by code point below 0x10000: how much of a full weight it has, in 255ths */
    int dim;
    int gram_weight;
} fp_static_t;

/* What one text adds up to. */
typedef struct {
    const fp_static_t *table;
    int n_terms;
    int n_pieces;
    uint32_t last_ideograph;
    fp_term_t terms[FP_STATIC_MAX_TERMS];
} fp_gather_t;

typedef void (*fp_static_sum_t)(const fp_term_t *terms, int n_terms, int dim, int32_t *sums);

/* 0, -1 out of memory, -2 bad vocabulary, -3 number of rows and of pieces differ. amplitudes: dim values of 0 to 127. */
int fp_static_build(fp_static_t *table, const uint8_t *vocabulary, size_t len_bytes, const int8_t *rows, const int16_t *weights, size_t n_rows,
                    int dim, const int8_t *amplitudes, int gram_weight);
void fp_static_free(fp_static_t *table);

/* fp_static_sum.c: the loop for an instruction set by its name in fp_isa.c; the caller has made sure that it runs here. */
fp_static_sum_t fp_static_sum_by_name(const char *isa);

/* Encode one text: its first head_pieces pieces, to the end of a word and within FP_STATIC_SCAN bytes, and the last tail_bytes bytes of what is
   left. Writes dim floats of unit length, or zeros if nothing in the text has a row. */
void fp_static_encode(const fp_static_t *table, fp_static_sum_t sum, const uint8_t *text, size_t len_bytes, int head_pieces, size_t tail_bytes,
                      float *out);

/* Write what one text adds up to before it is scaled, dim sums, and the numbers of the word-piece rows in it, a row as often as it was added; returns
   how many numbers there are, at most FP_STATIC_MAX_TERMS. N-gram rows are in the sums alone. */
int fp_static_sum_rows(const fp_static_t *table, fp_static_sum_t sum, const uint8_t *text, size_t len_bytes, int head_pieces, size_t tail_bytes,
                       uint32_t *row_numbers, int32_t *sums);

/* fp_grams.c */
void fp_grams_fill_rows(int8_t *gram_rows, int dim, const int8_t *amplitudes);
void fp_grams_add_word(fp_gather_t *gather, const fp_words_t *word);
void fp_grams_add_ideograph(fp_gather_t *gather, const fp_words_t *word);

#if defined(__GNUC__) || defined(__clang__)
#define FP_PREFETCH(p) __builtin_prefetch(p)
#else
#define FP_PREFETCH(p) ((void)(p))
#endif

static inline void fp_gather_add(fp_gather_t *g, const int8_t *row, int32_t weight) {
    if (g->n_terms == FP_STATIC_MAX_TERMS) return;
    for (int d = 0; d < g->table->dim; d += 64) FP_PREFETCH(row + d); /* read when the whole text is split */
    g->terms[g->n_terms++] = (fp_term_t){row, weight};
}
#endif
