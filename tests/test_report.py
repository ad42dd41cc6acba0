"""What is written and shown: hostile text stays text in every sink, folders are complete or not there, figures say what was measured."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import os
import re
import stat
import sys
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from scan_fixture import make_scan

from fingerprint.errors import ConfigError, InputError
from fingerprint.records import Campaign, Controls, Scan
from fingerprint.report import files, html, terminal, wording
from fingerprint.report.escaping import one_line, pieces, shorten
from fingerprint.report.listing import listing, select

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    "</title><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)",
    "<a href=javascript:alert(1)>x</a>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "&quot;&gt;&lt;img src=x&gt;",
    "<!--",
    "-->",
    "<![CDATA[<b>]]>",
    "{{ 7*7 }}{% raw %}",
    "{{ config }}",
    "<base href=//evil>",
    "<meta http-equiv=refresh content=0;url=//evil>",
    "<link rel=stylesheet href=//evil>",
    "<form action=//evil><input>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<plaintext>",
    "<textarea>",
    "<template>",
    "</div></main></body></html>",
    "<\x00script>",
    "\u2028<script>",
    "＜script＞",
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[31m",
    "\x9b31m",
    "\x1bP+q544e\x1b\\",
    "\x1b]52;c;aGFja2Vk\x07",
    "\u202egnp.exe",
    "\u2066\u2069",
    "zero\u200bwidth",
    "tag\U000e0041\U000e0042",
    "a" + "\u0301" * 500,
    "[bold red]markup[/bold red]",
    "[link=https://evil]x[/link]",
    ":skull:",
    "\ufeffbom",
    "line\r\nfeed\rreturn",
    "раураl",
    "=cmd|' /C calc'!A0",
)


class Markup(HTMLParser):
    """Collects every tag with its attributes, and the text of the page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text: list[str] = []
        self.declarations: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(("/" + tag, ()))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.declarations.append(data)

    def handle_pi(self, data: str) -> None:
        self.declarations.append(data)

    def unknown_decl(self, data: str) -> None:
        self.declarations.append(data)


def parse(page: str) -> Markup:
    markup = Markup()
    markup.feed(page)
    markup.close()
    return markup


def structure(page: str) -> list[tuple[str, tuple[tuple[str, str | None], ...]]]:
    """Return the elements of a page without the marks around odd characters, which depend on the text by design."""
    kept, depth = [], 0
    for tag, attributes in parse(page).tags:
        if tag == "span" and attributes in ((("class", "odd"),), (("class", "mixed"),)):
            depth += 1
        elif tag == "/span" and depth:
            depth -= 1
        else:
            assert not depth, "a mark holds text only"
            kept.append((tag, attributes))
    return kept


@pytest.fixture(scope="module")
def benign_page() -> str:
    return html.render(make_scan())


@pytest.fixture(scope="module")
def small_page() -> str:
    return html.render(make_scan(n_campaigns=2, n_examined=2))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_element_or_attribute_of_the_page_comes_from_traffic(text: str, small_page: str) -> None:
    page = html.render(make_scan(lambda _: text, n_campaigns=2, n_examined=2))
    assert structure(page) == structure(small_page)
    assert not parse(page).declarations


def test_a_thousand_hostile_prompts_stay_text(benign_page: str) -> None:
    calls = iter(range(10**6))
    scan = make_scan(lambda _: "".join(HOSTILE[(next(calls) * k) % len(HOSTILE)] for k in (1, 3, 7)))
    assert next(calls) > 1000
    assert structure(html.render(scan)) == structure(benign_page)


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("<>&\"'/=!-{}%;#x0aA\n\t \\`\u202e\u200b\x1b[]()")))
def test_shown_text_holds_no_markup_but_marks(text: str) -> None:
    markup = parse(str(html.shown(text)))
    assert {tag for tag, _ in markup.tags} <= {"span", "/span"}
    assert "".join(markup.text) == "".join(piece for piece, _ in pieces(text))


def test_hostile_text_is_still_there_to_be_read() -> None:
    page = parse(html.render(make_scan(lambda text: f"{text}<script>alert(1)</script>")))
    assert "".join(page.text).count("<script>alert(1)</script>") > 100


