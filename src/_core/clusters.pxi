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


def bucket_rows(uint32_t[::1] keys not None, const int32_t[::1] rows not None, const uint8_t[::1] is_signed not None):
    """Replace the keys of a band, in their place, by the numbers of the buckets of ``rows``, in this order; 0 for a row that shares its key with none.

    ``rows`` are all rows of ``keys``; one that is not signed has no key. Returns the number of slots of all buckets. Releases the GIL.
    """
    cdef int64_t n = keys.shape[0], i, n_slots
    cdef uint64_t *room
    _check_length("rows", rows.shape[0], n)
    _check_length("is_signed", is_signed.shape[0], n)
    if n >= 1 << 31:
        raise ValueError(f"{n} rows are too many for numbers of 32 bits")
    for i in range(n):
        if not 0 <= rows[i] < n:
            raise ValueError(f"row number {rows[i]} at {i} is beyond the {n} rows")
    if n == 0:
        return 0
    room = <uint64_t *>malloc(2 * n * sizeof(uint64_t))
    if room == NULL:
        raise MemoryError(f"no memory to sort the keys of {n} rows")
    try:
        with nogil:
            n_slots = fp_buckets(&keys[0], &rows[0], &is_signed[0], n, room, &keys[0])
    finally:
        free(room)
    return n_slots


cdef int _check_clustered(int status) except -1:
    if status == FP_NO_MEMORY:
        raise MemoryError("no memory to look for leaders")
    if status != FP_OK:
        raise OSError("the values of a signature cannot be read from their file")
    return 0


cdef class _Finding:
    """Looks for the leaders of some rows of a block, in any thread; lives inside :func:`cluster_rows` alone."""
    cdef const fp_cluster_t *cluster
    cdef int64_t begin

    def __call__(self, int64_t first, int64_t last):
        cdef int status
        with nogil:
            status = fp_cluster_find(self.cluster, self.begin, first, last)
        _check_clustered(status)


cdef int _check_clustering(const uint8_t[:, ::1] values, const int32_t[::1] rows, list numbers, const int64_t[::1] n_slots, int64_t min_equal,
                           int64_t max_candidates) except -1:
    cdef const uint32_t[::1] band
    cdef int64_t n = rows.shape[0], b, i
    _check_length("n_slots", n_slots.shape[0], len(numbers))
    _check_bands(values.shape[1], len(numbers), 1)
    if not 1 <= max_candidates <= 1 << 20 or min_equal < 1 or n >= (1 << 31) - 1:
        raise ConfigError(f"max_candidates {max_candidates}, min_equal {min_equal} or the number of rows, {n}, is out of range")
    for i in range(n):
        if not 0 <= rows[i] < values.shape[0]:
            raise ValueError(f"row number {rows[i]} at {i} is beyond the {values.shape[0]} signatures")
    for b in range(len(numbers)):
        band = numbers[b]
        _check_length("numbers", band.shape[0], n)
        if not 0 <= n_slots[b] <= n:
            raise ValueError(f"{n_slots[b]} slots of band {b} are not those of {n} rows")
        for i in range(n):
            if <int64_t>band[i] > n_slots[b]:
                raise ValueError(f"bucket {band[i]} of band {b} is beyond its {n_slots[b]} slots")
    return 0


def cluster_rows(const uint8_t[:, ::1] values not None, const int32_t[::1] rows not None, list numbers not None, const int64_t[::1] n_slots not None,
                 int64_t min_equal, int64_t max_candidates, int32_t[::1] labels not None, int32_t[::1] n_equal not None, advance=None, *, map=map,
                 int n_parts=1, int file=-1, isa=None):
    """Assign each of ``rows``, in this order, to a leader; see fingerprint.clusters. Returns ``n_budget_exceeded``. Releases the GIL.

    ``numbers``, num_bands arrays uint32[n], and ``n_slots`` are those of :func:`bucket_rows`, ``labels`` the clusters in the order of their leaders;
    ``advance`` is called now and then with the number of rows done since the last call. With ``map`` of an executor ``n_parts`` threads share the work.
    With ``file``, a descriptor, the values are read from there: ``values`` is the same, mapped into memory, and is not touched.
    """
    cdef fp_cluster_t cluster
    cdef _Finding finding
    cdef int status
    cdef int64_t n = rows.shape[0], n_bands = len(numbers), i, b, last
    cdef const uint32_t[::1] band
    cdef const uint32_t **bands
    memset(&cluster, 0, sizeof(cluster))
    _check_length("labels", labels.shape[0], n)
    _check_length("n_equal", n_equal.shape[0], n)
    _check_clustering(values, rows, numbers, n_slots, min_equal, max_candidates)
    if n == 0:
        return 0
    cluster.kernels = _kernels(isa)
    cluster.bytes, cluster.rows, cluster.n_slots = &values[0, 0], &rows[0], &n_slots[0]
    if file >= 0:
        cluster.bytes, cluster.file = NULL, file
    cluster.n_rows, cluster.num_perm, cluster.num_bands = n, values.shape[1], n_bands
    cluster.min_equal, cluster.max_candidates = min_equal, max_candidates
    bands = <const uint32_t **>malloc(n_bands * sizeof(uint32_t *))
    try:
        if bands == NULL or fp_cluster_init(&cluster) != FP_OK:
            raise MemoryError(f"no memory for the buckets of {n} rows")
        for b in range(n_bands):
            band = numbers[b]
            bands[b] = &band[0]
        cluster.numbers = bands
        finding = _Finding.__new__(_Finding)
        finding.cluster = &cluster
        i = 0
        while i < n:
            last = min(i + min(FP_BLOCK_ROWS, max(256, i // 64)), n)  # of the first rows most would be looked for again
            finding.begin = i
            size = (last - i + n_parts - 1) // n_parts
            if n_parts > 1:
                for _ in map(finding, range(i, last, size), [min(first + size, last) for first in range(i, last, size)]):
                    pass
            with nogil:
                status = fp_cluster_settle(&cluster, i, last, n_parts > 1, &labels[0], &n_equal[0])
            _check_clustered(status)
            if advance is not None:
                advance(last - i)
            i = last
            PyErr_CheckSignals()
        return cluster.n_budget_exceeded
    finally:
        fp_cluster_free(&cluster)
        free(bands)
