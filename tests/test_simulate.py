"""Simulated worlds: the same for the same seed, of the size asked for, and telling nothing of the labels but by what is written."""

from __future__ import annotations

import hashlib
import math
import os
import platform
import subprocess
import sys
from collections import Counter, defaultdict
from functools import cache
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from fingerprint import simulate
from fingerprint.errors import ConfigError
from fingerprint.simulate import CampaignConfig, LookalikeConfig, World, WorldConfig, campaign_prompts, preset
from fingerprint.simulate.config import LookalikeKind
from fingerprint.simulate.vocabulary import LANGUAGES

KINDS = ("reasoning", "instructions", "writing", "evolve", "code", "tools", "roleplay", "rubrics", "censor", "translation")
LOOKALIKES = get_args(LookalikeKind)


def small() -> WorldConfig:
    campaigns = (
        CampaignConfig("a", "instructions", 12, 240, cover=0.5, timing="human", volume="skewed", noise="words", noise_rate=0.2),
        CampaignConfig("b", "code", 10, 150, noise="unicode", noise_rate=0.1, shared_ips=3),
        CampaignConfig("c", "relay", 8, 90, template=("Think aloud. {p}",), timing="burst", languages=LANGUAGES),
    )
    lookalikes = tuple(LookalikeConfig(kind, kind, 5, 6, list_size=8, own=0.25) for kind in LOOKALIKES)
    return WorldConfig("small", 4000, 150, campaigns, lookalikes)


@cache
def world() -> World:
    return simulate.simulate(small(), seed=5)


@cache
def evasive() -> World:
    return simulate.simulate("evasive", seed=2)