def test_the_page_admits_its_own_script_only(benign_page: str) -> None:
    markup = parse(benign_page)
    policy = next(dict(attributes)["content"] for tag, attributes in markup.tags if ("http-equiv", "Content-Security-Policy") in attributes)
    assert policy is not None and policy.startswith("default-src 'none';") and "script-src 'sha256-" in policy
    assert [attributes for tag, attributes in markup.tags if tag == "script"] == [(("type", "application/json"), ("id", "points")), ()], "data, and the script"
    script = re.search(r"<script>(.*)</script>", benign_page, re.S)
    assert script is not None
    assert base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode() in policy
    for tag, attributes in markup.tags:
        for name, value in attributes:
            assert not name.startswith("on")
            assert name not in ("src", "srcset", "action", "data"), (tag, name)
            assert name != "style" or "url" not in (value or "")
            assert name != "href" or (value or "").startswith("#")


def test_every_link_of_the_page_has_its_target(benign_page: str) -> None:
    attributes = [dict(pairs) for _, pairs in parse(benign_page).tags]
    targets = {a["href"] for a in attributes if "href" in a}
    ids = [a["id"] for a in attributes if "id" in a]
    assert targets and targets <= {f"#{i}" for i in ids}
    assert len(ids) == len(set(ids))


def test_page_says_what_was_found_and_what_it_does_not_tell(benign_page: str) -> None:
    text = " ".join("".join(parse(benign_page).text).split())
    for words in (
        "4 campaigns in 89,421 prompts",
        "9 groups examined and not reported",
        "not a verdict",
        "98 % of its accounts found",
        "No group reported.",
        "slot 2",
        "Does not show",
        "intent cannot be proved",
        "too little to test",
        "queueing theory",
        "not_json 20",
    ):
        assert words in text, words


def test_a_scan_without_findings_is_a_page_too() -> None:
    scan = make_scan(n_campaigns=0, n_examined=0)
    scan = replace(scan, clusters=scan.clusters.slice(0, 0), manifest={**scan.manifest, "controls": None, "counts": {"accounts": 0}})
    text = " ".join("".join(parse(html.render(scan)).text).split())
    assert "No campaign in 89,421 prompts" in text and "Not run." in text and "There are none." in text


def test_big_results_stay_a_small_page() -> None:
    scan = make_scan(lambda text: text * 40, n_campaigns=100, n_examined=300)
    big = replace(scan.campaigns[0], accounts=scan.campaigns[0].accounts * 117)
    page = html.render(replace(scan, campaigns=[big, *scan.campaigns[1:]]))
    assert len(page) < 10_000_000
    assert f"The first 100 of {214 * 117:,}" in page and "The largest 100 of 300" in page


def test_small_populations_can_be_hidden() -> None:
    scan = make_scan()
    whole, page = html.render(scan), html.render(scan, min_accounts=50)
    small = [c for c in [*scan.campaigns, *scan.examined] if c.n_accounts < 50]
    assert any(c.reported for c in small) and "Not shown" not in whole
    assert f"Not shown on this page: {len(small)} of the findings and of the groups below, of fewer than 50 accounts." in page
    assert page.count("<details><summary>Evidence") == sum(c.n_accounts >= 50 for c in scan.examined)
    assert [c.campaign_id in page for c in scan.campaigns] == [c.n_accounts >= 50 for c in scan.campaigns]


def test_without_text_there_are_lengths_and_sketches() -> None:
    page = html.render(files.without_text(make_scan(text=False)))
    assert "sketch <span class=\"mono\">000000000000004d</span>" in page and "surgeons" not in page and "text not kept" in page


def test_slots_stand_where_the_template_has_them() -> None:
    found = make_scan().campaigns[0]
    sequence = html.slots(found)
    assert [item["slot"] for item in sequence] == [0, 1, 0, 2, 0, 3]
    assert sequence[3]["fills"][0] == "enzyme kinetics" and sequence[3]["n"] == 3655
    assert sequence[5]["fills"] == []


# what is invisible becomes visible


def test_every_character_that_acts_or_hides_is_written_out() -> None:
    keep = {"\n", "\t"}
    for code in range(sys.maxunicode + 1):
        ch = chr(code)
        if unicodedata.category(ch) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") and ch not in keep:
            assert list(pieces("a" + ch)) == [("a", False), (f"\\u{{{code:04X}}}", True)], hex(code)


