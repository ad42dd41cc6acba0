"""Templates: shared text is found, taken out and shown."""

from __future__ import annotations

import random

import numpy as np

from fingerprint.keys import Key
from fingerprint.templates import Stripped, induce_template, strip_shared
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
