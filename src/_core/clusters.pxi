# Compact signatures, buckets and leader clustering; included by _core.pyx.


def compact_rows(const uint32_t[:, ::1] values not None, int64_t rows_per_band, uint8_t[:, ::1] out not None, uint32_t[:, ::1] band_keys not None):
    """Fill ``out`` uint8[n, num_perm] and ``band_keys`` uint32[num_bands, n] with what clustering needs of each signature. Releases the GIL."""
    cdef const fp_kernels_t *kernels = _kernels(None)
    cdef uint64_t keys[1024]
    cdef int64_t n = values.shape[0], num_bands = band_keys.shape[0], i
    _check_length("out", out.shape[0], n)
    _check_length("band_keys", band_keys.shape[1], n)
    if out.shape[1] != values.shape[1]:
        raise ValueError(f"out has {out.shape[1]} columns, not {values.shape[1]}")
    _check_bands(values.shape[1], num_bands, rows_per_band)
    with nogil:
        for i in range(n):
            kernels.compact(&values[i, 0], values.shape[1], &out[i, 0])
            kernels.band_keys(&values[i, 0], num_bands, rows_per_band, keys)
            fp_half_keys(keys, num_bands, &band_keys[0, i], n)


cdef class Buckets:
    """The runs of positions that share a key of one band; made by :func:`bucket_rows`, read by :func:`cluster_rows`, which counts leaders in them."""

    cdef uint32_t *slots
    cdef readonly int64_t n_slots
    cdef readonly int64_t max_candidates
    cdef uint32_t[::1] numbers

    def __dealloc__(self):
        free(self.slots)

    def runs(self):
        """Return the positions of each bucket, in the order of the slots."""
        cdef int64_t at = 0, n, k
        found = []
        while at < self.n_slots - 1:
            n = 1
            if self.slots[at] == FP_RUN and at + 1 < self.n_slots - 1 and self.slots[at + 2] == FP_OPEN:
                n = self.slots[at + 1]
                at += FP_HEADER_SLOTS
            else:
                while not self.slots[at + n] & FP_RUN:
                    n += 1
            found.append([self.slots[at + k] & ~<uint32_t>FP_RUN for k in range(n)])
            at += n
        return found


def bucket_rows(uint32_t[::1] keys not None, const int32_t[::1] positions not None, const uint8_t[::1] is_signed not None, int64_t max_candidates):
    """Return the Buckets of the keys of a band, row by row; the memory of ``keys`` is theirs from now on. Releases the GIL.

    ``positions`` are those of the rows, each from 0 to n - 1 once; a row that is not signed has no key, and neither has one whose key is 0. Buckets of more
    than ``max_candidates`` are crowded.
    """
    cdef int64_t n = keys.shape[0], i, n_slots
    cdef Buckets made = Buckets.__new__(Buckets)
    _check_length("positions", positions.shape[0], n)
    _check_length("is_signed", is_signed.shape[0], n)
    if n >= FP_MAX_ROWS or not 1 <= max_candidates <= 1 << 20:
        raise ConfigError(f"max_candidates {max_candidates} or the number of rows, {n}, is out of range")
    for i in range(n):
        if not 0 <= positions[i] < n:
            raise ValueError(f"position {positions[i]} at {i} is beyond the {n} rows")
    made.numbers, made.max_candidates = keys, max_candidates
    made.slots = <uint32_t *>malloc(fp_slots_at_most(n, max_candidates) * sizeof(uint32_t))  # what is not written to takes no memory
    if made.slots == NULL:
        raise MemoryError(f"no memory for the buckets of {n} rows")
    if n == 0:
        made.n_slots, made.slots[0] = 1, FP_RUN
        return made
    with nogil:
        n_slots = fp_buckets(&keys[0], &positions[0], &is_signed[0], n, max_candidates, &keys[0], made.slots)
    if n_slots < 0:
        raise MemoryError(f"no memory to sort the keys of {n} rows")
    made.n_slots = n_slots
    return made


cdef int _check_clustered(int status) except -1:
    if status == FP_NO_MEMORY:
        raise MemoryError("no memory to look for leaders")
    if status != FP_OK:
        raise OSError("the values of a signature cannot be read from their file")
    return 0


cdef int _check_clustering(const uint8_t[:, ::1] values, const int32_t[::1] rows, list bands, int64_t min_equal, int64_t n_parts) except -1:
    cdef Buckets band
    cdef int64_t n = rows.shape[0], i
    _check_bands(values.shape[1], len(bands), 1)
    if min_equal < 1 or not 1 <= n_parts <= 1 << 10:
        raise ConfigError(f"min_equal {min_equal} or the number of parts, {n_parts}, is out of range")
    for i in range(n):
        if not 0 <= rows[i] < values.shape[0]:
            raise ValueError(f"row number {rows[i]} at {i} is beyond the {values.shape[0]} signatures")
    for item in bands:
        if not isinstance(item, Buckets):
            raise TypeError(f"bands are buckets, not {type(item).__name__}")
        band = item
        _check_length("the buckets", band.numbers.shape[0], n)
        if band.max_candidates != (<Buckets>bands[0]).max_candidates:
            raise ConfigError("the buckets of all bands are made with one max_candidates")
    return 0