@pytest.mark.parametrize("text", ["plain", "Ünïcödé", "日本語 한국어", "שָׁלוֹם", "नमस्ते", "👩\u200d💻 ❤\ufe0f", "Tiếng Việt", "a\tb\nc"])
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert "".join(piece for piece, _ in pieces(text)) == text
    assert not any(escaped for _, escaped in pieces(text))


def test_repeated_joiners_and_towers_of_marks_are_not_ordinary() -> None:
    assert one_line("👩\u200d\u200d") == "👩\u200d\\u{200D}"
    assert one_line("a" + "\u0301" * 500) == "a" + "\u0301" * 4 + "[+496 combining marks]"


@given(st.text(), st.integers(1, 50))
def test_one_line_is_one_line_without_commands(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert line.isprintable() or all(ch.isprintable() or ch in "\u200d\ufe0f" or unicodedata.category(ch) in ("Zs", "Cn") for ch in line)
    assert len(line.splitlines()) <= 1


def test_shorten_keeps_both_ends_and_counts() -> None:
    short = shorten("a" * 900 + "b" * 100, 40)
    assert short.startswith("a" * 30) and short.endswith("b" * 10) and "[960 characters]" in short


# terminal


def _printed(scan: Scan, width: int = 140, **options: bool) -> str:
    buffer = io.StringIO()
    to = Console(file=buffer, markup=False, emoji=False, highlight=False, width=width, **options)  # type: ignore[arg-type]
    terminal.print_summary(scan, to, "out/")
    for what in ("accounts", "clusters", "topics", "rejects"):
        to.print(listing(select(getattr(scan, what), what), what, 9))
    return buffer.getvalue()


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_command_of_a_prompt_reaches_the_terminal(text: str) -> None:
    scan = make_scan(lambda _: text, n_campaigns=2, n_examined=2)
    plain = _printed(scan)
    assert all(ch == "\n" or unicodedata.category(ch) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for ch in plain)
    styled = _printed(scan, force_terminal=True, legacy_windows=False)
    assert not re.sub(r"\x1b\[[0-9;]*m", "", styled).count("\x1b"), "only the colours that we set ourselves"


def test_summary_says_who_what_and_how_sure() -> None:
    text = " ".join(_printed(make_scan()).split())
    for words in (
        "89,463 rows read: 89,421 accepted, 11 blank, 31 rejected (not_json 20",
        "c-007e41c9b2",
        "instruction synthesis",
        "1e-31",
        "9 groups examined and not reported",
        "No group reported. [ok]",
        "98 % of its accounts found",
        "out/report.html",
        "curriculum designer. Write one challenging ⟨…⟩ problem",
    ):
        assert words in text, words


def test_narrow_terminals_keep_the_names_whole() -> None:
    text = _printed(make_scan(), width=80)
    assert "instruction synthesis" in text and "c-007e41c9b2" in text and "period" not in text
    assert max(len(line) for line in text.splitlines() if not line.startswith("Report: ")) <= 80


def test_reasons_lose_only_the_figures_that_differ() -> None:
    found = wording.reasons(
        [replace(g, reason=r) for g, r in zip(make_scan().examined, ["a 0.5 over 3.", "a 12 over 3.", "b."], strict=False)], most=2
    )
    assert found == [("a … over 3.", 2), ("b.", 1)]


@pytest.mark.parametrize(
    ("share", "shown"), [(0, "0 %"), (0.0001, "<1 %"), (0.5, "50 %"), (0.9999, ">99 %"), (1, "100 %"), (None, "–"), (math.nan, "–")]
)
def test_percent_never_rounds_something_to_nothing(share: float | None, shown: str) -> None:
    assert wording.percent(share) == shown


def test_controls_that_went_wrong_say_so() -> None:
    notes = wording.control_notes(Controls(3, 40, 800, 0.1, 0.5))
    assert [note.good for note in notes] == [False, False]
    assert "3 groups reported, where none should be" in notes[0].result and "mostly missed" in notes[1].shows
    assert [note.good for note in wording.control_notes(None)] == [None, None]


# files


def test_a_scan_comes_back_as_it_was_written(tmp_path: Path) -> None:
    scan = make_scan(lambda text: text + "\x7f\u2028\x1b")
    out = tmp_path / "new" / "out"
    scan.save(out)
    back = files.load_scan(out)
    assert back.campaigns == scan.campaigns and back.examined == scan.examined and back.manifest == scan.manifest
    for name in files.TABLES:
        assert getattr(back, name).equals(getattr(scan, name)), name
    assert sorted(os.listdir(out)) == sorted(files.FILES)
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE((out / name).stat().st_mode) for name in files.FILES} == {0o600}
    raw = (out / "campaigns.json").read_bytes()
    assert all(byte == 10 or 32 <= byte < 127 for byte in raw)


