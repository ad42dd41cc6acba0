/* Small hash tables, thousands of them, which grow and shrink each for itself: no operation touches more than one, so none takes long.
 *
 * Design. A shard is a block of lines. The tag says which is its home; where that is full it lies in one of the next lines, and each full line that it
 * passes counts it, so that a search ends at the first line that nobody has passed, and whoever leaves takes his traces with him (Bronson and Shi, F14). A
 * search that finds nothing, the usual one, is one line, and no branch that could not be foreseen.
 * Blocks of one size lie without gaps in chunks of memory: where one is let go, the last takes its place. So what is held beyond what is in use is at most
 * a chunk for each size, whatever was there before, and a few spare ones, since growing lets go of nearly as many as it takes. Each size is half as
 * large again as the one before: with closer ones a twentieth less would be held, and an entry would be moved twice as often.
 */
#include "fp_shards.h"

#include "fp_pages.h"

#include <stdlib.h>

#define CHUNK_BYTES ((size_t)1 << 19)

int fp_shards_init(fp_shards_t *s, uint32_t n_shards) {
    memset(s, 0, sizeof *s);
    for (uint32_t i = 0, n_lines = 1; i < FP_SHARD_SIZES; i++, n_lines += n_lines < 2 ? 1 : n_lines / 2) {
        fp_pool_t *pool = s->pools + i;
        pool->n_lines = n_lines;
        pool->most = n_lines * FP_LINE_SLOTS * 17 / 20;
        pool->least = i ? s->pools[i - 1].most * 17 / 20 : 0;
        pool->per_chunk = (uint32_t)(CHUNK_BYTES / (n_lines * sizeof(fp_line_t) + sizeof(uint32_t)));
    }
    s->n_shards = n_shards;
    s->shards = fp_pages_map(n_shards * sizeof *s->shards);
    if (!s->shards) return FP_NO_MEMORY;
    s->n_bytes = (int64_t)(n_shards * sizeof *s->shards);
    return FP_OK;
}

static void unmap_spare(fp_shards_t *s) {
    fp_pages_unmap(s->spare[--s->n_spare], CHUNK_BYTES);
    s->n_bytes -= (int64_t)CHUNK_BYTES;
}

static void drop_chunk(fp_shards_t *s, fp_pool_t *pool) {
    if (s->n_spare == FP_SPARE_CHUNKS) unmap_spare(s);
    s->spare[s->n_spare++] = pool->chunks[--pool->n_chunks];
    s->n_chunks--;
    while (!s->n_chunks && s->n_spare) unmap_spare(s);
}

void fp_shards_free(fp_shards_t *s) {
    for (int i = 0; i < FP_SHARD_SIZES; i++) {
        while (s->pools[i].n_chunks) drop_chunk(s, s->pools + i);
        free(s->pools[i].chunks);
    }
    fp_pages_unmap(s->shards, s->n_shards * sizeof *s->shards);
    memset(s, 0, sizeof *s);
}

static fp_line_t *block_at(const fp_pool_t *pool, uint32_t block) {
    return (fp_line_t *)(void *)pool->chunks[block / pool->per_chunk] + block % pool->per_chunk * (size_t)pool->n_lines;
}

static uint32_t *owner_of(const fp_pool_t *pool, uint32_t block) {
    const fp_line_t *end = (fp_line_t *)(void *)pool->chunks[block / pool->per_chunk] + pool->per_chunk * (size_t)pool->n_lines;
    return (uint32_t *)(uintptr_t)end + block % pool->per_chunk;
}

static int add_chunk(fp_shards_t *s, fp_pool_t *pool) {
    if (pool->n_chunks == pool->capacity) {
        const uint32_t capacity = pool->capacity ? 2 * pool->capacity : 16;
        uint8_t **chunks = realloc(pool->chunks, capacity * sizeof *chunks);
        if (!chunks) return FP_NO_MEMORY;
        s->n_bytes += (int64_t)((capacity - pool->capacity) * sizeof *chunks);
        pool->chunks = chunks;
        pool->capacity = capacity;
    }
    if (!s->n_spare) {
        uint8_t *chunk = fp_pages_map(CHUNK_BYTES);
        if (!chunk) return FP_NO_MEMORY;
        s->n_bytes += (int64_t)CHUNK_BYTES;
        s->spare[s->n_spare++] = chunk;
    }
    pool->chunks[pool->n_chunks++] = s->spare[--s->n_spare];
    s->n_chunks++;
    return FP_OK;
}

