"""``fingerprint report``."""

from __future__ import annotations

from pathlib import Path

import click

from .completing import files, folders


@click.command("report", short_help="Write the page of a scan anew: without text, or without small populations.")
@click.argument("out", metavar="OUT", shell_complete=folders)
@click.option("--to", "target", metavar="FILE", shell_complete=files, required=True, help="The page; readable by you only.")
@click.option("--min-accounts", metavar="K", type=click.IntRange(min=0), default=0, show_default=True,
              help="Leave out findings, groups, clusters and topics of fewer accounts.")
@click.option("--no-text", is_flag=True, help="Lengths and sketches in place of prompts.")
def command(out: str, target: str, min_accounts: int, no_text: bool) -> None:
    """Write the page of an output folder for other readers than that of report.html, which stays as it is.

    \b
    Example:
      fingerprint report out/ --no-text --min-accounts 20 --to for-review.html
    """
    from ..errors import ConfigError
    from ..report.files import load_scan, without_text, write_folder
    from ..report.html import render

    if Path(target).is_dir():
        raise ConfigError(f"--to {target!r} is a folder; name a file")
    scan = load_scan(out)
    page = render(without_text(scan) if no_text else scan, min_accounts).encode("utf-8", "replace")
    write_folder(Path(target).absolute().parent, {Path(target).name: lambda file: file.write(page)})
