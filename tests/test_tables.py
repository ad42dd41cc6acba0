"""The result tables: documented columns and types, and counts against a loop."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from fingerprint.records import AccountCharge, Campaign
from fingerprint.store import TextStore
from fingerprint.tables import MAX_CHARS, RECENT, account_table, cluster_table, prompt_table
from fingerprint.traffic import Traffic

WHEN = pa.timestamp("us", "UTC")
INTEGERS = (pa.int64(), pa.int32(), pa.uint64(), pa.uint32())


def traffic(n: int = 60, seed: int = 0) -> Traffic:
    """Five accounts, ids not in order, one of them silent; 12 texts in 5 clusters, one text in none; a few empty prompts."""
    rng = np.random.default_rng(seed)
    text = rng.integers(-1, 12, n)
    text[: min(n, 12)] = np.arange(min(n, 12))
    n_texts = int(text.max(initial=-1)) + 1
    cluster = np.minimum(np.arange(12) // 3, 4)[:n_texts]
    cluster[11:] = -1
    return Traffic(
        account_ids=pa.array(["dora", "anna", "carl", "eve", "bert"], pa.large_string()), account=rng.choice([0, 1, 2, 4], n), actor=np.arange(5),
        time_us=rng.integers(0, 10**15, n), conversation=np.full(n, -1), text=text, exact=np.arange(n_texts).astype(np.uint64) * 7,
        first_row=np.arange(n_texts), cluster=cluster,
        similarity=np.linspace(0.7, 1, 12, dtype=np.float32)[:n_texts],
        store=TextStore.of(pa.array([f"text {t} " + "é" * 3000 for t in range(n_texts)], pa.large_string())), place=np.arange(n_texts, dtype=np.int32),
        file=np.zeros(n, np.int32), line=np.arange(1, n + 1), system=np.full(n, -1, np.int32), system_texts=pa.array([], pa.large_string()))


def campaign(name: str, charges: Sequence[AccountCharge] = ()) -> Campaign:
    return Campaign(name, True, "", "", {}, len(charges), 0, "", "", 0.0, [], [], None, [], list(charges))


def test_account_table() -> None:
    made = traffic()
    n = Counter(made.account.tolist())
    table = account_table(made, [campaign("c-1", [AccountCharge("carl", n[2], 3, 3 / n[2], 0.8, 0.1)])])
    assert table.column_names == ["account_id", "campaign_id", "score", "n_prompts", "n_attributed", "share", "copies"]
    types = dict(zip(table.column_names, table.schema.types, strict=True))
    assert types["account_id"] == types["campaign_id"] == pa.string()
    assert types["score"] == types["share"] == types["copies"] == pa.float64()
    assert types["n_prompts"] in INTEGERS and types["n_attributed"] in INTEGERS
    assert table["account_id"].to_pylist() == ["anna", "bert", "carl", "dora", "eve"]
    assert table["n_prompts"].to_pylist() == [n[1], n[4], n[2], n[0], 0]
    assert table["campaign_id"].to_pylist() == [None, None, "c-1", None, None]
    assert table["n_attributed"].to_pylist() == [0, 0, 3, 0, 0] and table["score"].to_pylist() == [0, 0, 0.8, 0, 0]
    assert table["share"].to_pylist()[2] == pytest.approx(3 / n[2]) and table["copies"].to_pylist()[2] == 0.1


@pytest.mark.parametrize("order", [1, -1])
def test_an_account_of_two_campaigns_stands_with_the_bigger(order: int) -> None:
    small, big = (campaign(name, [AccountCharge("bert", 20, n, n / 20, score, 0.0)]) for name, n, score in (("c-small", 4, 0.9), ("c-big", 9, 0.6)))
    row = account_table(traffic(), [small, big][::order]).slice(1, 1).to_pylist()[0]
    assert (row["campaign_id"], row["n_attributed"], row["score"], row["share"]) == ("c-big", 9, 0.6, 0.45)


def test_tables_without_campaigns_or_events() -> None:
    none = traffic(0)
    assert account_table(none, [])["campaign_id"].to_pylist() == [None] * 5
    assert cluster_table(none, True).num_rows == prompt_table(none, [], []).num_rows == 0
    assert cluster_table(none, True).schema.names == cluster_table(traffic(), True).schema.names
    assert cluster_table(none, True).schema.field("first_seen").type == WHEN
    assert set(prompt_table(traffic(), [], [])["campaign_id"].to_pylist()) == {None}


def test_cluster_table_equals_a_loop() -> None:
    made = traffic()
    table = cluster_table(made, True)
    assert table.column_names == ["cluster", "n_prompts", "n_recent", "n_accounts", "n_texts", "representative_row", "prompt", "first_seen", "last_seen"]
    assert table.schema.field("first_seen").type == table.schema.field("last_seen").type == WHEN
    assert table.schema.field("prompt").type in (pa.string(), pa.large_string())
    assert all(table.schema.field(name).type in INTEGERS for name in ("cluster", "n_prompts", "n_recent", "n_accounts", "n_texts", "representative_row"))
    members: dict[int, list[int]] = {}
    for i, t in enumerate(made.text.tolist()):
        if t >= 0 and made.cluster[t] >= 0:
            members.setdefault(int(made.cluster[t]), []).append(i)
    begin, end = int(made.time_us.min()), int(made.time_us.max())
    late = end - int(RECENT * (end - begin))
    wanted = sorted(((c, rows) for c, rows in members.items() if len(rows) > 1), key=lambda item: (-len(item[1]), item[0]))
    assert table["cluster"].to_pylist() == [c for c, _ in wanted]
    for row, (_, rows) in zip(table.to_pylist(), wanted, strict=True):
        assert row["n_prompts"] == len(rows) and row["n_accounts"] == len(set(made.account[rows].tolist()))
        assert row["n_recent"] == sum(made.time_us[rows] > late)
        assert row["n_texts"] == len(set(made.text[rows].tolist())) and row["representative_row"] == min(rows)
        assert row["prompt"] == made.texts(made.text[[min(rows)]])[0][:MAX_CHARS]
        seen = pa.array([made.time_us[rows].min(), made.time_us[rows].max()], pa.int64()).cast(WHEN).to_pylist()
        assert [row["first_seen"], row["last_seen"]] == seen


def test_clusters_of_one_prompt_are_left_out() -> None:
    made = traffic(11)
    alone = made.cluster.copy()
    alone[:] = np.arange(11)
    alone[10] = 0
    assert cluster_table(dataclasses.replace(made, cluster=alone), False)["cluster"].to_pylist() == [0]


def test_no_text_means_no_text() -> None:
    table = cluster_table(traffic(), False)
    assert set(table["prompt"].to_pylist()) == {None} and table.num_rows == 4
    assert table.drop(["prompt"]).equals(cluster_table(traffic(), True).drop(["prompt"]))
    assert not any("prompt" in name for name in prompt_table(traffic(), [], []).column_names)


def test_prompt_table() -> None:
    made = traffic()
    charged = [np.array([3, 8, 20]), np.array([8, 9])]
    table = prompt_table(made, [campaign("c-1"), campaign("c-2")], charged)
    assert table.column_names == ["row", "file", "line", "account_id", "cluster", "similarity", "campaign_id"]
    assert table.schema.field("account_id").type.value_type == table.schema.field("campaign_id").type.value_type == pa.string()
    assert table.schema.field("similarity").type == pa.float32() and table.schema.field("cluster").type in INTEGERS
    assert table["row"].to_pylist() == list(range(60)) and table["line"].to_pylist() == list(range(1, 61))
    names = made.account_ids.to_pylist()
    assert table["account_id"].to_pylist() == [names[a] for a in made.account]
    clusters = [int(made.cluster[t]) if t >= 0 and made.cluster[t] >= 0 else None for t in made.text.tolist()]
    assert table["cluster"].to_pylist() == clusters and None in clusters
    assert [s is None for s in table["similarity"].to_pylist()] == [c is None for c in clusters]
    assert table["similarity"].to_pylist()[0] == pytest.approx(0.7)
    where = {i: c for i, c in enumerate(table["campaign_id"].to_pylist()) if c}
    assert where == {3: "c-1", 8: "c-1", 20: "c-1", 9: "c-2"}, "charged twice: the first, which is the strongest"
