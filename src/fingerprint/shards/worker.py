"""What an executor runs, wherever it runs it: one order, plain values, for one file.

A worker does not take an order of another version, nor one for a key that it has not. The key itself is no part of an order: processes of this machine get
it from the process that starts them, workers elsewhere have a key file of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from .. import __version__
from ..errors import ConfigError
from ..keys import Key
from ..readers import Extent
from ..sketch import SCHEME
from . import mapping, reducing
from .files import File
from .job import Job

MAP, TEXTS, BANDS, COMPANY, REMEMBER = "map", "texts", "bands", "company", "remember"  # what is done
_held: dict[str, Key] = {}


def hold(key: Key) -> None:
    """Let orders for this key be done in this process."""
    _held[key.key_id] = key


def ready() -> str:
    """Load what orders need, and return the version."""
    import pyarrow.parquet  # noqa: F401

    return __version__


def run(order: Mapping[str, Any]) -> dict[str, Any]:
    """Do what an order says.

    Parameters
    ----------
    order : mapping
        version, scheme, key_id, key_file (path or None) and inputs (folder in which relative paths of inputs begin); do; place, of the file to be
        written; and what that needs.

    Returns
    -------
    dict
        What the caller has to know of the file, its size among it.

    Raises
    ------
    ConfigError
        This worker has another version or key: it is refused.
    InputError
        An input cannot be read, or a shard is damaged.
    OSError
        The file cannot be written.
    """
    key = _checked(order)
    do: Callable[[Mapping[str, Any], Key], dict[str, Any]] = _WORK[order["do"]]
    return do(order, key)


def _checked(order: Mapping[str, Any]) -> Key:
    """Return the key of an order that this worker may do."""
    for name, own in (("version", __version__), ("scheme", SCHEME)):
        if order.get(name) != own:
            raise ConfigError(f"a worker has {name} {own}, and the scan has {str(order.get(name))[:40]}: install the same prompt-fingerprint everywhere")
    wanted = order["key_id"]
    if wanted not in _held:
        key = Key.load(order["key_file"]) if order["key_file"] else Key.default()
        if key.key_id != wanted:
            raise ConfigError(f"a worker has key {key.key_id}, and the scan has {wanted}: put the key file on each machine, and name it with --key-file or "
                              "FINGERPRINT_KEY_FILE")
        hold(key)
    return _held[wanted]


def _map(order: Mapping[str, Any], key: Key) -> dict[str, Any]:
    extents = [Extent.from_list(plain) for plain in order["extents"]]
    return mapping.make_shard(order["place"], extents, Job.from_dict(order["job"]), key, order["about"], order["memory"], order["threads"],
                              units=order["about"].get("units"), folder=order["inputs"])


def _remember(order: Mapping[str, Any], key: Key) -> dict[str, Any]:
    extents = [Extent.from_list(plain) for plain in order["extents"]]
    return mapping.make_prevalence(order["place"], extents, Job.from_dict(order["job"]), key, order["threads"], order["about"].get("units"), order["inputs"])


def _texts(order: Mapping[str, Any], key: Key) -> dict[str, Any]:
    with ExitStack() as stack:
        return reducing.reduce_texts(order["place"], _opened(order["shards"], key, stack), order["part"], order["n_parts"], order["about"], key)


def _bands(order: Mapping[str, Any], key: Key) -> dict[str, Any]:
    with ExitStack() as stack:
        return reducing.reduce_bands(order["place"], _opened(order["ranges"], key, stack), order["part"], order["about"], key)


def _company(order: Mapping[str, Any], key: Key) -> dict[str, Any]:
    with ExitStack() as stack:
        shards, bands, own = (_opened(order[name], key, stack) for name in ("shards", "bands", "own"))
        return reducing.choose_company(order["place"], shards, own[0], bands, order["num_perm"], order["about"], key)


def _opened(named: list[str], key: Key, stack: ExitStack) -> list[File]:
    found = []
    for place in named:
        found.append(File(place, key))
        stack.callback(found[-1].close)
    return found


_WORK = {REMEMBER: _remember, MAP: _map, TEXTS: _texts, BANDS: _bands, COMPANY: _company}
