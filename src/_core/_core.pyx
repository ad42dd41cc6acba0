# cython: freethreading_compatible=True, auto_pickle=False
"""Compiled core: text columns to signatures, fingerprints and clusters.

Design. Columns cross, objects do not: a text column comes as the buffers of an Arrow string array, results are arrays that the caller
allocated. Each function checks shapes and offsets while it holds the GIL, then releases it and works in pieces of some milliseconds, looking
for signals in between; the only failure behind the checks is lack of memory. There is no state, so threads may share everything but
outputs (NearTable, which has one, says who may do what). Which instruction set runs never changes a result.
"""

import os

from fingerprint.errors import ConfigError

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from fp_core cimport *

MAX_NUM_PERM = FP_MAX_NUM_PERM
MAX_NGRAM = FP_MAX_NGRAM
MAX_BANDS = FP_MAX_BANDS


def supported_isas():
    """Return the names of the kernel sets that this processor can run, best first."""
    names = []
    while fp_kernels_at(len(names)) is not NULL:
        names.append(fp_kernels_at(len(names)).name.decode("ascii"))
    return tuple(names)


cdef const fp_kernels_t *_kernels(object isa) except NULL:
    name = isa or os.environ.get("FINGERPRINT_ISA")
    if not name:
        return fp_kernels_best()
    encoded = str(name).encode("utf-8", "replace")
    cdef const fp_kernels_t *kernels = fp_kernels_by_name(encoded)
    if kernels is NULL:
        raise ConfigError(f"instruction set {name!r} is unknown or not supported here; supported: {', '.join(supported_isas())}")
    return kernels


def isa():
    """Return the name of the kernel set in use: the best one, or the one that ``FINGERPRINT_ISA`` names."""
    return _kernels(None).name.decode("ascii")


cdef class _Column:
    """The buffers of an Arrow string array, kept alive while pointers into them are in use."""

    cdef fp_column_t column
    cdef int64_t n_rows
    cdef const uint8_t[::1] data
    cdef const int32_t[::1] offsets32
    cdef const int64_t[::1] offsets64
    cdef const uint8_t[::1] validity

    def __cinit__(self, data, offsets, validity, int64_t validity_offset):
        cdef int64_t n_offsets, bad
        memset(&self.column, 0, sizeof(self.column))
        self.data = data
        self.column.n_bytes = self.data.shape[0]
        if self.column.n_bytes:
            self.column.data = &self.data[0]
        view = memoryview(offsets)
        if view.itemsize == 4:
            self.offsets32 = offsets
            n_offsets = self.offsets32.shape[0]
            if n_offsets:
                self.column.offsets32 = &self.offsets32[0]
        else:
            self.offsets64 = offsets
            n_offsets = self.offsets64.shape[0]
            if n_offsets:
                self.column.offsets64 = &self.offsets64[0]
        if n_offsets < 1:
            raise ValueError("a column of n rows has n + 1 offsets, not 0")
        self.n_rows = n_offsets - 1
        bad = fp_column_find_bad_offset(&self.column, self.n_rows)
        if bad >= 0:
            raise ValueError(f"row {bad}: its offsets are out of order or beyond the {self.column.n_bytes} bytes of data")
        if validity is not None and self.n_rows:
            self.validity = validity
            if validity_offset < 0 or validity_offset > 8 * self.validity.shape[0] - self.n_rows:
                raise ValueError(f"a validity bitmap of {self.validity.shape[0]} bytes is too short for {self.n_rows} rows from {validity_offset}")
            self.column.validity = &self.validity[0]
            self.column.validity_offset = validity_offset


cdef int _check_length(str name, int64_t found, int64_t wanted) except -1:
    if found != wanted:
        raise ValueError(f"{name} has {found} rows, not {wanted}")
    return 0


