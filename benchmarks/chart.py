"""Draw bars of prompts per second, on a logarithmic scale, from what ``dedup.py speed --json`` and ``pytest --benchmark-json`` wrote, as SVG."""

from __future__ import annotations

import argparse
import json
import math
from html import escape
from pathlib import Path
from typing import Any

LEFT, WIDTH, ROW, BAR = 200, 480, 26, 16
OURS, THEIRS = "#3b6ea5", "#a9b4bf"
Bars = list[tuple[str, float]]


def kernels(path: str) -> tuple[str, Bars]:
    """Return title and bars of text to MinHash, 208-character prompts, one thread."""
    found: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    isa = found["machine_info"]["fingerprint"]["isa"]
    names = {f"bench_minhash[{isa}-en208]": "fingerprint", **{f"bench_{peer}[en208]": peer for peer in ("gaoya", "rensa", "datasketch")}}
    bars = [(names[run["name"]], run["extra_info"]["prompts_per_s"]) for run in found["benchmarks"] if run["name"] in names]
    return f"Text to 128 x 32-bit MinHash, 208-character prompts, one thread ({isa})", bars


def dedup(path: str) -> tuple[str, Bars]:
    """Return title and bars of Parquet to near-duplicate clusters."""
    found: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    bars = [(f"{run['method']}, {run['n'] / 1e6:g} M rows", run["prompts_per_s"]) for run in found["runs"]]
    return "Parquet to near-duplicate clusters, families of five, two cores", bars


def draw(charts: list[tuple[str, Bars]], foot: str) -> str:
    """Return the SVG; numbers stand beside the bars, so nothing depends on reading the scale."""
    parts, y = [], 0
    for title, bars in charts:
        low = 10 ** math.floor(math.log10(min(rate for _, rate in bars)))
        span = math.log10(max(rate for _, rate in bars) / low)
        parts.append(f'<text x="0" y="{y + 16}" font-weight="600">{escape(title)}</text>')
        y += ROW
        for name, rate in sorted(bars, key=lambda bar: -bar[1]):
            width, fill = WIDTH * math.log10(rate / low) / span, OURS if name.startswith("fingerprint") else THEIRS
            parts.append(f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text><rect x="{LEFT}" y="{y}" width="{width:.1f}" '
                         f'height="{BAR}" fill="{fill}"/><text x="{LEFT + width + 6:.1f}" y="{y + 13}">{rate:,.0f}/s</text>')
            y += ROW
        y += ROW // 2
    parts.append(f'<text x="0" y="{y + 10}" font-size="11" fill="#555">{escape(foot)}</text>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 120}" height="{y + 20}" font-family="sans-serif" font-size="13">'
            f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n')


def main() -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernels", required=True)
    parser.add_argument("--dedup", required=True)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    processor = json.loads(Path(options.dedup).read_text("utf-8"))["machine"]["processor"]
    foot = f"{processor.get('model', 'unknown processor')}, {processor.get('mhz', '?')} MHz; logarithmic scale; the commands stand in the README"
    Path(options.out).write_text(draw([kernels(options.kernels), dedup(options.dedup)], foot), "utf-8")


if __name__ == "__main__":
    main()
