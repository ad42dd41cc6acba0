"""Planted campaigns do what their configuration says: who sends which query, when, behind what cover and noise."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pytest

from fingerprint.errors import ConfigError
from fingerprint.simulate import CampaignConfig, LookalikeConfig, World, WorldConfig, noise
from fingerprint.simulate.draws import apportion, below, chance, indexed, name_key
from fingerprint.simulate.grammar import Grammar, RowKeys, parse_rules

DAY = 86_400.0


def plant(**options: Any) -> list[dict[str, Any]]:
    """Return the rows of one campaign that stands alone in its world, with its start as second 0."""
    config = CampaignConfig(**({"name": "x", "kind": "instructions", "accounts": 10, "prompts": 400} | options))
    rows = round(config.prompts * (1 + config.cover / (1 - config.cover)))
    world = World(WorldConfig("w", rows + 400, 20, (config,)), 9)
    planted = {r["account_id"] for r in world.labels.to_pylist() if r["campaign"] == "x"}
    out = [r for r in world.events.to_pylist() if r["account_id"] in planted]
    for r in out:
        r["second"] = (r["timestamp"] - world.config.start).total_seconds() - config.start_day * DAY
    return out


def volumes(rows: list[dict[str, Any]]) -> list[int]:
    return sorted(Counter(r["account_id"] for r in rows).values())


def hours(rows: list[dict[str, Any]]) -> np.ndarray:
    return np.array([r["timestamp"].hour for r in rows])


# who sends what


def test_a_shard_sends_each_query_once_and_all_accounts_the_same_mixture() -> None:
    rows = plant()
    prompts = [r["prompt"] for r in rows]
    assert len(rows) == 400 and len(set(prompts)) >= 398
    assert volumes(rows) == [40] * 10


def test_the_query_set_does_not_depend_on_how_many_share_it() -> None:
    few, many = ({r["prompt"] for r in plant(accounts=n)} for n in (4, 40))
    assert few == many


def test_topics_are_shared_out() -> None:
    def breadth(partition: str) -> float:
        """Return how many different long words an account uses, on average."""
        words = defaultdict(set)
        for r in plant(partition=partition, accounts=20, prompts=600):
            words[r["account_id"]] |= {w.strip('.,"?') for w in r["prompt"].lower().split() if len(w) > 6}
        return float(np.mean([len(w) for w in words.values()]))

    assert breadth("topic") < 0.75 * breadth("shard")


def test_overlapping_draws_repeat_across_accounts() -> None:
    rows = plant(partition="overlap", query_set=100)
    authors = defaultdict(set)
    for r in rows:
        authors[r["prompt"]].add(r["account_id"])
    assert 95 <= len(authors) <= 100 and np.mean([len(a) for a in authors.values()]) > 3
    assert len({r["prompt"] for r in plant(partition="overlap")}) <= 200


def test_volume() -> None:
    skewed = volumes(plant(volume="skewed", accounts=40, prompts=2000))
    assert sum(skewed) == 2000 and skewed[0] >= 1 and skewed[-1] > 5 * skewed[10]


def test_cover_is_organic_and_each_accounts_own() -> None:
    rows = plant(cover=0.75, template=("QUERY {p}",), accounts=5, prompts=100)
    cover = [r for r in rows if not r["prompt"].startswith("QUERY ")]
    assert len(rows) == 400 and len(cover) == 300
    assert set(Counter(r["account_id"] for r in cover).values()) == {60}
    written = [{r["prompt"] for r in cover if r["account_id"] == a and len(r["prompt"]) > 40} for a in {r["account_id"] for r in rows}]
    assert not set.intersection(*written) and len(set.union(*written)) > 0.95 * sum(len(w) for w in written)
    assert max(Counter(r["conversation_id"] for r in cover).values()) > 1, "people go on in a conversation"
    assert max(r["second"] for r in cover) < 21 * DAY and min(r["second"] for r in cover) >= 0


def test_templates_are_constant_and_drawn_per_query() -> None:
    rows = plant(template=("A {{x}} | {p}\nend", "{p} B^"), kind="reasoning")
    first = [r["prompt"] for r in rows if r["prompt"].startswith("A {{x}} | ")]
    second = [r["prompt"] for r in rows if r["prompt"].endswith(" B^")]
    assert len(first) + len(second) == 400 and 120 < len(first) < 280 and all(p.endswith("\nend") for p in first)


def test_relays_pass_on_what_customers_ask() -> None:
    rows = plant(kind="relay", template=("Think aloud.\n{p}",), languages=("ru", "zh"))
    assert all(r["prompt"].startswith("Think aloud.\n") for r in rows)
    scripts = Counter(unicodedata.name(next((c for c in r["prompt"][13:] if ord(c) > 255), "a"))[:3] for r in rows)
    assert scripts["CYR"] > 100 and scripts["CJK"] > 100


# when


def test_flat_runs_round_the_clock() -> None:
    rows = plant(accounts=40, prompts=4000)
    counts = np.bincount(hours(rows), minlength=24)
    assert counts.min() > 0.6 * counts.mean()
    assert min(r["second"] for r in rows) >= 0 and max(r["second"] for r in rows) < 21 * DAY


def test_people_sleep() -> None:
    counts = np.bincount(hours(plant(timing="human", accounts=40, prompts=4000)), minlength=24)
    assert np.sort(counts)[:5].sum() < 0.1 * counts.sum()


def test_bursts_are_common_to_the_pool() -> None:
    rows = plant(timing="burst", accounts=40, prompts=2000)
    busy = {int(r["second"] // 3600) for r in rows}
    assert len(busy) < 75, "about 27 bursts of at most an hour in 500 hours"
    for account in {r["account_id"] for r in rows}:
        assert len({int(r["second"] // 3600) for r in rows if r["account_id"] == account}) > 10


def test_it_runs_when_it_should() -> None:
    for timing in ("flat", "human", "burst"):
        rows = plant(timing=timing, start_day=10, days=2)
        assert min(r["second"] for r in rows) > -DAY / 2 and max(r["second"] for r in rows) < 2.6 * DAY


# behind what noise


def test_words_are_replaced_at_the_rate() -> None:
    plain, noisy = ([r["prompt"] for r in plant(noise=n, noise_rate=0.3)] for n in ("none", "words"))
    pairs = [(a.split(" "), b.split(" ")) for a, b in zip(plain, noisy, strict=True)]
    assert all(len(a) == len(b) for a, b in pairs)
    changed = [x != y for a, b in pairs for x, y in zip(a, b, strict=True) if x.isalpha()]
    assert 0.26 < np.mean(changed) < 0.34


def test_letters_are_swapped_and_marks_put_in_at_the_rate() -> None:
    plain, noisy = ([r["prompt"] for r in plant(noise="unicode", noise_rate=rate)] for rate in (0.0, 0.2))
    assert all(p.isascii() or "é" in p or "ö" in p for p in plain)
    marks = sum(sum(c in noise._INVISIBLE for c in p) for p in noisy)
    letters = sum(len(p) for p in plain)
    assert 0.06 < marks / letters < 0.1
    assert sum(sum("CYRILLIC" in unicodedata.name(c, "") for c in p) for p in noisy) > 0.02 * letters
    back = str.maketrans({v: chr(k) for k, v in noise._LOOKALIKE.items()} | dict.fromkeys(noise._INVISIBLE, ""))
    assert [p.translate(back) for p in noisy] == plain


def test_who_sends_a_query_again_garbles_it_anew() -> None:
    rows = plant(partition="overlap", query_set=20, noise="words", noise_rate=0.4)
    assert len({r["prompt"] for r in rows}) > 300


def test_each_account_opens_with_a_sentence_of_its_own() -> None:
    opening = defaultdict(set)
    for r in plant(noise="persona", accounts=12, prompts=360, kind="code"):
        opening[r["account_id"]].add(r["prompt"].split(". ")[0])
    assert all(len(o) == 1 for o in opening.values()), "one sentence an account"
    assert len(set.union(*opening.values())) == 12


def test_people_mistype_and_scripts_do_not() -> None:
    texts = ["Please compare the two offers for me"] * 2000
    keys = indexed(np.full(2000, name_key("t"), dtype=np.uint64), np.arange(2000))
    changed = [t for t in noise.typos(texts, keys) if t != texts[0]]
    assert 40 < len(changed) < 120 and all(abs(len(t) - len(texts[0])) <= 1 for t in changed)
    assert noise.typos(["", "abc"], keys[:2]) == ["", "abc"]
    rows = plant(template=("A very fixed sentence stands here. {p}",), prompts=4000)
    assert all(r["prompt"].startswith("A very fixed sentence stands here. ") for r in rows)


# what cannot be


@pytest.mark.parametrize(
    "bad",
    [
        {"kind": "mind reading"}, {"accounts": 0}, {"prompts": 3}, {"template": ("no place",)}, {"template": ("{p} {p}",)}, {"cover": 0.99},
        {"noise_rate": 2.0}, {"partition": "half"}, {"languages": ()}, {"languages": ("xx",)}, {"kind": "code", "languages": ("de",)}, {"name": ""},
        {"days": 0.0}, {"start_day": 20.0},
    ],
)
def test_impossible_campaigns_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        plant(**bad)


def test_impossible_worlds_are_refused() -> None:
    campaign = CampaignConfig("x", "code", 2, 10)
    for bad in ({"campaigns": (campaign, campaign)}, {"campaigns": (campaign,), "lookalikes": (LookalikeConfig("x", "viral", 2, 2),)}, {"days": 0.0}):
        with pytest.raises(ConfigError):
            WorldConfig("w", 100, 10, **bad)
    with pytest.raises(ConfigError):
        LookalikeConfig("h", "homework", 2, 5, list_size=4)


def test_configurations_survive_being_written_down() -> None:
    config = WorldConfig("w", 100, 10, (CampaignConfig("x", "relay", 2, 10, template=("a {p}",), languages=("zh",)),), (LookalikeConfig("l", "saas", 2, 2),))
    assert WorldConfig.from_dict(config.to_dict()) == config
    for bad in ({"name": "x"}, {"surprise": 1}, {**config.to_dict(), "campaigns": [{"name": "x"}]}, {**config.to_dict(), "start": "soon"}):
        with pytest.raises(ConfigError):
            WorldConfig.from_dict(bad)


# the machinery


def test_shares_sum_to_the_total_exactly() -> None:
    rng = np.random.default_rng(1)
    for n, total in ((1, 1), (7, 7), (10, 1000), (1000, 28_800_001)):
        weights = rng.integers(1, 4000, n)
        shares = apportion(weights, total)
        assert shares.sum() == total and shares.min() >= 1
        assert np.abs(shares - 1 - weights / weights.sum() * (total - n)).max() < 1.01
    assert apportion(np.zeros(3, dtype=np.int64), 9).sum() == 9 and len(apportion(np.zeros(0, dtype=np.int64), 0)) == 0


def test_draws_are_uniform_and_depend_on_their_key_alone() -> None:
    keys = indexed(np.full(100_000, name_key("u"), dtype=np.uint64), np.arange(100_000))
    counts = np.bincount(below(keys, 10), minlength=10)
    assert np.abs(counts - 10_000).max() < 500
    assert abs(chance(keys, 0.3).mean() - 0.3) < 0.01 and not chance(keys, 0.0).any() and chance(keys, 1.0).all()
    assert int(name_key("a", 1)) == int(name_key("a", "1")) != int(name_key("a1"))


def test_the_grammar_binds_scopes_and_refuses_nonsense() -> None:
    rules = parse_rules("top\n  {x@a} {x@a} {x} ^{x}\nx\n" + "".join(f"  word{i}\n" for i in range(50)))
    grammar = Grammar(rules, {})
    keys = indexed(np.full(200, name_key("g"), dtype=np.uint64), np.arange(200))
    persona = np.repeat(keys[:4], 50)
    row_keys = RowKeys(np.zeros(200, dtype=np.int64), keys, keys, keys, persona, np.zeros(200, dtype=np.bool_))
    texts = grammar.render(np.full(200, grammar.root("top")), row_keys).to_pylist()
    words = [t.split() for t in texts]
    assert all(w[0] == w[1] for w in words) and len({w[0] for w in words}) <= 4 and len({w[2] for w in words}) > 30
    assert all(w[3].startswith("Word") for w in words)
    for bad in ("top\n  {missing}", "top\n  {x", "  orphan", "top\n  a\ntop\n  b", "top\n"):
        with pytest.raises(ConfigError):
            Grammar(parse_rules(bad), {})
    loop = Grammar(parse_rules("top\n  {top}"), {})
    with pytest.raises(ConfigError, match="does not end"):
        loop.render(np.array([loop.root("top")]), RowKeys(np.zeros(1, dtype=np.int64), keys[:1], keys[:1], keys[:1], keys[:1], np.zeros(1, dtype=np.bool_)))