def sketch_rows(const uint8_t[::1] key not None, data, offsets, validity, int64_t validity_offset, int num_perm, int ngram, *,
                uint32_t[:, ::1] values=None, int32_t[::1] n_shingles=None, uint64_t[::1] fingerprints=None, uint64_t[::1] exact=None,
                uint32_t[::1] n_invisible=None, int32_t[::1] n_chars=None, uint8_t[::1] flags=None, uint64_t[:, ::1] band_keys=None,
                uint8_t[:, ::1] compact=None, uint32_t[:, ::1] half_keys=None, int64_t rows_per_band=0, isa=None):
    """Fill the given arrays for each row of a text column under scheme fp-sketch-1; see fingerprint.sketch. Releases the GIL.

    ``band_keys`` uint64[n, num_bands] is what :func:`band_keys_rows` fills, ``compact`` uint8[n, num_perm] and ``half_keys`` uint32[n, num_bands] are
    what :func:`compact_rows` does, of bands of ``rows_per_band``.
    """
    cdef const fp_kernels_t *kernels = _kernels(isa)
    cdef fp_scheme_t scheme
    cdef fp_sketch_out_t out
    cdef fp_text_t text
    cdef _Column column = _Column(data, offsets, validity, validity_offset)
    cdef int64_t n = column.n_rows, first = 0, last
    cdef int status = FP_OK
    memset(&out, 0, sizeof(out))
    memset(&text, 0, sizeof(text))
    if key.shape[0] != 16:
        raise ValueError(f"a key has 16 bytes, not {key.shape[0]}")
    if not 1 <= num_perm <= FP_MAX_NUM_PERM:
        raise ConfigError(f"num_perm is from 1 to {FP_MAX_NUM_PERM}, not {num_perm}")
    if not 1 <= ngram <= FP_MAX_NGRAM:
        raise ConfigError(f"ngram is from 1 to {FP_MAX_NGRAM}, not {ngram}")
    if values is not None:
        _check_length("values", values.shape[0], n)
        if values.shape[1] != num_perm:
            raise ValueError(f"values has {values.shape[1]} columns, not {num_perm}")
    if band_keys is not None:
        _check_length("band_keys", band_keys.shape[0], n)
        _check_bands(num_perm, band_keys.shape[1], rows_per_band)
        out.num_bands = band_keys.shape[1]
    if compact is not None:
        _check_length("compact", compact.shape[0], n)
        if compact.shape[1] != num_perm:
            raise ValueError(f"compact has {compact.shape[1]} columns, not {num_perm}")
    if half_keys is not None:
        if compact is None or out.num_bands not in (0, half_keys.shape[1]):
            raise ValueError("half keys are made of the bands, and together with compact signatures")
        _check_length("half_keys", half_keys.shape[0], n)
        _check_bands(num_perm, half_keys.shape[1], rows_per_band)
        out.num_bands = half_keys.shape[1]
    out.rows_per_band = rows_per_band
    for name, array in (("n_shingles", n_shingles), ("fingerprints", fingerprints), ("exact", exact), ("n_invisible", n_invisible),
                        ("n_chars", n_chars), ("flags", flags)):
        if array is not None:
            _check_length(name, len(array), n)
    if n == 0:
        return
    if values is not None:
        out.values = &values[0, 0]
    if n_shingles is not None:
        out.n_shingles = &n_shingles[0]
    if fingerprints is not None:
        out.fingerprints = &fingerprints[0]
    if exact is not None:
        out.exact = &exact[0]
    if n_invisible is not None:
        out.n_invisible = &n_invisible[0]
    if n_chars is not None:
        out.n_chars = &n_chars[0]
    if flags is not None:
        out.flags = &flags[0]
    if band_keys is not None:
        out.band_keys = &band_keys[0, 0]
    if compact is not None:
        out.bytes = &compact[0, 0]
    if half_keys is not None:
        out.half_keys = &half_keys[0, 0]
    fp_scheme_init(&scheme, &key[0], num_perm, ngram)
    try:
        while first < n and status == FP_OK:
            with nogil:
                last = fp_column_piece_end(&column.column, first, n)
                status = fp_sketch_rows(kernels, &scheme, &column.column, first, last, &text, &out)
            first = last
            PyErr_CheckSignals()
    finally:
        fp_text_free(&text)
    if status != FP_OK:
        raise MemoryError(f"no memory to normalise a text near row {first}")


