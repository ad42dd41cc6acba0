# Declarations of the C headers beside this file, nothing else.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t


cdef extern from * nogil:
    void __builtin_prefetch(const void *address)


cdef extern from "fp_hash.h" nogil:
    ctypedef struct fp_sipkey_t:
        uint64_t k0
        uint64_t k1

    uint64_t fp_load64(const uint8_t *p)
    uint64_t fp_scale64(uint64_t x, uint64_t n)


cdef extern from "fp_core.h" nogil:
    const int FP_OK
    const int FP_NO_MEMORY
    const int FP_MAX_NUM_PERM
    const int FP_MAX_NGRAM
    const int FP_MAX_BANDS

    ctypedef struct fp_scheme_t:
        pass

    ctypedef struct fp_column_t:
        const uint8_t *data
        int64_t n_bytes
        const int32_t *offsets32
        const int64_t *offsets64
        const uint8_t *validity
        int64_t validity_offset

    ctypedef struct fp_sketch_out_t:
        uint32_t *values
        int32_t *n_shingles
        uint64_t *fingerprints
        uint64_t *exact
        uint64_t *spellings
        uint32_t *n_invisible
        int32_t *n_chars
        uint8_t *flags
        int64_t num_bands
        int64_t rows_per_band
        uint64_t *band_keys
        uint8_t *bytes
        uint32_t *half_keys

    ctypedef struct fp_text_t:
        uint8_t *bytes
        size_t capacity
        size_t n_bytes

    ctypedef struct fp_kernels_t:
        const char *name
        void (*band_keys)(const uint32_t *values, int64_t num_bands, int64_t rows_per_band, uint64_t *keys) noexcept nogil
        void (*compact)(const uint32_t *values, int64_t n, uint8_t *bytes) noexcept nogil

    const fp_kernels_t *fp_kernels_best()
    const fp_kernels_t *fp_kernels_by_name(const char *name)
    const fp_kernels_t *fp_kernels_at(int index)
    int fp_text_normalize(const fp_kernels_t *kernels, const uint8_t *data, size_t n, size_t n_readable, fp_text_t *text)
    void fp_text_free(fp_text_t *text)
    void fp_scheme_init(fp_scheme_t *scheme, const uint8_t *key, int32_t num_perm, int32_t ngram)
    int64_t fp_column_find_bad_offset(const fp_column_t *column, int64_t n_rows)
    int64_t fp_column_piece_end(const fp_column_t *column, int64_t first, int64_t last)
    void fp_column_row(const fp_column_t *column, int64_t row, const uint8_t **start, size_t *n_bytes, size_t *n_readable)
    void fp_hash_rows(fp_sipkey_t key, const fp_column_t *column, int64_t first, int64_t last, uint64_t *out)
    void fp_half_keys(const uint64_t *keys, int64_t num_bands, uint32_t *half_keys, int64_t stride)
    int fp_sketch_rows(const fp_kernels_t *kernels, const fp_scheme_t *scheme, const fp_column_t *column, int64_t first, int64_t last,
                       fp_text_t *text, const fp_sketch_out_t *out)


cdef extern from "fp_buckets.h" nogil:
    const uint32_t FP_RUN
    const uint32_t FP_OPEN
    const int64_t FP_HEADER_SLOTS
    const int64_t FP_MAX_ROWS
    int64_t fp_slots_at_most(int64_t n, int64_t max_candidates)
    int64_t fp_buckets(const uint32_t *keys, const int32_t *positions, const uint8_t *is_signed, int64_t n, int64_t max_candidates, uint32_t *numbers,
                       uint32_t *slots)


cdef extern from "fp_order.h" nogil:
    int fp_order_hashes(const uint64_t *hashes, int64_t n, int32_t *order)


