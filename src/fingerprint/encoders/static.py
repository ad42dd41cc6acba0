"""The embedded encoder: a compiled WordPiece tokenizer over a small int8 table, shipped with the package.

A text is the sum of one row a word piece, scaled to unit length; rows carry their weight. Words that the English vocabulary breaks into single
characters, and ideographs, count as hashed character n-grams instead, so that texts in other scripts differ by what they say. Such vectors are
lexical: a translation is not near its original.

Speed and quality beside the teacher and model2vec: ``encoders/data/PROVENANCE.md``.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from .. import _core
from ..columns import TextColumn, text_columns
from ..errors import ConfigError, InputError, why

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = "static"
SCHEME: Final = "fp-static-1"
TABLE: Final = "static-1.npz"
TABLE_SHA256: Final = "39361998a012aae070302b252fd5316c8d30b7445180e6226f59f7ddc5c6509a"
HEAD_PIECES: Final = 192
TAIL_BYTES: Final = 320  # about 64 pieces: what is asked often stands behind a long frame
_ROWS_PER_TASK = 8192  # some tens of milliseconds, so that an interrupt is not kept waiting; fewer rows are not worth a thread
_FIELDS: Final = {
    "scheme": (np.uint8, 1),
    "vocabulary": (np.uint8, 1),
    "rows": (np.int8, 2),
    "weights": (np.int16, 1),
    "amplitudes": (np.int8, 1),
    "gram_weight": (np.int32, 1),
    "ideographs": (np.uint32, 1),
    "ideograph_shares": (np.uint8, 1),
}


class StaticEncoder:
    """Encode texts with a table of word-piece rows, in compiled code and without any download.

    Parameters
    ----------
    path : str, Path or bytes, optional
        A table made by :mod:`fingerprint.encoders.distill`, or what is in the file; the shipped one by default.
    sha256 : str, optional
        What the file must hash to. The shipped table is always checked against the hash in this module.
    name : str
        What the encoder calls itself; how it was chosen.
    threads : int
        Python threads that share the texts of one call; the result does not depend on it.
    head_pieces : int
        Word pieces to read from the start of a text, 1 to 1024.
    tail_bytes : int
        Bytes to read from its end, behind the head, 0 to 1024.

    Raises
    ------
    ConfigError
        A number is out of range.
    InputError
        The file is missing, is not a table or has another hash.

    Notes
    -----
    Loading takes about 30 ms and 10 MB; the table is shared by threads.

    Examples
    --------
    >>> encoder = StaticEncoder()
    >>> joke, pun, tax = encoder.encode(["tell me a joke", "do you know a good pun?", "how is income tax computed"])
    >>> bool(joke @ pun > joke @ tax)
    True
    """

    device: Final = "cpu"

    def __init__(
        self,
        path: str | os.PathLike[str] | bytes | None = None,
        *,
        sha256: str | None = None,
        name: str = NAME,
        threads: int = 1,
        head_pieces: int = HEAD_PIECES,
        tail_bytes: int = TAIL_BYTES,
    ) -> None:
        if threads < 1:
            raise ConfigError(f"threads is at least 1, not {threads}")
        self.name: Final[str] = name
        shipped = path is None
        raw, where = _read(path)
        self.digest: Final = hashlib.sha256(raw).hexdigest()
        expected = TABLE_SHA256 if shipped else sha256
        if expected is not None and self.digest != expected:
            raise InputError(f"{where} is damaged or another table: its SHA-256 is {self.digest}, not {expected}")
        self.arrays: Final = _arrays(raw, where)
        self._table = _build(self.arrays, where)
        self.dim: Final[int] = self._table.dim
        self._threads = threads
        self._limits = (head_pieces, tail_bytes)
        self._encode_part(TextColumn(np.empty(0, np.uint8), np.zeros(1, np.int64), None, 0), np.empty((0, self.dim), np.float32))  # checks limits

    def encode(self, column: Any) -> npt.NDArray[np.float32]:
        """Return the vector of each text; see :meth:`Encoder.encode`.

        Parameters
        ----------
        column : pyarrow.Array, pyarrow.ChunkedArray or sequence of str
            Texts; null counts as the empty text. Arrow columns are read in place.

        Returns
        -------
        float32[n, dim]
            Unit length, or zeros for a text without a known word. The same bits for every instruction set, thread count and batch split.

        Notes
        -----
        Releases the GIL and looks for signals every few milliseconds. Work per text is bounded by the head and the tail, not by its length.
        """
        columns = text_columns(column)
        out = np.empty((sum(map(len, columns)), self.dim), np.float32)
        tasks, row = [], 0
        for part in columns:
            for first in range(0, len(part), _ROWS_PER_TASK):
                last = min(first + _ROWS_PER_TASK, len(part))
                tasks.append((part.rows(first, last), out[row + first : row + last]))
            row += len(part)
        workers = min(self._threads, len(tasks))
        if workers <= 1:
            for task in tasks:
                self._encode_part(*task)
            return out
        pool = ThreadPoolExecutor(workers, thread_name_prefix="fingerprint-encode")
        try:
            for done in [pool.submit(self._encode_part, *task) for task in tasks]:
                done.result()
        finally:
            pool.shutdown(cancel_futures=True)
        return out

    def _encode_part(self, part: TextColumn, out: npt.NDArray[np.float32]) -> None:
        self._table.encode_rows(part.data, part.offsets, part.validity, part.validity_offset, *self._limits, out)

    def sums(self, column: Any) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.uint32]]:
        """Return what the vectors of texts are made of, before they are scaled.

        Parameters
        ----------
        column : pyarrow.Array, pyarrow.ChunkedArray or sequence of str

        Returns
        -------
        sums : int32[n, dim]
            A positive multiple of the vector of each text.
        counts : int64[n]
            How many rows of the table are in each.
        rows : uint32[m]
            Their numbers, text by text, a row as often as it was added. What is in a sum beyond them comes from n-grams.
        """
        columns = text_columns(column)
        sums, counts, rows, at = np.empty((sum(map(len, columns)), self.dim), np.int32), np.empty(sum(map(len, columns)), np.int64), [], 0
        for part in columns:
            here = slice(at, at + len(part))
            rows.append(self._table.sum_rows(part.data, part.offsets, part.validity, part.validity_offset, *self._limits, sums[here], counts[here]))
            at += len(part)
        return sums, counts, np.frombuffer(b"".join(rows), np.uint32)

    def piece_ids(self, text: str, unknown: int = 100) -> npt.NDArray[np.uint32]:
        """Return the word-piece ids of one text, without special tokens, as ``tokenizers`` gives them; 100 is BERT's [UNK]."""
        column = text_columns([text])[0]
        return np.frombuffer(self._table.piece_ids(column.data[column.offsets[0] : column.offsets[1]], unknown), np.uint32)

    def __repr__(self) -> str:
        return f"StaticEncoder(dim={self.dim}, digest={self.digest[:8]})"


