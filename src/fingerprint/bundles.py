"""Bundles: the sketches of findings that one provider gives another, inside a STIX 2.1 bundle.

Whoever has the same key can look for the findings in a traffic of his own; to anybody else the sketches are random bytes. What comes from outside is read
with suspicion: sizes, types and ranges are checked before anything is made of it, and a wrong key is an error, never a search that finds nothing.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .config import SketchConfig
from .errors import InputError, why
from .index import Block
from .keys import Key
from .records import Scan
from .sketch import signature_scheme

SCHEMA = "fp-sketches-1"
EXTENSION_ID = "extension-definition--5b7cc2b8-daa6-5065-aab4-467f773353a9"
MAX_BYTES = 1 << 28  # of a bundle that is read
MAX_FINDINGS, MAX_SKETCHES = 1000, 1 << 16  # findings of a bundle, and sketches of one
MAX_NAME = 200  # characters of the name of a finding
_HEAD = 1 << 16
_IS_BUNDLE = re.compile(rb'\{[^{}\[\]]*"type"\s*:\s*"bundle"\s*,\s*"(id|objects)"')


@dataclass(frozen=True, slots=True)
class Sketches:
    """Sketches of distinct prompts of a finding.

    Attributes
    ----------
    campaign_id : str
    scheme : str
        Of the signatures, such as ``"fp-sketch-1:ngram=5:num_perm=128"``.
    key_id : str
    threshold : float
        Jaccard similarity from which whoever made them called prompts near-duplicates.
    exact : uint64[n]
        Keyed hashes, distinct, none 0.
    values : uint8[n, num_perm]
        As :class:`fingerprint.clusters.Compact` has them.
    signed : bool[n]
        False for a text too short for a signature; its values are zeros.
    n_prompts : int64[n]
        How often the finding has each.
    """

    campaign_id: str
    scheme: str
    key_id: str
    threshold: float
    exact: npt.NDArray[np.uint64]
    values: npt.NDArray[np.uint8]
    signed: npt.NDArray[np.bool_]
    n_prompts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.exact)

    def block(self) -> Block:
        """Return them as something to look for."""
        return Block.bare(self.exact, self.values, self.signed)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; arrays are base64 of their little-endian bytes, flags are packed eight to a byte."""
        wire = _Wire(SCHEMA, self.scheme, self.key_id, self.threshold, self.exact.astype("<u8").tobytes(), self.values.tobytes(),
                     np.packbits(self.signed).tobytes(), np.minimum(self.n_prompts, np.iinfo(np.uint32).max).astype("<u4").tobytes())
        found: dict[str, Any] = msgspec.to_builtins(wire)
        return found

    @classmethod
    def of(cls, scan: Scan, campaign_id: str, most: int) -> Sketches:
        """Return those of a finding of a scan, at most so many, the smallest hashes first."""
        import pyarrow.compute as pc

        told, config = scan.manifest["sketch"], scan.manifest["config"].get("sketch", {})
        table = scan.sketches.filter(pc.equal(scan.sketches["campaign_id"], campaign_id)).sort_by("exact").slice(0, most)
        column = table["values"].combine_chunks()
        scheme = f"{told['scheme']}:ngram={told['ngram']}:num_perm={told['num_perm']}"
        if column.type != pa.binary(told["num_perm"]):
            raise InputError("sketches.parquet does not have the sketches that the manifest names; scan again")
        signed = column.is_valid().to_numpy(zero_copy_only=False)
        values = np.frombuffer(b"".join(column.fill_null(bytes(told["num_perm"])).to_pylist()), np.uint8).reshape(len(table), told["num_perm"])
        return cls(campaign_id, scheme, scan.manifest["key_id"], float(config.get("threshold", SketchConfig().threshold)), table["exact"].to_numpy(), values,
                   signed, table["n_prompts"].to_numpy())


class _Wire(msgspec.Struct):
    """What the extension of a Campaign object holds."""

    schema: str
    sketch_scheme: str
    key_id: str
    threshold: float
    exact: bytes
    values: bytes
    signed: bytes
    counts: bytes


class _Object(msgspec.Struct):
    type: str
    extensions: dict[str, msgspec.Raw] = {}


class _Named(msgspec.Struct):
    name: str


class _Bundle(msgspec.Struct):
    type: str
    objects: list[msgspec.Raw] = []


