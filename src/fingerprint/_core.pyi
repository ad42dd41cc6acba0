"""Stubs of the compiled core; stubtest holds them to the module."""

from collections.abc import Callable, Iterable
from typing import Final, Self, final

import numpy as np
import numpy.typing as npt

MAX_NUM_PERM: Final[int]
MAX_NGRAM: Final[int]
MAX_BANDS: Final[int]
MAX_WORDS: Final[int]

_Offsets = npt.NDArray[np.int32] | npt.NDArray[np.int64]

def supported_isas() -> tuple[str, ...]: ...
def isa() -> str: ...
def sketch_rows(
    key: bytes,
    data: bytes | npt.NDArray[np.uint8],
    offsets: _Offsets,
    validity: npt.NDArray[np.uint8] | None,
    validity_offset: int,
    num_perm: int,
    ngram: int,
    *,
    values: npt.NDArray[np.uint32] | None = None,
    n_shingles: npt.NDArray[np.int32] | None = None,
    fingerprints: npt.NDArray[np.uint64] | None = None,
    exact: npt.NDArray[np.uint64] | None = None,
    spellings: npt.NDArray[np.uint64] | None = None,
    n_invisible: npt.NDArray[np.uint32] | None = None,
    n_chars: npt.NDArray[np.int32] | None = None,
    flags: npt.NDArray[np.uint8] | None = None,
    band_keys: npt.NDArray[np.uint64] | None = None,
    compact: npt.NDArray[np.uint8] | None = None,
    half_keys: npt.NDArray[np.uint32] | None = None,
    rows_per_band: int = 0,
    isa: str | None = None,
) -> None: ...
def hash_rows(
    key: bytes,
    data: npt.NDArray[np.uint8],
    offsets: _Offsets,
    validity: npt.NDArray[np.uint8] | None,
    validity_offset: int,
    out: npt.NDArray[np.uint64],
) -> None: ...
def normalize_rows(
    data: npt.NDArray[np.uint8],
    offsets: _Offsets,
    validity: npt.NDArray[np.uint8] | None,
    validity_offset: int,
    out_offsets: npt.NDArray[np.int64],
    *,
    isa: str | None = None,
) -> bytes: ...
def count_equal_rows(a: npt.NDArray[np.uint32], b: npt.NDArray[np.uint32], out: npt.NDArray[np.int32]) -> None: ...
def hamming_rows(a: npt.NDArray[np.uint64], b: npt.NDArray[np.uint64], out: npt.NDArray[np.uint8]) -> None: ...
def band_keys_rows(values: npt.NDArray[np.uint32], rows_per_band: int, out: npt.NDArray[np.uint64], *, isa: str | None = None) -> None: ...
def compact_rows(
    values: npt.NDArray[np.uint32], rows_per_band: int, out: npt.NDArray[np.uint8], band_keys: npt.NDArray[np.uint32]
) -> None: ...
def intern_rows(
    exact: npt.NDArray[np.uint64], slots: npt.NDArray[np.uint64], numbers: npt.NDArray[np.int32], n_known: int, out: npt.NDArray[np.int32]
) -> int: ...
@final
class Buckets:
    @property
    def n_slots(self) -> int: ...
    @property
    def max_candidates(self) -> int: ...
    def runs(self) -> list[list[int]]: ...

