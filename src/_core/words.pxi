# Words of prompts for templates, a part of _core.pyx.
cdef extern from "fp_words.h" nogil:
    const int FP_WORDS_SIDE

    ctypedef struct fp_words_out_t:
        uint64_t *hash
        int32_t *start
        int32_t *end

    int fp_words_of_text(fp_sipkey_t key, const uint8_t *text, size_t n_bytes, fp_words_out_t out)

MAX_WORDS = 2 * FP_WORDS_SIDE


def word_rows(const uint8_t[::1] key not None, data, offsets, validity, int64_t validity_offset, const int64_t[::1] room not None,
              uint64_t[::1] hashes not None, int32_t[::1] starts not None, int32_t[::1] ends not None, int32_t[::1] counts not None):
    """Write the words of row i of a text column from place ``room[i]`` on, and how many there are; see fingerprint.words. Releases the GIL."""
    cdef _Column column = _Column(data, offsets, validity, validity_offset)
    cdef int64_t n = column.n_rows, row = 0, last
    cdef const uint8_t *start
    cdef size_t n_bytes = 0, n_readable = 0
    cdef fp_sipkey_t sip
    cdef fp_words_out_t out
    if key.shape[0] != 16:
        raise ValueError(f"a key has 16 bytes, not {key.shape[0]}")
    _check_length("room", room.shape[0], n + 1)
    _check_length("counts", counts.shape[0], n)
    _check_length("starts", starts.shape[0], hashes.shape[0])
    _check_length("ends", ends.shape[0], hashes.shape[0])
    for row in range(n):
        fp_column_row(&column.column, row, &start, &n_bytes, &n_readable)
        if n_bytes > 0x7fffffff:
            raise ValueError(f"row {row} has {n_bytes} bytes; 2**31 - 1 at most")
        if not 0 <= room[row] <= room[row + 1] <= hashes.shape[0]:
            raise ValueError(f"row {row}: its room is not within the {hashes.shape[0]} hashes")
        if room[row + 1] - room[row] < <int64_t>min(n_bytes, <size_t>(2 * FP_WORDS_SIDE)):
            raise ValueError(f"row {row} has room for {room[row + 1] - room[row]} words")
    sip.k0, sip.k1 = fp_load64(&key[0]), fp_load64(&key[8])
    row = 0
    while row < n:
        with nogil:
            last = fp_column_piece_end(&column.column, row, n)
            while row < last:
                fp_column_row(&column.column, row, &start, &n_bytes, &n_readable)
                if n_bytes:
                    out.hash, out.start, out.end = &hashes[room[row]], &starts[room[row]], &ends[room[row]]
                    counts[row] = fp_words_of_text(sip, start, n_bytes, out)
                else:
                    counts[row] = 0
                row += 1
        PyErr_CheckSignals()


cdef extern from "fp_shared.h" nogil:
    ctypedef struct fp_shared_limits_t:
        int64_t min_prompts
        int64_t min_holders
        int64_t min_own
        int64_t max_refrain

    int fp_shared_words(const uint64_t *hashes, const int64_t *offsets, const int32_t *account, const int64_t *order, int64_t n,
                        fp_shared_limits_t limits, uint8_t *shared, uint8_t *refrain)


def shared_words(const uint64_t[::1] hashes not None, const int64_t[::1] offsets not None, const int32_t[::1] account not None,
                 const int64_t[::1] order not None, int64_t min_prompts, int64_t min_holders, int64_t min_own, int64_t max_refrain,
                 uint8_t[::1] shared not None, uint8_t[::1] refrain not None):
    """Set to 1 which words of a group of prompts are shared text, and which are a refrain of their account; see fingerprint.templates. Releases the GIL.

    ``order`` has each of the n prompts once, account by account.
    """
    cdef int64_t n = account.shape[0], m = hashes.shape[0], i
    cdef fp_shared_limits_t limits
    cdef int status
    _check_length("offsets", offsets.shape[0], n + 1)
    _check_length("order", order.shape[0], n)
    _check_length("shared", shared.shape[0], m)
    _check_length("refrain", refrain.shape[0], m)
    if n >= 1 << 31:
        raise ValueError(f"{n} prompts are too many for numbers of 32 bits")
    if offsets[0] < 0 or offsets[n] > m:
        raise ValueError(f"words {offsets[0]} to {offsets[n]} are not within the {m} hashes")
    for i in range(n):
        if offsets[i] > offsets[i + 1]:
            raise ValueError(f"prompt {i}: its offsets are out of order")
        if not 0 <= order[i] < n:
            raise ValueError(f"{order[i]} is none of {n} prompts")
        if i and account[order[i]] < account[order[i - 1]]:
            raise ValueError("prompts do not stand account by account")
    if n == 0:
        return
    limits.min_prompts, limits.min_holders, limits.min_own, limits.max_refrain = min_prompts, min_holders, min_own, max_refrain
    if m:
        with nogil:
            status = fp_shared_words(&hashes[0], &offsets[0], &account[0], &order[0], n, limits, &shared[0], &refrain[0])
        if status != FP_OK:
            raise MemoryError(f"no memory for the text of {n} prompts")
