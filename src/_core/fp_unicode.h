/* What one code point becomes under fp-sketch-1. Tables: make_unicode_tables.py. */
#ifndef FP_UNICODE_H
#define FP_UNICODE_H

#include <stdint.h>

enum { FP_STARTER, FP_MARK, FP_DROP, FP_SPACE, FP_MAPPED, FP_MIXED, FP_HANGUL };

typedef struct {
    uint16_t offset; /* into fp_unicode_pool */
    uint8_t n_bytes; /* FP_MAPPED: starters only, copied as they are; FP_MIXED: looked up one by one */
    uint8_t kind;
    uint8_t ccc; /* canonical combining class of an FP_MARK */
} fp_unicode_record_t;

extern const uint16_t fp_unicode_stage1[];
extern const uint16_t fp_unicode_stage2[];
extern const fp_unicode_record_t fp_unicode_records[];
extern const uint8_t fp_unicode_pool[];

/* cp < 0x110000 */
static inline const fp_unicode_record_t *fp_unicode_lookup(uint32_t cp) {
    return &fp_unicode_records[fp_unicode_stage2[((uint32_t)fp_unicode_stage1[cp >> 7] << 7) | (cp & 127)]];
}

#endif
