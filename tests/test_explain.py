"""``fingerprint explain``: every part of the evidence is printed, of campaigns and accounts, and hostile text stays text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scan_fixture import make_scan
from shards_fixture import MEDIUM

import fingerprint as fp
from fingerprint.cli import main
from fingerprint.records import Campaign, Scan

KEY = fp.Key(bytes(range(16)))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explain") / "out"
    fp.scan(fp.simulate.simulate(MEDIUM, 4).events, config=fp.ScanConfig(controls=False), key=KEY).save(folder)
    return folder


@pytest.fixture(scope="module")
def scan(out: Path) -> Scan:
    return fp.load_scan(out)


def explain(out: Path, *args: str) -> str:
    result = CliRunner().invoke(main, ["explain", str(out), *args])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_campaign(out: Path, scan: Scan) -> None:
    for found in scan.campaigns:
        shown = explain(out, found.campaign_id)
        for part in ("reported", "carried by", "prompts a day", "exchangeability", "daily rhythm", "common start", "If it were innocent", "one organisation",
                     "Prompts that show its range", "nearest unaccused", f"20 of {found.n_accounts}"):
            assert part in shown, part
        assert explain(out, found.campaign_id[:6], "--limit", "2") != shown
        assert json.loads(explain(out, found.campaign_id, "--json"))["campaign_id"] == found.campaign_id


def test_what_a_campaign_says_of_itself_adds_up(scan: Scan) -> None:
    accused = {a.account_id for c in scan.campaigns for a in c.accounts}
    for found in scan.campaigns:
        assert sum(d.n_prompts for d in found.timeline) == found.n_prompts == sum(a.n_attributed for a in found.accounts)
        assert found.timeline[0].date == found.first_seen[:10] and found.timeline[-1].date == found.last_seen[:10]
        assert all(0 < d.n_accounts <= min(d.n_prompts, found.n_accounts) for d in found.timeline)
        assert 6 <= found.carried_by < found.n_accounts
        assert not any(accused & set(a.peers) for a in found.accounts)
        assert np.mean([0 <= a.peer_tie < 1 for a in found.accounts]) > 0.6, "few outside are as near as the mean of its fellows"
    assert all(c.carried_by == 0 and not any(a.peers for a in c.accounts) for c in scan.examined)


def test_an_account(out: Path, scan: Scan) -> None:
    charge = scan.campaigns[0].accounts[0]
    shown = explain(out, charge.account_id)
    assert scan.campaigns[0].campaign_id in shown and f"{charge.n_attributed} of {charge.n_prompts} prompts" in shown and charge.peers[0] in shown
    document = json.loads(explain(out, charge.account_id, "--json"))
    assert document["findings"][0]["campaign_id"] == scan.campaigns[0].campaign_id
    innocent = charge.peers[0]
    assert "none charged: it is in no finding" in explain(out, innocent)


def test_a_group_that_was_not_reported(out: Path, scan: Scan) -> None:
    group: Campaign = scan.examined[0]
    shown = explain(out, group.campaign_id)
    assert "examined, not reported" in shown and group.reason[:40] in shown


@pytest.mark.parametrize("name", ["c-", "c-zzzz", "nobody", "\x1b[31mred"])
def test_unknown_names(out: Path, name: str) -> None:
    result = CliRunner().invoke(main, ["explain", str(out), name])
    assert result.exit_code == 2 and result.output.startswith("fingerprint: ") and "\x1b" not in result.output


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    hostile = "\x1b]0;owned\x07[bold]x[/bold]\u202e\x00"
    made = make_scan(lambda text: f"{text[:60]}{hostile}")
    made.save(tmp_path / "out")
    read = fp.load_scan(tmp_path / "out")
    for name in (read.campaigns[0].campaign_id, read.campaigns[0].accounts[0].account_id):
        shown = explain(tmp_path / "out", name)
        assert not set(shown) & {"\x1b", "\x07", "\x00", "\u202e"} and "[bold]x[/bold]" in shown