/* Let a block go: the last of the pool takes its place. */
static void give_block(fp_shards_t *s, fp_pool_t *pool, uint32_t block) {
    const uint32_t last = --pool->n_blocks;
    if (block != last) {
        fp_shard_t *moved = s->shards + *owner_of(pool, last);
        memcpy(block_at(pool, block), moved->lines, pool->n_lines * sizeof *moved->lines);
        moved->lines = block_at(pool, block);
        moved->block = block;
        *owner_of(pool, block) = (uint32_t)(moved - s->shards);
    }
    while (pool->n_chunks && (pool->n_chunks - 1) * pool->per_chunk >= last) drop_chunk(s, pool);
}

/* There is room. A count that has reached its end stays there until the shard is moved: searches go on then in vain, which is all. */
static void put(fp_line_t *lines, uint32_t n_lines, uint16_t tag, uint32_t number) {
    const uint32_t kind = fp_tag_kind(tag);
    fp_line_t *line = lines + ((uint64_t)tag * n_lines >> 16);
    uint32_t n;
    while ((n = fp_line_n_used(line)) == FP_LINE_SLOTS) {
        if ((line->counts >> kind & 15) != 15) line->counts += 1u << kind;
        if (++line == lines + n_lines) line = lines;
    }
    line->tags[n] = tag;
    line->numbers[n] = number;
    line->counts++;
}

/* Move a shard into a block of another size, in which it has room. */
static int resize(fp_shards_t *s, fp_shard_t *shard, uint32_t size) {
    if (size >= FP_SHARD_SIZES) return FP_NO_MEMORY;
    fp_pool_t *pool = s->pools + size, *before = s->pools + shard->size;
    if (pool->n_blocks == pool->n_chunks * pool->per_chunk && add_chunk(s, pool) != FP_OK) return FP_NO_MEMORY;
    const uint32_t block = pool->n_blocks++;
    fp_line_t *lines = block_at(pool, block);
    memset(lines, 0, pool->n_lines * sizeof *lines);
    *owner_of(pool, block) = (uint32_t)(shard - s->shards);
    if (shard->lines) {
        for (const fp_line_t *line = shard->lines; line < shard->lines + before->n_lines; line++)
            for (uint32_t k = 0; k < fp_line_n_used(line); k++) put(lines, pool->n_lines, line->tags[k], line->numbers[k]);
        give_block(s, before, shard->block);
    }
    shard->lines = lines;
    shard->block = block;
    shard->size = (uint8_t)size;
    return FP_OK;
}

int fp_shards_insert(fp_shards_t *s, uint32_t at, uint16_t tag, uint32_t number) {
    fp_shard_t *shard = s->shards + at;
    if (!shard->lines || shard->n_used == s->pools[shard->size].most) {
        const int status = resize(s, shard, shard->lines ? shard->size + 1u : 0);
        if (status != FP_OK) return status;
    }
    put(shard->lines, s->pools[shard->size].n_lines, tag, number);
    shard->n_used++;
    return FP_OK;
}

/* Take an entry out; whether it was there. */
static int take(fp_line_t *lines, uint32_t n_lines, uint16_t tag, uint32_t number) {
    const uint32_t kind = fp_tag_kind(tag);
    fp_line_t *const home = lines + ((uint64_t)tag * n_lines >> 16), *line = home;
    for (uint32_t i = 0; i < n_lines; i++) {
        const uint32_t last = fp_line_n_used(line) - 1;
        for (uint32_t k = 0; k != last + 1; k++) {
            if (line->numbers[k] != number || line->tags[k] != tag) continue;
            line->tags[k] = line->tags[last];
            line->numbers[k] = line->numbers[last];
            line->tags[last] = 0;
            line->counts--;
            for (line = home; i; i--) {
                if ((line->counts >> kind & 15) != 15) line->counts -= 1u << kind;
                if (++line == lines + n_lines) line = lines;
            }
            return 1;
        }
        if (!(line->counts >> kind & 15)) return 0;
        if (++line == lines + n_lines) line = lines;
    }
    return 0;
}

int fp_shards_remove(fp_shards_t *s, uint32_t at, uint16_t tag, uint32_t number) {
    fp_shard_t *shard = s->shards + at;
    if (!shard->lines || !take(shard->lines, s->pools[shard->size].n_lines, tag, number)) return 0;
    shard->n_used--;
    if (!shard->n_used) {
        give_block(s, s->pools + shard->size, shard->block);
        shard->lines = NULL;
    } else if (shard->n_used < s->pools[shard->size].least) {
        resize(s, shard, shard->size - 1u); /* where that fails, later */
    }
    return 1;
}
