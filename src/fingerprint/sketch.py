"""One pass from text to everything that compares texts: MinHash signature, SimHash fingerprint, exact hash.

Scheme ``fp-sketch-1``
----------------------
Any change below is a new scheme name. ``SipHash-c-d(k, m)`` is the 64-bit SipHash; ``k[p]`` the key whose two little-endian halves are
SipHash-2-4(key, 2p) and SipHash-2-4(key, 2p + 1), the messages being 8-byte little-endian integers.

*Normalised text.* Bytes are read as UTF-8, each maximal invalid part as U+FFFD. Each code point is replaced by the fixed point of NFKD and
full case folding (Unicode 14); default-ignorable code points (zero-width, bidi, tags, variation selectors, soft hyphen, ...) and controls
other than white space and NUL are removed and counted. Marks are put into canonical order; of more than 30 behind one starter the rest is
dropped. U+0345 is folded to iota after that ordering. Each run of White_Space becomes one space, none at the ends. Where a code point
would make the (not yet reordered) text longer than 4 bytes for each byte read so far plus 64, it stands for itself; removed code points, white
space and dropped marks count as they were.

*Shingles.* Every window of ``ngram`` code points of the normalised text, as UTF-8; its hash ``h`` is SipHash-1-3 under k[0]. Shorter texts have none.

*Signature.* ``value[i] = min over shingles of hi(h) + m[i] * lo(h) mod 2**32`` with the upper and lower 32 bits of ``h``, and
``m[i] = a[i % 16] + a[16] * (i // 16)``, ``a[j] = 1024 * SipHash-2-4(k[2], j) + j mod 2**32``, the message being the one byte j and seven
zeros. The m[i] are congruent to i modulo 1024, so any two values of a shingle are jointly uniform but for their lowest bits, and the
estimate has the variance of independent permutations. In the usual family ``a[i] * x + b[i]`` of a 32-bit ``x`` they are not, and each
value costs a multiply; here it costs an add.

*Fingerprint.* Bit j is 1 where more than half of the windows have bit j in ``h``.

*Exact hash.* SipHash-1-3 of the normalised text under k[1]; 0 stands for the empty text alone, a computed 0 becomes 1.

*Spelling.* SipHash-1-3 of the text's bytes as they are under k[3]. Where one of the texts with an exact hash stands for all of them it is the one with the
smallest: texts may come in any order and in parts, and nobody without the key can have another one kept.

*Band key.* ``key = (b + 1) << 32``, then ``key = mix(key ^ value)`` for the values of band b in order; mix is Stafford's variant 13.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from .columns import TextColumn, text_columns
from .errors import ConfigError, IncompatibleSignatures
from .keys import Key

SCHEME = "fp-sketch-1"
#: Bits of ``Sketch.flags``: marks were dropped, an expansion was refused, invalid UTF-8 was replaced.
FLAG_MARKS, FLAG_EXPANSION, FLAG_INVALID = 1, 2, 4
# A task takes some 0.1 s at most, so that an interrupt is not kept waiting for the ones that run.
_ROWS_PER_TASK, _BYTES_PER_TASK = 16384, 2 << 20  # some 10 to 100 ms: a worker thread sees no signal before its task is done


def check_comparable(a: Signatures | Fingerprints, b: Signatures | Fingerprints) -> None:
    """Raise unless two batches were made under one scheme and one key.

    Raises
    ------
    IncompatibleSignatures
        With both descriptors in the message.
    """
    if (a.scheme, a.key_id) != (b.scheme, b.key_id):
        raise IncompatibleSignatures(f"{a.scheme} under key {a.key_id} cannot be compared with {b.scheme} under key {b.key_id}")


@dataclass(frozen=True, slots=True)
class Signatures:
    """MinHash signatures of n texts.

    Attributes
    ----------
    values : uint32[n, num_perm]
        The share of equal values of two rows estimates the Jaccard similarity of their shingle sets. Undefined where ``n_shingles`` is 0.
    n_shingles : int32[n]
        Windows of the normalised text, repeats included; 0 means "no signature": such a row is similar to nothing.
    scheme : str
        What made the values, such as ``"fp-sketch-1:ngram=5:num_perm=128"``.
    key_id : str
        Id of the key.
    """

    values: npt.NDArray[np.uint32]
    n_shingles: npt.NDArray[np.int32]
    scheme: str
    key_id: str

    def __len__(self) -> int:
        return len(self.n_shingles)

    def __getitem__(self, rows: slice | npt.NDArray[Any]) -> Signatures:
        return Signatures(self.values[rows], self.n_shingles[rows], self.scheme, self.key_id)

    @property
    def num_perm(self) -> int:
        """Length of a signature."""
        return int(self.values.shape[1])


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """64-bit SimHash fingerprints of n texts.

    Attributes
    ----------
    values : uint64[n]
        Undefined (0) where ``n_shingles`` is 0.
    n_shingles : int32[n]
        Windows of the normalised text; few of them make a fingerprint arbitrary, none makes it meaningless.
    scheme : str
        What made the values, such as ``"fp-sketch-1:ngram=5:simhash=64"``.
    key_id : str
        Id of the key.
    """

    values: npt.NDArray[np.uint64]
    n_shingles: npt.NDArray[np.int32]
    scheme: str
    key_id: str

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice | npt.NDArray[Any]) -> Fingerprints:
        return Fingerprints(self.values[rows], self.n_shingles[rows], self.scheme, self.key_id)


@dataclass(frozen=True, slots=True)
class Sketch:
    """Everything one pass over n texts yields.

    Attributes
    ----------
    signatures : Signatures
        MinHash signatures.
    fingerprints : uint64[n]
        SimHash fingerprints; 0 for a text without shingles.
    exact : uint64[n]
        Keyed hash of the normalised text; 0 for an empty one and for no other.
    n_invisible : uint32[n]
        How many invisible characters were removed: a sign of noise put in on purpose.
    n_chars : int32[n]
        Code points of the normalised text.
    flags : uint8[n]
        ``FLAG_MARKS``, ``FLAG_EXPANSION``, ``FLAG_INVALID``, or 0: bounds that hostile text ran into.
    band_keys : uint64[n, num_bands] or None
        As :func:`fingerprint.lsh.band_keys` makes them of the signatures, where they were asked for.
    """

    signatures: Signatures
    fingerprints: npt.NDArray[np.uint64]
    exact: npt.NDArray[np.uint64]
    n_invisible: npt.NDArray[np.uint32]
    n_chars: npt.NDArray[np.int32]
    flags: npt.NDArray[np.uint8]
    band_keys: npt.NDArray[np.uint64] | None = None

    def __len__(self) -> int:
        return len(self.exact)


def signature_scheme(num_perm: int, ngram: int) -> str:
    """Return the descriptor that travels with signatures of these parameters; checks their range.

    Raises
    ------
    ConfigError
        A parameter is out of range.
    """
    if not 1 <= num_perm <= _core.MAX_NUM_PERM:
        raise ConfigError(f"num_perm is from 1 to {_core.MAX_NUM_PERM}, not {num_perm}")
    if not 1 <= ngram <= _core.MAX_NGRAM:
        raise ConfigError(f"ngram is from 1 to {_core.MAX_NGRAM}, not {ngram}")
    return f"{SCHEME}:ngram={ngram}:num_perm={num_perm}"


def column_tasks(
    columns: list[TextColumn], outputs: dict[str, npt.NDArray[Any]], *, key: Key, num_perm: int, ngram: int, isa: str | None = None, rows_per_band: int = 0
) -> list[Callable[[], None]]:
    """Return tasks of some thousand rows that fill ``outputs``, arrays of all rows by name, from the columns one behind the other.

    As rows are independent, neither who runs a task nor the split changes a result.
    """
    tasks: list[Callable[[], None]] = []
    position = 0
    most = max(1, _BYTES_PER_TASK * 128 // max(128, num_perm))
    for column in columns:
        first = 0
        while first < len(column):
            end = min(int(column.offsets[first]) + most, np.iinfo(column.offsets.dtype).max)
            full = int(np.searchsorted(column.offsets, end, "right")) - 1
            last = max(first + 1, min(full, first + _ROWS_PER_TASK, len(column)))
            rows = column.rows(first, last)
            part = {name: array[position + first : position + last] for name, array in outputs.items()}
            tasks.append(partial(_core.sketch_rows, key.material, rows.data, rows.offsets, rows.validity, rows.validity_offset, num_perm, ngram, isa=isa,
                                 rows_per_band=rows_per_band, **part))
            first = last
        position += len(column)
    return tasks


def processors(threads: int | None) -> int:
    """Return how many threads are meant: as many as are named, None one for each processor.

    Raises
    ------
    ConfigError
        ``threads`` is below 1.
    """
    if threads is not None and threads < 1:
        raise ConfigError(f"threads is at least 1, not {threads}")
    return threads or os.cpu_count() or 1


def run_columns(columns: list[TextColumn], outputs: dict[str, npt.NDArray[Any]], *, threads: int | None, **about: Any) -> None:
    """Fill ``outputs`` as :func:`column_tasks` says, with ``threads`` threads (None: one for each processor)."""
    workers = processors(threads)
    tasks = column_tasks(columns, outputs, **about)
    if min(workers, len(tasks)) <= 1:
        for task in tasks:
            task()
        return
    pool = ThreadPoolExecutor(min(workers, len(tasks)))
    try:
        for future in [pool.submit(task) for task in tasks]:
            future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def exact_hashes(texts: Any, *, key: Key | None = None, threads: int | None = None, isa: str | None = None) -> npt.NDArray[np.uint64]:
    """Hash each normalised text as a whole, which is a tenth of the work of a sketch: for telling repeats before anything else is computed.

    Parameters
    ----------
    texts, key, threads, isa
        As in :func:`sketch`.

    Returns
    -------
    uint64[n]
        ``Sketch.exact``: equal for texts that normalise alike, 0 for an empty one and for no other.

    Notes
    -----
    Releases the GIL.

    Examples
    --------
    >>> a, b, c = exact_hashes(["Tell me", " tell  ME", "tell us"], key=Key(bytes(16))).tolist()
    >>> a == b, a == c
    (True, False)
    """
    key = key or Key.default()
    columns = text_columns(texts)
    exact = np.empty(sum(map(len, columns)), np.uint64)
    run_columns(columns, {"exact": exact}, key=key, num_perm=1, ngram=1, threads=threads, isa=isa)
    return exact


def sketch(texts: Any, *, key: Key | None = None, num_perm: int = 128, ngram: int = 5, bands: tuple[int, int] | None = None, threads: int | None = None,
           isa: str | None = None) -> Sketch:
    """Sketch each text: signature, fingerprint, exact hash and what normalisation met.

    Parameters
    ----------
    texts : Arrow string column, sequence of str, or array of str
        See :func:`fingerprint.columns.text_columns`; null is the empty text.
    key : Key, optional
        Secret of the hashes; default :meth:`Key.default`. Sketches are comparable only under one key.
    num_perm : int
        Length of a signature, 1 to 1024; the standard error of an estimate is ``sqrt(j * (1 - j) / num_perm)``.
    ngram : int
        Code points of a shingle, 1 to 64.
    bands : (int, int), optional
        Number of bands and values of each, as :func:`fingerprint.lsh.choose_bands` gives them: makes the band keys in the same pass.
    threads : int, optional
        Default: one for each processor.
    isa : str, optional
        Force a kernel set (``"scalar"``, ``"avx2"``, ``"avx512"``); no result depends on it.

    Returns
    -------
    Sketch
        Rows as in ``texts``. A text shorter than ``ngram`` has no signature (``n_shingles == 0``) and only its exact hash compares.

    Raises
    ------
    TypeError
        An element is no text.
    ConfigError
        A parameter is out of range, or the instruction set is not supported.

    Notes
    -----
    Releases the GIL, looks for signals every few milliseconds. Memory beyond the result: one normalised text for each thread.

    Examples
    --------
    >>> s = sketch(["Tell me a JOKE", "tell  me a joke", "hi", ""], key=Key(bytes(16)))
    >>> s.exact[0] == s.exact[1], s.signatures.n_shingles.tolist(), int(s.exact[3])
    (np.True_, [10, 10, 0, 0], 0)
    """
    scheme = signature_scheme(num_perm, ngram)
    key = key or Key.default()
    columns = text_columns(texts)
    n = sum(map(len, columns))
    outputs: dict[str, npt.NDArray[Any]] = {
        "values": np.empty((n, num_perm), np.uint32),
        "n_shingles": np.empty(n, np.int32),
        "fingerprints": np.empty(n, np.uint64),
        "exact": np.empty(n, np.uint64),
        "n_invisible": np.empty(n, np.uint32),
        "n_chars": np.empty(n, np.int32),
        "flags": np.empty(n, np.uint8),
    }
    if bands is not None:
        if min(bands) < 1 or bands[0] * bands[1] > num_perm:
            raise ConfigError(f"{bands[0]} bands of {bands[1]} rows do not fit into signatures of {num_perm} values")
        outputs["band_keys"] = np.empty((n, bands[0]), np.uint64)
    run_columns(columns, outputs, key=key, num_perm=num_perm, ngram=ngram, threads=threads, isa=isa, rows_per_band=bands[1] if bands is not None else 0)
    signatures = Signatures(outputs.pop("values"), outputs.pop("n_shingles"), scheme, key.key_id)
    return Sketch(signatures, **outputs)