def _read(path: str | os.PathLike[str] | bytes | None) -> tuple[bytes, str]:
    if isinstance(path, bytes):
        return path, "encoder table"
    where = TABLE if path is None else os.fspath(path)
    try:
        source = resources.files(__package__).joinpath("data", TABLE) if path is None else Path(path)
        return source.read_bytes(), f"encoder table {where!r}"
    except OSError as error:
        raise InputError(f"encoder table {where!r} cannot be read: {why(error)}") from None


def _arrays(raw: bytes, where: str) -> dict[str, npt.NDArray[Any]]:
    arrays: dict[str, npt.NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            is_stored = all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())
        if is_stored:  # then nothing in it is larger than the file
            with np.load(io.BytesIO(raw), allow_pickle=False) as file:
                arrays = {name: np.ascontiguousarray(file[name]) for name in _FIELDS}
    except Exception as error:  # zipfile and numpy raise many kinds on hostile bytes
        raise InputError(f"{where} is not a table: {type(error).__name__}") from None
    if not is_stored:
        raise InputError(f"{where} is compressed; write it with numpy.savez")
    for name, (dtype, ndim) in _FIELDS.items():
        if arrays[name].dtype != dtype or arrays[name].ndim != ndim:
            raise InputError(f"{where}: {name} is {arrays[name].dtype} with {arrays[name].ndim} dimensions, not {np.dtype(dtype)} with {ndim}")
    if arrays["scheme"].tobytes() != SCHEME.encode():
        raise InputError(f"{where} is not of scheme {SCHEME}")
    return arrays


def _build(arrays: Mapping[str, npt.NDArray[Any]], where: str) -> _core.StaticTable:
    if len(arrays["gram_weight"]) != 1:
        raise InputError(f"{where}: gram_weight has {len(arrays['gram_weight'])} values, not 1")
    try:
        return _core.StaticTable(
            arrays["vocabulary"],
            arrays["rows"],
            arrays["weights"],
            arrays["amplitudes"],
            int(arrays["gram_weight"][0]),
            arrays["ideographs"],
            arrays["ideograph_shares"],
        )
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None
