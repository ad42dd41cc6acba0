#include "fp_wordpiece.h"

#include <stdlib.h>
#include <string.h>

#include "fp_wordpiece_tables.h"

static const uint64_t BASE = 0x9e3779b97f4a7c15u;     /* odd; golden ratio, any odd number serves */
static const uint64_t CONTINUES = 0xd1b54a32d192ed03u; /* keeps "##s" apart from "s" */

/* What to do with an ASCII byte: 0 ends a word, others are the byte to append. Lower-cased letters, digits; all else splits or is dropped. */
static const uint8_t ASCII_WORD[128] = {
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9',
    ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k',
    ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v',
    ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g',
    ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',
    ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z',
};

static inline uint32_t action_of(uint32_t code) {
    return fp_wp_blocks[((uint32_t)fp_wp_index[code >> FP_WP_SHIFT] << FP_WP_SHIFT) | (code & ((1u << FP_WP_SHIFT) - 1))];
}

uint32_t fp_utf8_decode(const uint8_t *p, const uint8_t *end, int *size) {
    uint32_t lead = *p, code;
    int more;
    uint8_t low = 0x80, high = 0xbf; /* bounds of the second byte: no overlong forms, no surrogates, nothing above U+10FFFF */
    *size = 1;
    if (lead < 0x80) return lead;
    if (lead >= 0xc2 && lead <= 0xdf) more = 1, code = lead & 0x1f;
    else if (lead >= 0xe0 && lead <= 0xef) {
        more = 2, code = lead & 0x0f;
        if (lead == 0xe0) low = 0xa0;
        if (lead == 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        more = 3, code = lead & 0x07;
        if (lead == 0xf0) low = 0x90;
        if (lead == 0xf4) high = 0x8f;
    } else return UINT32_MAX;
    for (int i = 1; i <= more; i++) {
        if (p + i >= end || p[i] < low || p[i] > high) {
            *size = i;
            return UINT32_MAX;
        }
        code = code << 6 | (p[i] & 0x3f);
        low = 0x80, high = 0xbf;
    }
    *size = more + 1;
    return code;
}

/* Multiplication takes the whole prefix into the high bits, which choose slot and tag. */
static inline uint64_t mix(uint64_t h) {
    h ^= h >> 32;
    return h * 0xff51afd7ed558ccdu; /* Murmur3 finaliser, first constant */
}

static uint64_t hash_bytes(const uint8_t *bytes, int n) {
    uint64_t h = 0;
    for (int i = 0; i < n; i++) h = (h + bytes[i] + 1) * BASE;
    return h;
}

/* A prefix hash is H(i) = sum over j < i of (b[j] + 1) * BASE^(i - j), so H(s..e) = H(e) - H(s) * BASE^(e - s). */
static inline uint64_t substring_hash(const fp_vocab_t *v, const fp_words_t *w, int start, int end) {
    return w->prefix[end] - w->prefix[start] * v->powers[end - start];
}

static inline bool is_continuing(const uint8_t *piece, uint32_t n) { return n > 2 && piece[0] == '#' && piece[1] == '#'; }

static inline uint32_t find(const fp_vocab_t *v, uint64_t h, const uint8_t *bytes, int n, bool continues) {
    h = mix(continues ? h ^ CONTINUES : h);
    uint32_t tag = (uint32_t)h, slot = (uint32_t)(h >> 32) & v->mask;
    for (; v->slots[slot].entry; slot = (slot + 1) & v->mask) {
        if (v->slots[slot].tag != tag) continue;
        uint32_t line = v->slots[slot].entry - 1, start = v->starts[line], length = v->starts[line + 1] - 1 - start;
        if (is_continuing(v->blob + start, length) != continues) continue;
        if (continues) start += 2, length -= 2;
        if (length == (uint32_t)n && memcmp(v->blob + start, bytes, length) == 0) return line + 1;
    }
    return 0;
}

static int insert_line(fp_vocab_t *v, uint32_t line) {
    const uint8_t *piece = v->blob + v->starts[line];
    uint32_t n = v->starts[line + 1] - 1 - v->starts[line];
    if (n == 0) return 0;
    if (n > FP_PIECE_BYTES) return -2;
    bool continues = is_continuing(piece, n);
    if (continues) piece += 2, n -= 2;
    uint64_t h = hash_bytes(piece, (int)n);
    if (find(v, h, piece, (int)n, continues)) return -2;
    if (v->longest[continues] < (int)n) v->longest[continues] = (int)n;
    h = mix(continues ? h ^ CONTINUES : h);
    uint32_t slot = (uint32_t)(h >> 32) & v->mask;
    while (v->slots[slot].entry) slot = (slot + 1) & v->mask;
    v->slots[slot] = (fp_vocab_slot_t){(uint32_t)h, line + 1};
    return 0;
}

int fp_vocab_build(fp_vocab_t *v, const uint8_t *blob, size_t len_bytes) {
    memset(v, 0, sizeof *v);
    if (len_bytes == 0 || len_bytes >= UINT32_MAX || blob[len_bytes - 1] != '\n') return -2;
    v->powers[0] = 1;
    for (int i = 1; i <= FP_WORD_BYTES; i++) v->powers[i] = v->powers[i - 1] * BASE;
    for (size_t i = 0; i < len_bytes; i++) v->n_lines += blob[i] == '\n';
    uint64_t size = 1024;
    while (size < 4u * (uint64_t)v->n_lines) size *= 2; /* at most a quarter full: most lookups of a split miss, and a miss should end at once */
    v->blob = blob;
    v->mask = (uint32_t)(size - 1);
    v->starts = malloc((v->n_lines + (size_t)1) * sizeof *v->starts);
    v->slots = calloc(size, sizeof *v->slots);
    if (!v->starts || !v->slots) return -1;
    uint32_t line = 0;
    v->starts[0] = 0;
    for (size_t i = 0; i < len_bytes; i++)
        if (blob[i] == '\n') v->starts[++line] = (uint32_t)i + 1;
    for (line = 0; line < v->n_lines; line++) {
        int status = insert_line(v, line);
        if (status) return status;
    }
    return 0;
}

void fp_vocab_free(fp_vocab_t *v) {
    free(v->starts);
    free(v->slots);
    memset(v, 0, sizeof *v);
}

void fp_words_start(fp_words_t *w, const uint8_t *text, size_t len_bytes) {
    w->text = text;
    w->len_bytes = len_bytes;
    w->pos = 0;
    w->sequence = NULL;
    w->after_ideograph = false;
    w->prefix[0] = 0;
}

static inline void append_byte(fp_words_t *w, uint8_t byte) {
    w->bytes[w->n_bytes] = byte;
    w->prefix[w->n_bytes + 1] = (w->prefix[w->n_bytes] + byte + 1) * BASE;
    w->n_bytes++;
}

static void append_code(fp_words_t *w, uint32_t code) {
    if (w->n_chars >= FP_WORD_CHARS) {
        w->n_chars = FP_WORD_CHARS + 1;
        return;
    }
    w->n_chars++;
    if (code < 0x80) {
        append_byte(w, (uint8_t)code);
        return;
    }
    w->is_ascii = false;
    if (code < 0x800) append_byte(w, (uint8_t)(0xc0 | code >> 6));
    else {
        if (code < 0x10000) append_byte(w, (uint8_t)(0xe0 | code >> 12));
        else {
            append_byte(w, (uint8_t)(0xf0 | code >> 18));
            append_byte(w, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
        }
        append_byte(w, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
    }
    append_byte(w, (uint8_t)(0x80 | (code & 0x3f)));
}

/* Hangul syllables decompose by arithmetic (The Unicode Standard, section 3.12). */
static void append_hangul(fp_words_t *w, uint32_t code) {
    uint32_t s = code - 0xac00, trailing = s % 28;
    append_code(w, 0x1100 + s / 588);
    append_code(w, 0x1161 + s % 588 / 28);
    if (trailing) append_code(w, 0x11a7 + trailing);
}

static bool finish(fp_words_t *w, fp_word_kind_t kind) {
    w->kind = kind;
    w->follows = w->after_ideograph;
    w->after_ideograph = kind == FP_WORD_IDEOGRAPH;
    w->end_pos = w->pos;
    return true;
}

/* The next code point with what to do with it; *size is 0 if it comes out of a mapping. False at the end of the text. */
static bool peek(fp_words_t *w, uint32_t *code, uint32_t *action, int *size) {
    while (!w->sequence) {
        if (w->pos >= w->len_bytes) return false;
        *code = fp_utf8_decode(w->text + w->pos, w->text + w->len_bytes, size);
        *action = *code == UINT32_MAX ? FP_WP_DROP : action_of(*code);
        if (*action < FP_WP_FIRST_MAP) return true;
        w->sequence = fp_wp_sequences + (*action - FP_WP_FIRST_MAP);
        w->pos += (size_t)*size;
    }
    *code = *w->sequence & 0x7fffffffu;
    *action = action_of(*code);
    *size = 0;
    return true;
}

static inline void advance(fp_words_t *w, int size) {
    if (size) w->pos += (size_t)size;
    else w->sequence = *w->sequence >> 31 ? NULL : w->sequence + 1;
}

bool fp_words_next(fp_words_t *w) {
    uint32_t code, action;
    int size;
    w->n_bytes = w->n_chars = 0;
    w->is_ascii = true;
    for (;;) {
        if (!w->sequence) { /* plain ASCII: nearly all bytes of nearly all prompts */
            uint8_t byte;
            while (w->pos < w->len_bytes && w->text[w->pos] < 0x80 && (byte = ASCII_WORD[w->text[w->pos]]) != 0) {
                if (w->n_chars < FP_WORD_CHARS) {
                    append_byte(w, byte);
                    w->n_chars++;
                } else w->n_chars = FP_WORD_CHARS + 1;
                w->pos++;
            }
        }
        if (!peek(w, &code, &action, &size)) return w->n_chars ? finish(w, FP_WORD_PLAIN) : false;
        switch (action) {
        case FP_WP_KEEP: append_code(w, code); break;
        case FP_WP_HANGUL: append_hangul(w, code); break;
        case FP_WP_DROP: break;
        case FP_WP_SPACE:
            if (w->n_chars) return finish(w, FP_WORD_PLAIN);
            w->after_ideograph = false;
            break;
        default: /* a word of its own; left for the next call if another stands before it */
            if (w->n_chars) return finish(w, FP_WORD_PLAIN);
            append_code(w, code);
            advance(w, size);
            return finish(w, action == FP_WP_CJK ? FP_WORD_IDEOGRAPH : FP_WORD_PUNCT);
        }
        advance(w, size);
    }
}

/* Lower-case letters only: the word is normalised. Cyrillic from U+0430 and Greek from U+03B1, '.' for those that look like no Latin letter;
   subset of the confusables of UTS 39, with the small forms of capitals that do (U+0412 looks like B). */
static uint32_t fold_lookalike(uint32_t code) {
    static const char CYRILLIC[] = "a.b..e....k.mho.pcty.x", GREEK[] = "a.......ik..v.o.p..tu.x", MORE[] = "si.j";
    char latin = '.';
    if (code - 0xff10 < 10) return code - 0xff10 + '0';
    if (code - 0xff41 < 26) return code - 0xff41 + 'a';
    if (code - 0x430 < sizeof CYRILLIC - 1) latin = CYRILLIC[code - 0x430];
    else if (code - 0x455 < sizeof MORE - 1) latin = MORE[code - 0x455];
    else if (code - 0x3b1 < sizeof GREEK - 1) latin = GREEK[code - 0x3b1];
    return latin == '.' ? code : (uint32_t)latin;
}

void fp_words_fold_lookalikes(fp_words_t *w) {
    uint32_t codes[FP_WORD_CHARS];
    int n = 0, size;
    bool latin = false, wide = true;
    for (int at = 0; at < w->n_bytes; at += size, n++) {
        codes[n] = fp_utf8_decode(w->bytes + at, w->bytes + w->n_bytes, &size);
        latin |= codes[n] - 'a' < 26;
        wide &= codes[n] - 0xff10 < 0x4b;
    }
    if (!latin && !wide) return;
    int n_chars = w->n_chars;
    w->n_bytes = w->n_chars = 0;
    w->is_ascii = true;
    for (int i = 0; i < n; i++) append_code(w, fold_lookalike(codes[i]));
    w->n_chars = n_chars; /* more than FP_WORD_CHARS stays so */
}

int fp_wordpiece_split(const fp_vocab_t *v, const fp_words_t *w, uint32_t *pieces) {
    if (w->n_chars > FP_WORD_CHARS) return 0;
    int n = 0, start = 0;
    while (start < w->n_bytes) {
        bool continues = start > 0;
        int end = w->n_bytes - start > v->longest[continues] ? start + v->longest[continues] : w->n_bytes;
        uint32_t entry = 0;
        for (; end > start; end--) {
            if (end < w->n_bytes && (w->bytes[end] & 0xc0) == 0x80) continue; /* inside a character */
            entry = find(v, substring_hash(v, w, start, end), w->bytes + start, end - start, continues);
            if (entry) break;
        }
        if (!entry) return 0;
        pieces[n++] = entry - 1;
        start = end;
    }
    return n;
}

size_t fp_wordpiece_ids(const fp_vocab_t *v, const uint8_t *text, size_t len_bytes, uint32_t unknown, uint32_t *ids, size_t capacity) {
    fp_words_t words;
    uint32_t pieces[FP_WORD_CHARS];
    size_t n = 0;
    fp_words_start(&words, text, len_bytes);
    while (fp_words_next(&words)) {
        int count = fp_wordpiece_split(v, &words, pieces);
        if (!count) pieces[0] = unknown, count = 1;
        for (int i = 0; i < count; i++, n++)
            if (n < capacity) ids[n] = pieces[i];
    }
    return n;
}
