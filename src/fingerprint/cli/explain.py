"""``fingerprint explain``."""

from __future__ import annotations

from dataclasses import asdict

import click

from .completing import campaigns, folders


@click.command("explain", short_help="Show the whole evidence of a campaign, or of an account.")
@click.argument("out", metavar="OUT", shell_complete=folders)
@click.argument("name", metavar="CAMPAIGN|ACCOUNT", shell_complete=campaigns)
@click.option("--limit", metavar="N", type=click.IntRange(min=0), default=20, show_default=True, help="Accounts shown.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
def command(out: str, name: str, limit: int, as_json: bool) -> None:
    """Print what a finding rests on, test by test, with what it looks like if it were innocent; or where one account stands.

    In the list of tests ✓ and ✗ decide; + and · only support: times, conversations, novelty.

    \b
    Example:
      fingerprint explain out/ c-e587aa5c9d
      fingerprint explain out/ acct_17
    """
    from ..report.explain import find, print_account, print_campaign
    from ..report.files import dump_json, load_scan
    from ..report.terminal import console

    scan = load_scan(out)
    campaign, account = find(scan, name)
    if as_json:
        if campaign is not None:
            document: dict[str, object] = campaign.to_dict()
        else:
            charged = [{"campaign_id": c.campaign_id, **asdict(a)} for c in scan.campaigns for a in c.accounts if a.account_id == account]
            document = {"account_id": account, "findings": charged}
        click.echo(dump_json(document), nl=False)
    elif campaign is not None:
        print_campaign(campaign, console(), limit)
    else:
        print_account(scan, str(account), console())
