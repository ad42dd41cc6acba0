"""Labelled sample traffic from a text grammar of our own: people, look-alikes and campaigns, the same for the same seed.

    from fingerprint import simulate

    world = simulate.simulate("demo", seed=1)
    world.events, world.labels          # Arrow tables
    simulate.write_world(simulate.preset("scale", prompts=10_000_000), "world/")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import CampaignConfig, LookalikeConfig, WorldConfig
    from .presets import PRESETS, preset
    from .world import World
    from .write import write_world

__all__ = [
    "PRESETS", "CampaignConfig", "LookalikeConfig", "World", "WorldConfig", "campaign_prompts", "preset", "simulate", "write_world"]

_LAZY = {"PRESETS": "presets", "CampaignConfig": "config", "LookalikeConfig": "config", "World": "world", "WorldConfig": "config",
         "preset": "presets", "write_world": "write"}


def simulate(config: WorldConfig | str, seed: int = 0) -> World:
    """Return a simulated world; its ``events`` and ``labels`` are made when they are first asked for.

    Parameters
    ----------
    config : WorldConfig or str
        A configuration, or the name of a preset.
    seed : int

    Examples
    --------
    >>> world = simulate("control", seed=3)
    >>> world.n_rows, world.n_accounts == len(world.labels)
    (75000, True)
    """
    from .presets import preset
    from .world import World

    return World(preset(config) if isinstance(config, str) else config, seed)


def campaign_prompts(kind: str, n: int, seed: int = 0) -> list[str]:
    """Return `n` different queries of a query set, without template or noise.

    Parameters
    ----------
    kind : str
        A kind of :class:`CampaignConfig` other than ``"relay"``.
    n : int
    seed : int

    Raises
    ------
    ConfigError
        Unknown kind, or the grammar has not `n` different queries of it.
    """
    import numpy as np

    from ..errors import ConfigError
    from .campaigns import query_texts
    from .draws import derive, indexed, name_key
    from .people import Interests
    from .vocabulary import build_grammar

    grammar, found = build_grammar(), dict[str, None]()
    for attempt in range(8):
        number = np.arange(attempt * n, (attempt + 1) * n, dtype=np.int64)
        keys = indexed(np.full(n, name_key("prompts", seed, kind), dtype=np.uint64), number)
        topics = Interests().draw(derive(keys, "topic"), np.full(n, "en"))
        found.update(dict.fromkeys(query_texts(grammar, kind, topics, keys)))
        if len(found) >= n:
            return list(found)[:n]
    raise ConfigError(f"there are only about {len(found)} different queries of kind {kind!r}")


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_LAZY[name]}", __name__), name)
    globals()[name] = value
    return value
