/* Normalisation of one text under fp-sketch-1.
 *
 * Design. One pass, linear in the input whatever it holds: runs of plain ASCII go through the kernel, everything else code point by code
 * point through one table (fp_unicode.h). Marks wait in `pending`, at most FP_MAX_MARKS of them, until the next starter, and are then
 * sorted by combining class; that bounds the work of canonical ordering. A space is written only behind a character that is none, and one
 * at the end is taken back.
 * Budget: what the code points so far have become never exceeds 4 bytes a byte, plus FP_ALLOWANCE; a code point whose expansion would exceed it
 * stands for itself (U+FDFA alone would grow elevenfold). So a buffer of 4 n + FP_ALLOWANCE holds any result.
 * Any bytes are safe: an invalid sequence becomes U+FFFD, one for each maximal subpart (Unicode 14, section 3.9), as in CPython.
 */
#include <stdlib.h>

#include "fp_core.h"
#include "fp_unicode.h"

#define FP_ALLOWANCE 64
#define FP_REPLACEMENT 0xfffdu
#define FP_IOTA_SUBSCRIPT 0x345u
#define FP_IOTA 0x3b9u

typedef struct {
    uint8_t *out;
    size_t n; /* bytes in out */
    fp_text_t *text;
    uint32_t marks[FP_MAX_MARKS]; /* ccc << 24 | code point: sorting by the high byte alone keeps equal classes in order */
    unsigned n_marks;
    int64_t growth; /* bytes that code points became, less bytes that they were */
} state_t;

static size_t encode(uint32_t cp, uint8_t *out) {
    if (cp < 0x80) {
        out[0] = (uint8_t)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (uint8_t)(0xc0 | cp >> 6);
        out[1] = (uint8_t)(0x80 | (cp & 63));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (uint8_t)(0xe0 | cp >> 12);
        out[1] = (uint8_t)(0x80 | (cp >> 6 & 63));
        out[2] = (uint8_t)(0x80 | (cp & 63));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | cp >> 18);
    out[1] = (uint8_t)(0x80 | (cp >> 12 & 63));
    out[2] = (uint8_t)(0x80 | (cp >> 6 & 63));
    out[3] = (uint8_t)(0x80 | (cp & 63));
    return 4;
}

/* Decode the non-ASCII sequence at in[0]; its length goes to `n_used`. FP_REPLACEMENT with *valid = 0 for a maximal invalid subpart. */
static uint32_t decode(const uint8_t *in, size_t n, size_t *n_used, int *valid) {
    const uint8_t b = in[0];
    uint8_t low = 0x80, high = 0xbf; /* what the second byte may be: excludes overlong forms, surrogates and beyond U+10FFFF */
    size_t need;
    uint32_t cp;
    *valid = 0;
    *n_used = 1;
    if (b >= 0xc2 && b <= 0xdf) {
        need = 1;
        cp = b & 0x1f;
    } else if (b >= 0xe0 && b <= 0xef) {
        need = 2;
        cp = b & 0x0f;
        if (b == 0xe0) low = 0xa0;
        if (b == 0xed) high = 0x9f;
    } else if (b >= 0xf0 && b <= 0xf4) {
        need = 3;
        cp = b & 0x07;
        if (b == 0xf0) low = 0x90;
        if (b == 0xf4) high = 0x8f;
    } else {
        return FP_REPLACEMENT;
    }
    for (size_t i = 1; i <= need; i++) {
        if (i == n || in[i] < low || in[i] > high) {
            *n_used = i;
            return FP_REPLACEMENT;
        }
        cp = cp << 6 | (in[i] & 0x3f);
        low = 0x80;
        high = 0xbf;
    }
    *n_used = need + 1;
    *valid = 1;
    return cp;
}

static void flush_marks(state_t *s) {
    for (unsigned i = 1; i < s->n_marks; i++) { /* insertion sort: at most FP_MAX_MARKS, nearly always in order */
        const uint32_t mark = s->marks[i];
        unsigned j = i;
        for (; j > 0 && s->marks[j - 1] >> 24 > mark >> 24; j--) s->marks[j] = s->marks[j - 1];
        s->marks[j] = mark;
    }
    for (unsigned i = 0; i < s->n_marks; i++) {
        const uint32_t cp = s->marks[i] & 0xffffff;
        s->n += encode(cp == FP_IOTA_SUBSCRIPT ? FP_IOTA : cp, s->out + s->n);
    }
    s->n_marks = 0;
}

static int after_space(const state_t *s) { return s->n_marks == 0 && (s->n == 0 || s->out[s->n - 1] == ' '); }

static void put_space(state_t *s) {
    if (s->n_marks) flush_marks(s);
    if (!after_space(s)) s->out[s->n++] = ' ';
}

static void put_mark(state_t *s, uint32_t cp, uint8_t ccc) {
    if (s->n_marks < FP_MAX_MARKS)
        s->marks[s->n_marks++] = (uint32_t)ccc << 24 | cp;
    else
        s->text->flags |= FP_FLAG_MARKS;
}

static void put_starters(state_t *s, const uint8_t *bytes, size_t n_bytes) {
    if (s->n_marks) flush_marks(s);
    for (size_t i = 0; i < n_bytes; i++) s->out[s->n + i] = bytes[i];
    s->n += n_bytes;
}