def is_bundle(path: str | os.PathLike[str]) -> bool:
    """Say whether a file is a STIX bundle and no data set. What is no regular file is none, and is not touched: it could not be read again."""
    try:
        if not os.path.isfile(path):
            return False
        with open(path, "rb") as file:
            head = file.read(_HEAD).lstrip()
            if _IS_BUNDLE.match(head) or not head.startswith(b"{"):
                return head.startswith(b"{")
            line, _, rest = head.partition(b"\n")
            try:
                return msgspec.json.decode(line, type=_Bundle).type == "bundle" and not rest.strip()
            except msgspec.ValidationError:
                return False  # the first row of a data set
            except msgspec.DecodeError:  # one object on many lines, or a long one
                whole = head + file.read(MAX_BYTES)
                return len(whole) <= MAX_BYTES and msgspec.json.decode(whole, type=_Bundle).type == "bundle"
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
        return False


def read_bundle(path: str | os.PathLike[str], key: Key, config: SketchConfig) -> list[Sketches]:
    """Read the sketches of all findings of a bundle.

    Parameters
    ----------
    path : path
        A STIX 2.1 bundle of ``fingerprint export --format stix``.
    key : Key
    config : SketchConfig
        Sketches of another scheme cannot be compared.

    Returns
    -------
    list of Sketches
        At least one, in the order of the bundle.

    Raises
    ------
    InputError
        It cannot be read, is too large, is no such bundle, has no sketches, or was made with another key or scheme.
    """
    where = repr(os.fspath(path))
    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{where} cannot be read: {why(error)}") from None
    if len(raw) > MAX_BYTES:
        raise InputError(f"{where} has more than {MAX_BYTES >> 20} MB; export fewer findings, or fewer sketches of each, into one bundle")
    try:
        found = _findings(raw, where)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        told = str(error) if isinstance(error, msgspec.ValidationError) else "not valid JSON"  # a ValidationError names types and places, never values
        raise InputError(f"{where} is no bundle of findings: {told}") from None
    if not found:
        raise InputError(f"{where} has no sketches; whoever made it exports them with 'fingerprint export OUT --format stix'")
    if len(found) > MAX_FINDINGS or len({one for one, _ in found}) < len(found):
        raise InputError(f"{where} has the sketches of {len(found):,} findings; wanted are at most {MAX_FINDINGS:,}, each once")
    return [_checked(name, wire, where, key, config) for name, wire in found]


def _findings(raw: bytes, where: str) -> list[tuple[str, _Wire]]:
    """Return name and sketches of every object that has some."""
    bundle = msgspec.json.decode(raw, type=_Bundle)
    if bundle.type != "bundle":
        raise InputError(f"{where} is no STIX bundle")
    found = []
    for item in bundle.objects:
        one = msgspec.json.decode(item, type=_Object)
        if one.type == "campaign" and EXTENSION_ID in one.extensions:
            found.append((msgspec.json.decode(item, type=_Named).name, msgspec.json.decode(one.extensions[EXTENSION_ID], type=_Wire)))
    return found


def _checked(name: str, wire: _Wire, where: str, key: Key, config: SketchConfig) -> Sketches:
    scheme, n = signature_scheme(config.num_perm, config.ngram), len(wire.exact) // 8
    if not 0 < len(name) <= MAX_NAME:
        raise InputError(f"{where}: a finding has no name, or one of more than {MAX_NAME} characters")
    if wire.schema != SCHEMA:
        raise InputError(f"{where} has sketches of schema {wire.schema[:MAX_NAME]!r}; this version reads {SCHEMA}")
    if wire.key_id != key.key_id:
        raise InputError(f"{where} was made with key {wire.key_id[:16]!r}; yours is {key.key_id}. Name the shared one with --key-file: under another key "
                         f"nothing can be found")
    if wire.sketch_scheme != scheme:
        raise InputError(f"{where} has sketches of scheme {wire.sketch_scheme[:MAX_NAME]!r}, which cannot be compared with {scheme}")
    if not (0 < n <= MAX_SKETCHES and len(wire.exact) == 8 * n and len(wire.values) == n * config.num_perm and len(wire.signed) == -(-n // 8)
            and len(wire.counts) == 4 * n and 0 < wire.threshold <= 1):
        raise InputError(f"{where}: the sketches of a finding are damaged, or not 1 to {MAX_SKETCHES:,} of them")
    exact = np.frombuffer(wire.exact, "<u8").astype(np.uint64)
    if not exact.all() or len(np.unique(exact)) < n:
        raise InputError(f"{where}: the sketches of a finding are damaged: a hash is zero, or there twice")
    return Sketches(name, scheme, wire.key_id, wire.threshold, exact, np.frombuffer(wire.values, np.uint8).reshape(n, config.num_perm),
                    np.unpackbits(np.frombuffer(wire.signed, np.uint8), count=n).astype(bool), np.frombuffer(wire.counts, "<u4").astype(np.int64))
