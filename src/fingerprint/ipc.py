"""Columns as bytes, and back: Arrow streams of one batch, which whoever keeps them protects by a digest or a MAC of his own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

_PLAIN, _COMPRESSED = pa.ipc.IpcWriteOptions(), pa.ipc.IpcWriteOptions(compression="lz4")
_STREAM_END = 8  # bytes of the mark that ends an Arrow stream


def pack(columns: pa.RecordBatch | Mapping[str, Any], compressed: bool = True) -> memoryview:
    """Write a batch, or columns of one length: Arrow arrays and flat arrays; of hashes, which do not shrink, better not `compressed`.

    A matrix of bytes is a column of its rows.
    """
    batch = columns if isinstance(columns, pa.RecordBatch) else pa.RecordBatch.from_pydict({name: _array(column) for name, column in columns.items()})
    if compressed:
        sink = pa.BufferOutputStream()
        _write_stream(sink, batch, _COMPRESSED)
        return memoryview(sink.getvalue())
    room = pa.allocate_buffer(batch.schema.serialize().size + pa.ipc.get_record_batch_size(batch) + _STREAM_END)  # one that grows is several times slower
    fixed = pa.FixedSizeBufferWriter(room)
    _write_stream(fixed, batch, _PLAIN)
    return memoryview(room)[: fixed.tell()]


def _array(column: Any) -> pa.Array:
    if isinstance(column, np.ndarray) and column.ndim == 2:
        rows = np.ascontiguousarray(column).view(np.uint8).reshape(len(column), -1)
        return pa.FixedSizeBinaryArray.from_buffers(pa.binary(rows.shape[1]), len(rows), [None, pa.py_buffer(rows)])
    return column if isinstance(column, pa.Array) else pa.array(column)


def _write_stream(sink: pa.NativeFile, batch: pa.RecordBatch, options: pa.ipc.IpcWriteOptions) -> None:
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)


def unpack(content: bytes | memoryview) -> pa.RecordBatch:
    """Read what :func:`pack` wrote; it has been checked that this is it."""
    with pa.ipc.open_stream(pa.py_buffer(content)) as reader:
        return reader.read_next_batch()


def plain(batch: pa.RecordBatch, name: str) -> Any:
    """Return a column without nulls as a flat array."""
    return batch.column(name).to_numpy(zero_copy_only=False)


def matrix(batch: pa.RecordBatch, name: str, kind: Any = np.uint8) -> Any:
    """Return a column of rows of bytes as a matrix, a view of the batch."""
    column = batch.column(name)
    width = column.type.byte_width
    flat = np.frombuffer(column.buffers()[1] or b"", np.uint8)
    return flat[column.offset * width : (column.offset + len(column)) * width].reshape(len(column), width).view(kind)