def hash_rows(const uint8_t[::1] key not None, data, offsets, validity, int64_t validity_offset, uint64_t[::1] out not None):
    """Fill ``out`` with the SipHash-1-3 of each row as it is, not normalised; 0 for null and for nothing else. Releases the GIL."""
    cdef _Column column = _Column(data, offsets, validity, validity_offset)
    cdef int64_t n = column.n_rows, first = 0, last
    cdef fp_sipkey_t k
    _check_length("out", out.shape[0], n)
    if key.shape[0] != 16:
        raise ValueError(f"a key has 16 bytes, not {key.shape[0]}")
    k.k0, k.k1 = fp_load64(&key[0]), fp_load64(&key[8])
    while first < n:
        with nogil:
            last = fp_column_piece_end(&column.column, first, n)
            fp_hash_rows(k, &column.column, first, last, &out[0])
        first = last
        PyErr_CheckSignals()


def normalize_rows(data, offsets, validity, int64_t validity_offset, int64_t[::1] out_offsets not None, *, isa=None):
    """Return the normalised texts, one behind the other, and fill ``out_offsets`` int64[n + 1]. Releases the GIL."""
    cdef const fp_kernels_t *kernels = _kernels(isa)
    cdef _Column column = _Column(data, offsets, validity, validity_offset)
    cdef fp_text_t text
    cdef uint8_t *result = NULL
    cdef uint8_t *grown
    cdef const uint8_t *start
    cdef size_t n_bytes = 0, n_readable = 0, capacity = 0, n_result = 0
    cdef int64_t row = 0, last, n = column.n_rows
    cdef bint failed = False
    memset(&text, 0, sizeof(text))
    _check_length("out_offsets", out_offsets.shape[0], n + 1)
    out_offsets[0] = 0
    try:
        while row < n and not failed:
            with nogil:
                last = fp_column_piece_end(&column.column, row, n)
                while row < last:
                    fp_column_row(&column.column, row, &start, &n_bytes, &n_readable)
                    failed = fp_text_normalize(kernels, start, n_bytes, n_readable, &text) != FP_OK
                    if not failed and n_result + text.n_bytes > capacity:
                        capacity = 2 * (n_result + text.n_bytes)
                        grown = <uint8_t *>realloc(result, capacity)
                        failed = grown is NULL
                        if not failed:
                            result = grown
                    if failed:
                        break
                    if text.n_bytes:
                        memcpy(result + n_result, text.bytes, text.n_bytes)
                    n_result += text.n_bytes
                    row += 1
                    out_offsets[row] = <int64_t>n_result
            PyErr_CheckSignals()
        if failed:
            raise MemoryError(f"no memory to normalise row {row}")
        if n_result == 0:
            return b""
        return PyBytes_FromStringAndSize(<const char *>result, <Py_ssize_t>n_result)
    finally:
        fp_text_free(&text)
        free(result)


def count_equal_rows(const uint32_t[:, ::1] a not None, const uint32_t[:, ::1] b not None, int32_t[::1] out not None):
    """Fill ``out`` with how many values rows i of ``a`` and ``b`` have in common. Releases the GIL."""
    cdef int64_t n = a.shape[0], num_perm = a.shape[1], i
    _check_length("b", b.shape[0], n)
    _check_length("out", out.shape[0], n)
    if b.shape[1] != num_perm:
        raise ValueError(f"b has {b.shape[1]} columns, not {num_perm}")
    if n == 0 or num_perm == 0:
        return
    with nogil:
        for i in range(n):
            out[i] = <int32_t>fp_count_equal(&a[i, 0], &b[i, 0], num_perm)


