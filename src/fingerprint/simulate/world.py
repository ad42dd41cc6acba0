"""Worlds: all groups of a configuration as one stream of events, sorted by time.

The plan of all rows is held in memory (53 bytes a row), their text is not: it is rendered chunk by chunk. What an account writes depends on
the seed, its group and its number only, so neither the size of a piece of the plan nor that of a chunk changes a byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from fingerprint.errors import ConfigError
from fingerprint.simulate import noise
from fingerprint.simulate.campaigns import Campaign, campaign_rules
from fingerprint.simulate.config import CampaignConfig, WorldConfig
from fingerprint.simulate.draws import GOLDEN, Ints, Keys, apportion, below, chance, derive, hex_strings, indexed, mix, name_key
from fingerprint.simulate.grammar import RowKeys, Rules
from fingerprint.simulate.lookalikes import Lookalike, lookalike_rules
from fingerprint.simulate.people import Interests, People, personas, volume_weights
from fingerprint.simulate.rows import Rows, Store
from fingerprint.simulate.timing import DAY, Calendar
from fingerprint.simulate.vocabulary import build_grammar

if TYPE_CHECKING:
    import pyarrow as pa

PLAN_ROWS: Final = 1_000_000  # planned at a time; bounds what planning needs besides the plan
CHUNK_ROWS: Final = 20_000
ORG_SIZE: Final = 4
AGENTS: Final = (
    "python-requests/2.32", "openai-python/1.82", "openai-node/4.104", "curl/8.7", "Mozilla/5.0 (Windows NT 10.0)", "Mozilla/5.0 (Macintosh)",
    "Mozilla/5.0 (X11; Linux)", "Mozilla/5.0 (iPhone)", "Mozilla/5.0 (Android 15)", "langchain/0.3", "httpx/0.28", "okhttp/4.12",
)


@dataclass(frozen=True)
class Group:
    """Accounts of one kind.

    ``keys`` uint64[a] are the accounts' personas; ``plan(which)`` writes the rows of the accounts at these positions, with ``account`` numbered
    as in ``which``; ``org`` int64[a] is -1 for none.
    """

    name: str
    kind: str
    is_campaign: bool
    keys: Keys
    org: Ints
    n_rows: int
    plan: Callable[[Ints], Rows]
    shared_ips: int = 0


class World:
    """A simulated log.

    Parameters
    ----------
    config : WorldConfig
    seed : int
        Same configuration and seed, same bytes.

    Raises
    ------
    ConfigError
        The organic accounts would have less than one prompt each, or there are none for the prompts that are left.
    """

    def __init__(self, config: WorldConfig, seed: int = 0) -> None:
        self.config, self.seed = config, seed
        extra: Rules = {}
        for campaign in config.campaigns:
            extra |= campaign_rules(campaign)
        for lookalike in config.lookalikes:
            extra |= lookalike_rules(lookalike)
        self._grammar = build_grammar(extra)
        self._people = People(self._grammar, Interests(), Calendar(int(config.days * DAY), config.start.weekday()))
        self._start_us = round(config.start.timestamp() * 1_000_000)
        self.groups = self._groups()
        self._ids = mix(name_key("id", seed) + GOLDEN * (np.arange(self.n_accounts, dtype=np.uint64) + np.uint64(1)))

    @property
    def n_rows(self) -> int:
        """Number of events."""
        return sum(group.n_rows for group in self.groups)

    @property
    def n_accounts(self) -> int:
        """Number of accounts."""
        return sum(len(group.keys) for group in self.groups)

    @cached_property
    def events(self) -> pa.Table:
        """All events as one table; for worlds that fit into memory."""
        import pyarrow as pa

        return pa.Table.from_batches(self.batches(), self.schema)

    @property
    def schema(self) -> pa.Schema:
        """Columns of the events: account_id, timestamp (us, UTC), prompt, org_id, conversation_id, ip, user_agent."""
        import pyarrow as pa

        text = pa.string()
        return pa.schema([("account_id", text), ("timestamp", pa.timestamp("us", "UTC")), ("prompt", pa.large_string()), ("org_id", text),
                          ("conversation_id", text), ("ip", text), ("user_agent", text)])

    @cached_property
    def labels(self) -> pa.Table:
        """What each account is: account_id, kind (``organic``, ``campaign`` or the kind of look-alike), campaign (null: none), by id."""
        import pyarrow as pa

        kind = np.repeat([g.kind for g in self.groups], [len(g.keys) for g in self.groups])
        campaign = [g.name if g.is_campaign else None for g in self.groups for _ in range(len(g.keys))]
        names = _text(hex_strings(self._ids, 16))
        table = pa.table({"account_id": names, "kind": pa.array(kind.tolist(), pa.string()), "campaign": pa.array(campaign, pa.string())})
        return table.sort_by("account_id")

    def batches(self, chunk_rows: int = CHUNK_ROWS, threads: int = 2) -> Iterator[pa.RecordBatch]:
        """Yield all events by time; neither `chunk_rows` nor `threads` changes them."""
        store = self._plan()
        order = store.by_time()
        starts = range(0, len(order), chunk_rows)
        with ThreadPoolExecutor(threads) as pool:
            for first in range(0, len(starts), 2 * threads):  # bounded: a pool's map would render all parts ahead of the reader
                some = starts[first : first + 2 * threads]
                yield from pool.map(lambda start: self._render(store.take(order[start : start + chunk_rows])), some)

    def _groups(self) -> list[Group]:
        config, seed, found = self.config, self.seed, []
        for number, campaign in enumerate(config.campaigns):
            found.append(self._campaign_group(campaign, number))
        for lookalike in config.lookalikes:
            keys = personas(seed, lookalike.name, np.arange(lookalike.accounts))
            made = Lookalike(lookalike, self._people, seed)
            counts = np.full(len(keys), lookalike.prompts_each, dtype=np.int64)
            org = np.full(len(keys), int(name_key("org", lookalike.name) >> np.uint64(2)) if lookalike.kind == "app" else -1, dtype=np.int64)
            found.append(Group(lookalike.name, lookalike.kind, False, keys, org, int((counts + made.own(counts)).sum()),
                               lambda which, made=made, keys=keys: made.rows(keys[which])))  # type: ignore[misc]
        spare, n = config.prompts - sum(g.n_rows for g in found), config.organic_accounts
        if spare < n:
            raise ConfigError(f"{config.prompts:,} prompts are too few for what is planted and {n:,} organic accounts")
        if spare and not n:
            raise ConfigError(f"{spare:,} of {config.prompts:,} prompts are left over and there are no organic accounts to write them")
        if n:
            found.append(self._organic_group(n, spare))
        return found

    def _campaign_group(self, config: CampaignConfig, number: int) -> Group:
        keys = personas(self.seed, config.name, np.arange(config.accounts))
        made = Campaign(config, number, self._people, self.seed)
        counts = made.counts(keys)
        first = np.cumsum(counts) - counts
        return Group(config.name, "campaign", True, keys, np.full(len(keys), -1, dtype=np.int64), int((counts + made.cover(counts)).sum()),
                     lambda which: made.rows(keys[which], counts[which], first[which]), config.shared_ips)

    def _organic_group(self, n: int, prompts: int) -> Group:
        keys = personas(self.seed, "organic", np.arange(n))
        counts = apportion(volume_weights(keys, self.config.sigma), prompts)
        office = np.arange(n) // ORG_SIZE
        office_key = indexed(np.full(n, name_key("office", self.seed), dtype=np.uint64), office)
        org = np.where(chance(office_key, self.config.org_share), (office_key >> np.uint64(2)).astype(np.int64), -1)
        return Group("organic", "organic", False, keys, org, int(counts.sum()), lambda which: self._people.rows(keys[which], counts[which]))

    def _plan(self) -> Store:
        """Plan all rows, group by group."""
        store, start = Store(self.n_rows), 0
        for group in self.groups:
            n = len(group.keys)
            for which in np.array_split(np.arange(n, dtype=np.int64), max(1, min(n, -(-group.n_rows // PLAN_ROWS)))):
                rows = group.plan(which)
                store.add(rows, start + which[rows.account])
            start += n
        return store

    def _render(self, rows: Rows) -> pa.RecordBatch:
        import pyarrow as pa

        account = rows.account
        texts = self._grammar.render(rows.root, RowKeys(rows.topic, rows.row, rows.body, rows.conversation, rows.persona, rows.habits))
        ids = self._ids[account]
        org, ips = self._per_account
        none = org[account] < 0
        org_id = _text(hex_strings(org[account].astype(np.uint64) << np.uint64(2), 10))
        return pa.record_batch([
            _text(hex_strings(ids, 16)),
            pa.array(rows.time + self._start_us, pa.int64()).cast(pa.timestamp("us", "UTC")),
            self._noisy(texts, rows),
            _masked(org_id, none),
            _text(hex_strings(derive(rows.conversation, "id"), 12)),
            _ip(derive(rows.conversation, "ip"), ids, ips[account]),
            pa.array(AGENTS, pa.string()).take(pa.array(below(derive(ids, "agent"), len(AGENTS)))),
        ], schema=self.schema)

    @cached_property
    def _per_account(self) -> tuple[Ints, Ints]:
        """Organisation and number of shared proxies of every account."""
        proxies = [np.full(len(g.keys), (i << 20) + g.shared_ips if g.shared_ips else 0, dtype=np.int64) for i, g in enumerate(self.groups)]
        return np.concatenate([g.org for g in self.groups]), np.concatenate(proxies)

    def _noisy(self, texts: pa.LargeStringArray, rows: Rows) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        human = np.flatnonzero(rows.human & chance(derive(rows.row, "typo"), noise.TYPO_SHARE))
        evading = np.flatnonzero(rows.noise >= 0)
        if not len(human) and not len(evading):
            return texts
        touched = np.concatenate([human, evading])
        plain = texts.take(pa.array(touched)).to_pylist()
        changed = noise.typos(plain[: len(human)], rows.row[human])
        for number in np.unique(rows.noise[evading]).tolist():
            config = self.config.campaigns[number]
            mine = np.flatnonzero(rows.noise[evading] == number)
            apply = noise.replace_words if config.noise == "words" else noise.unicode_noise
            sent = rows.conversation[evading][mine]  # of the sending, not of the query: who sends a query again garbles it anew
            for at, text in zip(mine, apply([plain[len(human) + i] for i in mine], sent, config.noise_rate), strict=True):
                plain[len(human) + at] = text
        plain[: len(human)] = changed
        mask = np.zeros(len(rows), bool)
        mask[touched] = True
        order = np.argsort(touched, kind="stable")
        return pc.replace_with_mask(texts, pa.array(mask), pa.array([plain[i] for i in order], pa.large_string()))


def _text(ascii_rows: npt.NDArray[np.uint8]) -> pa.Array:
    """Return rows of ASCII characters as a string column."""
    import pyarrow as pa

    n, width = ascii_rows.shape
    offsets = np.arange(0, (n + 1) * width, width, dtype=np.int32) if width else np.zeros(n + 1, np.int32)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(ascii_rows)))


def _masked(column: pa.Array, none: npt.NDArray[np.bool_]) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pa.array(none), pa.scalar(None, pa.string()), column)


def _ip(row: Keys, account: Keys, proxies: Ints) -> pa.Array:
    """Return an address per row: one of up to three of the account's own, or one of the proxies that a pool shares."""
    import pyarrow as pa

    own = indexed(derive(account, "ip"), np.minimum(below(row, 3), below(derive(account, "roams"), 3)))
    number = np.maximum(proxies & ((1 << 20) - 1), 1)
    pool = indexed(np.full(len(row), name_key("proxy"), dtype=np.uint64) + (proxies >> 20).astype(np.uint64), below(derive(row, "proxy"), number))
    key = np.where(proxies > 0, pool, own)
    octets = [below(derive(key, i), 223 if i == 0 else 256) + (i == 0) for i in range(4)]
    return pa.array(["{}.{}.{}.{}".format(*quad) for quad in zip(*(o.tolist() for o in octets), strict=True)], pa.string())
