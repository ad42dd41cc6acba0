/* WordPiece as BERT's uncased models do it: clean, pad ideographs with spaces, decompose, drop marks, lower-case, split at white space and
   punctuation, then take the longest piece again and again. Ids equal those of the `tokenizers` library (tests/test_wordpiece.py).

   Design
   - The words of a text are read off with an iterator that holds one word; no text is copied and nothing is allocated after the vocabulary.
   - A word carries the polynomial hash of each of its prefixes, so the hash of any substring is one multiplication and a lookup of a piece
     needs no second pass. A hit is always compared byte by byte: texts are hostile and a hash is not an identity.
   - Bytes that are not UTF-8 are dropped, which equals what decoding with U+FFFD gives, because cleaning drops U+FFFD. */
#ifndef FP_WORDPIECE_H
#define FP_WORDPIECE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FP_WORD_CHARS = 100, FP_WORD_BYTES = 4 * FP_WORD_CHARS, FP_PIECE_BYTES = 255 }; /* 100: max_input_chars_per_word of BERT */

typedef enum { FP_WORD_PLAIN, FP_WORD_PUNCT, FP_WORD_IDEOGRAPH } fp_word_kind_t;

typedef struct {
    const uint8_t *text;
    size_t len_bytes;
    size_t pos;
    const uint32_t *sequence; /* rest of a mapped code point, or NULL */
    bool after_ideograph;     /* nothing but dropped characters since an ideograph */
    /* the current word */
    fp_word_kind_t kind;
    bool is_ascii;
    bool follows;   /* the word before is an ideograph that touches this one */
    int n_chars;    /* saturates at FP_WORD_CHARS + 1; what is longer is not stored */
    int n_bytes;
    size_t end_pos; /* position in text behind the word */
    uint8_t bytes[FP_WORD_BYTES];
    uint64_t prefix[FP_WORD_BYTES + 1];
} fp_words_t;

typedef struct {
    uint32_t tag;
    uint32_t entry; /* 1 + line of the vocabulary; 0: free */
} fp_vocab_slot_t;

typedef struct {
    const uint8_t *blob; /* one piece a line, as in vocab.txt; not owned */
    uint32_t *starts;    /* n_lines + 1; a piece ends one byte before the next start */
    uint32_t n_lines;
    uint32_t mask;
    int longest[2];      /* bytes of the longest first piece, continuing piece */
    fp_vocab_slot_t *slots;
    uint64_t powers[FP_WORD_BYTES + 1]; /* of the base of the prefix hash */
} fp_vocab_t;

/* 0, -1 out of memory, -2 not a vocabulary (no trailing newline, a piece over FP_PIECE_BYTES, or a piece twice). An empty line has no piece. */
int fp_vocab_build(fp_vocab_t *vocab, const uint8_t *blob, size_t len_bytes);
void fp_vocab_free(fp_vocab_t *vocab);

void fp_words_start(fp_words_t *words, const uint8_t *text, size_t len_bytes);
bool fp_words_next(fp_words_t *words);

/* Not a part of WordPiece: in a word that has an ASCII letter, or only full-width forms, write the Latin letter for those that look like it. */
void fp_words_fold_lookalikes(fp_words_t *words);

/* Pieces of the current word as lines of the vocabulary, at most FP_WORD_CHARS of them; 0 if the word is unknown. */
int fp_wordpiece_split(const fp_vocab_t *vocab, const fp_words_t *words, uint32_t *pieces);

/* Ids of a whole text, no special ones; returns how many there are and writes at most capacity. */
size_t fp_wordpiece_ids(const fp_vocab_t *vocab, const uint8_t *text, size_t len_bytes, uint32_t unknown, uint32_t *ids, size_t capacity);

/* Decode one code point at p < end; *size gets the bytes it takes. Returns UINT32_MAX for a maximal ill-formed part. */
uint32_t fp_utf8_decode(const uint8_t *p, const uint8_t *end, int *size);
#endif
