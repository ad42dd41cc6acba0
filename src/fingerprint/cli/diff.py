"""``fingerprint diff``."""

from __future__ import annotations

import click

from .completing import folders


@click.command("diff", short_help="Show what is new between two scans.")
@click.argument("before", metavar="OUT1", shell_complete=folders)
@click.argument("after", metavar="OUT2", shell_complete=folders)
@click.option("--limit", metavar="N", type=click.IntRange(min=0), default=5, show_default=True, help="Accounts named of those that came, and that went.")
@click.option("--json", "as_json", is_flag=True, help="JSON with all accounts instead of tables.")
def command(before: str, after: str, limit: int, as_json: bool) -> None:
    """Compare the scan in OUT1, yesterday's, with that in OUT2, today's: campaigns that are new, split, merged, moved, grown, shrunk, gone or the same.

    Two are one campaign where half of the accounts of the smaller one are in the other one, or where its accounts were replaced, half of its texts.
    The scans may have different keys; texts are compared where they have one.

    \b
    Example:
      fingerprint diff yesterday/ today/
      fingerprint diff yesterday/ today/ --json | jq '.changes[] | select(.kind == "new")'

    \b
    JSON, schema fp-diff-1:
      before, after  created, period and key_id of each scan; campaigns, accounts and prompts charged
      by_texts       whether texts were compared
      counts         campaigns of each kind
      changes        of each: kind, campaign_id, campaign_id_before, related, capability, n_accounts_before,
                     n_accounts, n_prompts_before, n_prompts, first_seen, last_seen, came, went
    """
    from ..comparison import compare
    from ..report.comparison import print_comparison
    from ..report.files import dump_json, load_scan, load_texts
    from ..report.terminal import console

    scans = [load_scan(out, tables=()) for out in (before, after)]
    texts = [load_texts(out) for out in (before, after)]
    found = compare(scans[0], scans[1], (texts[0], texts[1]) if texts[0] is not None and texts[1] is not None else None)
    if as_json:
        click.echo(dump_json(found.to_dict()), nl=False)
    else:
        print_comparison(found, console(), before, after, limit)
