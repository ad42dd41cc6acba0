"""``fingerprint completion``."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_FINGERPRINT_COMPLETE"


@click.command("completion", short_help="Print what makes a shell complete commands, options, files and campaigns.")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print a script for SHELL: bash 4.4 or later, zsh or fish. It asks 'fingerprint' itself, so it need not be made anew with a new version.

    \b
    Example:
      eval "$(fingerprint completion bash)"                                        in ~/.bashrc
      eval "$(fingerprint completion zsh)"                                         in ~/.zshrc
      fingerprint completion fish > ~/.config/fish/completions/fingerprint.fish
    """
    from click.shell_completion import get_completion_class

    from . import main

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"this version of click completes nothing in {shell}; pip install -U click")
    click.echo(made(main, {}, "fingerprint", VARIABLE).source())
