"""``fingerprint watch``."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

import click

from ..config import DEVICES, DURABILITIES, DetectConfig, ScanConfig, StreamConfig
from .completing import files, folders
from .values import duration, size

DEFAULT = StreamConfig()


@click.command("watch", short_help="Watch a stream of prompts, and alert.")
@click.argument("state", metavar="STATE", shell_complete=folders)
@click.argument("sources", metavar="SOURCE...", shell_complete=files, nargs=-1, required=True)
@click.option("--alerts", "sinks", metavar="SINK", multiple=True,
              help="Where alerts go: -, a file, https://..., kafka://HOST:PORT/TOPIC, redis://HOST:PORT/DB?stream=NAME. May be repeated.")
@click.option("--secret-file", metavar="FILE", shell_complete=files, help="Secret that signs the requests of a webhook.")
@click.option("--every", metavar="TIME", callback=duration, default="1m", show_default=True, help="Time between two evaluations.")
@click.option("--window", metavar="TIME", callback=duration, default="42d", show_default=True, help="How much event time is kept, at least.")
@click.option("--lateness", metavar="TIME", callback=duration, help="How late a row may come; as long as the window if not given.")
@click.option("--memory", metavar="SIZE", callback=size, help="Memory for what grows with the traffic; a quarter of the machine's if not given.")
@click.option("--durability", type=click.Choice(DURABILITIES), default=DEFAULT.durability, show_default=True,
              help="Whether each batch is on the disk before the next, or a second later at most.")
@click.option("--no-follow", is_flag=True, help="End where files end, instead of waiting for more.")
@click.option("--metrics", "address", metavar="[HOST]:PORT", help="Serve figures for Prometheus.")
@click.option("--map", "mapping", metavar="FIELD=PATH", multiple=True, help="Where a field is, as for scan.")
@click.option("--key-file", metavar="FILE", shell_complete=files, help="Key of the fingerprints, as for scan; a state belongs to one key.")
@click.option("--encoder", metavar="NAME|FOLDER", shell_complete=folders, default="static", show_default=True, help="As for scan.")
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True, help="As for scan.")
@click.option("--threads", metavar="N", type=int, help="Worker threads; all cores if not given. Never changes a result.")
@click.option("--min-accounts", metavar="N", type=int, default=DEFAULT.scan.detect.min_accounts, show_default=True, help="As for scan.")
@click.option("--no-text", is_flag=True, help="Write no prompt text into alerts: lengths instead. The state holds prompts, readable by you only.")
@click.option("--json", "as_json", is_flag=True, help="Print where the state stands at the end as one line of JSON, of schema fp-status-1, on stdout.")
def command(*, state: str, sources: tuple[str, ...], sinks: tuple[str, ...], secret_file: str | None, every: float, window: float, lateness: float | None,
            memory: int | None, durability: str, no_follow: bool, address: str | None, mapping: tuple[str, ...], key_file: str | None, encoder: str,
            device: str, threads: int | None, min_accounts: int, no_text: bool, as_json: bool) -> None:
    """Take in prompts from SOURCE as they come, keep what is needed in the folder STATE, and say when accounts turn out to be one source.

    SOURCE is - for JSON lines on stdin, a JSONL file or glob, followed as it grows, kafka://HOST:PORT/TOPIC?group=NAME, or redis://HOST:PORT/DB?stream=NAME&group=NAME.
    What has been taken in is never taken in again: after a crash the same command goes on where it was.

    \b
    Example:
      fingerprint watch state/ 'logs/*.jsonl' --alerts alerts.jsonl --metrics :9464
      fingerprint watch state/ 'kafka://localhost:9092/prompts?group=fingerprint' --alerts https://soc.example/hook --secret-file hook.secret

    \b
    Exit codes: 0 sources have ended, or SIGTERM; 2 usage, unreadable source, damaged state; 130 interrupted (nothing is lost).
    """
    from ..alerting import open_sink
    from ..keys import Key
    from ..metrics import Metrics, serve_metrics
    from ..readers import Decoder, parse_mapping
    from ..report.escaping import one_line
    from ..report.files import dump_json
    from ..sources import open_source
    from ..stream.detector import Detector
    from ..stream.watch import Watcher

    scan = ScanConfig(detect=DetectConfig(min_accounts=min_accounts), encoder=encoder, device=device, threads=threads, text=not no_text)
    config = StreamConfig(scan=scan, window_s=window, lateness_s=lateness, memory=memory, durability=durability)
    fields = parse_mapping(list(mapping)) if mapping else None
    with ExitStack() as stack:
        opened = [stack.enter_context(open_sink(sink, secret_file=secret_file if sink.startswith("http") else None)) for sink in sinks]
        streams = [open_source(source, Decoder(fields), follow=not no_follow) for source in sources]
        detector = stack.enter_context(Detector.open(state, config, key=Key.load(key_file) if key_file else None))
        watcher = Watcher(detector, streams, opened, every, say=lambda line: click.echo(one_line(line, 2000), err=True))
        if address is not None:
            watcher.metrics = Metrics(watcher.snapshot)
            server = stack.enter_context(serve_metrics(address, watcher.metrics))
            click.echo(f"metrics: http://{server.host}:{server.port}/metrics", err=True)
        torn = detector.status().torn_bytes
        if torn:
            click.echo(f"{torn:,} bytes that a killed process left half-written were cut off", err=True)
        _run(watcher)
        if as_json:  # a line like those of the alerts, which may go to stdout as well
            click.echo(dump_json({"schema": "fp-status-1", **asdict(detector.status())}, indent=None), nl=False)
        else:
            _summary(detector.status(), sinks)


def _run(watcher: Any) -> None:
    """Run until the sources end, or a signal asks to stop; what is being taken in is finished first."""
    interrupted = False

    def stop(number: int, frame: object) -> None:
        nonlocal interrupted
        interrupted = interrupted or number == signal.SIGINT
        watcher.stopping.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        watcher.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if interrupted:
        raise KeyboardInterrupt


def _summary(status: Any, sinks: tuple[str, ...]) -> None:
    counts = status.counts
    rejected = sum(n for name, n in counts.items() if name.startswith("rejected:"))
    out = sys.stderr if "-" in sinks else sys.stdout
    click.echo(f"{counts.get('read', 0):,} rows read: {counts.get('accepted', 0):,} accepted, {counts.get('blank', 0):,} blank, {rejected:,} rejected; "
               f"{counts.get('repeated', 0):,} delivered again; {status.n_live:,} events alive; {status.n_findings:,} findings", file=out)