cdef class _Clustering:
    """A clustering under way. Whoever calls it does a part of the step that is due, and keeps it alive: after an interrupt a thread may still be at work."""

    cdef fp_cluster_t cluster
    cdef const uint32_t **numbers
    cdef uint32_t **slots
    cdef const uint8_t[:, ::1] values
    cdef const int32_t[::1] rows
    cdef uint64_t[::1] best
    cdef list bands
    cdef int64_t n_parts
    cdef bint is_spreading

    def __cinit__(self, const uint8_t[:, ::1] values, const int32_t[::1] rows, list bands, int64_t min_equal, uint64_t[::1] best, int64_t n_parts, int file,
                  isa):
        cdef int64_t n_bands = len(bands), b
        cdef Buckets band
        self.values, self.rows, self.bands, self.best, self.n_parts = values, rows, bands, best, n_parts
        self.cluster.kernels, self.cluster.rows, self.cluster.best, self.cluster.file = _kernels(isa), &rows[0], &best[0], file
        if file < 0:
            self.cluster.bytes = &values[0, 0]
        self.cluster.n_rows, self.cluster.num_perm, self.cluster.num_bands = rows.shape[0], values.shape[1], n_bands
        self.cluster.min_equal, self.cluster.max_candidates = min_equal, (<Buckets>bands[0]).max_candidates
        self.numbers = <const uint32_t **>malloc(n_bands * sizeof(uint32_t *))
        self.slots = <uint32_t **>malloc(n_bands * sizeof(uint32_t *))
        if self.numbers == NULL or self.slots == NULL or fp_cluster_init(&self.cluster, n_parts) != FP_OK:
            raise MemoryError("no memory to look for leaders")
        for b in range(n_bands):
            band = bands[b]
            self.numbers[b], self.slots[b] = &band.numbers[0], band.slots
        self.cluster.numbers, self.cluster.slots = self.numbers, self.slots
        memset(self.cluster.best, 0, rows.shape[0] * sizeof(uint64_t))

    def __dealloc__(self):
        fp_cluster_free(&self.cluster)
        free(self.numbers)
        free(self.slots)

    def __call__(self, int64_t part, int64_t first, int64_t last):
        cdef int status
        with nogil:
            status = fp_cluster_spread(&self.cluster, part, first, last) if self.is_spreading else fp_cluster_look(&self.cluster, part, first, last)
        _check_clustered(status)

    cdef _in_parts(self, share, int64_t first, int64_t last, bint is_spreading):
        self.is_spreading = is_spreading
        begins = [first + (last - first) * i // self.n_parts for i in range(self.n_parts)]
        ends = [first + (last - first) * (i + 1) // self.n_parts for i in range(self.n_parts)]
        for _ in share(self, range(self.n_parts), begins, ends):
            pass

    cdef _do_block(self, share, int64_t begin, int64_t end):
        cdef int status
        fp_cluster_begin(&self.cluster, begin, end)
        self._in_parts(share, begin, end, False)
        with nogil:
            status = fp_cluster_settle(&self.cluster)
        _check_clustered(status)
        if self.cluster.n_spreading:
            self._in_parts(share, 0, self.cluster.n_spreading, True)


def cluster_rows(const uint8_t[:, ::1] values not None, const int32_t[::1] rows not None, list bands not None, int64_t min_equal, uint64_t[::1] best not None,
                 advance=None, *, map=map, int64_t n_parts=1, int file=-1, isa=None):
    """Assign each of ``rows``, by position, to a leader; see fingerprint.clusters. Returns ``n_budget_exceeded``. Releases the GIL.

    ``bands`` are the Buckets of each band, used once. ``best`` becomes the clusters in the order of their leaders, and in the high half the equal values of
    a row and its leader. ``advance`` is called now and then with the number of rows done since the last call. With ``map`` of an executor ``n_parts``
    threads share the work. With ``file``, a descriptor, the values are read from there: ``values`` is the same, mapped into memory, and is not touched.
    """
    cdef _Clustering clustering
    cdef int64_t n = rows.shape[0], i = 0, last
    _check_length("best", best.shape[0], n)
    _check_clustering(values, rows, bands, min_equal, n_parts)
    if n == 0:
        return 0
    clustering = _Clustering(values, rows, bands, min_equal, best, n_parts, file, isa)
    while i < n:
        last = min(i + min(FP_BLOCK_ROWS, max(256, i // 16)), n)  # of the first rows most would be looked at in vain
        clustering._do_block(map, i, last)
        if advance is not None:
            advance(last - i)
        i = last
        PyErr_CheckSignals()
    with nogil:
        fp_cluster_label(&clustering.cluster)
    return clustering.cluster.n_budget_exceeded
