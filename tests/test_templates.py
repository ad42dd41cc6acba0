"""Templates: shared text is found, taken out and shown."""

from __future__ import annotations

import random
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint import _core
from fingerprint.keys import Key
from fingerprint.templates import MAX_REFRAIN, MIN_HOLDERS, MIN_OWN, MIN_PROMPTS, Stripped, induce_template, shared_words, strip_shared
from fingerprint.words import split_words

KEY = Key(bytes(16))
NOUNS = ["river", "engine", "poem", "lawsuit", "glacier", "violin", "recipe", "treaty", "neuron", "bridge", "orchard", "compiler"]


def strip(prompts: list[str], accounts: list[int]) -> Stripped:
    return strip_shared(split_words(prompts, KEY), np.array(accounts))


def framed(n: int = 48) -> tuple[list[str], list[int]]:
    return [f"You are a careful tutor. Explain {NOUNS[i % 12]}{i} no{i} to a novice, in full." for i in range(n)], [i % 8 for i in range(n)]


def test_frame_and_fills() -> None:
    prompts, accounts = framed()
    stripped = strip(prompts, accounts)
    template = induce_template(stripped)
    assert template is not None
    assert template.parts == ["You are a careful tutor. Explain", "to a novice, in full."]
    assert template.coverage == 1.0 and not template.leading and not template.trailing
    assert template.text == "You are a careful tutor. Explain ⟨…⟩ to a novice, in full."
    assert template.n_distinct == [48] and len(template.fills[0]) == 10
    for prompt, residual in zip(prompts, stripped.residuals, strict=True):
        assert residual == prompt.removeprefix("You are a careful tutor. Explain ").removesuffix(" to a novice, in full.")


def test_counts_of_words_add_up() -> None:
    prompts, accounts = framed()
    stripped = strip([*prompts, "nothing in common here"], [*accounts, 9])
    n_words = np.diff(stripped.words.offsets)
    assert (stripped.own_words[:-1] == 2).all() and stripped.own_words[-1] == np.iinfo(np.int64).max
    assert np.allclose(stripped.coverage[:-1] * n_words[:-1], n_words[:-1] - 2) and stripped.coverage[-1] == 0


def test_text_of_two_accounts_is_not_shared() -> None:
    prompts, _ = framed(20)
    stripped = strip(prompts, [i % 2 for i in range(20)])
    assert not stripped.coverage.any() and (stripped.own_words == np.iinfo(np.int64).max).all()


def test_what_an_account_always_writes_goes_too() -> None:
    rng = random.Random(5)
    prompts = [f"Hi! {' '.join(rng.sample(NOUNS, 3))} {i} please" if i % 4 == 0 else " ".join(rng.sample(NOUNS, 4)) + f" {i}" for i in range(40)]
    stripped = strip(prompts, [i % 4 for i in range(40)])
    for i, (prompt, residual) in enumerate(zip(prompts, stripped.residuals, strict=True)):
        assert residual == (prompt.removeprefix("Hi! ").removesuffix(" please") if i % 4 == 0 else prompt)
    assert not stripped.coverage.any()


def test_rare_text_is_not_shared() -> None:
    rng = random.Random(2)
    loose = [" ".join(rng.sample(NOUNS, 5)) + f" {i}" for i in range(200)]
    prompts, accounts = framed(5)
    stripped = strip([*loose, *prompts], [*(i % 20 for i in range(200)), *accounts])
    assert not stripped.coverage[200:].any()


def test_case_of_the_frame_does_not_matter() -> None:
    prompts, accounts = framed()
    mixed = [p.upper() if i % 2 else p for i, p in enumerate(prompts)]
    assert (strip(mixed, accounts).coverage > 0.7).all()


def test_nothing_in_nothing_out() -> None:
    stripped = strip([], [])
    assert stripped.residuals == [] and induce_template(stripped) is None
    assert strip(["", "a", "a b"], [0, 1, 2]).residuals == ["", "a", "a b"]


