"""The README's pictures, and what a browser takes to open big reports.

``readme`` makes both pictures anew: it runs ``fingerprint demo`` and takes a picture of its page in Chromium, by Playwright, and it measures the speeds that
the chart shows, which takes some ten minutes; ``report`` makes the first alone. ``big`` makes a page of 100 findings with 10,000 accounts and says how large
it is and how long it takes to open; ``look OUT FOLDER`` takes pictures of the page of any scan, light and dark, wide and narrow.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

from fingerprint.records import Scan
from fingerprint.report import html
from fingerprint.report.files import load_scan

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@contextmanager
def browser() -> Iterator[Any]:
    """Give a browser."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
        yield made
        made.close()


def demo(folder: Path) -> Path:
    """Scan sample traffic; return the output folder."""
    subprocess.run([sys.executable, "-m", "fingerprint", "demo", "--out", str(folder)], check=True, stdout=subprocess.DEVNULL)
    return folder


def report(target: Path) -> None:
    """Take the picture that stands in the README, in a palette of 128 colours."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder, browser() as made:
        page = made.new_page(viewport={"width": 1200, "height": 1560})
        page.goto((demo(Path(folder) / "demo") / "report.html").as_uri())
        page.screenshot(path=str(target))
    Image.open(target).convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(target, optimize=True)


def speed(target: Path) -> None:
    """Measure, and draw the chart that stands in the README."""
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        kernels, dedup = Path(folder) / "kernels.json", Path(folder) / "dedup.json"
        for command in (["-m", "pytest", str(here), "-q", "-k", "en208 and (minhash or gaoya or rensa or datasketch)", f"--benchmark-json={kernels}"],
                        [str(here / "dedup.py"), "speed", "--n", "5000000", "--peer-n", "100000", "--methods", "fingerprint,rensa,datasketch,text-dedup",
                         "--json", str(dedup)],
                        [str(here / "chart.py"), "--kernels", str(kernels), "--dedup", str(dedup), "--out", str(target)]):
            subprocess.run([sys.executable, *command], check=True)


def look(out: Path, folder: Path) -> None:
    """Take pictures of the whole page of a scan."""
    folder.mkdir(parents=True, exist_ok=True)
    with browser() as made:
        for width in (1280, 420):
            for scheme in ("light", "dark"):
                page = made.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                page.goto((out / "report.html").absolute().as_uri())
                page.screenshot(path=str(folder / f"{scheme}-{width}.png"), full_page=True)


def multiplied(scan: Scan, n_campaigns: int, n_accounts: int) -> Scan:
    """Return a scan with so many findings and accounts in them, copies of those that it has."""
    each, made = n_accounts // n_campaigns, []
    for i in range(n_campaigns):
        found = scan.campaigns[i % len(scan.campaigns)]
        accounts = [replace(found.accounts[k % len(found.accounts)], account_id=f"acct-{i:03d}-{k:05d}") for k in range(each)]
        made.append(replace(found, campaign_id=f"c-{i:010x}", accounts=accounts, n_accounts=each))
    return replace(scan, campaigns=made)


def big(n_campaigns: int = 100, n_accounts: int = 10_000) -> None:
    """Print size and time to open of a page of many findings."""
    with tempfile.TemporaryDirectory() as folder, browser() as made:
        path = Path(folder) / "report.html"
        start = time.perf_counter()
        path.write_bytes(html.render(multiplied(load_scan(demo(Path(folder) / "demo")), n_campaigns, n_accounts)).encode())
        rendered, took = time.perf_counter() - start, []
        for _ in range(5):
            page = made.new_page(viewport={"width": 1280, "height": 900})
            start = time.perf_counter()
            page.goto(path.as_uri())
            page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            took.append(time.perf_counter() - start)
            assert page.locator("article").count() == n_campaigns
            page.close()
        print(f"{n_campaigns} findings, {n_accounts:,} accounts: {path.stat().st_size / 1e6:.1f} MB, made in {rendered:.1f} s with the scan before, "
              f"open in {np.median(took):.2f} s (median of 5)")


def main() -> None:
    """Take pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("readme", "report", "big", "look"))
    parser.add_argument("where", nargs="*", type=Path)
    options = parser.parse_args()
    pictures = Path(__file__).parent.parent / ".github"
    if options.what in ("readme", "report"):
        report(pictures / "report.png")
        if options.what == "readme":
            speed(pictures / "speed.svg")
    elif options.what == "big":
        big()
    else:
        look(*options.where)


if __name__ == "__main__":
    main()
