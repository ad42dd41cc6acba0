# The near-duplicate index of a stream, a part of _core.pyx. One thread at a time changes it, in blocks of rows; between two of these others have their turn.

cdef dict _NEAR_REASONS = {
    FP_NEAR_EMPTY: "its hash is 0, that of the empty text, which is not kept",
    FP_NEAR_UNKNOWN: "no text that is alive has this hash",
    FP_NEAR_TOO_MANY: "more events than the text has",
    FP_NEAR_NO_LEADER: "its leader is not there; leaders are put back with their members, or before",
    FP_NEAR_OTHER_LEADER: "the text is there already, with another leader",
    FP_NEAR_UNSIGNED: "a text without signature has no leader but itself, and leads no other",
    FP_NEAR_NO_EVENTS: "a text without events can only be a leader",
}


cdef int _check_near(int status, int64_t row) except -1:
    if status == FP_NO_MEMORY:
        raise MemoryError(f"no memory for the text of row {row}; the index is as it was before")
    if status != FP_OK:
        raise ValueError(f"row {row}: {_NEAR_REASONS[status]}")
    return 0


cdef class NearTable:
    """Texts by hash, leaders by bands; see fingerprint.near, which lets one thread at a time call what changes it."""

    cdef fp_near_t near
    cdef fp_turns_t turns
    cdef bint is_made

    def __cinit__(self, int64_t num_perm, int64_t num_bands, int64_t rows_per_band, int64_t min_equal, int64_t max_candidates, *, isa=None):
        _check_bands(num_perm, num_bands, rows_per_band)
        if num_perm > FP_MAX_NUM_PERM or not 1 <= min_equal <= num_perm or not 1 <= max_candidates <= 1 << 20:
            raise ConfigError(f"num_perm {num_perm}, min_equal {min_equal} or max_candidates {max_candidates} is out of range")
        self.near.kernels, self.near.num_perm, self.near.num_bands, self.near.rows_per_band = _kernels(isa), num_perm, num_bands, rows_per_band
        self.near.min_equal, self.near.max_candidates = min_equal, max_candidates
        if fp_turns_init(&self.turns):
            raise MemoryError("no memory for a lock")
        self.is_made = True
        if fp_near_init(&self.near) != FP_OK:
            raise MemoryError("no memory for the tables of an empty index")

    def __dealloc__(self):
        if self.is_made:
            fp_near_free(&self.near)
            fp_turns_free(&self.turns)

    cdef tuple _counts(self):
        cdef int64_t n_texts, n_leaders, n_budget_exceeded, n_bytes
        with nogil:
            fp_turns_begin(&self.turns)
            n_texts, n_leaders, n_budget_exceeded = self.near.n_texts, self.near.n_leaders, self.near.n_budget_exceeded
            n_bytes = fp_near_n_bytes(&self.near)
            fp_turns_end(&self.turns)
        return n_texts, n_leaders, n_budget_exceeded, n_bytes

    @property
    def n_texts(self):
        return self._counts()[0]

    @property
    def n_leaders(self):
        return self._counts()[1]

    @property
    def n_budget_exceeded(self):
        return self._counts()[2]

    @property
    def n_bytes(self):
        return self._counts()[3]

    def find_rows(self, const uint64_t[::1] exact not None, uint8_t[::1] is_known not None):
        """Fill ``is_known`` with 1 where a text is there, or is the empty one. Releases the GIL."""
        cdef int64_t n = exact.shape[0], first = 0, size
        _check_length("is_known", is_known.shape[0], n)
        with nogil:
            while first < n:
                size = min(FP_NEAR_BLOCK, n - first)
                fp_turns_begin(&self.turns)
                fp_near_find(&self.near, &exact[first], size, &is_known[first])
                fp_turns_end(&self.turns)
                first += size

    def observe_rows(self, const uint64_t[::1] exact not None, const int64_t[::1] signed_rows not None, const uint8_t[:, ::1] values not None,
                     const uint8_t[::1] is_signed not None, uint8_t[::1] is_new not None, uint64_t[::1] cluster not None, int32_t[::1] n_equal not None,
                     uint32_t[::1] n_seen not None):
        """Take in texts one after another and fill the last four arrays. ``values`` and ``is_signed`` are of ``signed_rows``, ascending, and all that may be
        new are among them. On an error or an interrupt nothing has changed. Releases the GIL.
        """
        cdef fp_near_seen_t rows
        cdef int64_t n = exact.shape[0], i, size
        cdef int64_t n_exceeded = self.near.n_budget_exceeded
        cdef int status = FP_OK
        memset(&rows, 0, sizeof(rows))
        for name, array in (("is_new", is_new), ("cluster", cluster), ("n_equal", n_equal), ("n_seen", n_seen)):
            _check_length(name, len(array), n)
        rows.n_signed = signed_rows.shape[0]
        _check_length("is_signed", is_signed.shape[0], rows.n_signed)
        self._check_values(values, rows.n_signed)
        for i in range(rows.n_signed):
            if not (signed_rows[i - 1] if i else -1) < signed_rows[i] < n:
                raise ValueError(f"signed row {signed_rows[i]} at {i} is out of order or beyond the {n} rows")
        if n == 0:
            return
        rows.exact, rows.is_new, rows.cluster, rows.n_equal, rows.n_seen = &exact[0], &is_new[0], &cluster[0], &n_equal[0], &n_seen[0]
        if rows.n_signed:
            rows.signed_rows, rows.values, rows.is_signed = &signed_rows[0], &values[0, 0], &is_signed[0]
        try:
            while rows.n_done < n and status == FP_OK:
                with nogil:
                    i = min(n, rows.n_done + 64 * FP_NEAR_BLOCK)
                    while rows.n_done < i and status == FP_OK:
                        size = min(FP_NEAR_BLOCK, i - rows.n_done)
                        fp_turns_begin(&self.turns)
                        status = fp_near_observe(&self.near, &rows, size)
                        fp_turns_end(&self.turns)
                PyErr_CheckSignals()
            _check_near(status, rows.n_done)
        except BaseException:
            with nogil:
                while rows.n_done:
                    fp_turns_begin(&self.turns)
                    fp_near_undo_observe(&self.near, &rows, min(FP_NEAR_BLOCK, rows.n_done))
                    self.near.n_budget_exceeded = n_exceeded
                    fp_turns_end(&self.turns)
            raise

    cdef int _check_values(self, const uint8_t[:, ::1] values, int64_t n) except -1:
        _check_length("values", values.shape[0], n)
        if values.shape[1] != self.near.num_perm:
            raise ValueError(f"values has {values.shape[1]} columns, not {self.near.num_perm}")
        return 0

    def restore_rows(self, const int64_t[::1] order not None, const uint64_t[::1] exact not None, const uint32_t[::1] count not None,
                     const uint8_t[:, ::1] values not None, const uint8_t[::1] is_signed not None, const uint64_t[::1] leader not None,
                     uint8_t[::1] is_new not None):
        """Put texts back in the given order, which has leaders before their members. On an error nothing has changed. Releases the GIL."""
        cdef fp_near_kept_t rows
        cdef int64_t n = exact.shape[0], i, size
        cdef int status = FP_OK
        memset(&rows, 0, sizeof(rows))
        for name, array in (("order", order), ("count", count), ("is_signed", is_signed), ("leader", leader), ("is_new", is_new)):
            _check_length(name, len(array), n)
        self._check_values(values, n)
        for i in range(n):
            if not 0 <= order[i] < n:
                raise ValueError(f"row {order[i]} at {i} of the order is beyond the {n} rows")
        if n == 0:
            return
        rows.order, rows.exact, rows.count, rows.values = &order[0], &exact[0], &count[0], &values[0, 0]
        rows.is_signed, rows.leader, rows.is_new = &is_signed[0], &leader[0], &is_new[0]
        with nogil:
            while rows.n_done < n and status == FP_OK:
                size = min(FP_NEAR_BLOCK, n - rows.n_done)
                fp_turns_begin(&self.turns)
                status = fp_near_restore(&self.near, &rows, size)
                fp_turns_end(&self.turns)
            i = rows.n_done
            while status != FP_OK and rows.n_done:
                fp_turns_begin(&self.turns)
                fp_near_undo_restore(&self.near, &rows, min(FP_NEAR_BLOCK, rows.n_done))
                fp_turns_end(&self.turns)
        _check_near(status, order[i] if status != FP_OK else 0)

    def subtract_rows(self, const uint64_t[::1] exact not None, const uint32_t[::1] count not None, uint8_t[::1] is_gone not None):
        """Lower counts, and let go of who has none left; the hash 0 is passed over. On an error nothing has changed. Releases the GIL."""
        cdef int64_t n = exact.shape[0], n_done = 0, first = 0, size
        cdef int status = FP_OK
        _check_length("count", count.shape[0], n)
        _check_length("is_gone", is_gone.shape[0], n)
        with nogil:
            while n_done < n and status == FP_OK:
                fp_turns_begin(&self.turns)
                status = fp_near_lower(&self.near, &exact[n_done], &count[n_done], min(FP_NEAR_BLOCK, n - n_done), &is_gone[n_done], &n_done)
                fp_turns_end(&self.turns)
            while first < n_done:
                size = min(FP_NEAR_BLOCK, n_done - first)
                fp_turns_begin(&self.turns)
                if status == FP_OK:
                    fp_near_forget(&self.near, &exact[first], &is_gone[first], size)
                else:
                    fp_near_raise(&self.near, &exact[first], &count[first], size)
                fp_turns_end(&self.turns)
                first += size
        _check_near(status, n_done)

    def query(self, uint64_t exact, const uint8_t[::1] values):
        """Return cluster, values equal to those of its leader, events of the text, events and texts of the cluster; zeros where none is near enough.

        ``values`` is None where the text has no signature. Releases the GIL.
        """
        cdef fp_near_answer_t answer
        cdef const uint8_t *given = NULL
        if values is not None:
            _check_length("values", values.shape[0], self.near.num_perm)
            given = &values[0]
        with nogil:
            fp_turns_begin(&self.turns)
            fp_near_query(&self.near, exact, given, &answer)
            fp_turns_end(&self.turns)
        return answer.cluster, answer.n_equal, answer.n_seen, answer.n_prompts, answer.n_texts

    def kept_rows(self, const uint64_t[::1] exact not None, uint64_t[::1] leader not None, uint64_t[::1] count not None, uint8_t[:, ::1] values not None,
                  uint8_t[::1] is_signed not None, uint8_t[::1] is_known not None):
        """Fill leader, events, values and whether there are any, and whether the text is there, of each hash; values are left alone elsewhere. Releases the GIL."""
        cdef int64_t n = exact.shape[0], first = 0, size
        for name, array in (("leader", leader), ("count", count), ("values", values), ("is_signed", is_signed), ("is_known", is_known)):
            _check_length(name, len(array), n)
        if n and values.shape[1] != self.near.num_perm:
            raise ValueError(f"values has {values.shape[1]} columns, not {self.near.num_perm}")
        with nogil:
            while first < n:
                size = min(FP_NEAR_BLOCK, n - first)
                fp_turns_begin(&self.turns)
                fp_near_held(&self.near, &exact[first], size, &leader[first], &count[first], &values[first, 0], &is_signed[first], &is_known[first])
                fp_turns_end(&self.turns)
                first += size

    def size_rows(self, const uint64_t[::1] cluster not None, uint64_t[::1] n_prompts not None, uint32_t[::1] n_texts not None):
        """Fill events and texts of the cluster of each leader; zeros where there is none. Releases the GIL."""
        cdef int64_t n = cluster.shape[0], i = 0, last
        _check_length("n_prompts", n_prompts.shape[0], n)
        _check_length("n_texts", n_texts.shape[0], n)
        with nogil:
            while i < n:
                last = min(n, i + FP_NEAR_BLOCK)
                fp_turns_begin(&self.turns)
                while i < last:
                    fp_near_size(&self.near, cluster[i], &n_prompts[i], &n_texts[i])
                    i += 1
                fp_turns_end(&self.turns)

    def item_rows(self, uint32_t chunk, uint64_t[::1] exact not None, uint64_t[::1] count not None, uint64_t[::1] leader not None):
        """Fill hash, events and leader's hash of the texts of a chunk; return how many there are, or -1 behind the last chunk. Releases the GIL."""
        cdef int64_t n = -1
        for name, array in (("exact", exact), ("count", count), ("leader", leader)):
            if len(array) < self.near.texts.per_chunk:
                raise ValueError(f"{name} has {len(array)} rows, and a chunk up to {self.near.texts.per_chunk} texts")
        with nogil:
            fp_turns_begin(&self.turns)
            if chunk < self.near.texts.n_chunks:
                n = fp_near_items(&self.near, chunk, &exact[0], &count[0], &leader[0])
            fp_turns_end(&self.turns)
        return n
