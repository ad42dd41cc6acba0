"""Encoders: texts to vectors. The default, ``static``, is compiled in and needs no download."""

from __future__ import annotations

from ..config import DEVICES
from ..errors import ConfigError
from .base import Encoder

__all__ = ["Encoder", "get_encoder"]


def get_encoder(name: str = "static", *, threads: int = 1, device: str = "auto") -> Encoder:
    """Return an encoder by name.

    Parameters
    ----------
    name : str
        ``"static"`` for the embedded one; a folder that ``fingerprint calibrate`` wrote; or any sentence-transformers model, as a folder or by its name on
        the hub (see :class:`~fingerprint.encoders.transformer.TransformerEncoder`).
    threads : int
        Threads that share the texts of one call. No vector of a static encoder depends on it.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``. Static encoders run on the CPU whatever it says.

    Returns
    -------
    Encoder
        Ready to use. Only a model that is not on this disk is downloaded.

    Raises
    ------
    ConfigError
        The device is none of these or not there, or `threads` is not positive.
    InputError
        No encoder or model has this name, or its files cannot be used.
    BackendUnavailable
        A model was named, and sentence-transformers is not installed.

    Examples
    --------
    >>> get_encoder().encode(["tell me a joke", ""]).shape
    (2, 256)
    """
    if device not in DEVICES:
        raise ConfigError(f"device is one of {', '.join(DEVICES)}, not {device!r}")
    if name == "static":
        from .static import StaticEncoder

        return StaticEncoder(threads=threads)
    from .calibrate import is_calibrated, load

    if is_calibrated(name):
        return load(name, threads=threads)
    from .transformer import TransformerEncoder

    return TransformerEncoder(name, device=device, threads=threads)