cdef extern from "fp_cluster.h" nogil:
    ctypedef struct fp_cluster_t:
        const fp_kernels_t *kernels
        const uint8_t *bytes
        int file
        const int32_t *rows
        const uint32_t **numbers
        uint32_t **slots
        int64_t n_rows
        int64_t num_perm
        int64_t num_bands
        int64_t min_equal
        int64_t max_candidates
        uint64_t *best
        int64_t n_budget_exceeded
        int64_t n_spreading

    int64_t fp_count_equal(const uint32_t *a, const uint32_t *b, int64_t n)
    const int64_t FP_BLOCK_ROWS
    int fp_cluster_init(fp_cluster_t *cluster, int64_t n_parts)
    void fp_cluster_begin(fp_cluster_t *cluster, int64_t begin, int64_t end)
    int fp_cluster_look(const fp_cluster_t *cluster, int64_t part, int64_t first, int64_t last)
    int fp_cluster_settle(fp_cluster_t *cluster)
    int fp_cluster_spread(const fp_cluster_t *cluster, int64_t part, int64_t first, int64_t last)
    void fp_cluster_label(fp_cluster_t *cluster)
    void fp_cluster_free(fp_cluster_t *cluster)


cdef extern from "fp_turns.h" nogil:
    ctypedef struct fp_turns_t:
        pass

    int fp_turns_init(fp_turns_t *turns)
    void fp_turns_free(fp_turns_t *turns)
    void fp_turns_begin(fp_turns_t *turns)
    void fp_turns_end(fp_turns_t *turns)


cdef extern from "fp_texts.h" nogil:
    ctypedef struct fp_texts_t:
        uint32_t n_chunks
        uint32_t per_chunk


cdef extern from "fp_near.h" nogil:
    const int64_t FP_NEAR_BLOCK
    const int FP_NEAR_EMPTY
    const int FP_NEAR_UNKNOWN
    const int FP_NEAR_TOO_MANY
    const int FP_NEAR_NO_LEADER
    const int FP_NEAR_OTHER_LEADER
    const int FP_NEAR_UNSIGNED
    const int FP_NEAR_NO_EVENTS

    ctypedef struct fp_near_t:
        const fp_kernels_t *kernels
        int64_t num_perm
        int64_t num_bands
        int64_t rows_per_band
        int64_t min_equal
        int64_t max_candidates
        int64_t n_texts
        int64_t n_leaders
        int64_t n_budget_exceeded
        fp_texts_t texts

    ctypedef struct fp_near_seen_t:
        const uint64_t *exact
        const int64_t *signed_rows
        const uint8_t *values
        const uint8_t *is_signed
        int64_t n_signed
        uint8_t *is_new
        uint64_t *cluster
        int32_t *n_equal
        uint32_t *n_seen
        int64_t n_done

    ctypedef struct fp_near_kept_t:
        const int64_t *order
        const uint64_t *exact
        const uint64_t *leader
        const uint32_t *count
        const uint8_t *values
        const uint8_t *is_signed
        uint8_t *is_new
        int64_t n_done

    ctypedef struct fp_near_answer_t:
        uint64_t cluster
        uint64_t n_seen
        uint64_t n_prompts
        uint32_t n_texts
        int32_t n_equal

    int fp_near_init(fp_near_t *x)
    void fp_near_free(fp_near_t *x)
    int64_t fp_near_n_bytes(const fp_near_t *x)
    void fp_near_find(const fp_near_t *x, const uint64_t *exact, int64_t n, uint8_t *is_known)
    int fp_near_observe(fp_near_t *x, fp_near_seen_t *rows, int64_t n)
    int fp_near_restore(fp_near_t *x, fp_near_kept_t *rows, int64_t n)
    void fp_near_undo_observe(fp_near_t *x, fp_near_seen_t *rows, int64_t n)
    void fp_near_undo_restore(fp_near_t *x, fp_near_kept_t *rows, int64_t n)
    int fp_near_lower(fp_near_t *x, const uint64_t *exact, const uint32_t *count, int64_t n, uint8_t *is_gone, int64_t *n_done)
    void fp_near_raise(fp_near_t *x, const uint64_t *exact, const uint32_t *count, int64_t n)
    void fp_near_forget(fp_near_t *x, const uint64_t *exact, const uint8_t *is_gone, int64_t n)
    void fp_near_query(fp_near_t *x, uint64_t exact, const uint8_t *values, fp_near_answer_t *answer)
    void fp_near_held(const fp_near_t *x, const uint64_t *exact, int64_t n, uint64_t *leader, uint64_t *count, uint8_t *values, uint8_t *is_signed,
                      uint8_t *is_known)
    void fp_near_size(const fp_near_t *x, uint64_t exact, uint64_t *n_prompts, uint32_t *n_texts)
    int64_t fp_near_items(const fp_near_t *x, uint32_t chunk, uint64_t *exact, uint64_t *count, uint64_t *leader)
