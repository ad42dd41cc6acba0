"""From pieces to traffic: what the detection stages see of the events that are alive.

It is the traffic that :mod:`fingerprint.ingest` makes of the same events, wherever they were cut and in whatever order they came: accounts in the order of
their names, texts in that of their hashes, of each text the spelling with the smallest hash.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..arrays import first_spellings
from ..store import take_from
from ..traffic import Traffic, declared_actors, first_events
from .pieces import Content


class Stored:
    """The texts of a traffic, where they stand in its pieces.

    Parameters
    ----------
    contents : sequence of Content
        Their texts are numbered one behind the other.
    """

    def __init__(self, contents: Sequence[Content]) -> None:
        self._contents = contents
        self._starts = np.concatenate([[0], np.cumsum([len(content.texts) for content in contents])]).astype(np.int64)

    def take(self, places: npt.NDArray[np.integer]) -> pa.LargeStringArray:
        """Return texts by number, in this order."""
        return take_from(places, self._starts, lambda piece, rows: self._contents[piece].take(rows))


def assemble(contents: Sequence[Content]) -> Traffic:
    """Return the traffic of all events of some pieces.

    Parameters
    ----------
    contents : sequence of Content
        May be empty, and may be without events.

    Returns
    -------
    Traffic
        Files and lines are those of no file: 0, and the number of the event.
    """
    ids, account = _named(contents, "account")
    _, org = _named(contents, "org")
    system_texts, system = _named(contents, "system")
    times = np.concatenate([np.zeros(0, np.int64), *(content.events.time_us for content in contents)])
    conversation = np.concatenate([np.zeros(0, np.uint64), *(content.events.conversation for content in contents)])
    place, exact, text = _texts(contents)
    whole = {name: np.concatenate([np.zeros(0, kind), *(getattr(content.texts, name) for content in contents)])
             for name, kind in (("leader", np.uint64), ("similarity", np.float32))}
    return Traffic(account_ids=ids, account=account, actor=declared_actors(account, len(ids), org, times), time_us=times,
                   conversation=_numbered(conversation), text=text, exact=exact, first_row=first_events(account, times, text, len(exact)),
                   cluster=_numbered(whole["leader"][place]), similarity=whole["similarity"][place], store=Stored(contents), place=place,
                   file=np.zeros(len(times), np.int32), line=np.arange(len(times)), system=system, system_texts=system_texts)


def _named(contents: Sequence[Content], kind: str) -> tuple[pa.LargeStringArray, npt.NDArray[np.int32]]:
    """Return the distinct names of a kind, ascending, and the number of each event's name among them, -1 for none."""
    coded = pa.concat_arrays([pa.array([], pa.large_string()), *(content.names[kind] for content in contents)]).dictionary_encode()
    order = pc.sort_indices(coded.dictionary)
    rank = np.empty(len(order) + 1, np.int32)
    rank[order.to_numpy()] = np.arange(len(order), dtype=np.int32)
    rank[-1] = -1
    number, at, parts = rank[:-1][coded.indices.to_numpy()], 0, [np.zeros(0, np.int32)]
    for content in contents:
        n = len(content.names[kind])
        parts.append(np.append(number[at : at + n], np.int32(-1))[getattr(content.events, kind)])
        at += n
    return coded.dictionary.take(order), np.concatenate(parts)


def _texts(contents: Sequence[Content]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
    """Return where each distinct text stands, its hash, ascending, and the text of each event, -1 for an empty one."""
    exact, spelling = (np.concatenate([np.zeros(0, np.uint64), *(getattr(content.texts, name) for content in contents)]) for name in ("exact", "spelling"))
    place, number = first_spellings(exact, spelling)
    if len(place) and exact[place[0]] == 0:
        place, number = place[1:], number - np.int32(1)
    at, parts = 0, [np.zeros(0, np.int32)]
    for content in contents:
        parts.append(number[at : at + len(content.texts)][content.events.text])
        at += len(content.texts)
    return place, exact[place], np.concatenate(parts)


def _numbered(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
    """Return the number of each hash among the distinct ones, -1 for 0."""
    found, number = np.unique(hashes, return_inverse=True)
    return (number - int(len(found) > 0 and found[0] == 0)).astype(np.int32)

