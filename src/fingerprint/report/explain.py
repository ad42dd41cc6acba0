"""What ``fingerprint explain`` prints: the whole evidence of one campaign, or where one account stands.

Everything from the traffic passes through :func:`fingerprint.report.escaping.one_line`, as in :mod:`.terminal`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InputError, nearest
from . import wording
from .escaping import one_line
from .terminal import labelled, plain_table
from .timeline import MAX_DAYS, time_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from ..records import AccountCharge, Campaign, Scan

MARKS = {"rejected": "–", "possible": "?", "likely": "!"}


def find(scan: Scan, name: str) -> tuple[Campaign | None, str | None]:
    """Return (campaign, None) for a campaign's id or the beginning of one, or (None, account) for an account's.

    Raises
    ------
    InputError
        Nothing of that name, or several campaigns.
    """
    found = [c for c in [*scan.campaigns, *scan.examined] if c.campaign_id.startswith(name)] if name.startswith("c-") else []
    exact = [c for c in found if c.campaign_id == name]
    if len(exact or found) == 1:
        return (exact or found)[0], None
    if found:
        some = ", ".join(one_line(c.campaign_id, 20) for c in found[:5]) + (", …" if len(found) > 5 else "")
        raise InputError(f"{len(found)} groups have an id that begins with {one_line(name, 60)!r}: {some}; give more of it")
    accounts = account_names(scan)
    if name in accounts:
        return None, name
    known = [c.campaign_id for c in [*scan.campaigns, *scan.examined]] if name.startswith("c-") else sorted(accounts)
    like = nearest(name, known) or "; 'fingerprint show OUT campaigns' lists the campaigns, 'show OUT accounts' the accounts"
    raise InputError(f"there is no campaign and no account {one_line(name, 60)!r}{like}")


def account_names(scan: Scan) -> set[str]:
    """Return the ids of all accounts."""
    return set(scan.accounts.column("account_id").to_pylist())


def print_campaign(found: Campaign, to: Console, limit: int = 20) -> None:
    """Print the evidence of one group, its `limit` largest contributors among it."""
    from rich.text import Text

    to.print(Text(f"{found.campaign_id}  {'reported' if found.reported else 'examined, not reported'}", style="bold"))
    to.print(Text(one_line(found.reason, 2000)))
    grid = labelled()
    grid.add_row(Text("targets", style="dim"), Text(", ".join([one_line(found.capability, 80), *_shares(found)])))
    grid.add_row(Text("size", style="dim"), Text(f"{wording.count(found.n_accounts)} accounts, {wording.count(found.n_prompts)} prompts charged"))
    grid.add_row(Text("period", style="dim"), Text(one_line(f"{found.first_seen} to {found.last_seen}")))
    if found.carried_by:
        grid.add_row(Text("carried by", style="dim"), Text(f"{found.carried_by:,} of its largest contributors: it would be reported on these alone"))
    if line := time_line(found, max(8, min(MAX_DAYS, to.width - 60)), ascii_only=to.options.ascii_only):
        grid.add_row(Text("prompts a day", style="dim"), Text(line))
    if found.template is not None:
        grid.add_row(Text("template", style="dim"), Text(one_line(found.template.text, 1000)))
        for i, (fills, n) in enumerate(zip(found.template.fills, found.template.n_distinct, strict=False), 1):
            grid.add_row(Text(f"slot {i}", style="dim"), Text(f"{n:,} fills: " + "; ".join(one_line(f, 60) for f in fills[:5])))
    if found.segment is not None:
        grid.add_row(Text("shared text", style="dim"), Text(one_line(found.segment, 1000)))
    to.print(grid)
    _section(to, "Tests", _tests(found))
    _section(to, "If it were innocent", _explanations(found))
    if any(r.prompt is not None for r in found.representatives):
        prompts = labelled()
        for r in found.representatives:
            prompts.add_row(Text(one_line(r.account_id, 40), style="dim"), Text(one_line(r.prompt or "", 300)))
        _section(to, "Prompts that show its range", prompts)
    if found.accounts:
        _section(to, f"Accounts, {min(limit, len(found.accounts)):,} of {len(found.accounts):,}", _accounts(found.accounts[:limit]))


def print_account(scan: Scan, account: str, to: Console) -> None:
    """Print where an account stands: in which finding with what, whom it is nearest to, or that nothing is held against it."""
    from rich.text import Text

    rows = scan.accounts.to_pylist()
    row: dict[str, Any] = next(r for r in rows if r["account_id"] == account)
    to.print(Text(one_line(account, 200), style="bold"))
    total = wording.count(row["n_prompts"])
    findings = [(c, a) for c in scan.campaigns for a in c.accounts if a.account_id == account]
    if not findings:
        to.print(Text(f"{total} prompts, none charged: it is in no finding."))
    for found, charge in findings:
        grid = labelled()
        of = f"{wording.count(charge.n_attributed)} of {total} prompts ({wording.percent(charge.share)})"
        grid.add_row(Text("finding", style="dim"), Text(f"{found.campaign_id}: {one_line(found.capability, 80)}, {found.n_accounts:,} accounts"))
        grid.add_row(Text("charged", style="dim"), Text(f"{of}; the others are left alone"))
        grid.add_row(Text("votes inside", style="dim"), Text(f"{wording.percent(charge.score)} of what its charged prompts are nearest to"))
        grid.add_row(Text("copies", style="dim"), Text(f"{wording.percent(charge.copies)} of the charged prompts were sent by another of its accounts as well"))
        grid.add_row(Text("place", style="dim"), Text(f"{found.accounts.index(charge) + 1:,} of {len(found.accounts):,} by contribution; "
                                                      f"the finding stands on the first {found.carried_by:,} alone"))
        if charge.peers:
            grid.add_row(Text("nearest unaccused", style="dim"), Text(f"{', '.join(one_line(p, 40) for p in charge.peers)}; tie to the first "
                                                                      f"{wording.percent(charge.peer_tie)} of that to its fellows"))
        to.print(grid)
        for r in [r for r in found.representatives if r.account_id == account and r.prompt is not None]:
            to.print(Text(f"prompt  {one_line(r.prompt or '', 400)}"))
    for group in [g for g in scan.examined if any(a.account_id == account for a in g.accounts)][:5]:
        to.print(Text(f"also in a group that was examined and not reported, {group.campaign_id}: {one_line(group.reason, 300)}"))


def _shares(found: Campaign) -> list[str]:
    listed = sorted(found.capabilities.items(), key=lambda item: -item[1])[:4]
    return [f"{one_line(name, 60)} {wording.percent(share)}" for name, share in listed if share > 0]


def _tests(found: Campaign) -> Table:
    from rich.text import Text

    numbers = [(name, "right") for name in ("value", "bound", "limit", "p", "q")]
    table = plain_table(("test", "left"), ("", "left"), *numbers, ("reading", "left"))
    for test in found.tests:
        mark = ("✓" if test.passed else "✗") if test.decides else ("+" if test.passed else "·")
        cells = [wording.measured(x) for x in (test.statistic, test.bound, test.limit)]
        table.add_row(Text(one_line(test.name, 60)), mark, *cells, wording.small(test.p), wording.small(test.q), Text(one_line(test.reading, 600)))
    return table


def _explanations(found: Campaign) -> Table:
    from rich.text import Text

    grid = labelled()
    for e in found.explanations:
        parts = [f"for: {'; '.join(e.evidence_for)}"] * bool(e.evidence_for) + [f"against: {'; '.join(e.evidence_against)}"] * bool(e.evidence_against)
        grid.add_row(Text(f"{MARKS.get(e.verdict, ' ')} {one_line(e.name, 60)}"), Text(one_line(f"{e.verdict}. {'. '.join(parts)}", 1000)))
    return grid


def _accounts(charges: list[AccountCharge]) -> Table:
    from rich.text import Text

    table = plain_table(("account", "left"), ("charged", "right"), ("of", "right"), ("share", "right"), ("votes inside", "right"), ("copies", "right"),
                        ("nearest unaccused", "left"), ("tie", "right"))
    for a in charges:
        table.add_row(Text(one_line(a.account_id, 60)), wording.count(a.n_attributed), wording.count(a.n_prompts), wording.percent(a.share),
                      wording.percent(a.score), wording.percent(a.copies), Text(one_line(a.peers[0], 40) if a.peers else "–"), wording.percent(a.peer_tie))
    return table


def _section(to: Console, title: str, body: RenderableType) -> None:
    from rich.text import Text

    to.print()
    to.print(Text(title, style="bold"))
    to.print(body)