def plain_shared(prompts: list[list[str]], accounts: list[int], share: float) -> tuple[list[list[bool]], list[list[bool]]]:
    """Say of each word of each prompt what :func:`shared_words` says, with tuples of words in place of hashes."""
    shared, refrain = ([[False] * len(p) for p in prompts] for _ in range(2))
    holders: defaultdict[tuple[str, ...], set[int]] = defaultdict(set)
    for i, words in enumerate(prompts):
        for at in range(len(words) - 2):
            holders[tuple(words[at : at + 3])].add(i)
    for i, words in enumerate(prompts):
        own = [j for j, a in enumerate(accounts) if a == accounts[i]]
        least = max(MIN_OWN, len(own) / 2)
        for at in range(len(words) - 2):
            those = holders[tuple(words[at : at + 3])]
            if len(those) >= max(MIN_PROMPTS, share * len(prompts)) and len({accounts[j] for j in those}) >= MIN_HOLDERS:
                shared[i][at : at + 3] = [True] * 3
            if len(those & set(own)) >= least:
                refrain[i][at : at + 3] = [True] * 3
        for n in range(1, min(len(words), MAX_REFRAIN) + 1):
            for ends in (slice(0, n), slice(len(words) - n, None)):
                if sum(len(prompts[j]) >= n and prompts[j][slice(0, n) if ends.start == 0 and ends.stop else slice(len(prompts[j]) - n, None)] == words[ends]
                       for j in own) >= least:
                    refrain[i][ends] = [True] * n
    return shared, refrain


WORDY = st.lists(st.tuples(st.lists(st.sampled_from("abcd"), max_size=7), st.integers(0, 3)), max_size=24)


@settings(max_examples=200, deadline=None)
@given(WORDY, st.sampled_from([0.01, 0.1, 0.5]))
def test_shared_words_equal_plain_python(drawn: list[tuple[list[str], int]], share: float) -> None:
    prompts, accounts = [p for p, _ in drawn], [a for _, a in drawn]
    marks = shared_words(split_words([" ".join(p) for p in prompts], KEY), np.array(accounts, np.int64), share)
    for found, wanted in zip(marks, plain_shared(prompts, accounts, share), strict=True):
        assert found.tolist() == [mark for prompt in wanted for mark in prompt]


def test_shared_words_of_many_long_prompts() -> None:
    """Tables that are nearly full, and prompts of several accounts that lie in no order."""
    rng = np.random.default_rng(0)
    prompts = [[str(w) for w in rng.integers(0, 12, rng.integers(0, 60))] + (["z", "y", "x"] if i % 3 else []) for i in range(300)]
    accounts = rng.integers(0, 7, 300).tolist()
    marks = shared_words(split_words([" ".join(p) for p in prompts], KEY), np.array(accounts), 0.1)
    for found, wanted in zip(marks, plain_shared(prompts, accounts, 0.1), strict=True):
        assert found.tolist() == [mark for prompt in wanted for mark in prompt] and 0 < found.mean() < 1


@pytest.mark.parametrize(("change", "message"), [
    ({"offsets": [0, 2]}, "offsets has 2 rows"), ({"offsets": [0, 3, 2]}, "out of order"), ({"offsets": [0, 2, 4]}, "not within"),
    ({"offsets": [-1, 2, 3]}, "not within"), ({"order": [0, 2]}, "none of 2"), ({"order": [1, 0]}, "account by account"), ({"order": [0]}, "order has 1")])
def test_what_does_not_fit_together_is_refused(change: dict[str, list[int]], message: str) -> None:
    given = {"offsets": [0, 2, 3], "order": [0, 1]} | change
    with pytest.raises(ValueError, match=message):
        _core.shared_words(np.zeros(3, np.uint64), np.array(given["offsets"]), np.array([0, 1], np.int32), np.array(given["order"]), 6, 3, 3, 16,
                           np.zeros(3, np.uint8), np.zeros(3, np.uint8))
