"""The service in the README runs as it is written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fingerprint.simulate import simulate

README = Path(__file__).parent.parent / "README.md"


@pytest.mark.skipif(not README.is_file(), reason="the README is not there")
def test_the_service_runs_and_goes_on_where_it_was(tmp_path: Path) -> None:
    (service,) = re.findall(r"```python\n(import json\n.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert len([line for line in service.splitlines() if line.strip()]) <= 20
    rows = simulate("demo", 4).events.slice(0, 9000).to_pylist()
    lines = [json.dumps({**row, "timestamp": row["timestamp"].isoformat()}) + "\n" for row in rows]
    (tmp_path / "service.py").write_text(service, "utf-8")

    def run(n: int) -> str:
        (tmp_path / "prompts.jsonl").write_text("".join(lines[:n]), "utf-8")
        return subprocess.run([sys.executable, "service.py"], cwd=tmp_path, capture_output=True, text=True, timeout=200, check=True).stdout

    first = run(8500)
    assert first.count("near-duplicate clusters grew") == 9 and re.search(r"f-[0-9a-f]{10} .* \d+ accounts", first) and "unrelated accounts" in first
    second = run(9000)
    assert second.count("near-duplicate clusters grew") == 1 and "Near(text=" in second
