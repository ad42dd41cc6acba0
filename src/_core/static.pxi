# The static encoder, a part of _core.pyx. A table is read-only once built, so threads share it.
from libc.stdint cimport int8_t, int16_t


cdef extern from "fp_static.h" nogil:
    const int FP_STATIC_MAX_WEIGHT
    const int FP_STATIC_DIM_STEP
    const int FP_STATIC_MAX_DIM
    const int FP_STATIC_MAX_PIECES
    const int FP_STATIC_MAX_TAIL
    const int FP_STATIC_MAX_TERMS

    ctypedef struct fp_vocab_t:
        uint32_t n_lines

    ctypedef struct fp_static_t:
        fp_vocab_t vocab
        uint8_t *ideograph_shares

    ctypedef void (*fp_static_sum_t)(const void *, int, int, int32_t *)

    int fp_static_build(fp_static_t *table, const uint8_t *vocabulary, size_t len_bytes, const int8_t *rows, const int16_t *weights, size_t n_rows,
                        int dim, const int8_t *amplitudes, int gram_weight)
    void fp_static_free(fp_static_t *table)
    fp_static_sum_t fp_static_sum_by_name(const char *isa)
    void fp_static_encode(const fp_static_t *table, fp_static_sum_t sum, const uint8_t *text, size_t len_bytes, int head_pieces, size_t tail_bytes,
                          float *out)
    int fp_static_sum_rows(const fp_static_t *table, fp_static_sum_t sum, const uint8_t *text, size_t len_bytes, int head_pieces, size_t tail_bytes,
                           uint32_t *row_numbers, int32_t *sums)
    size_t fp_wordpiece_ids(const fp_vocab_t *vocab, const uint8_t *text, size_t len_bytes, uint32_t unknown, uint32_t *ids, size_t capacity)