def hamming_rows(const uint64_t[::1] a not None, const uint64_t[::1] b not None, uint8_t[::1] out not None):
    """Fill ``out`` with the number of bits in which elements i of ``a`` and ``b`` differ. Releases the GIL."""
    cdef int64_t n = a.shape[0], i
    cdef uint64_t x
    _check_length("b", b.shape[0], n)
    _check_length("out", out.shape[0], n)
    with nogil:
        for i in range(n):
            x = a[i] ^ b[i]
            x = x - ((x >> 1) & 0x5555555555555555u)
            x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u)
            out[i] = <uint8_t>((((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u) >> 56)


cdef int _check_bands(int64_t num_perm, int64_t num_bands, int64_t rows_per_band) except -1:
    if not 1 <= num_bands <= FP_MAX_BANDS or not 1 <= rows_per_band <= num_perm // num_bands:  # a product could overflow
        raise ConfigError(f"{num_bands} bands of {rows_per_band} rows do not fit into signatures of {num_perm} values")
    return 0


def band_keys_rows(const uint32_t[:, ::1] values not None, int64_t rows_per_band, uint64_t[:, ::1] out not None, *, isa=None):
    """Fill ``out`` uint64[n, num_bands] with the key of each band of each signature. Releases the GIL."""
    cdef const fp_kernels_t *kernels = _kernels(isa)
    cdef int64_t n = values.shape[0], i
    _check_length("out", out.shape[0], n)
    _check_bands(values.shape[1], out.shape[1], rows_per_band)
    with nogil:
        for i in range(n):
            kernels.band_keys(&values[i, 0], out.shape[1], rows_per_band, &out[i, 0])


def intern_rows(const uint64_t[::1] exact not None, uint64_t[::1] slots not None, int32_t[::1] numbers not None, int32_t n_known,
                int32_t[::1] out not None):
    """Fill ``out`` with the number of each hash, in order of first appearance, -1 for the hash 0; return how many numbers are given now.

    ``slots`` and ``numbers`` are the table, zeros at first, with more slots than hashes. Releases the GIL.
    """
    cdef int64_t n = exact.shape[0], n_slots = slots.shape[0], i
    cdef uint64_t at
    _check_length("out", out.shape[0], n)
    _check_length("numbers", numbers.shape[0], n_slots)
    if n_known < 0 or n_known + n >= n_slots or n_known + n >= 1 << 31:
        raise ValueError(f"a table of {n_slots} slots has no room for {n_known} hashes and {n} more")
    with nogil:
        for i in range(n):
            if i + 16 < n:
                at = fp_scale64(exact[i + 16], <uint64_t>n_slots)
                __builtin_prefetch(&slots[at])
                __builtin_prefetch(&numbers[at])
            if exact[i] == 0:
                out[i] = -1
                continue
            at = fp_scale64(exact[i], <uint64_t>n_slots)
            while slots[at] != 0 and slots[at] != exact[i]:
                at = at + 1 if at + 1 < <uint64_t>n_slots else 0
            if slots[at] == 0:
                slots[at] = exact[i]
                numbers[at] = n_known
                n_known += 1
            out[i] = numbers[at]
    return n_known


def order_hashes(const uint64_t[::1] hashes not None, int32_t[::1] out not None):
    """Fill ``out`` with the rows in the order of their hashes; equal ones by row. Releases the GIL."""
    cdef int64_t n = hashes.shape[0]
    cdef int status
    _check_length("out", out.shape[0], n)
    if n >= 1 << 31:
        raise ValueError(f"{n} rows are too many for numbers of 32 bits")
    if n == 0:
        return
    with nogil:
        status = fp_order_hashes(&hashes[0], n, &out[0])
    if status != FP_OK:
        raise MemoryError(f"no memory to sort {n} hashes")


def order_rows(const int32_t[::1] group not None, int64_t[::1] start not None, int32_t[::1] out not None):
    """Fill ``out`` with the rows of group 0, of group 1 and so on, ascending in each: a counting sort. Releases the GIL.

    ``start`` is where those of each group begin; afterwards, where they end.
    """
    cdef int64_t n = group.shape[0], n_groups = start.shape[0], i
    _check_length("out", out.shape[0], n)
    if n >= 1 << 31:
        raise ValueError(f"{n} rows are too many for numbers of 32 bits")
    for i in range(n):
        if not 0 <= group[i] < n_groups or not 0 <= start[group[i]] < n:
            raise ValueError(f"row {i} is of group {group[i]}, which is not one of {n_groups} with room")
    with nogil:
        for i in range(n):
            if start[group[i]] < n:
                out[start[group[i]]] = <int32_t>i
                start[group[i]] += 1


include "clusters.pxi"
include "near.pxi"
include "static.pxi"
include "words.pxi"