def bucket_rows(
    keys: npt.NDArray[np.uint32], positions: npt.NDArray[np.int32], is_signed: npt.NDArray[np.uint8], max_candidates: int
) -> Buckets: ...
def order_hashes(hashes: npt.NDArray[np.uint64], out: npt.NDArray[np.int32]) -> None: ...
def order_rows(group: npt.NDArray[np.int32], start: npt.NDArray[np.int64], out: npt.NDArray[np.int32]) -> None: ...
def cluster_rows(
    values: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.int32],
    bands: list[Buckets],
    min_equal: int,
    best: npt.NDArray[np.uint64],
    advance: Callable[[int], object] | None = None,
    *,
    map: Callable[..., Iterable[object]] = ...,
    n_parts: int = 1,
    file: int = -1,
    isa: str | None = None,
) -> int: ...
@final
class NearTable:
    def __new__(
        cls, num_perm: int, num_bands: int, rows_per_band: int, min_equal: int, max_candidates: int, *, isa: str | None = None
    ) -> Self: ...
    @property
    def n_texts(self) -> int: ...
    @property
    def n_leaders(self) -> int: ...
    @property
    def n_budget_exceeded(self) -> int: ...
    @property
    def n_bytes(self) -> int: ...
    def find_rows(self, exact: npt.NDArray[np.uint64], is_known: npt.NDArray[np.uint8]) -> None: ...
    def observe_rows(
        self,
        exact: npt.NDArray[np.uint64],
        signed_rows: npt.NDArray[np.int64],
        values: npt.NDArray[np.uint8],
        is_signed: npt.NDArray[np.uint8],
        is_new: npt.NDArray[np.uint8],
        cluster: npt.NDArray[np.uint64],
        n_equal: npt.NDArray[np.int32],
        n_seen: npt.NDArray[np.uint32],
    ) -> None: ...
    def restore_rows(
        self,
        order: npt.NDArray[np.int64],
        exact: npt.NDArray[np.uint64],
        count: npt.NDArray[np.uint32],
        values: npt.NDArray[np.uint8],
        is_signed: npt.NDArray[np.uint8],
        leader: npt.NDArray[np.uint64],
        is_new: npt.NDArray[np.uint8],
    ) -> None: ...
    def subtract_rows(
        self, exact: npt.NDArray[np.uint64], count: npt.NDArray[np.uint32], is_gone: npt.NDArray[np.uint8]
    ) -> None: ...
    def query(self, exact: int, values: npt.NDArray[np.uint8] | None) -> tuple[int, int, int, int, int]: ...
    def kept_rows(
        self,
        exact: npt.NDArray[np.uint64],
        leader: npt.NDArray[np.uint64],
        count: npt.NDArray[np.uint64],
        values: npt.NDArray[np.uint8],
        is_signed: npt.NDArray[np.uint8],
        is_known: npt.NDArray[np.uint8],
    ) -> None: ...
    def size_rows(
        self, cluster: npt.NDArray[np.uint64], n_prompts: npt.NDArray[np.uint64], n_texts: npt.NDArray[np.uint32]
    ) -> None: ...
    def item_rows(
        self, chunk: int, exact: npt.NDArray[np.uint64], count: npt.NDArray[np.uint64], leader: npt.NDArray[np.uint64]
    ) -> int: ...

def word_rows(
    key: bytes,
    data: npt.NDArray[np.uint8],
    offsets: _Offsets,
    validity: npt.NDArray[np.uint8] | None,
    validity_offset: int,
    room: npt.NDArray[np.int64],
    hashes: npt.NDArray[np.uint64],
    starts: npt.NDArray[np.int32],
    ends: npt.NDArray[np.int32],
    counts: npt.NDArray[np.int32],
) -> None: ...
def shared_words(
    hashes: npt.NDArray[np.uint64],
    offsets: npt.NDArray[np.int64],
    account: npt.NDArray[np.int32],
    order: npt.NDArray[np.int64],
    min_prompts: int,
    min_holders: int,
    min_own: int,
    max_refrain: int,
    shared: npt.NDArray[np.uint8],
    refrain: npt.NDArray[np.uint8],
) -> None: ...

@final
class StaticTable:
    def __new__(
        cls,
        vocabulary: bytes | npt.NDArray[np.uint8],
        rows: npt.NDArray[np.int8],
        weights: npt.NDArray[np.int16],
        amplitudes: npt.NDArray[np.int8],
        gram_weight: int,
        ideographs: npt.NDArray[np.uint32],
        ideograph_shares: npt.NDArray[np.uint8],
    ) -> Self: ...
    @property
    def dim(self) -> int: ...
    def encode_rows(
        self,
        data: npt.NDArray[np.uint8],
        offsets: _Offsets,
        validity: npt.NDArray[np.uint8] | None,
        validity_offset: int,
        head_pieces: int,
        tail_bytes: int,
        out: npt.NDArray[np.float32],
        *,
        isa: str | None = None,
    ) -> None: ...
    def sum_rows(
        self,
        data: npt.NDArray[np.uint8],
        offsets: _Offsets,
        validity: npt.NDArray[np.uint8] | None,
        validity_offset: int,
        head_pieces: int,
        tail_bytes: int,
        sums: npt.NDArray[np.int32],
        counts: npt.NDArray[np.int64],
    ) -> bytes: ...
    def piece_ids(self, text: bytes | npt.NDArray[np.uint8], unknown: int) -> bytes: ...