def test_json_is_strict_and_nan_is_null(tmp_path: Path) -> None:
    scan = make_scan(n_campaigns=1)
    odd = replace(scan.campaigns[0], strength=math.inf, tests=[replace(scan.campaigns[0].tests[0], statistic=math.nan, p=math.nan)])
    replace(scan, campaigns=[odd]).save(tmp_path)

    def refuse(name: str) -> None:
        raise AssertionError(name)

    document = json.loads((tmp_path / "campaigns.json").read_text(), parse_constant=refuse)
    assert document["schema"] == "fp-campaigns-1" and document["campaigns"][0]["tests"][0]["p"] is None
    back = files.load_scan(tmp_path).campaigns[0]
    assert math.isnan(back.strength) and math.isnan(back.tests[0].statistic) and back.tests[0].p is None
    assert document["campaigns"][0]["template"]["text"].startswith("You are an expert")


@pytest.mark.parametrize("change", [{"lanes": [[[999, 1]]]}, {"lanes": [[[0]]]}, {"lanes": [[[-1, 1]]]}, {"left": [0, 9999]}, {"right": [-1]},
                                    {"n_members": 9999}, {"weight": []}, {"weight": None}])
def test_places_that_are_none_are_refused(change: dict[str, object], tmp_path: Path) -> None:
    make_scan().save(tmp_path)
    document = json.loads((tmp_path / "campaigns.json").read_text())
    campaign = document["campaigns"][0]
    if change == {"weight": None}:
        campaign["graph"]["weight"][0] = None  # what NaN is written as
    else:
        (campaign if "lanes" in change else campaign["graph"]).update(change)
    (tmp_path / "campaigns.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="places of 'c-007e41c9b2' that are none"):
        files.load_scan(tmp_path)


def test_no_text_leaves_no_prompt_anywhere(tmp_path: Path) -> None:
    canary = "canary-7f3a"
    plain, marked = make_scan(text=False), make_scan(lambda text: canary + text, text=False)

    def same_accounts(found: list[Campaign], known: list[Campaign]) -> list[Campaign]:
        return [
            replace(f, accounts=k.accounts, graph=k.graph, representatives=[replace(r, account_id="a") for r in f.representatives])
            for f, k in zip(found, known, strict=True)
        ]

    scan = replace(
        plain,
        campaigns=same_accounts(marked.campaigns, plain.campaigns),
        examined=same_accounts(marked.examined, plain.examined),
        clusters=marked.clusters,
        landscape=marked.landscape.set_column(3, "account_id", plain.landscape["account_id"]),
    )
    scan.save(tmp_path)
    for name in ("campaigns.json", "manifest.json", "report.html"):
        assert canary not in (tmp_path / name).read_text(), name
    assert files.load_scan(tmp_path).clusters["prompt"].null_count == len(scan.clusters)
    page = (tmp_path / "report.html").read_text()
    assert "text not kept" in page and "Text was not kept in this scan." in page
    assert canary not in _printed(files.without_text(scan)) and canary in _printed(scan)


def test_a_failed_write_leaves_the_earlier_output_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_scan(n_campaigns=1).save(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in files.FILES}

    def fail(scan: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(html, "render", fail)
    with pytest.raises(KeyboardInterrupt):
        make_scan(n_campaigns=3).save(tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == before


def test_a_folder_is_complete_only_with_its_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_scan(n_campaigns=1).save(tmp_path)
    moved = os.replace

    def stop(source: object, target: object) -> None:
        if str(target).endswith("campaigns.json"):
            raise KeyboardInterrupt
        moved(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        make_scan(n_campaigns=3).save(tmp_path)
    assert files.MANIFEST not in os.listdir(tmp_path) and not [n for n in os.listdir(tmp_path) if n.endswith(".partial")]
    with pytest.raises(InputError, match="no complete scan"):
        files.load_scan(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("campaigns.json", b"{", "not valid JSON"),
        ("campaigns.json", b"[" * 100_000, "not valid JSON"),
        ("campaigns.json", b"[]", "not hold an object"),
        ("campaigns.json", b"{}", "not of schema"),
        ("campaigns.json", b'{"schema": "fp-campaigns-1", "campaigns": [{}], "examined": []}', "does not have the fields"),
        ("campaigns.json", b'{"schema": "fp-campaigns-1", "campaigns": 1, "examined": []}', "wrong type"),
        ("campaigns.json", b"\xff", "not valid JSON"),
        ("manifest.json", b'{"schema": "fp-manifest-2"}', "not of schema"),
        ("manifest.json", b'{"schema": "fp-manifest-1"}', "has no version"),
        ("accounts.parquet", b"PAR1", "Parquet"),
        ("prompts.parquet", b"", "Parquet"),
    ],
)
def test_damaged_folders_are_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    make_scan(n_campaigns=1).save(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        files.load_scan(tmp_path)


def test_missing_columns_and_folders_are_named(tmp_path: Path) -> None:
    scan = make_scan(n_campaigns=1)
    replace(scan, accounts=scan.accounts.drop_columns(["score"])).save(tmp_path)
    with pytest.raises(InputError, match=r"accounts.parquet has no column score"):
        files.load_scan(tmp_path)
    with pytest.raises(InputError, match="no complete scan"):
        files.load_scan(tmp_path / "nowhere")


def test_rows_that_do_not_add_up_are_never_written(tmp_path: Path) -> None:
    scan = make_scan(n_campaigns=1)
    lost = {**scan.manifest, "rows": {**scan.manifest["rows"], "accepted": 89_420}}
    with pytest.raises(ConfigError, match="89463 read, 89462 accounted for"):
        replace(scan, manifest=lost).save(tmp_path)
    with pytest.raises(ConfigError, match="has no key_id"):
        replace(scan, manifest={k: v for k, v in scan.manifest.items() if k != "key_id"}).save(tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_used_is_said_early(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is a file"):
        files.check_folder(tmp_path / "file")
    with pytest.raises(ConfigError, match="would be overwritten"):
        files.check_folder(tmp_path, [str(tmp_path / "prompts.parquet")])
    assert not files.check_folder(tmp_path / "a" / "b").exists()


def test_links_in_the_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "manifest.json.partial").symlink_to("/etc/hostname")
    make_scan(n_campaigns=0).save(tmp_path)
    assert not (tmp_path / "manifest.json").is_symlink()


def test_an_empty_table_is_written_and_read(tmp_path: Path) -> None:
    scan = make_scan(n_campaigns=0, n_examined=0)
    empty = replace(scan, clusters=scan.clusters.slice(0, 0), accounts=scan.accounts.slice(0, 0))
    empty.save(tmp_path)
    assert isinstance(files.load_scan(tmp_path).accounts, pa.Table) and len(files.load_scan(tmp_path).clusters) == 0


def test_missing_shards_are_named_whatever_their_names(tmp_path: Path) -> None:
    made = make_scan()
    missing = [{"shard": f"{i}/30: logs/<b>\x1b[2J\u202e{i}.jsonl", "why": "it <script>cannot</script> be read"} for i in range(1, 26)]
    replace(made, manifest={**made.manifest, "missing": missing}).save(tmp_path)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "25 shards of the input could not be read" in page and "25/30" not in page and "and 5 more" in page and "20/30" in page
    assert "\x1b" not in page and "\u202e" not in page and "logs/<b>" not in page and "<script>cannot" not in page
    assert files.load_scan(tmp_path).manifest["missing"] == missing
    assert "could not be read" not in html.render(made)


@pytest.mark.parametrize("change", [{"missing": "all"}, {"missing": [{"shard": 1, "why": ""}]}, {"missing": [[]]}, {"engine": []},
                                    {"engine": {"name": "x", "workers": "many", "shards": 1}}])
def test_a_manifest_that_says_nonsense_of_shards_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    make_scan().save(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, **change}), "utf-8")
    with pytest.raises(InputError, match=r"missing shards|engine"):
        files.load_scan(tmp_path)
