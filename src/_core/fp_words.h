/* Words of a text with keyed hashes and places: what templates are made of.

   Design
   - A word is what BERT's normaliser and pre-tokeniser call one (fp_wordpiece.h): lower-cased, without accents, an ideograph or a punctuation
     mark alone. Only its hash and its place in the original bytes come out.
   - Hashes are keyed SipHash-1-3: whoever writes prompts cannot make two different words collide and so turn their own text into "shared text".
   - A long text gives its first and its last FP_WORDS_SIDE words, and no more than FP_WORDS_SCAN bytes at either end are looked at: bounded work. */
#ifndef FP_WORDS_H
#define FP_WORDS_H
#include "fp_hash.h"

enum { FP_WORDS_SIDE = 400, FP_WORDS_SCAN = 1 << 16 };

typedef struct {
    uint64_t *hash;
    int32_t *start, *end; /* bytes from the beginning of the text */
} fp_words_out_t;

/* Write the words of one text of fewer than 2^31 bytes; returns how many, at most 2 * FP_WORDS_SIDE and at most n_bytes. */
int fp_words_of_text(fp_sipkey_t key, const uint8_t *text, size_t n_bytes, fp_words_out_t out);
#endif
