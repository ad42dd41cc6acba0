"""The result of matching a suspect set or a bundle of findings: its folder, page and terminal summary."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from . import wording
from .escaping import one_line
from .files import check_folder, dump_json, write_folder, write_table
from .html import page

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

    from ..matches import Match

MANIFEST = "match.json"
TABLES = ("accounts", "matches", "queries", "rejects")
FILES = (*(f"{name}.parquet" for name in TABLES), "report.html", MANIFEST)
MAX_ACCOUNTS, MAX_SHOWN, MAX_COMMON, NEAR_MISSES, WIDTH = 500, 60, 25, 10, 960
LIMITS = (
    "It says which accounts asked these questions. It does not say that they did so for whoever holds the set: a published set may be asked by people who "
    "evaluate or study with it.",
    "A set that was never asked here, or asked through others, names nobody.",
    "Questions that were paraphrased throughout are found as far as the encoder sees what they mean; in a frame of their own as well they may not be.",
    "An account may have been copied, taken over or shared. Look at its own history before acting.",
)
OF_SKETCHES = (
    "Sketches match prompts that are the same or nearly so. A template in which different questions stand makes them nearly the same: whoever uses the "
    "template for himself may be named. Read some of the matched prompts before acting.",
    "Whoever has the key can put sketches of any prompts into a bundle. It says no more than whoever made it can be trusted to say.",
)


def write_match(found: Match, out: str | os.PathLike[str]) -> None:
    """Write a match into a folder, made with mode 0700 where missing; files get mode 0600.

    Raises
    ------
    ConfigError
        The folder cannot be written.
    """
    write_folder(check_folder(out), {
        **{f"{name}.parquet": partial(write_table, getattr(found, name)) for name in TABLES},
        "report.html": lambda file: file.write(render(found).encode("utf-8", "replace")),
        MANIFEST: lambda file: file.write(dump_json(document(found)).encode())})


def document(found: Match) -> dict[str, Any]:
    """Return what ``match.json`` holds: the manifest, the named accounts and their time line."""
    from ..matches import timeline

    named = found.accounts.filter(found.accounts["named"])
    return {**found.manifest, "named": _plain(named), "days": [{"day": day, "matches": n} for day, n in timeline(found.matches, found.named)]}


def render(found: Match) -> str:
    """Return the page of a match."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from ..matches import timeline
    from ..matching import FEWEST_TEXTS

    named, others = (found.accounts.filter(part) for part in (found.accounts["named"], pc.invert(found.accounts["named"])))
    matches = found.matches.filter(pc.is_in(found.matches["account_id"], pa.array(found.named, found.matches.schema.field("account_id").type)))
    days = timeline(found.matches, found.named)
    kinds = sorted(((row["values"], row["counts"]) for row in matches["kind"].value_counts().to_pylist()), key=lambda item: -item[1])
    common = found.queries.filter(found.queries["common"]).sort_by([("n_accounts", "descending")])
    sent = pc.sum(named["n_prompts"]).as_py() or 0
    return page(
        "match.html.j2", manifest=found.manifest, n_named=len(named), n_accounts=len(found.accounts), accounts=_plain(named.slice(0, MAX_ACCOUNTS)),
        near_misses=_plain(others.slice(0, NEAR_MISSES)), n_found=int(pc.sum(pc.greater(found.queries["n_named"], 0)).as_py() or 0),
        n_prompts=pc.sum(named["n_matched_prompts"]).as_py() or 0, share=(pc.sum(named["n_matched_prompts"]).as_py() or 0) / max(sent, 1),
        expected=pc.sum(named["expected"]).as_py() or 0.0, days=days, most=max((n for _, n in days), default=1), width=WIDTH,
        step=WIDTH / max(len(days), 1), kinds=kinds, shown=_sample(found, matches), n_matches=len(matches), common=_plain(common.slice(0, MAX_COMMON)),
        rejected=sum(found.manifest["suspects"]["rows"]["rejected"].values()), fewest=FEWEST_TEXTS,
        limits=LIMITS + (OF_SKETCHES if found.manifest["suspects"]["findings"] else ()))


def _sample(found: Match, matches: pa.Table) -> list[dict[str, Any]]:
    """Return some matches, evenly from all of them, with their questions."""
    import pyarrow as pa

    step = max(1, -(-len(matches) // MAX_SHOWN))
    rows = _plain(matches.take(pa.array(range(0, len(matches), step), pa.int64())))
    prompts = found.queries["prompt"]
    return [row | {"prompt": prompts[row["query"]].as_py()} for row in rows]


def _plain(table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pylist()
    return [{name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()} for row in rows]


def print_match(found: Match, to: Console, out: str | None = None, limit: int = 20) -> None:
    """Print who is named and why, and where the outputs are."""
    from rich.text import Text

    from .terminal import plain_table

    suspects, traffic, chance = (found.manifest[name] for name in ("suspects", "traffic", "chance"))
    findings = suspects["findings"]
    if findings:
        to.print(Text(f"{wording.plural(len(findings), 'finding')} read, with sketches of {wording.plural(suspects['queries'], 'prompt')}"))
    else:
        to.print(Text(f"{wording.plural(suspects['rows']['read'], 'row')} of the suspect set read: {wording.count(suspects['queries'])} distinct questions, "
                      f"{wording.count(sum(suspects['rows']['rejected'].values()))} rejected"))
    to.print(Text(f"{wording.count(traffic['prompts'])} prompts of {wording.plural(traffic['accounts'], 'account')}; "
                  f"{wording.seconds(found.manifest['timings']['total'])}, {wording.memory(found.manifest['peak_memory_bytes'])}"))
    to.print()
    rows = found.accounts.filter(found.accounts["named"])
    if not len(rows):
        to.print(Text("No account is named.", style="bold"))
    else:
        table = plain_table(("account", "left"), *([("finding", "left")] if findings else []), ("prompts", "right"), ("matched", "right"),
                            ("of its traffic", "right"), ("of the set", "right"), ("by accident", "right"), ("p, adjusted", "right"), ("q", "right"),
                            ("matches seen", "left"))
        for row in _plain(rows.slice(0, limit)):
            names = [row["account_id"], *([row["campaign_id"]] if findings else [])]
            table.add_row(*(Text(one_line(name, 60)) for name in names), wording.count(row["n_prompts"]), wording.count(row["n_matched_prompts"]),
                          wording.percent(row["share_of_traffic"]), wording.percent(row["share_of_set"]), wording.measured(row["expected"]),
                          wording.small(row["p_adjusted"]), wording.small(row["q"]), wording.period(row["first_seen"], row["last_seen"]))
        to.print(table)
        if len(rows) > limit:
            to.print(Text(f"{limit:,} of {len(rows):,} named accounts; all of them are in accounts.parquet", style="dim"))
    common = found.manifest["counts"]["common"]
    to.print(Text(f"{len(found.accounts) - len(rows):,} other accounts have a match, which chance explains: {wording.percent(chance['rate'])} of anybody's "
                  f"prompts match as many prompts of others. Common property are {wording.plural(common, 'question')} of the set."))
    if out is not None:
        place = one_line(out).rstrip("/")
        to.print()
        to.print(Text.assemble("Report: ", (f"{place}/report.html", "bold"), "   also " + ", ".join(n for n in FILES if n != "report.html")), soft_wrap=True)
