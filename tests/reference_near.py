"""The index of near-duplicates in plain Python: dictionaries and lists, written from the rule in fingerprint.near and not from the compiled core."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from reference import MASK64

CHANCE = 1 / 256


def _mix(x: int) -> int:
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK64
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK64
    return x ^ x >> 31


def keys(values: bytes, num_bands: int, rows_per_band: int) -> list[tuple[int, int]]:
    """Return the key of each band of a compact signature: 16 bits of a hash, and 16 bits that are never 0."""
    result = []
    for band in range(num_bands):
        part, key = values[band * rows_per_band : (band + 1) * rows_per_band], _mix(band + 1)
        for at in range(0, rows_per_band, 8):
            key = _mix(key ^ int.from_bytes(part[at : at + 8], "little"))
        result.append((key >> 48, key >> 32 & 0xFFFF or 1))
    return result


@dataclass
class Text:
    """A text that is kept, and, of a leader, who its members are."""

    values: bytes | None
    leader: int
    order: int
    count: int = 0
    members: set[int] = field(default_factory=set)


class Outcome(NamedTuple):
    """What a row of an observed text gives."""

    cluster: int
    similarity: float
    n_seen: int
    is_new: bool


class ReferenceIndex:
    """The rule, one text after another."""

    def __init__(self, num_perm: int, num_bands: int, rows_per_band: int, threshold: float, max_candidates: int = 64) -> None:
        self.num_perm, self.shape, self.threshold, self.max_candidates = num_perm, (num_bands, rows_per_band), threshold, max_candidates
        self.texts: dict[int, Text] = {}
        self.buckets: dict[tuple[int, int], list[int]] = {}
        self.n_arrived = self.n_budget_exceeded = 0

    def _similarity(self, a: bytes, b: bytes) -> float:
        return max(0.0, (sum(x == y for x, y in zip(a, b, strict=True)) / self.num_perm - CHANCE) / (1 - CHANCE))

    def _to_leader(self, exact: int) -> float:
        text = self.texts[exact]
        values = self.texts[text.leader].values
        return 1.0 if text.leader == exact or text.values is None or values is None else self._similarity(text.values, values)

    def _nearest(self, values: bytes) -> tuple[int, float, bool]:
        """Return leader, similarity and whether a bucket is full; leader 0 where none is near enough."""
        found = [self.buckets.get(key, []) for key in keys(values, *self.shape)]
        near = []
        for leader in {leader for bucket in found for leader in bucket}:
            other = self.texts[leader]
            assert other.values is not None and other.leader == leader
            similarity = self._similarity(values, other.values)
            if similarity >= self.threshold - 1e-9:
                near.append((similarity, -other.order, leader))
        best = max(near, default=(0.0, 0, 0))
        return best[2], best[0], any(len(bucket) >= self.max_candidates for bucket in found)

    def _lead(self, exact: int, values: bytes | None) -> None:
        self.texts[exact] = Text(values, exact, self.n_arrived)
        self.n_arrived += 1
        for key in keys(values, *self.shape) if values is not None else []:
            bucket = self.buckets.setdefault(key, [])
            if len(bucket) < self.max_candidates:
                bucket.append(exact)

    def _follow(self, exact: int, values: bytes, leader: int) -> None:
        self.texts[exact] = Text(values, leader, -1)
        self.texts[leader].members.add(exact)

    def observe(self, exact: int, values: bytes | None) -> Outcome:
        """Take in a text; `values` is None of one without signature."""
        if exact == 0:
            return Outcome(0, 0.0, 0, False)
        is_new = exact not in self.texts
        if is_new:
            leader, _, is_full = self._nearest(values) if values is not None else (0, 0.0, False)
            self.n_budget_exceeded += is_full
            if leader and values is not None:
                self._follow(exact, values, leader)
            else:
                self._lead(exact, values)
        self.texts[exact].count += 1
        return Outcome(self.texts[exact].leader, self._to_leader(exact), self.texts[exact].count, is_new)

    def restore(self, exact: int, count: int, values: bytes | None, leader: int) -> None:
        """Put a text back with its leader."""
        if exact not in self.texts:
            if leader == exact:
                self._lead(exact, values)
            else:
                assert values is not None and self.texts[leader].leader == leader
                self._follow(exact, values, leader)
        assert self.texts[exact].leader == leader
        self.texts[exact].count += count

    def subtract(self, exact: int, count: int) -> None:
        """Take events of a text back."""
        text = self.texts[exact]
        assert text.count >= count
        text.count -= count
        if text.count or text.members:
            return
        leader = self.texts[text.leader]
        if text is not leader:
            leader.members.remove(exact)
            del self.texts[exact]
            if leader.count or leader.members:
                return
        self._forget_leader(text.leader)

    def _forget_leader(self, exact: int) -> None:
        text = self.texts.pop(exact)
        for key in keys(text.values, *self.shape) if text.values is not None else []:
            bucket = self.buckets.get(key, [])
            if exact in bucket:
                bucket.remove(exact)
                if not bucket:
                    del self.buckets[key]

    def size(self, leader: int) -> tuple[int, int]:
        """Return events and distinct texts alive of a cluster."""
        if leader not in self.texts or self.texts[leader].leader != leader:
            return 0, 0
        counts = [self.texts[exact].count for exact in (leader, *self.texts[leader].members)]
        return sum(counts), sum(count > 0 for count in counts)

    def query(self, exact: int, values: bytes | None) -> tuple[int, float, int, int, int]:
        """Return cluster, similarity, events of the text, and the size of the cluster."""
        if exact in self.texts:
            leader, similarity, n_seen = self.texts[exact].leader, self._to_leader(exact), self.texts[exact].count
        else:
            leader, similarity, _ = self._nearest(values) if exact and values is not None else (0, 0.0, False)
            n_seen = 0
        return leader, similarity, n_seen, *self.size(leader)

    def items(self) -> list[tuple[int, int, int]]:
        """Return hash, events and leader of all that is kept, in the order of the hashes."""
        return sorted((exact, text.count, text.leader) for exact, text in self.texts.items())
