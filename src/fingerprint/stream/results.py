"""What the stream detector answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

    from ..records import Campaign
    from ..tracking import Change


@dataclass(frozen=True, slots=True)
class Clusters:
    """k near-duplicate clusters.

    Attributes
    ----------
    cluster : uint64[k]
        Names them: the keyed hash of the text of the leader.
    n_prompts : uint64[k]
        Events of them that are alive.
    n_texts : uint32[k]
        Distinct texts.
    """

    cluster: npt.NDArray[np.uint64]
    n_prompts: npt.NDArray[np.uint64]
    n_texts: npt.NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.cluster)


@dataclass(frozen=True, slots=True)
class Observation:
    """What became of a batch.

    Attributes
    ----------
    counts : dict of str to int
        Rows: ``read`` = ``accepted`` + ``blank`` + all ``rejected:CLASS``.
    account_id : pyarrow string array[n]
        Of the accepted rows, as are all below, in the order of the batch.
    line : int64[n]
        Place of each in the batch, or of the partition that it came from.
    cluster : uint64[n]
        Near-duplicate cluster: of whoever is like it. 0 for an empty prompt.
    similarity : float32[n]
        Estimated Jaccard similarity to the leader of the cluster; 1 for the text of the leader.
    n_seen : uint32[n]
        Events that are alive with the same normalised text, this one included.
    is_new : bool[n]
        Whether the text was not there before.
    clusters : Clusters
        Those that changed and have more than one prompt.
    """

    counts: Mapping[str, int]
    account_id: pa.Array
    line: npt.NDArray[np.int64]
    cluster: npt.NDArray[np.uint64]
    similarity: npt.NDArray[np.float32]
    n_seen: npt.NDArray[np.uint32]
    is_new: npt.NDArray[np.bool_]
    clusters: Clusters

    def __len__(self) -> int:
        return len(self.cluster)

    def _repr_html_(self) -> str:
        from .notebook import observation_html

        return observation_html(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """A campaign, under a name that it keeps while it grows.

    Attributes
    ----------
    finding_id : str
    campaign : Campaign
        As :func:`fingerprint.scan` finds it in the events that are alive.
    first_found_us : int
        Time of the first evaluation that found it, microseconds since 1970.
    """

    finding_id: str
    campaign: Campaign
    first_found_us: int

    def _repr_html_(self) -> str:
        from .notebook import finding_html

        return finding_html(self)


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found as of an evaluation; has the length of, and iterates over, the findings.

    Attributes
    ----------
    findings : list of Finding
        Strongest first.
    changes : list of Change
        What happened to findings since the cursor that was given, in order: new, grown, shrunk, moved, merged, split, gone, back.
    cursor : int
        Of the last change: give it the next time.
    evaluated_us : int
        Time of the evaluation, microseconds since 1970.
    """

    findings: list[Finding] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    cursor: int = 0
    evaluated_us: int = 0

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def _repr_html_(self) -> str:
        from .notebook import findings_html

        return findings_html(self)


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of an account.

    Attributes
    ----------
    account_id : str
    n_prompts : int
        Events that are alive.
    last_us : int
        Time of the latest, microseconds since 1970.
    finding_id : str or None
        That charges it most, as of the last evaluation.
    n_attributed : int
        Prompts that it is charged with there.
    share : float
        Of its prompts.
    """

    account_id: str
    n_prompts: int
    last_us: int
    finding_id: str | None = None
    n_attributed: int = 0
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Status:
    """Where a detector stands.

    Attributes
    ----------
    counts : dict of str to int
        Row accounting over the life of the state. ``accepted`` = `n_live` + ``expired`` + ``dropped`` + ``erased``; rows of sources that had been counted
        before are ``repeated`` and not read again.
    n_live, n_texts, n_clusters, n_accounts : int
        Events that are alive, distinct texts of them, near-duplicate clusters, accounts.
    n_unindexed : int
        New texts that were not entered into the near-duplicate index for want of memory; they are evidence all the same.
    n_budget_exceeded : int
        Texts that shared a band with more leaders than it follows.
    memory_bytes, state_bytes : int
        In memory, of what grows with the traffic; on the disk.
    window_s : float
        How much event time is alive.
    watermark_us : int or None
        Latest event time.
    torn_bytes : int
        Half-written bytes that were cut off when the state was opened.
    n_findings, n_pending, n_delivered : int
        Findings of the last evaluation, and alerts that wait and that have arrived.
    evaluated_us, snapshot_us : int
        Time of the last evaluation and of the last fold of this process, microseconds since 1970; 0 before the first.
    error : str
        What the last work in the background failed with; empty where it did not.
    positions : dict of str to str
        Of the partitions of all sources.
    """

    counts: Mapping[str, int]
    n_live: int
    n_texts: int
    n_clusters: int
    n_accounts: int
    n_unindexed: int
    n_budget_exceeded: int
    memory_bytes: int
    state_bytes: int
    window_s: float
    watermark_us: int | None
    torn_bytes: int
    n_findings: int
    n_pending: int
    n_delivered: int
    evaluated_us: int
    snapshot_us: int
    error: str
    positions: Mapping[str, str]
