/* Records of texts. A chunk whose records are all free goes back to the system, so that memory follows the number of texts where the oldest leave first. */
#include "fp_texts.h"

#include "fp_pages.h"

#include <stdlib.h>

#define CHUNK_BYTES ((size_t)1 << 21)
#define MAX_SHIFT 14
#define LINE 64

void fp_texts_init(fp_texts_t *t, int64_t num_perm) {
    memset(t, 0, sizeof *t);
    t->num_perm = num_perm;
    t->per_chunk = (uint32_t)((CHUNK_BYTES - LINE) / (sizeof(fp_text_record_t) + (size_t)num_perm));
    if (t->per_chunk > 1u << MAX_SHIFT) t->per_chunk = 1u << MAX_SHIFT;
    while (1u << t->shift < t->per_chunk) t->shift++;
    t->values_at = (t->per_chunk * sizeof(fp_text_record_t) + LINE - 1) / LINE * LINE;
    t->chunk_bytes = t->values_at + t->per_chunk * (size_t)num_perm;
    t->first = t->last = t->absent = FP_NOBODY;
}

void fp_texts_free(fp_texts_t *t) {
    for (uint32_t i = 0; i < t->n_chunks; i++) fp_pages_unmap(t->chunks[i].base, t->chunk_bytes);
    free(t->chunks);
    memset(t, 0, sizeof *t);
}

static int reserve(fp_texts_t *t) {
    if (t->absent != FP_NOBODY || t->n_chunks < t->capacity) return FP_OK;
    const uint32_t capacity = t->capacity ? t->capacity * 2 : 16;
    if ((uint64_t)capacity << t->shift > FP_NOBODY) return FP_NO_MEMORY;
    fp_text_chunk_t *chunks = realloc(t->chunks, capacity * sizeof *chunks);
    if (!chunks) return FP_NO_MEMORY;
    t->chunks = chunks;
    t->n_bytes += (int64_t)((capacity - t->capacity) * sizeof *chunks);
    t->capacity = capacity;
    return FP_OK;
}

static void append(fp_texts_t *t, uint32_t c) {
    t->chunks[c].next = FP_NOBODY;
    t->chunks[c].previous = t->last;
    if (t->last == FP_NOBODY) t->first = c;
    else t->chunks[t->last].next = c;
    t->last = c;
}

static void unlink_chunk(fp_texts_t *t, uint32_t c) {
    const fp_text_chunk_t *chunk = t->chunks + c;
    if (chunk->previous == FP_NOBODY) t->first = chunk->next;
    else t->chunks[chunk->previous].next = chunk->next;
    if (chunk->next == FP_NOBODY) t->last = chunk->previous;
    else t->chunks[chunk->next].previous = chunk->previous;
}

static int add_chunk(fp_texts_t *t) {
    if (reserve(t) != FP_OK) return FP_NO_MEMORY;
    uint8_t *base = fp_pages_map(t->chunk_bytes);
    if (!base) return FP_NO_MEMORY;
    uint32_t c = t->absent;
    if (c == FP_NOBODY) c = t->n_chunks++;
    else t->absent = t->chunks[c].next;
    t->n_bytes += (int64_t)t->chunk_bytes;
    t->chunks[c] = (fp_text_chunk_t){base, 0, 0, FP_NOBODY, 0, 0};
    append(t, c);
    return FP_OK;
}

uint32_t fp_texts_take(fp_texts_t *t) {
    if (t->first == FP_NOBODY && add_chunk(t) != FP_OK) return FP_NOBODY;
    const uint32_t c = t->first;
    fp_text_chunk_t *chunk = t->chunks + c;
    const uint32_t number = c << t->shift | (chunk->free == FP_NOBODY ? chunk->n_touched++ : chunk->free);
    fp_text_record_t *record = fp_text_record(t, number);
    if (chunk->free != FP_NOBODY) chunk->free = record->leader;
    memset(record, 0, sizeof *record);
    if (++chunk->n_used == t->per_chunk) unlink_chunk(t, c);
    return number;
}

void fp_texts_give(fp_texts_t *t, uint32_t number) {
    const uint32_t c = number >> t->shift;
    fp_text_chunk_t *chunk = t->chunks + c;
    fp_text_record_t *record = fp_text_record(t, number);
    record->exact = 0;
    record->leader = chunk->free;
    chunk->free = number & ((1u << t->shift) - 1);
    if (chunk->n_used-- == t->per_chunk) append(t, c);
    if (chunk->n_used || t->first == t->last) return;
    unlink_chunk(t, c);
    fp_pages_unmap(chunk->base, t->chunk_bytes);
    chunk->base = NULL;
    t->n_bytes -= (int64_t)t->chunk_bytes;
    chunk->next = t->absent;
    t->absent = c;
}
