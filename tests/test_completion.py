"""What a shell offers behind a half-typed command: the right words, never a fault, and nothing that the shell would obey."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ZshComplete
from click.testing import CliRunner
from scan_fixture import make_scan

from fingerprint.cli import COMMANDS, completing, main
from fingerprint.cli.completion import SHELLS, VARIABLE

HOSTILE_IDS = ["c-$(touch x)", "c-0`id`", "c-00000000ab\nplain,evil", "c-*", "c-0000000001 x", "c-000000000G", "c-"]


def items(*words: str) -> list[CompletionItem]:
    """Complete the last of `words`."""
    return BashComplete(main, {}, "fingerprint", VARIABLE).get_completions(list(words[:-1]), words[-1])


def offered(*words: str) -> list[str]:
    return [item.value for item in items(*words)]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    scan = make_scan(n_campaigns=2, n_examined=1)
    scan.save(tmp_path / "out")
    return tmp_path / "out"


def test_commands_options_and_choices() -> None:
    assert offered("") == list(COMMANDS) and offered("co") == ["compact", "completion"]
    assert {"--json", "--sort", "--where"} <= set(offered("show", "out", "--"))
    assert offered("show", "out", "c") == ["campaigns", "clusters"] and offered("completion", "") == list(SHELLS)
    assert offered("scan", "--format", "") == ["jsonl", "csv", "parquet", "arrow"] and offered("scan", "x", "--format", "p") == ["parquet"]
    assert offered("watch", "state", "-", "--durability", "") and offered("simulate", "--preset", "e") == ["evasive"]
    assert offered("key", "") == ["new"]


def test_columns_of_the_listing_that_is_shown() -> None:
    assert offered("show", "out", "accounts", "--sort=") == ["account", "campaign", "prompts", "charged", "score"]
    assert offered("show", "out", "topics", "--sort=te") == ["texts", "telling"]
    everywhere = offered("show", "out", "--sort", "")
    assert {"personal", "charged", "telling", "class"} <= set(everywhere) and len(everywhere) == len(set(everywhere))
    assert offered("show", "out", "accounts", "--sort", "pe") == ["personal", "period"]


@pytest.mark.parametrize(("words", "kind"), [
    (("show", "o"), "dir"), (("explain", ""), "dir"), (("diff", "a", "b"), "dir"), (("verify", ""), "dir"), (("scan", "x", "--out", ""), "dir"),
    (("scan", "lo"), "file"), (("scan", "x", "y"), "file"), (("scan", "x", "--key-file", ""), "file"), (("match", "--in", ""), "file"),
    (("evaluate", "x", "--queries", ""), "file"), (("watch", "state", ""), "file")])
def test_folders_and_files_are_left_to_the_shell(words: tuple[str, ...], kind: str) -> None:
    assert [(item.type, item.value) for item in items(*words)] == [(kind, words[-1])]


def test_campaigns_of_the_scan_that_was_named(out: Path) -> None:
    assert offered("explain", str(out), "") == ["c-007e41c9b2", "c-017e41c9b2", "c-00e0e0e0e0"]
    assert offered("explain", str(out), "c-01") == ["c-017e41c9b2"] and offered("explain", str(out), "x") == []
    assert items("explain", str(out), "c-01")[0].help == "grading and rubrics"


def test_nothing_that_a_shell_would_obey_is_offered(out: Path) -> None:
    path = out / "campaigns.json"
    document = json.loads(path.read_text())
    document["campaigns"] = [{"campaign_id": name, "capability": "x"} for name in HOSTILE_IDS] + [
        {"campaign_id": "c-00000000ab", "capability": "red\x1b[31m\nplain,evil\ttab"}]
    path.write_text(json.dumps(document))
    (item,) = items("explain", str(out), "c-00000000ab")
    assert offered("explain", str(out), "") == ["c-00000000ab", "c-00e0e0e0e0"]
    for complete in (BashComplete, ZshComplete, FishComplete):
        shown = complete(main, {}, "fingerprint", VARIABLE).format_completion(item)
        assert "\x1b" not in shown and shown.count("\n") == (2 if complete is ZshComplete else 0)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"campaigns": 3, "examined": []}', b'{"campaigns": [{"campaign_id": 1}], "examined": []}',
                                     b"\xff", b"[" * 100_000])
def test_a_damaged_scan_offers_nothing(content: bytes, out: Path) -> None:
    (out / "campaigns.json").write_bytes(content)
    assert offered("explain", str(out), "") == []


def test_no_scan_offers_nothing(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (tmp_path / "nowhere", "\0", out / "campaigns.json"):
        assert offered("explain", str(folder), "") == []
    monkeypatch.setattr(completing, "MAX_BYTES", 10)
    assert offered("explain", str(out), "") == []
    monkeypatch.undo()
    (out / "campaigns.json").unlink()
    (out / "campaigns.json").mkdir()
    assert offered("explain", str(out), "") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_that_of_click_and_names_the_command(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0 and f"{VARIABLE}={shell}_complete" in result.stdout and "fingerprint" in result.stdout
    if shell == "bash" and shutil.which("bash"):
        assert subprocess.run(["bash", "-n"], input=result.stdout, text=True, check=False, timeout=20).returncode == 0


def test_an_unknown_shell_is_named() -> None:
    result = CliRunner().invoke(main, ["completion", "cmd"])
    assert result.exit_code == 2 and "'bash', 'zsh', 'fish'" in result.stderr


def test_a_process_answers_the_shell(out: Path) -> None:
    code = "import sys; sys.argv = ['fingerprint']; from fingerprint.cli import entry; entry()"
    words = {VARIABLE: "bash_complete", "COMP_WORDS": f"fingerprint explain {out} c-01", "COMP_CWORD": "3"}
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env={**os.environ, **words}, capture_output=True, text=True, check=False,
                          timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "plain,c-017e41c9b2\n", "")
