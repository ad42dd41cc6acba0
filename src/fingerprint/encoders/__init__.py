"""Encoders: texts to vectors. The default, ``static``, is compiled in and needs no download."""

from __future__ import annotations

from ..errors import ConfigError
from .base import Encoder

__all__ = ["Encoder", "get_encoder"]


def get_encoder(name: str = "static", *, threads: int = 1) -> Encoder:
    """Return an encoder by name.

    Parameters
    ----------
    name : str
        ``"static"``.
    threads : int
        Python threads that share the texts of one call; the result does not depend on it.

    Returns
    -------
    Encoder
        Ready to use; nothing is downloaded.

    Raises
    ------
    ConfigError
        No encoder has this name, or `threads` is not positive.

    Examples
    --------
    >>> get_encoder().encode(["tell me a joke", ""]).shape
    (2, 256)
    """
    if name == "static":
        from .static import StaticEncoder

        return StaticEncoder(threads=threads)
    raise ConfigError(f"no encoder is called {name!r}; there is 'static'")
