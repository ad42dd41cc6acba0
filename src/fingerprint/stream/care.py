"""Taking care of a state from outside: checking every byte of it, and copying it while it is in use."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..errors import ConfigError, InputError, why
from ..ipc import unpack
from ..keys import Key
from .frames import sync_folder
from .journal import JournalReader, path_of
from .ledger import NAME, Ledger, is_made
from .pieces import EVENTS, Piece

ATTEMPTS = 10  # at reading a state while another process folds it
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in a state.

    Attributes
    ----------
    counts : dict of str to int
        Row accounting, as :class:`fingerprint.stream.results.Status` has it.
    n_live : int
        Events that are alive.
    n_pieces, n_journals, n_bytes : int
    torn : int
        Bytes that a killed process left half-written; opening the state cuts them off.
    positions : dict of str to str
    n_findings, n_rejects : int
        Listed.
    """

    counts: dict[str, int]
    n_live: int
    n_pieces: int
    n_journals: int
    n_bytes: int
    torn: int
    positions: dict[str, str]
    n_findings: int
    n_rejects: int


def verify(folder: Path, key: Key) -> Report:
    """Read every byte of a state and check that all of it is what was written, and that its rows add up. It may be in use meanwhile.

    Raises
    ------
    InputError
        Something is damaged, missing, or does not add up.
    """
    return _steadily(folder, key, lambda ledger: _verify(folder, key, ledger))


def _verify(folder: Path, key: Key, ledger: Ledger) -> Report:
    ledger.check()
    head = ledger.head
    live: Counter[int] = Counter()
    size = 0
    for name, span, mac, n_events, n_hidden, n_bytes in head["pieces"]:
        piece = Piece(folder / name, span, mac, n_events)
        found = sum(len(unpack(frame.content)) for frame in piece.frames(key) if frame.kind == EVENTS)
        if found != n_events or piece.path.stat().st_size != n_bytes:
            raise InputError(f"{str(piece.path)!r} has {found:,} events, not {n_events:,}")
        if span >= max(head["oldest"], head["floor"]):
            live[span] += n_events - n_hidden
        size += n_bytes
    counts, positions = Counter(head["counts"]), dict(head["positions"])
    numbers, torn = range(head["journal"], _newest(folder, head) + 1), 0
    for number in numbers:
        reader = JournalReader(path_of(folder, number), key)
        for entry, batch in reader:
            counts.update(entry.counts)
            positions.update(entry.positions)
            if batch is not None:
                spans, n = np.unique(batch.column("timestamp").to_numpy() // head["about"]["span_us"], return_counts=True)
                live.update(dict(zip(spans.tolist(), n.tolist(), strict=True)))
            for span in [span for span in live if span < max(entry.oldest, entry.floor)]:
                counts["expired" if span < entry.oldest else "dropped"] += live.pop(span)
        torn, size = torn + reader.torn, size + path_of(folder, number).stat().st_size
        if number < numbers[-1] and not (reader.ended == number + 1 or (reader.ended == 0 and not reader.torn)) and number + 1 != numbers[-1]:
            raise InputError(f"{str(reader.path)!r} is damaged: its end is missing")
    if counts["accepted"] != live.total() + counts["expired"] + counts["dropped"] + counts["erased"]:
        raise InputError(f"{str(folder)!r} does not add up: {dict(counts)}, and {live.total():,} events are alive")
    return Report(dict(counts), live.total(), len(head["pieces"]), len(numbers), size, torn, positions, ledger.n_rows("findings"), ledger.n_rows("rejects"))


def _newest(folder: Path, head: dict[str, int]) -> int:
    numbers = [int(path.name.removeprefix("journal-")) for path in folder.glob("journal-*")]
    return max([head["newest"], *numbers])


def _steadily(folder: Path, key: Key, work: Callable[[Ledger], Result]) -> Result:
    """Do work on a state that another process may be folding meanwhile: again where it did."""
    for attempt in range(ATTEMPTS):
        ledger = Ledger(folder, key, read_only=True)
        try:
            return work(ledger)
        except (InputError, OSError):
            later = Ledger(folder, key, read_only=True)
            changed = later.version != ledger.version
            later.close()
            if not changed or attempt == ATTEMPTS - 1:
                raise
        finally:
            ledger.close()
    raise InputError(f"{str(folder)!r} is changed all the time")


def copy(folder: Path, target: Path, key: Key) -> None:
    """Copy a state, also one that is in use, as of some moment while this runs.

    Parameters
    ----------
    folder, target : Path
        `target` must be missing or empty. Pieces, which never change, are linked where both lie on one file system.

    Raises
    ------
    ConfigError
        `target` holds something, or cannot be written.
    InputError
        The state is damaged.
    """
    if not is_made(folder):
        raise InputError(f"{str(folder)!r} is no state of a detector: it has no {NAME}; name the folder that 'fingerprint watch' was given")
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(target.iterdir()):
            raise ConfigError(f"{str(target)!r} is not empty; name another folder")
        _steadily(folder, key, lambda ledger: _copy(folder, target, key, ledger))
    except OSError as error:
        raise ConfigError(f"{str(target)!r} cannot be written: {why(error)}") from None


def _copy(folder: Path, target: Path, key: Key, ledger: Ledger) -> None:
    for path in target.iterdir():
        path.unlink()
    ledger.copy(target)
    head = ledger.head
    for name, *_ in head["pieces"]:
        try:
            os.link(folder / name, target / name)
        except OSError:
            shutil.copyfile(folder / name, target / name)
            (target / name).chmod(0o600)
    for number in range(head["journal"], _newest(folder, head) + 1):
        shutil.copyfile(path_of(folder, number), path_of(target, number))
        path_of(target, number).chmod(0o600)
    for path in target.iterdir():
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
    sync_folder(target)
    if Ledger(target, key, read_only=True).version != ledger.version or Ledger(folder, key, read_only=True).version != ledger.version:
        raise InputError(f"{str(folder)!r} was folded while it was copied")
