"""History: was any of this asked before, by others? Novelty and adoption are judged against an earlier dump, never against the scanned window.

Colluders make their own text look popular inside the window they flood. What is kept of a finding while history streams by is a flag per
text and a set of accounts, so shards of a history merge by union.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .clusters import cluster
from .config import SketchConfig
from .keys import Key
from .records import Test
from .sketch import Signatures, sketch
from .templates import contains_shared
from .words import split_words

N_TEXTS = 5000  # of a finding, and of the rest of the traffic beside it, that are looked for
NEW = 0.01  # p from which a finding's texts are newer than those of others


@dataclass(slots=True)
class Sought:
    """What is looked for, and what was seen of it.

    Attributes
    ----------
    accounts : set of str
        Accounts that sent it in the scanned window; their own history does not make it known.
    shared : uint64[t]
        Trigrams of the text that its prompts share (:func:`fingerprint.templates.shared_trigrams`).
    least : int
        How many of them a prompt has that was made from that text; 0 where there is none.
    known : bool[n]
        Texts of which another account sent a near-duplicate.
    users, returned : set of str
        Other accounts that used the shared text; accounts that were there before.
    """

    accounts: set[str]
    signatures: Signatures
    exact: npt.NDArray[np.uint64]
    shared: npt.NDArray[np.uint64]
    least: int
    known: npt.NDArray[np.bool_]
    users: set[str] = field(default_factory=set)
    returned: set[str] = field(default_factory=set)


@dataclass(slots=True)
class History:
    """How much history there was."""

    n_prompts: int = 0
    accounts: set[str] = field(default_factory=set)


def seek(prompts: Sequence[str], accounts: set[str], shared: npt.NDArray[np.uint64], least: int, key: Key, config: SketchConfig,
         threads: int | None = None) -> Sought:
    """Prepare to look for these prompts."""
    made = sketch(list(prompts), key=key, num_perm=config.num_perm, ngram=config.ngram, threads=threads)
    return Sought(accounts, made.signatures, made.exact, shared, least, np.zeros(len(made), bool))


def read_history(batches: Iterable[pa.RecordBatch], sought: Sequence[Sought], key: Key, config: SketchConfig, threads: int | None = None) -> History:
    """Look for all findings in a history, batch by batch.

    Parameters
    ----------
    batches : iterable of RecordBatch
        As :func:`fingerprint.readers.read_events` yields them.
    sought : sequence of Sought
        Changed in place.
    key : Key
        The key of the scan.
    config : SketchConfig

    Returns
    -------
    History
    """
    history = History()
    for batch in batches:
        names = batch.column("account_id").to_pylist()
        history.n_prompts += len(names)
        history.accounts.update(names)
        made = sketch(batch.column("prompt"), key=key, num_perm=config.num_perm, ngram=config.ngram, threads=threads)
        words = split_words(batch.column("prompt").to_pylist(), key.derive("words")) if any(s.least for s in sought) else None
        for one in sought:
            own = np.array([name in one.accounts for name in names], bool)
            one.returned.update(one.accounts.intersection(names))
            others = np.flatnonzero(~own)
            if len(others) and not one.known.all():
                one.known |= _near(one, made.signatures, made.exact, others, config)
            if words is not None and one.least:
                one.users.update(names[i] for i in np.flatnonzero(contains_shared(words, one.shared, one.least) & ~own))
    return history


def novelty(one: Sought, rest: Sought, history: History) -> Test:
    """Compare how much of a finding was asked before with how much of other traffic was.

    Parameters
    ----------
    one : Sought
        A finding.
    rest : Sought
        Texts of the scanned window that are in no finding.
    history : History
    """
    from scipy.stats import binom

    n, m = len(one.known), len(rest.known)
    share, usual = float(one.known.mean()) if n else 0.0, (float(rest.known.sum()) + 0.5) / (m + 1)
    p = float(binom.cdf(int(one.known.sum()), n, usual)) if n else 1.0
    text = f" Its shared text was used by {len(one.users):,} other accounts then, and by {len(one.accounts):,} now." if one.least else ""
    return Test(
        "novelty", share, "others asked for this before, as for anything else", p <= NEW,
        f"{share:.1%} of its texts have a near-duplicate in {history.n_prompts:,} earlier prompts of other accounts, {usual:.1%} of the texts of other traffic."
        f"{text} {len(one.returned):,} of its {len(one.accounts):,} accounts were there before.", p=p, decides=False)


def _near(one: Sought, signatures: Signatures, exact: npt.NDArray[np.uint64], rows: npt.NDArray[np.int64], config: SketchConfig) -> npt.NDArray[np.bool_]:
    joined = Signatures(
        np.concatenate([one.signatures.values, signatures.values[rows]]), np.concatenate([one.signatures.n_shingles, signatures.n_shingles[rows]]),
        one.signatures.scheme, one.signatures.key_id)
    label = cluster(joined, np.concatenate([one.exact, exact[rows]]), threshold=config.threshold).labels
    n = len(one.known)
    found: npt.NDArray[np.bool_] = (label[:n] >= 0) & np.isin(label[:n], label[n:])
    return found
