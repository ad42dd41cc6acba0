"""What the answers of the stream detector look like in a notebook, made of the same parts as those of a scan."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..report import wording
from ..report.notebook import MAX_ROWS, TITLES, box, lines, parts_of, row_of, table

if TYPE_CHECKING:
    from .results import Finding, Findings, Observation


def finding_html(finding: Finding) -> str:
    """Return a finding of a stream as HTML: the campaign, under the name that it keeps."""
    head = f"{finding.finding_id}, first found {_moment(finding.first_found_us)}"
    return box(lines([head]), *parts_of(finding.campaign))


def findings_html(findings: Findings) -> str:
    """Return the findings of a stream as HTML, strongest first, and how many of each kind of change there are."""
    kinds = Counter(change.kind for change in findings.changes)
    told = ", ".join(f"{n:,} {kind}" for kind, n in kinds.items())
    rows = [[one.finding_id, *row_of(one.campaign), _moment(one.first_found_us)] for one in findings.findings[:MAX_ROWS]]
    titles = [("finding", "left"), *TITLES, ("first found", "left")]
    head = f"{wording.plural(len(findings), 'finding')} as of {_moment(findings.evaluated_us)}"
    return box(lines([f"{head}; changes: {told}" if told else head]), table(titles, rows, len(findings)))


def observation_html(seen: Observation) -> str:
    """Return what became of a batch as HTML: its rows, and the near-duplicate clusters that it made largest."""
    counts = ", ".join(f"{n:,} {name}" for name, n in seen.counts.items() if n)
    clusters = seen.clusters
    largest = sorted(range(len(clusters)), key=lambda i: -int(clusters.n_prompts[i]))[:MAX_ROWS]
    rows = [[f"{int(clusters.cluster[i]):016x}", wording.count(int(clusters.n_prompts[i])), wording.count(int(clusters.n_texts[i]))] for i in largest]
    new = f"{wording.plural(int(seen.is_new.sum()), 'text')} not seen before; {wording.plural(len(clusters), 'cluster')} of near-duplicates changed"
    return box(lines([counts or "no rows", new]), table([("cluster", "left"), ("prompts", "right"), ("texts", "right")], rows, len(clusters)))


def _moment(us: int) -> str:
    return wording.minute(datetime.fromtimestamp(us / 1e6, UTC).isoformat()) if us else "–"
