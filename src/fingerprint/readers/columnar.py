"""Parquet, Arrow files and tables in memory: whole columns at a time where they are plain, row by row where they are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from .batches import BATCH_ROWS, COLUMNS, Batcher, Layout, layout_of
from .shapes import EXTRAS
from .sources import Source, seekable
from .values import EARLIEST_US, LATEST_US, MAX_ACCOUNT_BYTES, UNITS, unit_of

if TYPE_CHECKING:
    import pyarrow as pa


class Unreadable(Exception):
    """A file is no Parquet or Arrow file at all."""


def read_parquet(source: Source, batcher: Batcher, part: tuple[int, int] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the accepted events of a Parquet file, or of the row groups from one to before another: a damaged one does not take the others with it.

    Raises
    ------
    Unreadable
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(seekable(source))
        sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    except (OSError, pa.ArrowException) as error:
        raise Unreadable from error
    low, high = part or (0, len(sizes))
    line = sum(sizes[:low])
    for group, size in enumerate(sizes[low:high], low):
        done = 0
        try:
            for batch in file.iter_batches(BATCH_ROWS, row_groups=[group]):
                yield from read_batch(batch, batcher, line + done)
                done += len(batch)
        except (OSError, pa.ArrowException):
            pass
        if done < size:
            batcher.reject("damaged-file", line + done, n_rows=size - done)
        line += size


def read_arrow(source: Source, batcher: Batcher) -> Iterator[pa.RecordBatch]:
    """Yield the accepted events of an Arrow IPC file or stream.

    Raises
    ------
    Unreadable
    """
    import pyarrow as pa

    data = seekable(source)
    line = 0
    try:
        opened = pa.ipc.open_file(data) if source.head.startswith(b"ARROW1") else pa.ipc.open_stream(data)
    except (OSError, pa.ArrowException) as error:
        raise Unreadable from error
    number = 0
    while True:
        try:
            if hasattr(opened, "num_record_batches"):
                if number == opened.num_record_batches:
                    return
                batch = opened.get_batch(number)
            else:
                batch = opened.read_next_batch()
        except StopIteration:
            return
        except (OSError, pa.ArrowException):
            batcher.reject("damaged-file", line)
            if not hasattr(opened, "num_record_batches"):
                return
            number += 1
            continue
        number += 1
        yield from read_batch(batch, batcher, line)
        line += len(batch)


def is_arrow(data: Any) -> bool:
    """Say whether data are Arrow data or a data frame."""
    return hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__") or type(data).__module__.partition(".")[0] == "pandas"


def arrow_batches(data: Any) -> Iterator[pa.RecordBatch]:
    """Yield the batches of Arrow data or a data frame.

    Raises
    ------
    InputError
        It is neither.
    """
    import pyarrow as pa

    if not is_arrow(data):
        raise InputError(f"Arrow data or a data frame is due, not {type(data).__name__}")
    if isinstance(data, pa.RecordBatch):
        yield data
    elif hasattr(data, "__arrow_c_stream__"):
        yield from pa.RecordBatchReader.from_stream(data)
    elif hasattr(data, "__arrow_c_array__"):
        yield pa.record_batch(data)
    else:
        yield from pa.Table.from_pandas(data, preserve_index=False).to_batches()


def read_batch(batch: pa.RecordBatch, batcher: Batcher, line: int) -> Iterator[pa.RecordBatch]:
    """Yield the accepted events of one batch; `line` is the number of its first row."""
    import pyarrow as pa

    for start in range(0, len(batch), BATCH_ROWS):
        part = batch.slice(start, BATCH_ROWS)
        try:
            part.validate(full=True)
        except pa.ArrowInvalid:
            yield from _row_by_row(part, batcher, line + start)
            continue
        layout = layout_of(tuple(part.schema.names), batcher.mapping)
        plain = _plain_columns(part, layout, batcher) if layout is not None and len(set(part.schema.names)) == len(part.schema.names) else None
        if plain is None:
            yield from _row_by_row(part, batcher, line + start)
        else:
            yield from batcher.batches(at_end=True)  # keep the order of rows
            yield _accept(plain, batcher, line + start)


def _plain_columns(batch: pa.RecordBatch, layout: Layout, batcher: Batcher) -> dict[str, pa.Array] | None:
    """Return the columns of a batch under our names, None where a column has no plain type."""
    import pyarrow as pa

    prompt = batch.column(layout.prompt)
    if pa.types.is_dictionary(prompt.type):
        prompt = prompt.dictionary_decode()
    account, time = _text(batch.column(layout.account), whole=True), _microseconds(batch.column(layout.time), batcher)
    if not _is_text(prompt.type) or account is None or time is None:
        return None
    if "prompt" in batcher.mapping and _may_be_json(prompt):
        return None
    found = {"account_id": account, "timestamp": time, "prompt": prompt.cast(pa.large_string())}
    names = list(EXTRAS)
    for place, path in layout.extras:
        extra = _text(batch.column(path), whole=True)
        if extra is None:
            return None
        found[names[place]] = extra
    return found


def _accept(columns: dict[str, pa.Array], batcher: Batcher, line: int) -> pa.RecordBatch:
    import pyarrow as pa
    import pyarrow.compute as pc

    account, time, prompt = columns["account_id"], columns["timestamp"], columns["prompt"]
    n = len(prompt)
    micro = time.fill_null(0).to_numpy(zero_copy_only=False)
    length = pc.binary_length(account).fill_null(0).to_numpy(zero_copy_only=False)
    wrong = np.select(
        [~_valid(prompt), length == 0, length > MAX_ACCOUNT_BYTES, ~_valid(time), (micro < EARLIEST_US) | (micro >= LATEST_US)], [1, 2, 3, 4, 5])
    names = ("", "missing-prompt", "missing-account", "account-too-long", "missing-timestamp", "timestamp-out-of-range")
    bad = np.flatnonzero(wrong)
    for row in bad:
        batcher.reject(names[wrong[row]], line + int(row))
    batcher.accounting.read += n - len(bad)
    batcher.accounting.accepted += n - len(bad)
    batcher.note_shape("plain")
    place = {"file": pa.array(np.full(n, batcher.origin.number, np.int32)), "line": pa.array(np.arange(line, line + n))}
    arrays = {**columns, **place, "timestamp": time.cast(pa.timestamp("us", "UTC"))}
    for name in COLUMNS:
        if name in EXTRAS and name in arrays:
            empty = pc.equal(pc.binary_length(arrays[name]), 0)
            arrays[name] = pc.if_else(empty, pa.scalar(None, pa.string()), pc.utf8_slice_codeunits(arrays[name], 0, 1024))
        elif name not in arrays:
            arrays[name] = pa.nulls(n, pa.large_string() if name == "system" else pa.string())
    order = (*COLUMNS, "file", "line")
    batch = pa.RecordBatch.from_arrays([arrays[name] for name in order], list(order))
    return batch.filter(pa.array(wrong == 0)) if len(bad) else batch


def _valid(array: pa.Array) -> Any:
    return array.is_valid().to_numpy(zero_copy_only=False)


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view())


def _text(array: pa.Array, whole: bool) -> pa.Array | None:
    """Return text, or whole numbers as text, as a string column; None for another type."""
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if _is_text(array.type) or pa.types.is_null(array.type) or (whole and pa.types.is_integer(array.type)):
        return array.cast(pa.string())
    return None


def _microseconds(array: pa.Array, batcher: Batcher) -> pa.Array | None:
    """Return microseconds since 1970 as int64, None where a row has to be looked at by itself."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    try:
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            naive = array.cast(pa.timestamp("us", kind.tz if pa.types.is_timestamp(kind) else None), safe=False)
            return naive.cast(pa.int64())
        if pa.types.is_integer(kind) or pa.types.is_floating(kind):
            return _from_numbers(array, batcher)
        if _is_text(kind):
            text = array.cast(pa.string())
            zone = "UTC" if len(text) and bool(pc.all(pc.match_substring_regex(text, r"(Z|[+-]\d\d:?\d\d)$")).as_py()) else None
            return pc.cast(text, pa.timestamp("us", zone)).cast(pa.int64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    return None


def _from_numbers(array: pa.Array, batcher: Batcher) -> pa.Array | None:
    import pyarrow as pa

    plain = array.drop_null()
    values = plain.to_numpy(zero_copy_only=False)
    if not len(values):
        return array.cast(pa.int64())
    if not np.isfinite(values.astype(np.float64)).all():
        return None
    times = batcher.origin.times
    if times.unit is None:
        times.unit = unit_of(float(values[0]))
    if times.unit == "us" and pa.types.is_integer(array.type):
        return array.cast(pa.int64())
    filled = array.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64) * UNITS[times.unit]
    return pa.array(np.rint(np.clip(filled, -9e18, 9e18)).astype(np.int64), mask=~_valid(array))


def _may_be_json(prompt: pa.Array) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring_regex(prompt, r"^[\[{]")).as_py())


def _row_by_row(batch: pa.RecordBatch, batcher: Batcher, line: int) -> Iterator[pa.RecordBatch]:
    """Decode rows one at a time: nested columns, odd types, text that is not UTF-8."""
    names = batch.schema.names
    for i in range(len(batch)):
        try:
            row = {name: batch.column(place)[i].as_py() for place, name in enumerate(names)}
        except UnicodeDecodeError:
            batcher.reject("invalid-utf8", line + i)
            continue
        except (ValueError, OverflowError):
            batcher.reject("bad-timestamp", line + i)
            continue
        batcher.row(row, line + i)
        if batcher.full:
            yield from batcher.batches()
