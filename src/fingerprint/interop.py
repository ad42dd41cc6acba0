"""Exchange of signatures with datasketch 2.x (extra ``datasketch``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import BackendUnavailable, ConfigError, IncompatibleSignatures
from .sketch import Signatures

if TYPE_CHECKING:
    from types import ModuleType

_AFFINE32 = "affine32"  # datasketch's default since 2.0: uint32 values, as ours


@dataclass(frozen=True, slots=True)
class _Origin:
    """Stands where datasketch keeps the hash function: says where the values come from, and refuses to add others to them."""

    scheme: str
    key_id: str
    n_shingles: int

    def __call__(self, data: bytes) -> int:
        raise IncompatibleSignatures(f"values under {self.scheme} cannot take in data hashed by datasketch")


def _datasketch() -> ModuleType:
    try:
        import datasketch
    except ImportError:
        raise BackendUnavailable("datasketch is not installed; pip install 'prompt-fingerprint[datasketch]'") from None
    module: ModuleType = datasketch
    return module


def to_datasketch(signatures: Signatures) -> list[Any]:
    """Return the signatures as datasketch MinHash objects.

    They compare, merge and go into datasketch's LSH among themselves. Their seed is made from the key id, so that comparing them with
    objects that datasketch signed raises there too, and ``update`` raises: the hash of this package is not in them.

    Parameters
    ----------
    signatures : Signatures
        n rows. A row without signature becomes an object whose ``is_empty()`` is true.

    Returns
    -------
    list of datasketch.MinHash
        Scheme ``"affine32"``, each with its own copy of the values.

    Raises
    ------
    BackendUnavailable
        datasketch is not installed.
    """
    module = _datasketch()
    unused = np.ones((2, signatures.num_perm), np.uint32)  # permutations; one array for all, as datasketch's own copies share theirs
    seed = int.from_bytes(signatures.key_id.encode()[:8], "little") or 1
    objects = []
    for value, n_shingles in zip(signatures.values, signatures.n_shingles.tolist(), strict=True):
        values = value if n_shingles else np.full(signatures.num_perm, 0xFFFFFFFF, np.uint32)
        origin = _Origin(signatures.scheme, signatures.key_id, n_shingles)
        objects.append(module.MinHash(seed=seed, hashfunc=origin, hashvalues=values, permutations=unused, scheme=_AFFINE32))
    return objects


def from_datasketch(objects: Sequence[Any]) -> Signatures:
    """Return datasketch MinHash objects as signatures.

    Objects of :func:`to_datasketch` come back as they were. Others get a scheme of their own, such as
    ``"datasketch-affine32:seed=1:hashfunc=sha1_hash32:num_perm=128"``, and no key, so that mixing them with ours raises.

    Parameters
    ----------
    objects : sequence of datasketch.MinHash
        At least one, all of one scheme, seed, hash function and length. ``"affine32"`` and ``"legacy"`` hold 32-bit values and can be read.

    Returns
    -------
    Signatures
        ``n_shingles`` is datasketch's estimate of the number of elements, at least 1; 0 for an empty object.

    Raises
    ------
    BackendUnavailable
        datasketch is not installed.
    IncompatibleSignatures
        Two objects differ in scheme, seed, hash function or length.
    ConfigError
        There is no object, or its scheme has values of 64 bits.
    TypeError
        An element is no MinHash.
    """
    module = _datasketch()
    if not objects:
        raise ConfigError("from_datasketch needs at least one object to know the scheme")
    described = []
    for i, item in enumerate(objects):
        if not isinstance(item, module.MinHash):
            raise TypeError(f"objects[{i}] is {type(item).__name__}, not datasketch.MinHash")
        described.append(_describe(item))
        if described[i][:2] != described[0][:2]:
            raise IncompatibleSignatures(f"objects[{i}] is {described[i][0]} {described[i][1]}, objects[0] is {described[0][0]} {described[0][1]}")
    values = np.stack([np.asarray(item.hashvalues, np.uint32) for item in objects])
    return Signatures(values, np.array([n for _, _, n in described], np.int32), described[0][0], described[0][1])


def _describe(item: Any) -> tuple[str, str, int]:
    """Return (scheme, key id, number of shingles) of a MinHash."""
    origin = item.hashfunc
    n_elements = 0 if item.is_empty() else min(max(1, round(item.count())), 2**31 - 1)
    if isinstance(origin, _Origin):
        # merge() keeps the origin of the first object, which may have been the empty one
        return origin.scheme, origin.key_id, n_elements and (origin.n_shingles or n_elements)
    if item.scheme not in (_AFFINE32, "legacy"):
        raise ConfigError(f"datasketch scheme {item.scheme!r} has values of 64 bits; only affine32 and legacy can be read")
    name = getattr(origin, "__name__", type(origin).__name__)
    return f"datasketch-{item.scheme}:seed={item.seed}:hashfunc={name}:num_perm={len(item)}", "", n_elements
