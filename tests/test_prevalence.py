"""Prevalence: the sketch of holders against sets, in any order; files that are damaged, foreign or hostile."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fingerprint as fp
from fingerprint import holders as module
from fingerprint.config import SketchConfig
from fingerprint.errors import InputError
from fingerprint.holders import EVERYTHING, Holders
from fingerprint.prevalence import Hashing, Prevalence
from fingerprint.simulate import campaign_prompts

KEY = fp.Key(bytes(range(16)))
HASHING = Hashing(KEY, SketchConfig())
SMALL = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), max_size=80)


def sketch_of(pairs: list[tuple[int, int]], capacity: int, split: int = 7) -> Holders:
    holders = Holders(capacity)
    for low in range(0, len(pairs), split):
        key, account = (np.array([p[i] for p in pairs[low : low + split]], np.uint64) for i in (0, 1))
        holders.add(key, account)
    holders.settle()
    return holders


def reference(pairs: list[tuple[int, int]], capacity: int, most: int) -> list[tuple[int, int]]:
    """Keys in ascending order, each with its smallest accounts, up to the first key with which there would be too many."""
    held = defaultdict(set)
    for key, account in pairs:
        held[key].add(account)
    out: list[tuple[int, int]] = []
    for key in sorted(held):
        mine = [(key, account) for account in sorted(held[key])[:most]]
        if len(out) + len(mine) > capacity:
            break
        out += mine
    return out


@pytest.fixture(autouse=True)
def few_holders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_HOLDERS", 5)


@given(SMALL, st.integers(1, 60), st.integers(1, 9), st.randoms(use_true_random=False))
def test_holders_are_the_same_in_any_order_and_split(pairs: list[tuple[int, int]], capacity: int, split: int, rng: object) -> None:
    wanted = reference(pairs, capacity, 5)
    shuffled = list(pairs)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    for given_pairs in (pairs, shuffled):
        found = sketch_of(given_pairs, capacity, split)
        assert list(zip(found.key.tolist(), found.account.tolist(), strict=True)) == wanted
        assert (found.limit == EVERYTHING) == (len(wanted) == len(reference(pairs, 10**6, 5)))


@given(SMALL, SMALL, st.integers(1, 60))
def test_merging_equals_observing_together(left: list[tuple[int, int]], right: list[tuple[int, int]], capacity: int) -> None:
    merged, both = sketch_of(left, capacity), sketch_of(left + right, capacity)
    merged.merge(sketch_of(right, capacity))
    assert np.array_equal(merged.key, both.key) and np.array_equal(merged.account, both.account) and merged.limit == both.limit


def test_lookup_returns_all_holders_and_says_what_it_cannot_know() -> None:
    found = sketch_of([(3, 1), (3, 2), (9, 1), (20, 4)], 3)
    assert found.limit == 20
    which, account = found.of(np.array([9, 3, 4], np.uint64))
    assert list(zip(which.tolist(), account.tolist(), strict=True)) == [(0, 1), (1, 1), (1, 2)]
    assert found.asked(np.array([19, 20, 21], np.uint64)).tolist() == [True, False, False]
    assert [len(part) for part in Holders().of(np.array([1], np.uint64))] == [0, 0]


def prevalence(prompts: list[str], name: str = "a") -> Prevalence:
    made = HASHING.new()
    HASHING.observe(made, [f"{name}{i % 7}" for i in range(len(prompts))], pa.array(prompts, pa.large_string()))
    return made


def test_a_file_holds_what_was_saved_and_files_add_up(tmp_path: Path) -> None:
    one, two = prevalence(campaign_prompts("code", 40, 1)), prevalence(campaign_prompts("code", 40, 2), "b")
    one.save(tmp_path / "one.prevalence")
    loaded = Prevalence.load(tmp_path / "one.prevalence")
    for left, right in ((one.texts, loaded.texts), (one.phrases, loaded.phrases)):
        assert np.array_equal(left.key, right.key) and np.array_equal(left.account, right.account) and left.limit == right.limit
    assert (loaded.n_prompts, loaded.accounts.tolist(), loaded.key_id) == (40, one.accounts.tolist(), KEY.key_id)
    loaded.merge(two)
    assert loaded.n_prompts == 80 and len(loaded.accounts) == 14 and len(loaded.texts.key) > len(one.texts.key)
    assert not list(tmp_path.glob("*.part"))


def test_no_word_and_no_name_stands_in_a_file(tmp_path: Path) -> None:
    made = HASHING.new()
    HASHING.observe(made, ["canary-account"], pa.array(["the canarybird sings in the canarymine all day"], pa.large_string()))
    made.save(tmp_path / "x.prevalence")
    assert b"canary" not in (tmp_path / "x.prevalence").read_bytes() and KEY.material not in (tmp_path / "x.prevalence").read_bytes()


def test_another_key_or_scheme_cannot_be_mixed() -> None:
    for other in (Hashing(fp.Key(bytes(16)), SketchConfig()), Hashing(KEY, SketchConfig(ngram=7)), Hashing(KEY, SketchConfig(num_perm=64))):
        with pytest.raises(InputError, match="made with key"):
            HASHING.new().merge(other.new())


def test_damaged_files_are_noticed(tmp_path: Path) -> None:
    path, damaged = tmp_path / "a.prevalence", tmp_path / "b.prevalence"
    prevalence(campaign_prompts("code", 30, 1)).save(path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    good, noticed = Prevalence.load(path), 0
    for trial in range(300):
        data = bytearray(whole)
        if trial % 3 == 0:
            data = data[: int(rng.integers(len(data)))]
        else:
            data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
        damaged.write_bytes(data)
        try:
            found = Prevalence.load(damaged)
        except InputError:
            noticed += 1
            continue
        assert np.array_equal(found.texts.key, good.texts.key) and np.array_equal(found.phrases.account, good.phrases.account)  # padding
    assert noticed > 200


@pytest.mark.parametrize("content", [b"", b"ARROW1\0\0", b"{}", b"\0" * 5000])
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.prevalence").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.prevalence"):
        Prevalence.load(tmp_path / "a.prevalence")
    with pytest.raises(InputError, match="cannot be read"):
        Prevalence.load(tmp_path / "none.prevalence")
    pa_file = tmp_path / "t.prevalence"
    with pa.OSFile(str(pa_file), "wb") as sink, pa.ipc.new_file(sink, pa.schema({"key": pa.uint64()})) as writer:
        writer.write_table(pa.table({"key": pa.array([1], pa.uint64())}))
    with pytest.raises(InputError, match="not a prevalence file"):
        Prevalence.load(pa_file)


def test_empty_prompts_and_odd_names_are_counted() -> None:
    made = HASHING.new()
    HASHING.observe(made, ["\ud800", "", "\ud800"], pa.array(["", None, "\u200b"], pa.large_string()))
    assert (made.n_prompts, len(made.accounts), len(made.texts.key)) == (3, 2, 0)
    HASHING.observe(made, [], pa.array([], pa.large_string()))
    assert made.n_prompts == 3
