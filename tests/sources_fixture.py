"""A caller of sources: counts rows, keeps positions with the counts in one step, and can crash before that."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from fingerprint.sources import Delivery, Source


def event(i: int, prompt: str | None = None) -> bytes:
    """Return a row as JSON, the prompt of which says which one it is."""
    return json.dumps({"account_id": f"a{i % 7}", "timestamp": 1_772_000_000 + i, "prompt": prompt or f"row {i}"}).encode()


def names(numbers: Iterable[int]) -> Counter[str]:
    """Return what the prompts of these rows count."""
    return Counter(f"row {i}" for i in numbers)


@dataclass
class Caller:
    """State of a detector: how often each prompt was seen, and up to where. What is `pending` is not durable yet."""

    counts: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    positions: dict[str, str] = field(default_factory=dict)
    rejects: list[dict[str, str]] = field(default_factory=list)
    pending: list[Delivery] = field(default_factory=list)
    n_repeated: int = 0
    lag: int | None = None

    def take(self, delivery: Delivery | None) -> int:
        """Work on a delivery; return its rows."""
        if delivery is None:
            return 0
        delivery.decoded.accounting.check()
        assert delivery.n_rows == delivery.decoded.accounting.read
        self.pending.append(delivery)
        self.lag = delivery.lag
        return delivery.n_rows + delivery.n_repeated

    def save(self, source: Source | None = None) -> None:
        """Make everything durable, in one step, and tell the source."""
        for delivery in self.pending:
            self.counts.update(p for batch in delivery.decoded.batches for p in batch.column("prompt").to_pylist())
            self.rejected.update(delivery.decoded.accounting.rejected)
            self.rejects += delivery.decoded.rejects.to_pylist()
            self.positions.update(delivery.positions)
            self.n_repeated += delivery.n_repeated
        self.pending = []
        if source is not None:
            source.commit(self.positions)

    def crash(self) -> None:
        """Lose what is not durable."""
        self.pending = []

    def read(self, source: Source, n: int, timeout_s: float = 10.0) -> None:
        """Poll until `n` rows have come, and make them durable."""
        deadline = time.monotonic() + timeout_s
        while n > 0:
            assert time.monotonic() < deadline, f"{n} rows did not come"
            n -= self.take(source.poll(0.2))
            self.save()
        assert n == 0, f"{-n} rows too many"

    def drain(self, source: Source) -> None:
        """Poll until nothing comes, and make it durable."""
        while self.take(source.poll(0.0)):
            self.save()
