"""Findings for other systems: STIX 2.1 bundles, MISP events, OCSF Detection Findings, CSV files for a spreadsheet.

Accounts bear pseudonyms unless their ids are asked for, and no text that users wrote goes out unless that is asked for. The same scan exported in the same
way gives the same bytes: ids are made of the content, and times are the scan's.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ConfigError
from ..keys import Key
from ..records import Scan
from ..report.files import dump_json
from ..tables import MAX_SKETCHES
from .content import NAMES, content_of

FORMATS = ("stix", "misp", "ocsf", "csv")

__all__ = ["FORMATS", "NAMES", "export"]


def export(scan: Scan, format: str, *, names: str = "pseudonyms", key: Key | None = None, campaigns: Sequence[str] = (), sketches: int = MAX_SKETCHES,
           text: bool = False) -> dict[str, bytes]:
    """Write the findings of a scan in the format of another system.

    Parameters
    ----------
    scan : Scan
        As :func:`fingerprint.scan` returns or :func:`fingerprint.load_scan` reads it.
    format : {"stix", "misp", "ocsf", "csv"}
    names : {"pseudonyms", "plain"}
        What accounts are called. A pseudonym is a MAC of the account id: the same in every export under one key, and nobody without the key can tell whose
        it is, or whether a guess is right.
    key : Key, optional
        From which the key of the pseudonyms is derived, default :meth:`Key.default`. Where the key of the scan is shared with others, one that is not.
    campaigns : sequence of str, optional
        The findings that are wanted, by campaign id; default all.
    sketches : int
        Of a STIX bundle: sketches of each finding at most, 0 for none.
    text : bool
        Whether prompts, templates and shared texts go out too.

    Returns
    -------
    dict of str to bytes
        Content by file name: ``bundle.json``, ``event.json``, ``findings.jsonl`` (a line for each finding), or ``accounts.csv`` and ``campaigns.csv``. Of a
        scan without findings they are valid, and say that there is none.

    Raises
    ------
    ConfigError
        An option has no such value, a campaign is not among the findings, or text is wanted of a scan that was made without it.
    InputError
        Sketches are wanted and the scan has none, or broken ones.
    BackendUnavailable
        STIX is wanted and stix2 is not installed.

    Examples
    --------
    >>> import fingerprint as fp
    >>> scan = fp.scan([{"account_id": "a", "timestamp": "2026-01-01", "prompt": "hello there"}], key=fp.Key(bytes(16)))
    >>> sorted(export(scan, "csv", key=fp.Key(bytes(16))))
    ['accounts.csv', 'campaigns.csv']
    """
    if format not in FORMATS:
        raise ConfigError(f"format is stix, misp, ocsf or csv, not {format!r}")
    content = content_of(scan, names=names, key=key, campaigns=campaigns, sketches=sketches if format == "stix" else 0, text=text)
    if format == "csv":
        from .csvs import account_rows, campaign_rows, write_csv

        return {"accounts.csv": write_csv(account_rows(content)), "campaigns.csv": write_csv(campaign_rows(content))}
    if format == "misp":
        from .misp import misp_event

        return {"event.json": dump_json(misp_event(content)).encode()}
    if format == "ocsf":
        from .ocsf import detection_finding

        return {"findings.jsonl": "".join(dump_json(detection_finding(content, c), indent=None) for c in content.campaigns).encode()}
    from .stix import stix_bundle

    return {"bundle.json": (stix_bundle(content).serialize(indent=1) + "\n").encode()}
