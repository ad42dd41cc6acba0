/* Hashed character n-grams for what word pieces cannot carry. The shares below were chosen on Chinese traffic: with them texts on one topic
   stay neighbours while unrelated ones are nearly orthogonal. */
#include <math.h>

#include "fp_static.h"

enum {
    SINGLE = 256,    /* 256ths of a gram: one ideograph; it has a meaning of its own */
    PAIR = 128,      /* two that touch */
    WORD = 256,      /* a whole word of four characters or more; shorter ones are mostly function words */
    PARTS = 181,     /* all n-grams of a word together, 256 / sqrt 2: half the energy of the word */
    HIRAGANA = 64,   /* endings and particles */
    PARTS_MOST = 8,  /* a word of more n-grams than this has more energy: scripts without spaces */
    SYLLABLE_GRAM = 2,
    LETTER_GRAM = 4,
};
static const int SHORT_WORD[4] = {0, 64, 128, 192};
static const int PARTS_EACH[PARTS_MOST + 1] = {0, 181, 128, 105, 90, 81, 74, 68, 64}; /* PARTS / sqrt n */

/* SplitMix64 (Steele, Lea and Flood 2014). */
static inline uint64_t split_mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void fp_grams_fill_rows(int8_t *gram_rows, int dim, const int8_t *amplitudes) {
    uint64_t bits = 0;
    for (size_t row = 0; row < FP_STATIC_GRAM_ROWS; row++)
        for (int d = 0; d < dim; d++) {
            if (d % 64 == 0) bits = split_mix(row * FP_STATIC_MAX_DIM + (uint64_t)d);
            *gram_rows++ = bits >> (d % 64) & 1 ? amplitudes[d] : (int8_t)-amplitudes[d];
        }
}

/* share: of the weight of a gram, in 256ths */
static void add_gram(fp_gather_t *g, const uint32_t *codes, int n, int share) {
    uint64_t h = (uint64_t)n;
    for (int i = 0; i < n; i++) h = split_mix(h ^ codes[i]);
    int32_t weight = g->table->gram_weight * share / 256;
    const int8_t *row = g->table->gram_rows + (h >> 32) % FP_STATIC_GRAM_ROWS * (size_t)g->table->dim;
    fp_gather_add(g, row, h & 1 ? weight : -weight);
}

static int decode_word(const fp_words_t *w, uint32_t codes[FP_WORD_CHARS]) {
    int n = 0, size;
    for (int at = 0; at < w->n_bytes; at += size) codes[n++] = fp_utf8_decode(w->bytes + at, w->bytes + w->n_bytes, &size);
    return n;
}

/* Put jamo together again (The Unicode Standard, section 3.12), so that an n-gram of Korean is one of syllables. */
static int compose_hangul(uint32_t *codes, int n) {
    int out = 0;
    for (int i = 0; i < n; i++) {
        uint32_t c = codes[i], before = out ? codes[out - 1] : 0;
        if (c - 0x1161 < 21 && before - 0x1100 < 19) codes[out - 1] = 0xac00 + ((before - 0x1100) * 21 + (c - 0x1161)) * 28;
        else if (c - 0x11a8 < 27 && before - 0xac00 < 11172 && (before - 0xac00) % 28 == 0) codes[out - 1] = before + (c - 0x11a7);
        else codes[out++] = c;
    }
    return out;
}

void fp_grams_add_word(fp_gather_t *g, const fp_words_t *w) {
    uint32_t codes[FP_WORD_CHARS] = {0};
    int n = compose_hangul(codes, decode_word(w, codes));
    bool hiragana = codes[0] - 0x3041 < 0x5f, syllables = codes[0] - 0xac00 < 11172;
    add_gram(g, codes, n, hiragana ? HIRAGANA : n < 4 ? SHORT_WORD[n] : WORD);
    int size = syllables ? SYLLABLE_GRAM : LETTER_GRAM, count = n - size + 1;
    if (count < 2) return; /* none, or the word itself */
    int share = PARTS_EACH[count < PARTS_MOST ? count : PARTS_MOST];
    if (hiragana) share = share * HIRAGANA / PARTS;
    for (int i = 0; i < count; i++) add_gram(g, codes + i, size, share);
}

static inline int share_of(const fp_static_t *t, uint32_t code) { return code < 0x10000 ? t->ideograph_shares[code] : FP_STATIC_FULL_SHARE; }

void fp_grams_add_ideograph(fp_gather_t *g, const fp_words_t *w) {
    uint32_t pair[2] = {g->last_ideograph, 0};
    int size;
    pair[1] = fp_utf8_decode(w->bytes, w->bytes + w->n_bytes, &size);
    int share = share_of(g->table, pair[1]);
    add_gram(g, pair + 1, 1, SINGLE * share / FP_STATIC_FULL_SHARE);
    if (w->follows) add_gram(g, pair, 2, PAIR * (int)sqrt((double)(share * share_of(g->table, pair[0]))) / FP_STATIC_FULL_SHARE);
    g->last_ideograph = pair[1];
}
