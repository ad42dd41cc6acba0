"""What ``fingerprint evaluate`` prints: one table per kind of cover, the sizes of the campaign on its sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .wording import percent

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ..evaluation import Evaluation, Plan


def print_evaluation(evaluation: Evaluation, to: Console, rate: float) -> None:
    """Print an evaluation.

    Parameters
    ----------
    evaluation : Evaluation
    to : rich.console.Console
        Made by :func:`fingerprint.report.terminal.console`.
    rate : float
        Campaign prompts a day and account, to turn prompts into days.
    """
    to.print(f"{evaluation.n_prompts:,} prompts of {evaluation.n_actors:,} accounts; {evaluation.n_reported:,} groups reported before anything is planted")
    plans = list(dict.fromkeys(t.plan for t in evaluation.trials))
    for cover, noise in dict.fromkeys((p.cover, p.noise) for p in plans):
        of = [p for p in plans if (p.cover, p.noise) == (cover, noise)]
        to.print()
        to.print(f"Planted campaigns, {percent(cover)} cover" + (f", {percent(noise)} of the words replaced" if noise else "") + ": accounts found")
        to.print(_table(evaluation, of, rate))
    drawn_in = sum(t.n_false for t in evaluation.trials)
    to.print()
    to.print(f"{len(evaluation.trials):,} trials; {drawn_in:,} groups reported that are mostly innocent accounts")


def _table(evaluation: Evaluation, plans: list[Plan], rate: float) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    sizes = sorted({p.n_prompts for p in plans})
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("accounts", justify="right")
    for size in sizes:
        table.add_column(f"{size:,} prompts each", justify="right")
    table.add_column("found from", justify="right")
    for n_accounts in sorted({p.n_accounts for p in plans}):
        cells = []
        for size in sizes:
            trials = [t for t in evaluation.trials if t.plan in plans and (t.plan.n_accounts, t.plan.n_prompts) == (n_accounts, size)]
            found = [t for t in trials if t.found]
            recall = sum(t.recall for t in found) / len(found) if found else 0.0
            share = f" in {len(found)} of {len(trials)}" if len(trials) > 1 else ""
            cells.append(f"{percent(recall)}{share}" if found else "–" if trials else "")
        least = evaluation.found_from(n_accounts, plans[0].cover, plans[0].noise)
        days = f"{least:,} prompts, day {least / rate:,.0f}" if least is not None else "never here"
        table.add_row(f"{n_accounts:,}", *cells, days)
    return table