static void put_hangul(state_t *s, uint32_t cp) { /* Unicode 14, section 3.12 */
    const uint32_t index = cp - 0xac00, tail = index % 28;
    uint8_t bytes[9];
    size_t n = encode(0x1100 + index / 588, bytes);
    n += encode(0x1161 + index % 588 / 28, bytes + n);
    if (tail) n += encode(0x11a7 + tail, bytes + n);
    s->growth += (int64_t)n - 3;
    put_starters(s, bytes, n);
}

/* A mapping with marks or spaces in it; each of its code points stands for itself in the table. */
static void put_mixed(state_t *s, const uint8_t *bytes, size_t n_bytes) {
    for (size_t i = 0, n_used = 1; i < n_bytes; i += n_used, n_used = 1) {
        int valid;
        const uint32_t cp = bytes[i] < 0x80 ? bytes[i] : decode(bytes + i, n_bytes - i, &n_used, &valid);
        const fp_unicode_record_t *record = fp_unicode_lookup(cp);
        if (record->kind == FP_SPACE)
            put_space(s);
        else if (record->kind == FP_MARK)
            put_mark(s, cp, record->ccc);
        else
            put_starters(s, bytes + i, n_used);
    }
}

/* One code point of `n_used` bytes at `in`; `n_done` bytes of the text came before it. */
static void put(state_t *s, uint32_t cp, const uint8_t *in, size_t n_used, size_t n_done) {
    const fp_unicode_record_t *record = fp_unicode_lookup(cp);
    const uint8_t *mapped = fp_unicode_pool + record->offset;
    switch (record->kind) {
    case FP_MARK:
        put_mark(s, cp, record->ccc);
        return;
    case FP_DROP:
        s->text->n_invisible += s->text->n_invisible != UINT32_MAX;
        return;
    case FP_SPACE:
        put_space(s);
        return;
    case FP_HANGUL:
        put_hangul(s, cp);
        return;
    case FP_MAPPED:
    case FP_MIXED:
        if (record->n_bytes <= 4 * n_used || (int64_t)n_done + s->growth + record->n_bytes <= 4 * (int64_t)(n_done + n_used) + FP_ALLOWANCE) {
            s->growth += (int64_t)record->n_bytes - (int64_t)n_used;
            if (record->kind == FP_MAPPED)
                put_starters(s, mapped, record->n_bytes);
            else
                put_mixed(s, mapped, record->n_bytes);
            return;
        }
        s->text->flags |= FP_FLAG_EXPANSION;
        break;
    default:
        break;
    }
    put_starters(s, in, n_used);
}

static int reserve(fp_text_t *text, size_t n) {
    if (n > (SIZE_MAX - FP_ALLOWANCE - FP_PADDING) / 4) return FP_NO_MEMORY;
    const size_t need = 4 * n + FP_ALLOWANCE + FP_PADDING;
    if (need <= text->capacity) return FP_OK;
    free(text->bytes); /* nothing in it is needed, so no copy as with realloc */
    text->capacity = need < 8192 ? 8192 : need;
    text->bytes = malloc(text->capacity);
    if (text->bytes) return FP_OK;
    text->capacity = 0;
    return FP_NO_MEMORY;
}

int fp_text_normalize(const fp_kernels_t *kernels, const uint8_t *in, size_t n, size_t n_readable, fp_text_t *text) {
    if (reserve(text, n) != FP_OK) return FP_NO_MEMORY;
    text->n_invisible = 0;
    text->flags = 0;
    text->from_ascii = 1;
    state_t s;
    s.out = text->bytes;
    s.n = 0;
    s.text = text;
    s.n_marks = 0;
    s.growth = 0;
    for (size_t i = 0; i < n;) {
        if (in[i] < 0x80 && s.n_marks) { /* not through the kernel: behind a mark even a control that vanishes must not end the run of marks */
            put(&s, in[i], in + i, 1, i);
            i++;
            continue;
        }
        if (in[i] < 0x80) {
            const size_t n_run = kernels->ascii_run(in + i, n - i, n_readable - i, s.out + s.n, after_space(&s));
            i += n_run;
            s.n += n_run;
            if (i == n) break;
            if (in[i] < 0x80) { /* a control, or a space behind a space */
                put(&s, in[i], in + i, 1, i);
                i++;
                continue;
            }
        }
        size_t n_used;
        int valid;
        text->from_ascii = 0;
        const uint32_t cp = decode(in + i, n - i, &n_used, &valid);
        if (valid) {
            put(&s, cp, in + i, n_used, i);
        } else {
            static const uint8_t replacement[3] = {0xef, 0xbf, 0xbd};
            text->flags |= FP_FLAG_INVALID;
            s.growth += 3 - (int64_t)n_used;
            put_starters(&s, replacement, 3);
        }
        i += n_used;
    }
    flush_marks(&s);
    if (s.n && s.out[s.n - 1] == ' ') s.n--;
    text->n_bytes = s.n;
    return FP_OK;
}

void fp_text_free(fp_text_t *text) {
    free(text->bytes);
    text->bytes = NULL;
    text->capacity = 0;
}
