#include "fp_words.h"

#include "fp_wordpiece.h"

typedef struct {
    uint64_t hash[FP_WORDS_SIDE];
    int32_t start[FP_WORDS_SIDE], end[FP_WORDS_SIDE];
} fp_words_ring_t;

/* A word begins where the one before ended, white space skipped; characters that normalisation drops stay with the word behind them. */
static size_t skip_space(const uint8_t *text, size_t at, size_t end) {
    while (at < end && text[at] <= ' ') at++;
    return at;
}

static size_t tail_start(const uint8_t *text, size_t n_bytes, size_t behind) {
    if (n_bytes - behind <= FP_WORDS_SCAN) return behind;
    size_t at = n_bytes - FP_WORDS_SCAN;
    while (at < n_bytes && (text[at] & 0xc0) == 0x80) at++; /* not in the middle of a character */
    return at;
}

int fp_words_of_text(fp_sipkey_t key, const uint8_t *text, size_t n_bytes, fp_words_out_t out) {
    fp_words_t words;
    fp_words_ring_t ring;
    size_t base = 0, from = 0, limit = n_bytes < FP_WORDS_SCAN ? n_bytes : FP_WORDS_SCAN;
    int n = 0, n_ring = 0;
    while (limit < n_bytes && limit > 0 && (text[limit] & 0xc0) == 0x80) limit--;
    fp_words_start(&words, text, limit);
    while (n < FP_WORDS_SIDE && fp_words_next(&words)) {
        out.hash[n] = fp_siphash13(key, words.bytes, (size_t)words.n_bytes);
        out.start[n] = (int32_t)skip_space(text, from, words.end_pos);
        out.end[n++] = (int32_t)words.end_pos;
        from = words.end_pos;
    }
    if (n < FP_WORDS_SIDE && limit == n_bytes) return n;
    base = tail_start(text, n_bytes, from);
    from = base;
    fp_words_start(&words, text + base, n_bytes - base);
    for (; fp_words_next(&words); n_ring++) {
        int slot = n_ring % FP_WORDS_SIDE;
        ring.hash[slot] = fp_siphash13(key, words.bytes, (size_t)words.n_bytes);
        ring.start[slot] = (int32_t)skip_space(text, from, base + words.end_pos);
        ring.end[slot] = (int32_t)(base + words.end_pos);
        from = base + words.end_pos;
    }
    for (int i = n_ring > FP_WORDS_SIDE ? n_ring - FP_WORDS_SIDE : 0; i < n_ring; i++, n++) {
        out.hash[n] = ring.hash[i % FP_WORDS_SIDE];
        out.start[n] = ring.start[i % FP_WORDS_SIDE];
        out.end[n] = ring.end[i % FP_WORDS_SIDE];
    }
    return n;
}
