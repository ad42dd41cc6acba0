"""A hand-made scan with the content of a real one, for tests of what is written and shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from fingerprint.config import ScanConfig
from fingerprint.records import AccountCharge, AccountGraph, Campaign, Controls, Day, Explanation, KnownSet, Representative, Scan, Test
from fingerprint.templates import Template

START = datetime(2026, 3, 2, tzinfo=UTC)
Write = Callable[[str], str]
KINDS = (
    (
        "instruction synthesis",
        214,
        9150,
        0.93,
        ["You are an expert curriculum designer. Write one challenging", "problem about", "for graduate students, then solve it step by step."],
        [
            ["multi-hop reasoning", "proof", "estimation", "counterfactual"],
            ["enzyme kinetics", "contract law", "queueing theory", "Baltic phonology", "retaining walls"],
        ],
    ),
    (
        "grading and rubrics",
        62,
        2480,
        0.71,
        ["Grade the following answer from 1 to 10 and justify every deduction. Question:", "Answer:", "Return JSON with keys score and reason."],
        [
            ["Why is the sky blue?", "Prove that there are infinitely many primes.", "Explain TCP slow start."],
            ["Because of Rayleigh scattering.", "Suppose not; multiply them and add one."],
        ],
    ),
    ("reasoning elicitation", 40, 811, 0.0, [], []),
    (
        "code",
        28,
        365,
        0.12,
        ["Rewrite this function so that it passes the tests below.", "Do not change the signature."],
        [["def merge(a, b): ...", "fn parse(s: &str) -> Vec<u8>"]],
    ),
)
PROMPTS = (
    "A hospital rotates 7 surgeons over 12 theatres so that no surgeon repeats a theatre in a week. Show the whole chain of reasoning first.",
    "Derive the stationary distribution of an M/M/c queue with impatient customers. Think step by step and number every step.",
    "Translate the following statute into plain English and list every assumption you make:\n\n§ 14 (2) Der Pächter haftet für zufälligen Untergang.",
    "请逐步推理：一个水池有三个进水管和一个出水管，分别需要 4、6、12 小时注满，8 小时放空。同时打开需要多久？",
)
REASONS = (
    "The prompts tell the accounts apart: personal trace 0.84, its upper bound 0.97 is above 0.3.",
    "The prompts tell the accounts apart: personal trace 0.52, its upper bound 0.66 is above 0.3.",
    "71 % of an account's attributed prompts are copies of another's: a common list.",
    "Too few prompts per account to test.",
)


def make_scan(write: Write = lambda text: text, *, text: bool = True, n_campaigns: int = 4, n_examined: int = 9) -> Scan:
    """Return a scan; `write` may change every string that comes from traffic (prompts, fills, account ids, paths, classes)."""
    rng = np.random.default_rng(7)
    campaigns = [_campaign(i, rng, write) for i in range(n_campaigns)]
    examined = [_examined(i, rng, write) for i in range(n_examined)]
    return Scan(
        campaigns,
        examined,
        _accounts(campaigns, write),
        _clusters(rng, write),
        _topics(write),
        _landscape(campaigns, np.random.default_rng(8), write),
        _prompts(write),
        _rejects(write),
        _manifest(campaigns, write, text),
        [KnownSet(write("alpaca.jsonl"), 52_000, 310, [write("acct-a"), write("acct-b")], [9, 4], 3e-7), KnownSet("absent.jsonl", 40, 0, [], [], 0.0)],
    )


def _activity(rng: np.random.Generator, total: int, flat: bool) -> list[list[int]]:
    hour = np.ones(24) if flat else np.exp(-(((np.arange(24) - 14) / 4.0) ** 2))
    week = np.ones(7) if flat else np.array([1, 1.1, 1, 0.9, 0.8, 0.2, 0.1])
    rate = np.outer(week, hour)
    return rng.poisson(total * rate / rate.sum()).tolist()


def _campaign(i: int, rng: np.random.Generator, write: Write) -> Campaign:
    capability, n_accounts, n_prompts, coverage, parts, fills = KINDS[i % len(KINDS)]
    ratio, error = float(rng.uniform(-0.02, 0.05)), float(rng.uniform(0.01, 0.08))
    q = 10.0 ** -[31, 18, 7.2, 2.6][i % 4]
    counts = rng.multinomial(n_prompts, np.ones(n_accounts) / n_accounts)
    other = rng.integers(0, 30, n_accounts) if i != 2 else rng.integers(60, 200, n_accounts)
    accounts = [
        AccountCharge(
            write(f"acct_{i}{k:05x}"), int(n + o), int(n), float(n / max(n + o, 1)), float(rng.uniform(0.72, 0.99)), float(rng.uniform(0, 0.1)),
            [write(f"user-{k % 300:04d}")] if k % 5 else [], 0.1 * (k % 5),
        )
        for k, (n, o) in enumerate(zip(counts, other, strict=True))
    ]
    accounts.sort(key=lambda a: -a.n_attributed)
    first = START + timedelta(days=int(rng.integers(0, 6)), hours=3)
    tests = [
        Test(
            "exchangeability",
            ratio,
            "people write these prompts",
            True,
            "With the shared text removed, it does not matter which account sent a prompt.",
            bound=ratio + 1.7 * error,
            limit=0.3,
            p=q / 3,
            q=q,
        ),
        Test(
            "cohesion",
            float(rng.uniform(0.2, 0.6)),
            "accounts no more alike than the population",
            True,
            "The accounts are far more alike than accounts of this traffic are.",
            limit=0.025,
            p=0.0004,
            q=0.002,
        ),
        Test(
            "duplication between accounts",
            float(rng.uniform(0, 0.06)),
            "every account runs the same list",
            True,
            "Hardly any query is sent by two accounts: the list was shared out.",
            limit=0.5,
        ),
        Test("repetition within accounts", float(rng.uniform(0, 0.02)), "people try again", True, "Nobody tries again.", limit=0.1),
    ]
    explanations = [
        Explanation(
            "people with one interest",
            "rejected",
            ["The prompts have a subject in common."],
            ["People on one subject leave a personal trace of 0.3 to 0.8; here it is at most 0.1."],
        ),
        Explanation(
            "framework or product template",
            "possible" if coverage > 0.5 else "rejected",
            [f"{coverage:.0%} of the prompts share one frame."] if coverage else [],
            ["What fills the slots does not depend on the account.", "No organisation is declared."],
        ),
        Explanation("common list", "rejected", [], ["Two accounts share at most 6 % of their prompts; full copies would share all."]),
    ]
    template = (
        Template([write(p) for p in parts], coverage, False, i == 0, [[write(f) for f in column] for column in fills], [len(c) * 731 for c in fills])
        if parts
        else None
    )
    shown = [Representative(17 * k + i, accounts[k].account_id, write(p), len(p), f"{k + 77:016x}") for k, p in enumerate(PROMPTS)]
    days = [Day((first + timedelta(days=d)).date().isoformat(), 20 + 3 * (d % 7), 9) for d in range(20) if d % 9 != 5]
    n_shown = min(n_accounts, 30)
    graph = AccountGraph([a.account_id for a in accounts[:n_shown]] + [write(f"user-{k:04d}") for k in range(6)], n_shown,
                         list(range(n_shown + 5)), [k + 1 for k in range(n_shown + 5)], [round(1 / (1 + k % 5), 4) for k in range(n_shown + 5)])
    lanes = [[[d, 1 + (d + k) % 4] for d in range(k % 3, len(days), 1 + k % 3)] for k in range(n_shown)]
    return Campaign(
        f"c-{i:02d}7e41c9b2",
        True,
        "It does not matter which account sent which prompt, the accounts are far more alike than chance, and none of the innocent patterns fits.",
        capability,
        {capability: 0.78, "code": 0.15, "other": 0.07},
        n_accounts,
        n_prompts,
        first.isoformat(),
        (first + timedelta(days=19)).isoformat(),
        -np.log10(q),
        tests,
        explanations,
        template,
        shown,
        accounts,
        _activity(rng, n_prompts, i != 1),
        days,
        carried_by=6,
        graph=graph,
        lanes=lanes,
    )


def _examined(i: int, rng: np.random.Generator, write: Write) -> Campaign:
    found = _campaign(i % 4, rng, write)
    keep = 60 - 5 * (i % 9)
    ratio = float(rng.uniform(0.4, 1.2))
    tests = (
        [
            Test(
                "exchangeability",
                ratio,
                "people write these prompts",
                False,
                "Prompts of one account are clearly more alike than prompts of different accounts.",
                bound=ratio + 0.12,
                limit=0.3,
                p=0.98,
                q=0.99,
            )
        ]
        if i % 4 != 3
        else []
    )
    return Campaign(
        f"c-{i:02d}e0e0e0e0",
        False,
        REASONS[i % 4],
        ("code", "translation", "homework", "role-play")[i % 4],
        {},
        keep,
        keep * 14,
        found.first_seen,
        found.last_seen,
        0.0,
        tests,
        found.explanations,
        found.template,
        found.representatives,
        found.accounts[:keep],
        found.activity,
    )


def _accounts(campaigns: list[Campaign], write: Write) -> pa.Table:
    rows = [(a.account_id, c.campaign_id, a.score, a.n_prompts, a.n_attributed, a.share, a.copies) for c in campaigns for a in c.accounts]
    rows += [(write(f"user-{i:04d}"), None, 0.0, 12 + i % 40, 0, 0.0, 0.0) for i in range(300)]
    names = ("account_id", "campaign_id", "score", "n_prompts", "n_attributed", "share", "copies")
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def _clusters(rng: np.random.Generator, write: Write) -> pa.Table:
    n = 40
    size = np.sort(rng.zipf(1.6, n).clip(2, 9000))[::-1]
    return pa.table(
        {
            "cluster": list(range(n)),
            "n_prompts": size.tolist(),
            "n_recent": (size // 9).tolist(),
            "n_accounts": np.maximum(size // 3, 1).tolist(),
            "n_texts": np.maximum(size // 2, 1).tolist(),
            "representative_row": list(range(n)),
            "prompt": [write(PROMPTS[i % 4]) for i in range(n)],
            "first_seen": [START] * n,
            "last_seen": [START + timedelta(days=20)] * n,
        }
    )


def _landscape(campaigns: list[Campaign], rng: np.random.Generator, write: Write) -> pa.Table:
    n = 120
    names = [None, *(c.campaign_id for c in campaigns)]
    return pa.table(
        {
            "x": pa.array(rng.random(n), pa.float32()),
            "y": pa.array(rng.random(n), pa.float32()),
            "campaign_id": pa.array([names[i % len(names)] for i in range(n)], pa.string()),
            "account_id": [write(f"user-{i:04d}") for i in range(n)],
            "row": list(range(n)),
            "prompt": [write(PROMPTS[i % 4]) for i in range(n)],
        }
    )


def _topics(write: Write) -> pa.Table:
    n = 30
    return pa.table(
        {
            "topic": list(range(n)),
            "words": [[write(word) for word in PROMPTS[i % 4].split()[:8]] for i in range(n)],
            "n_texts": [300 - i for i in range(n)],
            "n_accounts": [90 - i for i in range(n)],
            "n_prompts": [900 - i for i in range(n)],
            "representative_row": list(range(n)),
            "prompt": [write(PROMPTS[i % 4]) for i in range(n)],
        }
    )


def _prompts(write: Write) -> pa.Table:
    n = 50
    return pa.table(
        {
            "row": list(range(n)),
            "file": [0] * n,
            "line": list(range(n)),
            "account_id": [write(f"user-{i % 9:04d}") for i in range(n)],
            "cluster": pa.array([None if i % 3 else i for i in range(n)], pa.int64()),
            "similarity": pa.array([None if i % 3 else 0.9 for i in range(n)], pa.float32()),
            "campaign_id": pa.array([None] * n, pa.string()),
            "attribution": [0.0] * n,
        }
    )


def _rejects(write: Write) -> pa.Table:
    return pa.table(
        {
            "file": [write("logs/2026-03-04.jsonl.zst")] * 3,
            "line": [17, 912, 40001],
            "offset": [5120, 88123, None],
            "class": [write("not_json"), write("no_account"), write("bad_time")],
        }
    )


def _manifest(campaigns: list[Campaign], write: Write, text: bool) -> dict[str, object]:
    return {
        "version": "0.1.0",
        "versions": {"python": "3.11.7", "numpy": "2.4.6", "pyarrow": "26.0.1"},
        "created": "2026-03-30T06:12:44Z",
        "config": ScanConfig(text=text).to_dict(),
        "sketch": {"scheme": "fp-minhash-1", "num_perm": 128, "ngram": 5},
        "key_id": "9c1f03aa",
        "isa": "avx512",
        "inputs": [write("logs/2026-03-04.jsonl.zst"), write("logs/2026-03-05.jsonl.zst")],
        "rows": {"read": 89_463, "accepted": 89_421, "blank": 11, "rejected": {write("not_json"): 20, write("no_account"): 10, write("bad_time"): 1}},
        "engine": {"name": "local", "workers": 2, "shards": 7, "bytes": {}},
        "missing": [],
        "period": {"first": START.isoformat(), "last": (START + timedelta(days=27, hours=23)).isoformat()},
        "counts": {"accounts": 4310, "texts": 81_077, "clusters": 1234},
        "timings": {"reading": 1.1, "sketching": 0.4, "groups": 12.0, "total": 31.2},
        "peak_memory_bytes": 1_900_000_000,
        "controls": asdict(Controls(0, 40, 800, 0.975, 1.0)),
    }
