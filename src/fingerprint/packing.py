"""Plain values and arrays of hashes as bytes, for a ledger that keeps rows of bytes: read back with suspicion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import InputError

Hashes = npt.NDArray[np.uint64]
_HASH = np.dtype("<u8")


def pack(schema: str, plain: Mapping[str, Any], hashes: Mapping[str, Hashes]) -> bytes:
    """Return one line of JSON with the schema, the plain values and the lengths of the arrays, and behind it the arrays, 8 bytes a hash.

    Parameters
    ----------
    schema : str
        Name and version of what is packed.
    plain : mapping
        Values that JSON knows.
    hashes : mapping of str to uint64[n]
    """
    head = json.dumps({"schema": schema, "plain": dict(plain), "hashes": {name: len(one) for name, one in hashes.items()}}, separators=(",", ":"))
    return b"".join([head.encode("ascii"), b"\n", *(np.ascontiguousarray(one, _HASH).tobytes() for one in hashes.values())])


def unpack(packed: bytes, schema: str, types: Mapping[str, type | tuple[type, ...]], hashes: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what :func:`pack` was given, plain values and arrays under their names.

    Parameters
    ----------
    packed : bytes
    schema : str
        The only one that is accepted.
    types : mapping of str to type
        Of each plain value, exactly; a list is one of strings.
    hashes : tuple of str
        Arrays, each of distinct hashes in ascending order.

    Raises
    ------
    InputError
        It is of another schema, or damaged.
    """
    head, _, body = packed.partition(b"\n")
    try:
        document = json.loads(head)
        if document["schema"] != schema:
            raise InputError(f"a row of the state is of schema {str(document['schema'])[:40]!r}, not {schema}; it was written by another version")
        plain, lengths = document["plain"], list(document["hashes"].items())
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise InputError(f"a row of the state is damaged: it should hold {schema}") from None
    sound = isinstance(plain, dict) and plain.keys() == types.keys() and all(_is(plain[name], kind) for name, kind in types.items())
    sound = sound and [name for name, _ in lengths] == list(hashes) and all(type(n) is int and n >= 0 for _, n in lengths)
    if not sound or len(body) != _HASH.itemsize * sum(n for _, n in lengths):
        raise InputError(f"a row of the state is damaged: its values are not those of {schema}")
    every = np.frombuffer(body, _HASH).astype(np.uint64)
    ends = np.cumsum([0, *(n for _, n in lengths)])
    arrays = {name: every[low:high] for name, (low, high) in zip(hashes, pairwise(ends.tolist()), strict=True)}
    if any((one[1:] <= one[:-1]).any() for one in arrays.values()):
        raise InputError(f"a row of the state is damaged: hashes of {schema} are not in order")
    return {**plain, **arrays}


def _is(value: Any, kind: type | tuple[type, ...]) -> bool:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return type(value) in kinds and (not isinstance(value, list) or all(type(item) is str for item in value))