cdef class StaticTable:
    """Vocabulary and rows of the static encoder, checked once; see fingerprint.encoders.static."""

    cdef fp_static_t table
    cdef object owners  # the arrays behind pointers in the table
    cdef readonly int dim

    def __cinit__(self, const uint8_t[::1] vocabulary not None, const int8_t[:, ::1] rows not None, const int16_t[::1] weights not None,
                  const int8_t[::1] amplitudes not None, int gram_weight, const uint32_t[::1] ideographs not None,
                  const uint8_t[::1] ideograph_shares not None):
        cdef Py_ssize_t i, n = rows.shape[0]
        memset(&self.table, 0, sizeof(self.table))
        if n == 0 or rows.shape[1] % FP_STATIC_DIM_STEP or not FP_STATIC_DIM_STEP <= rows.shape[1] <= FP_STATIC_MAX_DIM:
            raise ValueError(f"a table of {n} rows and {rows.shape[1]} dimensions; wanted are multiples of {FP_STATIC_DIM_STEP} "
                             f"up to {FP_STATIC_MAX_DIM}")
        _check_length("weights", weights.shape[0], n)
        _check_length("amplitudes", amplitudes.shape[0], rows.shape[1])
        _check_length("ideograph_shares", ideograph_shares.shape[0], ideographs.shape[0])
        for i in range(n):
            if not 1 <= weights[i] <= FP_STATIC_MAX_WEIGHT:
                raise ValueError(f"weight {weights[i]} of row {i} is not within 1 and {FP_STATIC_MAX_WEIGHT}")
        for i in range(amplitudes.shape[0]):
            if amplitudes[i] < 0:
                raise ValueError(f"amplitude {amplitudes[i]} of dimension {i} is negative")
        if not 1 <= gram_weight <= FP_STATIC_MAX_WEIGHT:
            raise ValueError(f"gram_weight {gram_weight} is not within 1 and {FP_STATIC_MAX_WEIGHT}")
        if vocabulary.shape[0] == 0:
            raise ValueError("the vocabulary is empty")
        self.dim = <int>rows.shape[1]
        self.owners = (vocabulary, rows, weights)
        status = fp_static_build(&self.table, &vocabulary[0], vocabulary.shape[0], &rows[0, 0], &weights[0], n, self.dim, &amplitudes[0], gram_weight)
        if status == -1:
            raise MemoryError("no memory for the table of the static encoder")
        if status:
            raise ValueError("the vocabulary is not one piece a line, each once" if status == -2 else f"{n} rows are not one for each piece")
        for i in range(ideographs.shape[0]):
            if ideographs[i] >= 0x10000:
                raise ValueError(f"ideograph {i} is beyond U+FFFF")
            self.table.ideograph_shares[ideographs[i]] = ideograph_shares[i]

    def __dealloc__(self):
        fp_static_free(&self.table)

    def encode_rows(self, data, offsets, validity, int64_t validity_offset, int head_pieces, int tail_bytes, float[:, ::1] out not None, *, isa=None):
        """Fill ``out`` float32[n, dim] with the unit vector of each row of a text column. Releases the GIL."""
        cdef fp_static_sum_t sum = fp_static_sum_by_name(_kernels(isa).name)
        cdef _Column column = _Column(data, offsets, validity, validity_offset)
        cdef const uint8_t *start
        cdef size_t n_bytes = 0, n_readable = 0
        cdef int64_t row = 0, last, n = column.n_rows
        self._check_shape(out.shape[0], out.shape[1], n, head_pieces, tail_bytes)
        while row < n:
            with nogil:
                last = fp_column_piece_end(&column.column, row, n)
                while row < last:
                    fp_column_row(&column.column, row, &start, &n_bytes, &n_readable)
                    fp_static_encode(&self.table, sum, start, n_bytes, head_pieces, <size_t>tail_bytes, &out[row, 0])
                    row += 1
            PyErr_CheckSignals()

    def sum_rows(self, data, offsets, validity, int64_t validity_offset, int head_pieces, int tail_bytes, int32_t[:, ::1] sums not None,
                 int64_t[::1] counts not None):
        """Fill ``sums`` int32[n, dim] with what each row of a text column adds up to, and ``counts`` int64[n] with how many word-piece rows are in it.

        Returns their numbers, text by text, a row as often as it was added, as bytes of uint32. N-gram rows are in the sums alone. Releases the GIL.
        """
        cdef fp_static_sum_t sum = fp_static_sum_by_name(_kernels(None).name)
        cdef _Column column = _Column(data, offsets, validity, validity_offset)
        cdef const uint8_t *start
        cdef size_t n_bytes = 0, n_readable = 0
        cdef int64_t row = 0, last, n = column.n_rows, used
        cdef uint32_t[::1] numbers
        self._check_shape(sums.shape[0], sums.shape[1], n, head_pieces, tail_bytes)
        _check_length("counts", counts.shape[0], n)
        parts = []
        while row < n:
            last = min(fp_column_piece_end(&column.column, row, n), row + 256)
            part = bytearray(4 * FP_STATIC_MAX_TERMS * (last - row))
            numbers, used = memoryview(part).cast("I"), 0
            with nogil:
                while row < last:
                    fp_column_row(&column.column, row, &start, &n_bytes, &n_readable)
                    counts[row] = fp_static_sum_rows(&self.table, sum, start, n_bytes, head_pieces, <size_t>tail_bytes, &numbers[used], &sums[row, 0])
                    used += counts[row]
                    row += 1
            parts.append(bytes(memoryview(part)[: 4 * used]))
            PyErr_CheckSignals()
        return b"".join(parts)

    cdef int _check_shape(self, Py_ssize_t n_rows, Py_ssize_t n_columns, Py_ssize_t n, int head_pieces, int tail_bytes) except -1:
        _check_length("out", n_rows, n)
        if n_columns != self.dim:
            raise ValueError(f"out has {n_columns} columns, not {self.dim}")
        if not 1 <= head_pieces <= FP_STATIC_MAX_PIECES or not 0 <= tail_bytes <= FP_STATIC_MAX_TAIL:
            raise ConfigError(f"head_pieces is from 1 to {FP_STATIC_MAX_PIECES} and tail_bytes from 0 to {FP_STATIC_MAX_TAIL}, "
                              f"not {head_pieces} and {tail_bytes}")
        return 0

    def piece_ids(self, const uint8_t[::1] text not None, uint32_t unknown):
        """Return the ids of one text as ``tokenizers`` gives them without special tokens, as bytes of uint32; ``unknown`` stands for [UNK]."""
        cdef const uint8_t *start = &text[0] if text.shape[0] else NULL
        cdef size_t n = fp_wordpiece_ids(&self.table.vocab, start, text.shape[0], unknown, NULL, 0)
        result = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>(4 * n))
        fp_wordpiece_ids(&self.table.vocab, start, text.shape[0], unknown, <uint32_t *><char *>result, n)
        return result
