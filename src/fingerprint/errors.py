"""What can go wrong, one class per kind. Every message says what is wrong and, where there is one, the way out."""

from __future__ import annotations


class FingerprintError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(FingerprintError, ValueError):
    """An option has a value that cannot work; raised before anything is allocated."""


class InputError(FingerprintError):
    """Input as a whole cannot be read (a missing file, an unknown format); a bad *row* is a counted reject, never this."""


class IncompatibleSignatures(FingerprintError, ValueError):
    """Two sketches differ in scheme, key or parameters, so comparing them would mean nothing."""


class BackendUnavailable(FingerprintError, ImportError):
    """An optional part was asked for and is not installed; the message holds the command that installs it."""


class DeliveryError(FingerprintError):
    """An alert could not be handed over, or nobody said that it was: it is still to be delivered; the message names the sink and what it answered."""
