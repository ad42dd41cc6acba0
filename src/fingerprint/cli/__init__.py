"""The command line ``fingerprint``: one module per command, each loaded when it is used.

Exit codes: 0 done; 1 done, and more rows were rejected than ``--max-rejects`` allows; 2 usage or unreadable input; 3 done, and shards of the input are
missing; 70 a fault of ours; 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from importlib import import_module
from typing import Any

import click

from .. import __version__
from ..errors import FingerprintError
from ..report.escaping import one_line

EXIT_REJECTS, EXIT_USAGE, EXIT_MISSING, EXIT_FAULT, EXIT_INTERRUPTED = 1, 2, 3, 70, 130
COMMANDS = ("scan", "sketch", "merge", "show", "explain", "diff", "report", "match", "export", "index", "watch", "verify", "compact", "backup", "evaluate",
            "prevalence", "calibrate", "demo", "simulate", "key", "completion")


class Commands(click.Group):
    """The group of all commands: finds them by name, and turns what went wrong into one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f".{cmd_name}", __name__).command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; errors of this package and interrupts end in one line on stderr, without a traceback."""
        for stream in (sys.stdout, sys.stderr):  # a terminal that is not UTF-8 shows escapes instead of ending the run
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except FingerprintError as error:
            click.echo(f"fingerprint: {one_line(str(error), 2000)}", err=True)
            ctx.exit(EXIT_USAGE)
        except KeyboardInterrupt:
            click.echo("\nfingerprint: interrupted", err=True)
            ctx.exit(EXIT_INTERRUPTED)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # the reader of our output left; click ends quietly
            _report_fault(error)
            ctx.exit(EXIT_FAULT)


def _report_fault(error: Exception) -> None:
    """Say where the fault is. Messages of other libraries may quote a prompt, so they are shown on demand only."""
    if os.environ.get("FINGERPRINT_TRACEBACK", "0") != "0":
        click.echo("".join(one_line(line, 4000) + "\n" for line in traceback.format_exc().splitlines()), err=True, nl=False)
        return
    for frame in traceback.extract_tb(error.__traceback__)[-4:]:
        click.echo(f"  {one_line(frame.filename)}:{frame.lineno} in {frame.name}", err=True)
    click.echo(f"fingerprint: internal error, {type(error).__name__}. Please report it.", err=True)
    click.echo("FINGERPRINT_TRACEBACK=1 shows its message, which may quote a prompt.", err=True)


def entry() -> None:
    """Run the command line as a process."""
    try:
        main()
    except SystemExit as stop:
        if stop.code != EXIT_INTERRUPTED:
            raise
        # An interrupt inside exec(), which dataclasses call while they are imported, leaves a mark on the interpreter, and CPython would end such a
        # process by SIGINT whatever its exit code. Everything is closed and cleared away by now.
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(EXIT_INTERRUPTED)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="fingerprint")
def main() -> None:
    """Find query sets that are spread over many accounts in the prompt traffic of an LLM API.

    \b
    Try it on sample traffic:   fingerprint demo
    On a dump of your own:      fingerprint scan logs/*.jsonl.zst --out out/
    """
