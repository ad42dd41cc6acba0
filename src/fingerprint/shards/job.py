"""What all tasks of a scan have in common, so that none works for another scan, with another key, version or configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .. import __version__
from ..config import SketchConfig
from ..errors import ConfigError, InputError
from ..keys import Key
from ..sketch import SCHEME


@dataclass(frozen=True, slots=True)
class Job:
    """What a shard depends on besides its part of the input.

    Attributes
    ----------
    version, scheme : str
        Of this package and of its sketches.
    key_id : str
    sketch : SketchConfig
    mapping : dict of str to str
        Field paths.
    format : str or None
    """

    version: str
    scheme: str
    key_id: str
    sketch: SketchConfig
    mapping: dict[str, str]
    format: str | None

    @classmethod
    def of(cls, sketch: SketchConfig, key: Key, mapping: Mapping[str, str] | None = None, format: str | None = None) -> Job:
        """Return the job of a scan with this package."""
        return cls(__version__, SCHEME, key.key_id, sketch, dict(mapping or {}), format)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Job:
        """Read what :meth:`to_dict` wrote.

        Raises
        ------
        ConfigError
            It is of another version.
        """
        try:
            return cls(plain["version"], plain["scheme"], plain["key_id"], SketchConfig(**plain["sketch"]), dict(plain["mapping"]), plain["format"])
        except (KeyError, TypeError, ValueError):
            raise ConfigError(f"what is to be done is described as another version than {__version__} does") from None

    @property
    def digest(self) -> str:
        """Names the job: another one has another digest."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:32]

    def check_shard(self, about: Mapping[str, Any], place: str) -> None:
        """Raise :class:`InputError` unless a shard was made for this job; where its fields were found does not matter.

        Raises
        ------
        InputError
            It was made by another version, with another key or configuration.
        """
        other = about.get("job", {})
        wanted = self.to_dict()
        differ = [name for name in ("version", "scheme", "key_id", "sketch") if other.get(name) != wanted[name]]
        if differ:
            told = "; ".join(f"{name} {_told(other.get(name))}, here {_told(wanted[name])}" for name in differ)
            raise InputError(f"{place!r} was made for another scan: {told}. Sketch it again, or name the version, key and options that it was made with")


def _told(value: Any) -> str:
    return ", ".join(f"{name}={part}" for name, part in value.items()) if isinstance(value, dict) else str(value)[:40]
