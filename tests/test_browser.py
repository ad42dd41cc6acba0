"""The report in a real browser: quiet, closed to the outside, and everything on it works by mouse and by keyboard."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scan_fixture import make_scan
from test_report import HOSTILE

from fingerprint.records import Scan
from fingerprint.report import html

BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--no-first-run"]
sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=BROWSER, args=OPTIONS)
        yield made
        made.close()


class Opened:
    """A page, and everything that it said or asked for."""

    def __init__(self, browser: Any, scan: Scan, folder: Path, **options: Any) -> None:
        path = folder / "report.html"
        path.write_bytes(html.render(scan).encode("utf-8", "replace"))
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.page, self.said, self.asked = self.context.new_page(), list[str](), list[str]()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        self.url = path.as_uri()

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *error: object) -> None:
        self.context.close()
        if error[0] is None:
            assert self.said == [] and set(self.asked) == {self.url}


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opened]:
    with Opened(browser, make_scan(), tmp_path) as page:
        yield page


def column(page: Any, table: str, number: int) -> list[str]:
    return [text.strip() for text in page.locator(f"{table} tbody tr:not([hidden]) td:nth-child({number})").all_inner_texts()]


def numbers(texts: list[str]) -> list[float]:
    return [float(text.replace(",", "").replace("%", "")) for text in texts]


def test_ten_thousand_hostile_strings_stay_text(browser: Any, tmp_path: Path) -> None:
    calls = iter(range(10**6))

    def hostile(text: str) -> str:
        k = next(calls)
        return f"{HOSTILE[k % len(HOSTILE)]}{HOSTILE[k * 7 % len(HOSTILE)]}<img src=x onerror=alert({k})>{text[:20]}"

    scan = make_scan(hostile, n_campaigns=40, n_examined=60)
    assert next(calls) > 10_000
    with Opened(browser, scan, tmp_path) as opened:
        page = opened.page
        assert page.locator("script").count() == 2 and page.locator("img, iframe, form, object, embed, link, base").count() == 0
        assert page.evaluate("document.querySelectorAll('[onerror],[onload],[onclick],[onmouseover],[onfocus]').length") == 0
        for fold in page.locator("details").all()[:20]:
            fold.evaluate("fold => { fold.open = true }")
        page.locator("#landscape").focus()
        for _ in range(20):
            page.keyboard.press("ArrowRight")
        assert "onerror=alert" in page.locator("#point").inner_text()


def test_a_heading_sorts_its_table(opened: Opened) -> None:
    page, table = opened.page, "#near-duplicates"
    accounts = page.locator(f"{table} th:nth-child(2) button")
    accounts.click()
    found = numbers(column(page, table, 2))
    assert found == sorted(found, reverse=True) and page.locator(f"{table} th:nth-child(2)").get_attribute("aria-sort") == "descending"
    accounts.focus()
    page.keyboard.press("Enter")
    assert numbers(column(page, table, 2)) == sorted(found)
    assert page.locator(f"{table} th[aria-sort]").count() == 1
    page.locator("#finding-1 details.long > summary").click()
    names = page.locator("#accounts-1 th:nth-child(1) button")
    names.click()
    assert column(page, "#accounts-1", 1) == sorted(column(page, "#accounts-1", 1), reverse=True)
    page.locator("#accounts-1 th:nth-child(4) button").click()
    share = numbers(column(page, "#accounts-1", 4))
    assert share == sorted(share, reverse=True) and len(set(share)) > 1


def test_what_is_looked_for_is_left(opened: Opened) -> None:
    page = opened.page
    field, output = page.locator("input[data-in=near-duplicates]"), page.locator("p.find:has(input[data-in=near-duplicates]) output")
    n = len(column(page, "#near-duplicates", 1))
    field.fill("STATUTE english")
    assert 0 < len(column(page, "#near-duplicates", 1)) < n
    assert all("statute" in text.lower() for text in column(page, "#near-duplicates", 5))
    assert output.inner_text() == f"{len(column(page, '#near-duplicates', 1))} of {n}"
    field.fill("no such words")
    assert column(page, "#near-duplicates", 1) == []
    field.fill("")
    assert len(column(page, "#near-duplicates", 1)) == n and output.inner_text() == ""


def test_the_map_by_mouse(opened: Opened) -> None:
    page = opened.page
    figure, svg, told = page.locator("#landscape"), page.locator("#landscape svg"), page.locator("#point")
    figure.scroll_into_view_if_needed()
    scan = make_scan()
    for i in (0, 17, 60):
        dot = page.locator(f"#landscape circle[data-i='{i}']").bounding_box()
        page.mouse.move(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
        row = scan.landscape.slice(i, 1).to_pylist()[0]
        assert row["account_id"] in told.inner_text() and row["prompt"][:40] in told.inner_text()
    box = svg.bounding_box()
    x, y = box["x"] + 200, box["y"] + 150
    under = "([x, y]) => { const s = document.querySelector('#landscape svg'), v = s.viewBox.baseVal, b = s.getBoundingClientRect();" \
            "return [v.x + (x - b.left) / b.width * v.width, v.y + (y - b.top) / b.height * v.height]; }"
    before = page.evaluate(under, [x, y])
    page.mouse.move(x, y)
    for _ in range(4):
        page.mouse.wheel(0, -100)
    page.wait_for_function("Number(document.getElementById('landscape').dataset.zoom) > 2")
    assert page.evaluate(under, [x, y]) == pytest.approx(before, abs=0.5), "what is under the pointer stays there"
    corner = page.evaluate("() => document.querySelector('#landscape svg').viewBox.baseVal.x")
    page.mouse.down()
    page.mouse.move(x - 60, y)
    page.mouse.up()
    assert page.evaluate("() => document.querySelector('#landscape svg').viewBox.baseVal.x") > corner
    button = page.locator(".legend button[data-c='1']")
    button.click()
    shown = "() => [...document.querySelectorAll('#landscape g[data-c]')].filter(g => g.style.display !== 'none').map(g => g.dataset.c)"
    assert page.evaluate(shown) == ["1"] and button.get_attribute("aria-pressed") == "true"
    button.click()
    assert page.evaluate(shown) == ["0", "1", "2", "3"] and button.get_attribute("aria-pressed") == "false"


def test_the_map_by_keyboard(opened: Opened) -> None:
    page, figure = opened.page, opened.page.locator("#landscape")
    figure.focus()
    seen = set()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
        seen.add(page.locator("#landscape circle.at").get_attribute("data-i"))
    assert len(seen) >= 3 and page.locator("#landscape circle.at").count() == 1
    for _ in range(3):
        page.keyboard.press("+")
    assert float(figure.get_attribute("data-zoom")) > 1.5
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("-")
    page.keyboard.press("0")
    assert float(figure.get_attribute("data-zoom")) == 1
    page.keyboard.press("Escape")
    assert page.locator("#landscape circle.at").count() == 0


def test_the_page_can_be_walked_through_by_keyboard(opened: Opened) -> None:
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.tagName + (document.activeElement.id ? '#' + document.activeElement.id : '')"))
    assert {"A", "BUTTON", "SUMMARY", "FIGURE#landscape"} <= reached
    names = page.evaluate("[...document.querySelectorAll('svg[role=img]')].filter(s => !s.getAttribute('aria-label')).length")
    assert names == 0 and page.locator("input:not([type=search])").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_sticks_out(browser: Any, tmp_path: Path, width: int, scheme: str) -> None:
    with Opened(browser, make_scan(), tmp_path, viewport={"width": width, "height": 900}, color_scheme=scheme) as opened:
        page = opened.page
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=str(tmp_path / "shot.png"), full_page=True)
        assert (tmp_path / "shot.png").stat().st_size > 50_000
        paper, ink = page.evaluate("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")
        dark = [sum(map(int, colour[4:-1].split(","))) < 300 for colour in (paper, ink)]
        assert dark == ([True, False] if scheme == "dark" else [False, True])


def test_print_opens_what_is_folded(opened: Opened) -> None:
    page = opened.page
    n = page.locator("details:not(.long)").count()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details[open]:not(.long)").count() == n > 0 and page.locator("details.long[open]").count() == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()


def test_a_page_without_map_or_findings_is_quiet_too(browser: Any, tmp_path: Path) -> None:
    scan = make_scan(n_campaigns=0, n_examined=0)
    with Opened(browser, replace(scan, landscape=scan.landscape.slice(0, 0), clusters=scan.clusters.slice(0, 0)), tmp_path) as opened:
        assert opened.page.locator("#landscape").count() == 0 and opened.page.locator("h2").count() > 4
