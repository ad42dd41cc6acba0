"""Circumstances: each supporting test against traffic in which the answer is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from fingerprint.circumstances import FEWEST, circumstances
from fingerprint.records import Test
from fingerprint.store import TextStore
from fingerprint.traffic import HOUR_US, Traffic

DAY = 24 * HOUR_US


def traffic(seed: int = 0, n_people: int = 200, n_group: int = 20, flat: bool = True, together: bool = True) -> tuple[Traffic, np.ndarray]:
    """People who keep hours of their own and begin on any day, and a group that may do neither."""
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(n_people + n_group), 30)
    start = rng.uniform(0, 60, n_people + n_group)
    if together:
        start[n_people:] = 30 + rng.uniform(0, 0.5, n_group)
    noon = rng.normal(14, 2, n_people + n_group)
    day = start[account].astype(np.int64) + rng.integers(0, 20, len(account))
    hour = rng.normal(noon[account], 2) % 24
    if flat:
        mine = account >= n_people
        hour[mine] = rng.uniform(0, 24, mine.sum())
    n = len(account)
    talk = np.arange(n) // 3
    made = Traffic(
        account_ids=pa.array([f"u{i}" for i in range(n_people + n_group)], pa.large_string()), account=account, actor=np.arange(n_people + n_group),
        time_us=(day * DAY + hour * HOUR_US).astype(np.int64), conversation=talk, text=np.arange(n), exact=np.arange(n).astype(np.uint64),
        first_row=np.arange(n), cluster=np.arange(n), similarity=np.ones(n, np.float32),
        store=TextStore.of(pa.array(["x"] * n)), place=np.arange(n, dtype=np.int32), file=np.zeros(n, np.int32), line=np.arange(n),
        system=np.full(n, -1, np.int32), system_texts=pa.array([], pa.large_string()))
    return made, np.flatnonzero(account >= n_people)


def by_name(tests: list[Test]) -> dict[str, Test]:
    assert all(not t.decides and t.p is not None and 0 <= t.p <= 1 for t in tests)
    return {t.name: t for t in tests}


def test_a_group_that_never_sleeps_and_begins_at_once() -> None:
    found = by_name(circumstances(*reversed(traffic())))
    assert found["daily rhythm"].passed and found["daily rhythm"].statistic < 0.15
    assert found["common start"].passed and found["common start"].statistic < 1
    assert not found["moving conversations"].passed and found["moving conversations"].statistic == 0


@pytest.mark.parametrize("seed", range(5))
def test_people_like_all_others_show_nothing(seed: int) -> None:
    found = by_name(circumstances(*reversed(traffic(seed, flat=False, together=False))))
    assert not any(t.passed for t in found.values())


def test_conversations_that_change_hands() -> None:
    made, rows = traffic()
    talk = made.conversation.copy()
    talk[rows] = talk[np.roll(rows, 30)]  # the next account goes on where this one stopped
    talk[rows[::2]] = made.conversation[rows[::2]]
    found = by_name(circumstances(rows, dataclasses.replace(made, conversation=talk)))["moving conversations"]
    assert found.passed and found.statistic > 0.5
    silent = dataclasses.replace(made, conversation=np.full(len(talk), -1))
    assert "moving conversations" not in by_name(circumstances(rows, silent))


def test_accounts_of_one_organisation_may_share_conversations() -> None:
    made, rows = traffic()
    talk = made.conversation.copy()
    talk[rows] = talk[np.roll(rows, 30)]
    talk[rows[::2]] = made.conversation[rows[::2]]
    actor = made.actor.copy()
    actor[200:] = 200
    found = by_name(circumstances(rows, dataclasses.replace(made, conversation=talk, actor=actor)))["moving conversations"]
    assert not found.passed and found.statistic == 0


def test_nothing_is_said_of_few_prompts_or_of_most_accounts() -> None:
    made, rows = traffic()
    assert circumstances(rows[: FEWEST - 1], made) == [] and circumstances(rows[:0], made) == []
    assert circumstances(np.arange(len(made.account)), made) == []
