"""Texts of any common kind as the buffers of Arrow string arrays, which is what the compiled core reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import InputError

if TYPE_CHECKING:
    from types import ModuleType

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_TEXTS = "texts are an Arrow string column, a list of str or a NumPy array of str"


@dataclass(frozen=True, slots=True)
class TextColumn:
    """Buffers of one Arrow string array.

    Attributes
    ----------
    data : uint8[m]
        UTF-8 of all rows.
    offsets : int32[n + 1] or int64[n + 1]
        Row i is ``data[offsets[i]:offsets[i + 1]]``.
    validity : uint8[k] or None
        Bit ``validity_offset + i`` is 0 where row i is null; a null row counts as the empty text.
    validity_offset : int
        Bit of row 0.
    """

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int32] | npt.NDArray[np.int64]
    validity: npt.NDArray[np.uint8] | None
    validity_offset: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def rows(self, first: int, last: int) -> TextColumn:
        """Return rows ``first`` to ``last`` as a column over the same buffers."""
        return TextColumn(self.data, self.offsets[first : last + 1], self.validity, self.validity_offset + first)

    def start_of(self, row: int, n_bytes: int) -> bytes:
        """Return the first bytes of a row, at most `n_bytes`; none of a null one."""
        if self.validity is not None:
            bit = self.validity_offset + row
            if not self.validity[bit >> 3] >> (bit & 7) & 1:
                return b""
        low, high = int(self.offsets[row]), int(self.offsets[row + 1])
        if not 0 <= low <= high <= len(self.data):
            raise InputError(f"text {row} of an Arrow array lies outside of its data")
        return self.data[low : min(high, low + n_bytes)].tobytes()


def text_columns(texts: Any) -> list[TextColumn]:
    """Return texts as columns, one for each chunk, without a copy where they are Arrow data already.

    Parameters
    ----------
    texts : pyarrow.Array, pyarrow.ChunkedArray, object with ``__arrow_c_array__`` or ``__arrow_c_stream__``, sequence of str, array of str
        None and null count as the empty text; a lone surrogate becomes U+FFFD.

    Raises
    ------
    TypeError
        For anything else; the message names the index of the first element that is no text.
    """
    import pyarrow as pa

    return [_column_of(pa, array) for array in text_arrays(texts)]


def text_arrays(texts: Any) -> list[Any]:
    """Return texts as Arrow arrays of string or large_string, one for each chunk; what :func:`text_columns` takes, it takes, and raises the same."""
    import pyarrow as pa

    return [_strings(pa, chunk) for chunk in _chunks(pa, texts)]


def _chunks(pa: ModuleType, texts: Any) -> list[Any]:
    if isinstance(texts, (str, bytes)):
        raise TypeError(f"{_NOT_TEXTS}, not a single {type(texts).__name__}")
    if isinstance(texts, pa.ChunkedArray):
        return list(texts.chunks)
    if isinstance(texts, pa.Array):
        return [texts]
    if hasattr(texts, "__arrow_c_stream__"):
        return list(pa.chunked_array(texts).chunks)
    if hasattr(texts, "__arrow_c_array__"):
        return [pa.array(texts)]
    return [_array_of_str(pa, texts)]


def utf8(text: str) -> bytes:
    """Return a text as UTF-8; a lone surrogate becomes U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _LONE_SURROGATE.sub("\ufffd", text).encode()


def _array_of_str(pa: ModuleType, texts: Any) -> Any:
    if isinstance(texts, np.ndarray):
        if texts.ndim != 1 or texts.dtype.kind not in "OUT":
            raise TypeError(f"{_NOT_TEXTS}, not an array of {texts.dtype} with {texts.ndim} dimensions")
        texts = texts.tolist()
    elif not isinstance(texts, Sequence):
        raise TypeError(f"{_NOT_TEXTS}, not {type(texts).__name__}")
    for i, text in enumerate(texts):
        if not isinstance(text, str) and text is not None:
            raise TypeError(f"texts[{i}] is {type(text).__name__}, not str")
    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:
        return pa.array([text and _LONE_SURROGATE.sub("\ufffd", text) for text in texts], pa.large_string())


def _strings(pa: ModuleType, array: Any) -> Any:
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_null(array.type) or pa.types.is_dictionary(array.type) or array.type == pa.string_view():
        array = array.cast(pa.large_string())
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        raise TypeError(f"{_NOT_TEXTS}, not an Arrow array of {array.type}")
    return array


def _column_of(pa: ModuleType, array: Any) -> TextColumn:
    validity, offsets, data = array.buffers()
    dtype: Any = np.int32 if pa.types.is_string(array.type) else np.int64
    if len(array) == 0:
        return TextColumn(np.empty(0, np.uint8), np.zeros(1, np.int64), None, 0)
    size = np.dtype(dtype).itemsize
    if offsets is None or offsets.size < size * (array.offset + len(array) + 1):
        raise InputError(f"an Arrow array of {len(array)} texts has too few offsets")
    return TextColumn(
        np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8),
        np.frombuffer(offsets, dtype, len(array) + 1, size * array.offset),
        None if validity is None or array.null_count == 0 else np.frombuffer(validity, np.uint8),
        array.offset,
    )