def by_label(w: World) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each campaign, kind of look-alike, and of the organic rest."""
    label = {r["account_id"]: r["campaign"] or r["kind"] for r in w.labels.to_pylist()}
    out: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in w.events.to_pylist():
        out[label[row["account_id"]]].append(row)
    return out


# the same for the same seed


def test_equal_seeds_give_equal_worlds_and_other_seeds_others() -> None:
    again = simulate.simulate(small(), seed=5)
    assert again.events.equals(world().events) and again.labels.equals(world().labels)
    other = simulate.simulate(small(), seed=6)
    assert not set(other.labels["account_id"].to_pylist()) & set(world().labels["account_id"].to_pylist())
    assert len(set(other.events["prompt"].to_pylist()) & set(world().events["prompt"].to_pylist())) < 0.2 * len(other.events)


@pytest.mark.parametrize(("chunk", "threads", "plan"), [(3, 1, 10**6), (17, 3, 100), (333, 2, 1), (10**6, 1, 1000)])
def test_the_size_of_pieces_changes_nothing(chunk: int, threads: int, plan: int, monkeypatch: pytest.MonkeyPatch) -> None:
    config = WorldConfig("tiny", 900, 40, small().campaigns)
    whole = World(config, 1).events
    monkeypatch.setattr("fingerprint.simulate.world.PLAN_ROWS", plan)
    pieces = list(World(config, 1).batches(chunk, threads))
    assert max(len(p) for p in pieces) == min(chunk, 900) and pa.Table.from_batches(pieces).equals(whole)


def digest() -> str:
    return hashlib.sha256("\n".join(world().events["prompt"].to_pylist() + world().events["ip"].to_pylist()).encode()).hexdigest()


def test_another_process_writes_the_same() -> None:
    code = "import sys; sys.path[:0] = sys.argv[1:]; import test_simulate; sys.stdout.write(test_simulate.digest())"
    environment = {**os.environ, "PYTHONHASHSEED": "77", "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3" if platform.machine() == "x86_64" else ""}
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code, *sys.path], capture_output=True, text=True, env=environment, check=False)
    assert run.stdout == digest(), run.stderr


# of the size asked for


def test_counts_are_exact() -> None:
    w = world()
    assert len(w.events) == w.n_rows == 4000
    assert len(w.labels) == w.n_accounts == 150 + 30 + 40 == len(set(w.events["account_id"].to_pylist()))
    rows = {name: len(part) for name, part in by_label(w).items()}
    accounts = Counter(r["campaign"] or r["kind"] for r in w.labels.to_pylist())
    assert (accounts["a"], accounts["b"], accounts["c"], accounts["organic"]) == (12, 10, 8, 150)
    assert rows["b"] == 150 and rows["c"] == 90 and abs(rows["a"] - 480) <= 12
    assert all(rows[kind] == 5 * 8 for kind in LOOKALIKES)


@pytest.mark.parametrize("name", ["demo", "mixed", "evasive", "control", "scale"])
def test_presets_have_the_rows_they_name(name: str) -> None:
    config = preset(name)
    w = World(config)
    assert w.n_rows == config.prompts and w.config == config
    assert World(preset(name, prompts=2 * config.prompts)).n_rows == 2 * config.prompts


def test_presets_can_be_resized() -> None:
    big = preset("scale", prompts=28_800_000)
    assert big.organic_accounts + big.campaigns[0].accounts == 28_800_000 // 115
    assert big.campaigns[0].prompts == 2_880_000 and big.campaigns[0].accounts == pytest.approx(25_000, rel=0.01)
    assert World(preset("mixed", accounts=2000)).n_accounts == 2000
    for bad in ({"accounts": 100}, {"prompts": 10}):
        with pytest.raises(ConfigError):
            World(preset("mixed", **bad))
    with pytest.raises(ConfigError, match="no organic accounts"):
        World(WorldConfig("x", 10, 0))
    with pytest.raises(ConfigError, match="preset must be one of"):
        simulate.simulate("nothing")


def test_rows_are_well_formed_and_sorted() -> None:
    events = world().events
    assert events.column_names == ["account_id", "timestamp", "prompt", "org_id", "conversation_id", "ip", "user_agent"]
    assert events.schema.field("timestamp").type == pa.timestamp("us", "UTC")
    assert all(events[name].null_count == 0 for name in events.column_names if name != "org_id") and events["org_id"].null_count > 0
    times = np.asarray(events["timestamp"].cast(pa.int64()))
    start = small().start.timestamp() * 1e6
    assert (np.diff(times) >= 0).all() and times[0] >= start and times[-1] < start + 28 * 86_400e6
    prompts = events["prompt"].to_pylist()
    assert all(p.strip() for p in prompts) and not any(set("{}\x01\x02") & set(p) for p in prompts if "```" not in p and "sql" not in p.lower())


def test_an_empty_world_is_a_world() -> None:
    w = World(WorldConfig("none", 0, 0))
    assert len(w.events) == len(w.labels) == 0 and w.events.schema == world().events.schema


# telling nothing of the labels


def test_ids_and_their_order_tell_nothing() -> None:
    labels = world().labels.to_pylist()
    ids = [r["account_id"] for r in labels]
    assert ids == sorted(ids) and all(len(i) == 16 and set(i) <= set("0123456789abcdef") for i in ids)
    w = evasive()
    labels = w.labels.to_pylist()
    planted = np.array([r["campaign"] is not None for r in labels])
    ranks = np.flatnonzero(planted)
    n, k = len(labels), len(ranks)
    assert abs(ranks.mean() - (n - 1) / 2) < 4 * math.sqrt((n + 1) * (n - k) / (12 * k))
    digits = Counter(r["account_id"][-1] for r in labels if r["campaign"])
    assert max(digits.values()) < 2 * k / 16


def test_user_agents_and_addresses_tell_nothing() -> None:
    w = evasive()
    events = w.events.select(["account_id", "ip", "user_agent"]).to_pylist()
    agent = {r["account_id"]: r["user_agent"] for r in events}
    label = {r["account_id"]: r["campaign"] for r in w.labels.to_pylist()}
    ips: dict[str, set[str]] = defaultdict(set)
    for r in events:
        ips[r["account_id"]].add(r["ip"])
    planted = Counter(agent[a] for a in label if label[a])
    rest = Counter(agent[a] for a in label if not label[a])
    k, n = planted.total(), rest.total()
    chi2 = sum((planted[x] - k * rest[x] / n) ** 2 / (k * rest[x] / n) for x in rest)
    assert set(planted) == set(rest) and chi2 < 40  # 11 degrees of freedom
    assert max(len(v) for v in ips.values()) <= 3
    owners = Counter(ip for some in ips.values() for ip in some)
    assert max(owners.values()) <= 2, "nobody shares an address unless told to"


def test_shared_proxies_are_shared() -> None:
    ips = Counter(r["ip"] for r in by_label(world())["b"])
    assert len(ips) == 3 and min(ips.values()) > 20
    assert not set(ips) & {r["ip"] for r in by_label(world())["organic"]}


def test_rows_of_a_campaign_are_spread_over_the_log() -> None:
    w = evasive()
    label = {r["account_id"]: r["campaign"] for r in w.labels.to_pylist()}
    mask = np.array([label[a] == "overlapping-draws" for a in w.events["account_id"].to_pylist()])
    gaps = np.diff(np.flatnonzero(mask))
    assert np.median(gaps) > 5 and mask[: len(mask) // 10].sum() < mask.sum() / 2


# what people and look-alikes write


def test_queries_hardly_repeat() -> None:
    n = 100_000
    from fingerprint.simulate.campaigns import query_texts
    from fingerprint.simulate.draws import derive, indexed, name_key
    from fingerprint.simulate.people import Interests
    from fingerprint.simulate.vocabulary import build_grammar

    keys = indexed(np.full(n, name_key("distinct"), dtype=np.uint64), np.arange(n))
    topics = Interests().draw(derive(keys, "topic"), np.full(n, "en"))
    assert len(set(query_texts(build_grammar(), "instructions", topics, keys))) >= 0.99 * n


@pytest.mark.parametrize("kind", KINDS)
def test_campaign_prompts_are_distinct_and_the_same_for_the_same_seed(kind: str) -> None:
    prompts = campaign_prompts(kind, 300, 4)
    assert len(set(prompts)) == 300 and prompts == campaign_prompts(kind, 300, 4) and prompts != campaign_prompts(kind, 300, 5)
    assert all(type(p) is str and 8 <= len(p) < 2000 for p in prompts)


def test_campaign_prompts_refuse_what_there_is_not() -> None:
    with pytest.raises(ConfigError):
        campaign_prompts("nothing", 5)
    assert campaign_prompts("code", 0) == []


def test_people_rarely_write_what_others_write() -> None:
    w = simulate.simulate("control", 1)
    label = {r["account_id"]: r["kind"] for r in w.labels.to_pylist()}
    authors: dict[str, set[str]] = defaultdict(set)
    for a, p in zip(w.events["account_id"].to_pylist(), w.events["prompt"].to_pylist(), strict=True):
        if label[a] == "organic" and len(p.split()) >= 10:
            authors[" ".join(sorted(set(p.lower().split())))].add(a)
    shared = sum(len(a) > 1 for a in authors.values())
    assert len(authors) > 10_000 and shared < 0.03 * len(authors)


def test_organic_volume_is_heavy_tailed() -> None:
    rows = Counter(r["account_id"] for r in by_label(simulate.simulate("demo", 1))["organic"])
    volume = np.array(sorted(rows.values()))
    assert volume.min() >= 1 and volume[-1] > 8 * np.median(volume) and volume.mean() > 1.5 * np.median(volume)


def test_lookalikes_share_what_they_should() -> None:
    config = WorldConfig(
        "looks", 4000, 10, (), tuple(LookalikeConfig(kind, kind, 10, 30, list_size=31) for kind in LOOKALIKES)
    )
    rows = by_label(simulate.simulate(config, 3))
    per = {kind: defaultdict(list) for kind in rows}
    for kind, part in rows.items():
        for r in part:
            per[kind][r["account_id"]].append(r["prompt"])
    for kind in ("evaluators", "safety"):
        assert len({tuple(sorted(p)) for p in per[kind].values()}) == 1, "everybody runs the whole list"
    assert len({r["org_id"] for r in rows["app"]}) == 1 and rows["app"][0]["org_id"] is not None
    assert all(p.startswith("You answer for the help desk") for some in per["app"].values() for p in some)
    viral = Counter(p for some in per["viral"].values() for p in set(some))
    assert len(viral) <= 31 and viral.most_common(1)[0][1] > 5
    homework = [p for some in per["homework"].values() for p in some]
    assert len(set(homework)) > 0.9 * len(homework), "everybody words a question anew"
    due = [r["timestamp"] for r in rows["homework"]]
    assert (max(due) - min(due)).days < 8
    assert len({p.split("---")[0] for some in per["saas"].values() for p in some}) == 3
    assert {r["kind"] for r in simulate.simulate(config, 3).labels.to_pylist()} == {*LOOKALIKES, "organic"}


def test_organisations_are_small() -> None:
    w = simulate.simulate("control", 1)
    table = w.events.filter(pc.is_valid(w.events["org_id"])).group_by(["org_id"]).aggregate([("account_id", "count_distinct")])
    sizes = sorted(table["account_id_count_distinct"].to_pylist())
    assert sizes[-1] == 60 and sizes[-2] <= 4
