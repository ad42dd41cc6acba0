"""The stream detector: batches in, near duplicates and findings out, for months."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..arrays import distinct
from ..config import StreamConfig
from ..errors import ConfigError
from ..keys import Key
from ..near import NearIndex, Seen
from ..readers import Decoded, Decoder
from ..room import machine_memory
from ..sketch import signature_scheme
from .accounts import Accounts
from .background import Background
from .care import copy
from .evaluation import Evaluations
from .journal import Entry
from .ledger import Ledger, is_made
from .pieces import Accepted, Content, Leaders, name_hashes
from .results import Account, Clusters, Findings, Observation, Status
from .state import State
from .window import ACCEPTED, AHEAD, LATE, SPANS, Window

if TYPE_CHECKING:
    from ..near import Near

COLUMNS = ("account_id", "timestamp", "prompt", "system", "org_id", "conversation_id")
AT_ONCE = 2_000  # texts that are taken out of memory together: a batch that is observed meanwhile waits no longer
Result = TypeVar("Result")
_REFUSED = {LATE: "late", AHEAD: "ahead-of-clock"}


class Detector:
    """Finds campaigns in a stream of prompts, and keeps what it needs for that in a folder.

    Made by :meth:`open`. Any thread may call any method: those that change something wait for one another, queries do not wait for them. A process that was
    forked off opens a state of its own.
    """

    def __init__(self, state: State, config: StreamConfig, key: Key, clock: Callable[[], float]) -> None:
        scan = config.scan
        self._state, self.config, self._key, self._clock = state, config, key, clock
        self._near = NearIndex(scan.sketch, key, scan.threads)
        self._accounts, self._decoder = Accounts(), Decoder()
        self._writing, self._counting = threading.RLock(), threading.Lock()
        self._background = Background()  # folding, expiry, erasure, one after the other
        self._folding: Future[None] | None = None
        self._n_unindexed = self._n_given = 0
        self._pid, self._closed = os.getpid(), False
        self._budget = config.memory or machine_memory() // 4
        state.cache_limit = self._budget // 4
        self._evaluations = Evaluations(state, config, key, clock)

    @classmethod
    def open(cls, folder: str | os.PathLike[str], config: StreamConfig | None = None, *, key: Key | None = None, clock: Callable[[], float] = time.time,
             salvage: bool = False) -> Detector:
        """Open a state, or make one where the folder is missing or empty.

        Parameters
        ----------
        folder : path
            Readable by its owner only, since prompts are in it.
        config : StreamConfig, optional
            Default: that with which the state was opened last.
        key : Key, optional
            Key of the fingerprints; default :meth:`Key.default`. A state belongs to one key.
        clock : callable
            Seconds since 1970; rows that are dated ahead of it are rejected.
        salvage : bool
            Drop what is damaged at the end of the newest journal, as a failing machine may leave it, instead of refusing the state. Positions go back with it.

        Returns
        -------
        Detector

        Raises
        ------
        ConfigError
            Another process has the state open, or it was made with other sketches.
        InputError
            It is damaged, or belongs to another key.

        Notes
        -----
        Reads what is alive: about 5 s for a million distinct prompts.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, Detector.open(folder, key=Key(bytes(16))) as detector:
        ...     seen = detector.observe([{"account_id": "a", "timestamp": "2026-01-01", "prompt": "What is the boiling point of water?"}])
        ...     int(seen.n_seen[0]), detector.query("what is the boiling point of  WATER?").similarity, detector.account("a").n_prompts
        (1, 1.0, 1)
        """
        key = key or Key.default()
        config = config or _config_of(Path(folder), key)
        sketch = config.scan.sketch
        about = {"sketch": signature_scheme(sketch.num_perm, sketch.ngram), "threshold": sketch.threshold, "num_perm": sketch.num_perm,
                 "span_us": -(-round(config.window_s * 1e6) // SPANS)}
        lateness = None if config.lateness_s is None else round(config.lateness_s * 1e6)

        def window(span_us: int) -> Window:
            return Window.of(round(config.window_s * 1e6), span_us, lateness, round(config.ahead_s * 1e6))

        state = State(Path(folder), key, about, window, salvage)
        try:
            made = cls(state, config, key, clock)
            made._restore()
            state.begin(config.to_dict())
            made._evaluations.restore()
        except BaseException:
            state.abandon()
            raise
        return made

    def _restore(self) -> None:
        for piece in self._state.pieces:
            if piece.span >= self._state.window.first:
                content, leaders = self._state.visible(piece), piece.leaders(self._key, self._state.num_perm)
                self._put_back(content, leaders)
        for entry, batch in self._state.replay():
            for span in self._apply(entry, batch)[1]:
                self._expire(span)

    def _put_back(self, content: Content, leaders: Leaders) -> None:
        exact, count = _text_counts(content)
        n_events = np.zeros(len(leaders.exact), np.uint32)
        order = np.argsort(leaders.exact)
        n_events[order[np.searchsorted(leaders.exact[order], exact)]] = count
        leader = leaders.exact.copy()
        texts = np.flatnonzero(content.texts.exact != 0)
        leader[order[np.searchsorted(leaders.exact[order], content.texts.exact[texts])]] = content.texts.leader[texts]
        # A text that came while memory was short had no cluster, so pieces may differ: what is there already, and who leads himself, is right.
        there = self._near.kept(leaders.exact)
        leader = np.where(there.is_known, there.leader, leader)
        leads = np.isin(leader, leaders.exact[leader == leaders.exact]) | there.is_known
        leader = np.where(leads, leader, leaders.exact)
        named = np.isin(leaders.exact, leader[n_events > 0])
        rows = np.flatnonzero((n_events > 0) | (named & ~there.is_known))
        self._near.restore(leaders.exact[rows], n_events[rows], leaders.values[rows], leaders.signed[rows], leader[rows])
        self._count_accounts(content, 1)

    # Observing

    def observe(self, batch: Any, *, positions: Mapping[str, str] | None = None, repeated: int = 0) -> Observation:
        """Take in a batch of events.

        Parameters
        ----------
        batch : Arrow table or record batch, data frame, iterable of dicts, or Decoded
            Rows of any shape that :func:`fingerprint.read_events` knows.
        positions : mapping of str to str, optional
            Partitions of the source, and where each goes on behind this batch: counted with the rows, or not at all. After a crash :attr:`positions` says
            where to go on, and nothing is lost or counted twice.
        repeated : int
            Rows that the source delivered again and left out, for the accounting.

        Returns
        -------
        Observation

        Raises
        ------
        OSError
            The disk is full, or fails: nothing of the batch counts. It can be given again.
        ConfigError
            The detector is closed, belongs to another process, or has failed before.

        Notes
        -----
        Releases the GIL for most of the time. With ``durability="durable"`` the batch is on the disk when this returns.
        """
        self._check()
        with self._writing:
            self._check()
            first = self._n_given
            decoded = batch if isinstance(batch, Decoded) else self._decode(batch)
            rows = pa.Table.from_batches(decoded.batches).combine_chunks().to_batches() if decoded.batches else []
            if len(rows) > 1:
                raise ConfigError("a batch of more than 2 GB is too large to count at once; give fewer rows at a time")
            kept, entry = self._judge(rows[0] if rows else None, decoded, dict(positions or {}), repeated)
            stored = _stored(kept) if kept is not None and len(kept) else None
            with self._mended():  # no fold comes between the journal and what is in memory
                stored = self._state.append(entry, stored, self.config.durability == "durable")
                try:
                    seen, gone = self._apply(entry, stored)
                except BaseException as error:  # it stands in the journal and not in memory: only opening the state again brings them together
                    self._background.failed = error
                    raise
            self._after(gone)
        return _observation(entry, kept, seen, self._near, 0 if batch is decoded else first)

    def _decode(self, batch: Any) -> Decoded:
        if hasattr(batch, "__arrow_c_stream__") or hasattr(batch, "__arrow_c_array__") or type(batch).__module__.partition(".")[0] == "pandas":
            self._decoder.arrow(batch)
        else:
            self._decoder.rows(batch)
        decoded = self._decoder.take()
        self._n_given += decoded.accounting.read
        return decoded

    def _judge(self, batch: pa.RecordBatch | None, decoded: Decoded, positions: dict[str, str],
               repeated: int) -> tuple[pa.RecordBatch | None, Entry]:
        """Return the rows that count, and what is written beside them."""
        state, accounting = self._state, decoded.accounting
        counts = Counter({"read": accounting.read, "blank": accounting.blank, "accepted": accounting.accepted, "replaced": accounting.replaced,
                          "repeated": repeated, **{f"rejected:{kind}": n for kind, n in accounting.rejected.items()}})
        window = state.window if self.n_bytes <= self._budget else self._relieved(state.window)
        rejects = [(row["file"], row["position"], row["class"]) for row in decoded.rejects.to_pylist()]
        if batch is None:
            return None, Entry(dict(+counts), positions, window.watermark, window.oldest, window.floor, rejects)
        times = batch.column("timestamp").cast(pa.int64()).to_numpy()
        _, verdict = window.place(times, round(self._clock() * 1e6))
        verdict = np.where(self._is_forgotten(batch, times), np.int8(-1), verdict)
        for kind, name in {**_REFUSED, -1: "forgotten"}.items():
            counts[f"rejected:{name}"] += int((verdict == kind).sum())
        counts["accepted"] -= int((verdict != ACCEPTED).sum())
        kept = batch if (verdict == ACCEPTED).all() else batch.filter(pa.array(verdict == ACCEPTED))
        window = window.after(times[verdict == ACCEPTED])
        return kept, Entry(dict(+counts), positions, window.watermark, window.oldest, window.floor, rejects)

    def _is_forgotten(self, batch: pa.RecordBatch, times: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        known = self._state.suppressed
        if not known:
            return np.zeros(len(times), bool)
        hashes = name_hashes(batch.column("account_id"), self._key)
        return np.array([time_us <= known.get(h, -1 << 62) for h, time_us in zip(hashes.tolist(), times.tolist(), strict=True)], bool)

    def _relieved(self, window: Window) -> Window:
        """Drop the oldest span for want of memory, unless it is the only one."""
        with self._state.lock:
            alive = sorted(self._state.live)
        return replace(window, floor=alive[0] + 1) if len(alive) > 1 else window

    def _apply(self, entry: Entry, batch: pa.RecordBatch | None) -> tuple[Any, list[int]]:
        """Do with a batch what follows from it, now or when it is read from a journal; return what the index saw, and spans that expired."""
        if batch is None:
            with self._state.lock:
                return None, self._state.take_in(entry, None)
        enter = self.n_bytes <= self._budget
        seen = self._near.observe(batch.column("prompt"), enter=enter)
        self._n_unindexed += 0 if enter else int(seen.is_new.sum())
        times = batch.column("timestamp").to_numpy()
        hashes = name_hashes(batch.column("account_id"), self._key)
        with self._counting:
            self._accounts.add(hashes, np.ones(len(hashes), np.int64), times)
        span = times // self._state.window.span_us
        with self._state.lock:
            return seen, self._state.take_in(entry, Accepted(batch, span, seen.text, seen.cluster, seen.similarity))

    def _after(self, gone: list[int]) -> None:
        """See to what is due now and then."""
        for span in gone:
            self._background.submit(self._expire, span)
        if self.config.durability == "fast":
            self._background.later(self.config.sync_s, self._state.sync)
        due = gone or self._state.journal_bytes >= self.config.snapshot_bytes
        if due and (self._folding is None or self._folding.done()):
            self._folding = self._background.submit(self._fold)

    def _mend(self) -> None:
        """Put into pieces what the disk has lost of the journal, before anything is written behind the gap."""
        if self._state.is_cut:
            self._fold()

    @contextmanager
    def _mended(self) -> Iterator[None]:
        """Hold the lock of a state whose journal has no gap."""
        while True:
            self._mend()
            with self._state.lock:
                if not self._state.is_cut:
                    yield
                    return

    def _fold(self) -> None:
        self._state.fold(self._leaders_of)

    def _leaders_of(self, content: Content) -> Leaders:
        """Return what the index needs to have the texts of a piece back, and their leaders; a text that it does not hold is signed again."""
        exact = content.texts.exact
        wanted = distinct(np.concatenate([exact, content.texts.leader]))
        wanted = wanted[wanted != 0]
        found = self._near.kept(wanted)
        lost = ~found.is_known
        if lost.any():
            lost &= np.isin(wanted, exact)
        if lost.any():
            rows = np.flatnonzero(np.isin(exact, wanted[lost]))
            _, first = np.unique(exact[rows], return_index=True)
            found.values[lost], found.signed[lost] = self._near.sign(content.take(rows[first]))
        there = found.is_known | lost
        return Leaders(wanted, found.signed, found.values) if there.all() else Leaders(wanted[there], found.signed[there], found.values[there])

    def _expire(self, span: int) -> None:
        for content in self._state.contents(span):
            self._take_out(content)
        with self._state.lock:
            self._state.gone.discard(span)

    def _take_out(self, content: Content) -> None:
        """Subtract events that are gone from memory, a little at a time."""
        exact, count = _text_counts(content)
        for low in range(0, len(exact), AT_ONCE):
            some, n = exact[low : low + AT_ONCE], count[low : low + AT_ONCE]
            if self._n_unindexed:  # of these texts fewer events were counted than there are
                n = np.minimum(n, self._near.kept(some).count).astype(np.uint32)
                some, n = some[n > 0], n[n > 0]
            self._near.subtract(some, n)
        self._count_accounts(content, -1)

    def _count_accounts(self, content: Content, sign: int) -> None:
        events = content.events
        if not len(events):
            return
        hashes, n = name_hashes(content.names["account"], self._key), np.bincount(events.account, minlength=len(content.names["account"]))
        last = np.full(len(n), np.iinfo(np.int64).min)
        np.maximum.at(last, events.account, events.time_us)
        for low in range(0, len(n), AT_ONCE):
            part = slice(low, low + AT_ONCE)
            with self._counting:
                if sign > 0:
                    self._accounts.add(hashes[part], n[part], last[part])
                else:
                    self._accounts.subtract(hashes[part], n[part])

    # Asking

    def query(self, text: str) -> Near:
        """Say what is near to a text, without counting it.

        Parameters
        ----------
        text : str

        Returns
        -------
        Near
            Its cluster, 0 where nothing is near enough, how near, and how often the text and the cluster were seen.

        Notes
        -----
        Takes microseconds, also while a batch is observed.
        """
        self._check()
        return self._near.query(text)

    def account(self, account_id: str) -> Account | None:
        """Return what is known of an account, None where it has no events that are alive. Takes microseconds."""
        self._check()
        hashed = int(name_hashes(pa.array([account_id], pa.large_string()), self._key)[0])
        with self._counting:
            found = self._accounts.get(hashed)
        return None if found is None else Account(account_id, found.n_prompts, found.last_us, **self._evaluations.charge(hashed))

    def findings(self, since: int | None = None) -> Findings:
        """Return the campaigns in what is alive: those that :func:`fingerprint.scan` finds in the same events.

        Parameters
        ----------
        since : int, optional
            Cursor of an earlier call: changes after it are returned, all that are remembered without it.

        Returns
        -------
        Findings
            Those of the last evaluation where nothing has come, expired or been forgotten since.

        Notes
        -----
        Batches are observed meanwhile. What has not changed since the last call is not computed again: vectors, neighbours, and tests of groups.
        """
        self._check()
        return self._evaluations.findings(since)

    def alerts(self) -> list[dict[str, Any]]:
        """Return alerts that are not delivered yet, oldest first: plain values, as :func:`fingerprint.alerting.alert_document` makes them.

        An alert is in the state before it is returned, and stays until :meth:`delivered` is told of it, for the latest thousand. Of all that are ever made,
        at most a share ``config.alert_q`` is expected to be false, however often one asks: asking again where nothing has changed tests nothing.
        """
        self._check()
        return self._evaluations.alerts()

    def delivered(self, alert_ids: Iterable[str]) -> None:
        """Note that alerts have arrived."""
        self._check()
        self._evaluations.delivered(alert_ids)

    def forget(self, accounts: str | Iterable[str]) -> int:
        """Erase accounts: what they sent until now counts for nothing any more, and is not taken in again when it is delivered again.

        Parameters
        ----------
        accounts : str or iterable of str

        Returns
        -------
        int
            Events that were erased. After :meth:`compact` no byte of them or of the names is in the state; a keyed hash of each name is, until the window has
            passed.

        Raises
        ------
        OSError
            The disk is full, or fails; nothing is forgotten.
        """
        names = pa.array([accounts] if isinstance(accounts, str) else list(accounts), pa.large_string())
        until = round(self._clock() * 1e6)
        hashes = name_hashes(names, self._key).tolist()

        def erase() -> int:
            gone = self._state.forget(dict.fromkeys(hashes, until), self._leaders_of)
            for content in gone:
                self._take_out(content)
            self._evaluations.forget(hashes)
            return sum(len(content.events) for content in gone)

        return self._in_turn(erase)

    # Keeping

    def snapshot(self) -> None:
        """Fold the journals now.

        Raises
        ------
        OSError
            The disk is full, or fails; the journals stay.
        """
        self._in_turn(self._fold)

    def compact(self) -> None:
        """Write what is alive anew, in one piece for each span, and leave out what is forgotten. Batches are observed meanwhile.

        Raises
        ------
        OSError
            The disk is full, or fails; nothing has changed.
        """
        self._in_turn(lambda: self._state.compact(self._leaders_of))

    def backup(self, folder: str | os.PathLike[str]) -> None:
        """Write a copy of the state, as of now, into a folder that is missing or empty. Batches are observed meanwhile."""
        self._in_turn(lambda: copy(self._state.folder, Path(folder), self._key))

    def _in_turn(self, work: Callable[[], Result]) -> Result:
        """Do work behind what is being done in the background, and wait for it."""
        self._check()
        return self._background.in_turn(work)

    def sync(self) -> None:
        """Bring everything that was observed to the disk; with ``durability="durable"`` it is there already.

        Raises
        ------
        OSError
            What was observed since the last time may be lost when the machine fails.
        """
        self._check()
        self._mend()
        self._state.sync()

    @property
    def positions(self) -> Mapping[str, str]:
        """Where each partition goes on behind what counts; follows what is observed."""
        return MappingProxyType(self._state.positions)

    @property
    def n_bytes(self) -> int:
        """Bytes in memory of what grows with the traffic."""
        return self._near.n_bytes + self._accounts.n_bytes

    def status(self) -> Status:
        """Return where the detector stands."""
        self._check()
        state = self._state
        with state.lock:
            n_spans = len(state.live)
            return Status(dict(state.counts), state.n_live, self._near.n_texts, self._near.n_leaders, self._accounts.n_alive, self._n_unindexed,
                          self._near.n_budget_exceeded, self.n_bytes, state.n_bytes, n_spans * state.window.span_us / 1e6, state.window.watermark,
                          state.torn, self._evaluations.n_findings, state.ledger.n_rows("alerts"), state.ledger.head.get("n_delivered", 0),
                          self._evaluations.evaluated_us, state.folded_us, self._background.error, dict(state.positions))

    def _check(self) -> None:
        if self._pid != os.getpid():
            raise ConfigError(f"this detector belongs to process {self._pid}; open a state of its own in a process that was forked off")
        if self._closed:
            raise ConfigError("the detector is closed")
        if self._background.failed is not None:
            raise ConfigError(f"the detector has failed ({self._background.failed}); open its state again") from self._background.failed

    def close(self) -> None:
        """Finish what is being done in the background, and close the state."""
        if self._closed or self._pid != os.getpid():
            return
        self._background.close()
        with self._writing:
            self._closed = True
            if self._background.failed is None:
                try:
                    self._mend()
                finally:
                    self._state.close()
            else:
                self._state.abandon()

    def __enter__(self) -> Detector:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _config_of(folder: Path, key: Key) -> StreamConfig:
    """Return the configuration with which a state was opened last; the default one where there is none."""
    if not is_made(folder):
        return StreamConfig()
    ledger = Ledger(folder, key, read_only=True)
    saved = ledger.head.get("config")
    ledger.close()
    return StreamConfig.from_dict(saved) if saved is not None else StreamConfig()


def _text_counts(content: Content) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32]]:
    """Return the hashes of the texts of a piece, empty ones left out, and how many of its events have each."""
    n = np.bincount(content.events.text, minlength=len(content.texts))
    exact, number = np.unique(content.texts.exact, return_inverse=True)
    count = np.bincount(number, weights=n, minlength=len(exact)).astype(np.uint32)
    kept = (exact != 0) & (count > 0)
    return exact[kept], count[kept]


def _stored(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return what the journal keeps of accepted events."""
    return pa.RecordBatch.from_pydict({name: batch.column(name).cast(pa.int64()) if name == "timestamp" else batch.column(name) for name in COLUMNS})


def _observation(entry: Entry, batch: pa.RecordBatch | None, seen: Seen | None, near: NearIndex, first: int) -> Observation:
    if batch is None or seen is None:
        none = np.zeros(0, np.uint64)
        return Observation(entry.counts, pa.array([], pa.string()), np.zeros(0, np.int64), none, np.zeros(0, np.float32), np.zeros(0, np.uint32),
                           np.zeros(0, np.bool_), Clusters(none, none, np.zeros(0, np.uint32)))
    changed = distinct(seen.cluster)
    changed = changed[changed != 0]
    n_prompts, n_texts = near.cluster_size(changed)
    several = n_prompts > 1
    clusters = Clusters(changed[several], n_prompts[several], n_texts[several])
    line = batch.column("line").to_numpy() - first
    return Observation(entry.counts, batch.column("account_id"), line, seen.cluster, seen.similarity, seen.n_seen, seen.is_new, clusters)
