#include "fp_static.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEEK_BYTES = 32 }; /* how far the tail looks for a space to start at */

int fp_static_build(fp_static_t *t, const uint8_t *vocabulary, size_t len_bytes, const int8_t *rows, const int16_t *weights, size_t n_rows, int dim,
                    const int8_t *amplitudes, int gram_weight) {
    memset(t, 0, sizeof *t);
    int status = fp_vocab_build(&t->vocab, vocabulary, len_bytes);
    if (status) return status;
    t->rows = rows, t->n_rows = n_rows, t->weights = weights, t->dim = dim, t->gram_weight = gram_weight;
    t->row_of_line = malloc(t->vocab.n_lines * sizeof *t->row_of_line);
    t->gram_rows = malloc((size_t)FP_STATIC_GRAM_ROWS * (size_t)dim);
    t->ideograph_shares = malloc(0x10000);
    if (!t->row_of_line || !t->gram_rows || !t->ideograph_shares) return -1;
    uint32_t row = 0;
    for (uint32_t line = 0; line < t->vocab.n_lines; line++) {
        t->row_of_line[line] = row;
        row += t->vocab.starts[line + 1] - t->vocab.starts[line] > 1;
    }
    if (row != n_rows) return -3;
    fp_grams_fill_rows(t->gram_rows, dim, amplitudes);
    memset(t->ideograph_shares, FP_STATIC_FULL_SHARE, 0x10000);
    return 0;
}

void fp_static_free(fp_static_t *t) {
    fp_vocab_free(&t->vocab);
    free(t->row_of_line);
    free(t->gram_rows);
    free(t->ideograph_shares);
    memset(t, 0, sizeof *t);
}

static void add_word(fp_gather_t *g, fp_words_t *w) {
    uint32_t pieces[FP_WORD_CHARS];
    if (w->kind == FP_WORD_IDEOGRAPH) {
        g->n_pieces++;
        fp_grams_add_ideograph(g, w);
        return;
    }
    if (w->kind == FP_WORD_PLAIN && !w->is_ascii) fp_words_fold_lookalikes(w);
    int n = fp_wordpiece_split(&g->table->vocab, w, pieces);
    g->n_pieces += n ? n : 1 + w->n_chars / 4; /* unknown: about what it would have been in pieces */
    bool shattered = !w->is_ascii && w->n_chars < 2 * n;
    if (w->kind == FP_WORD_PLAIN && (n == 0 || shattered)) {
        fp_grams_add_word(g, w);
        return;
    }
    for (int i = 0; i < n; i++) {
        uint32_t row = g->table->row_of_line[pieces[i]];
        fp_gather_add(g, g->table->rows + row * (size_t)g->table->dim, g->table->weights[row]);
    }
}

static void write_unit(const int32_t *sums, int dim, float *out) {
    double squares[8] = {0}, total = 0;
    for (int d = 0; d < dim; d++) out[d] = (float)sums[d];
    for (int d = 0; d < dim; d += 8)
        for (int lane = 0; lane < 8; lane++) squares[lane] += (double)out[d + lane] * (double)out[d + lane]; /* exact: 24 by 24 bits */
    for (int lane = 0; lane < 8; lane++) total += squares[lane];
    double scale = total > 0 ? 1 / sqrt(total) : 0;
    for (int d = 0; d < dim; d++) out[d] = (float)((double)out[d] * scale);
}

/* Where to read on behind the head: at most tail_bytes before the end, at a character, and at a space if one is near. */
static size_t tail_start(const uint8_t *text, size_t len_bytes, size_t pos, size_t tail_bytes) {
    if (len_bytes - pos <= tail_bytes) return pos;
    size_t start = len_bytes - tail_bytes;
    for (size_t at = start; at < len_bytes && at < start + SEEK_BYTES; at++)
        if (text[at] == ' ' || text[at] == '\n') return at;
    while (start < len_bytes && (text[start] & 0xc0) == 0x80) start++;
    return start;
}

static void gather(fp_gather_t *g, const fp_static_t *t, const uint8_t *text, size_t len_bytes, int head_pieces, size_t tail_bytes) {
    fp_words_t words;
    size_t scan = len_bytes < FP_STATIC_SCAN ? len_bytes : FP_STATIC_SCAN;
    while (scan < len_bytes && scan > FP_STATIC_SCAN - 4 && (text[scan] & 0xc0) == 0x80) scan--; /* at a character, in valid text */
    g->table = t, g->n_terms = 0, g->n_pieces = 0, g->last_ideograph = 0;
    fp_words_start(&words, text, scan);
    while (g->n_pieces < head_pieces && fp_words_next(&words)) add_word(g, &words);
    if ((g->n_pieces >= head_pieces || scan < len_bytes) && tail_bytes && words.pos < len_bytes) {
        size_t start = tail_start(text, len_bytes, words.pos, tail_bytes);
        fp_words_start(&words, text + start, len_bytes - start);
        while (fp_words_next(&words)) add_word(g, &words);
    }
}

void fp_static_encode(const fp_static_t *t, fp_static_sum_t sum, const uint8_t *text, size_t len_bytes, int head_pieces, size_t tail_bytes,
                      float *out) {
    fp_gather_t g;
    int32_t sums[FP_STATIC_MAX_DIM];
    gather(&g, t, text, len_bytes, head_pieces, tail_bytes);
    sum(g.terms, g.n_terms, t->dim, sums);
    write_unit(sums, t->dim, out);
}

int fp_static_sum_rows(const fp_static_t *t, fp_static_sum_t sum, const uint8_t *text, size_t len_bytes, int head_pieces, size_t tail_bytes,
                       uint32_t *row_numbers, int32_t *sums) {
    fp_gather_t g;
    int n = 0;
    uintptr_t first = (uintptr_t)t->rows; /* n-gram rows are another allocation, and a difference of pointers into two is undefined */
    gather(&g, t, text, len_bytes, head_pieces, tail_bytes);
    for (int i = 0; i < g.n_terms; i++) {
        uintptr_t row = ((uintptr_t)g.terms[i].row - first) / (uintptr_t)t->dim;
        if ((uintptr_t)g.terms[i].row >= first && row < t->n_rows) row_numbers[n++] = (uint32_t)row;
    }
    sum(g.terms, g.n_terms, t->dim, sums);
    return n;
}
