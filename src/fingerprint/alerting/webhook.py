"""Alerts by HTTP POST, signed."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import ConfigError
from .sinks import Sink, alert_line, checked_wait

MIN_SECRET_BYTES = 16
TIMESTAMP, SIGNATURE = "X-Fingerprint-Timestamp", "X-Fingerprint-Signature"
_AGAIN = (408, 425, 429)  # answers below 500 that a later try may change


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """Return the signature of a request, ``"sha256="`` and the hexadecimal HMAC-SHA256 of ``timestamp + "." + body``.

    A receiver computes it from the two headers and the raw body, compares with :func:`hmac.compare_digest`, and refuses timestamps that are minutes old.
    """
    return "sha256=" + hmac.new(secret, timestamp.encode("ascii") + b"." + body, hashlib.sha256).hexdigest()


def read_secret(path: str | os.PathLike[str]) -> bytes:
    """Return the secret in a file, white space at its ends aside.

    Raises
    ------
    ConfigError
        The file cannot be read, or holds fewer than 16 bytes.
    """
    try:
        secret = Path(path).read_bytes().strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"the secret file {os.fspath(path)!r} cannot be read: {getattr(error, 'strerror', None) or 'no name of a file'}") from None
    if len(secret) < MIN_SECRET_BYTES:
        raise ConfigError(f"the secret in {os.fspath(path)!r} has {len(secret)} bytes; at least {MIN_SECRET_BYTES} are needed: openssl rand -hex 32")
    return secret


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow none: an alert, and its signature, are for the address that was named."""


class Webhook(Sink):
    """Posts alerts as JSON to an address.

    Parameters
    ----------
    url : str
        ``http://`` or ``https://``; redirects are an error.
    secret : bytes or None
        Signs every request, see :func:`sign`.
    timeout_s : float
        Of every wait for the other side.
    tries : int
        How often one alert is sent before :meth:`deliver` gives up: again after no answer, 5xx, 408, 425 and 429, never after another refusal.
    backoff_s : float
        Wait before the second try, doubled before each further one.

    Raises
    ------
    ConfigError
        The address is none, or holds a password.
    """

    def __init__(self, url: str, secret: bytes | None = None, timeout_s: float = 10.0, tries: int = 3, backoff_s: float = 0.5) -> None:
        try:
            parts = urlsplit(url)
            where, port = parts.hostname, parts.port
        except ValueError:
            raise ConfigError("the address of the webhook is not a URL") from None
        if parts.scheme not in ("http", "https") or not where or any(ord(c) < 33 or ord(c) > 126 for c in url):
            raise ConfigError("a webhook has an address like https://host/path, in printable ASCII")
        if "@" in parts.netloc:
            raise ConfigError("the address of the webhook holds credentials; leave them out, and sign with the secret of a file")
        if tries < 1 or backoff_s < 0:
            raise ConfigError("a webhook has one try or more, and a wait of 0 or more between them")
        self.name = f"webhook {parts.scheme}://{where}" + (f":{port}" if port else "")
        self._url, self._secret, self._timeout_s, self._tries, self._backoff_s = url, secret, checked_wait(timeout_s), tries, backoff_s
        self._opener = urllib.request.build_opener(_NoRedirect)

    def deliver(self, document: Mapping[str, Any]) -> None:
        """Post one alert until it is answered with 2xx, at most `tries` times.

        Raises
        ------
        DeliveryError
            With the last answer.
        """
        body = alert_line(document).encode("ascii")
        for turn in range(self._tries):
            if turn:
                time.sleep(self._backoff_s * 2 ** (turn - 1))
            why, is_final = self._post(body, str(document.get("alert_id", "")))
            if not why:
                return
            if is_final:
                break
        raise self.failed(why)

    def _post(self, body: bytes, alert_id: str) -> tuple[str, bool]:
        """Send once; return what went wrong, ``""`` for nothing, and whether another try is in vain."""
        from .. import __version__

        headers = {"Content-Type": "application/json", "User-Agent": f"prompt-fingerprint/{__version__}", "Idempotency-Key": alert_id}
        if self._secret is not None:
            now = str(int(time.time()))
            headers |= {TIMESTAMP: now, SIGNATURE: sign(self._secret, now, body)}
        request = urllib.request.Request(self._url, body, headers, method="POST")
        try:
            with self._opener.open(request, timeout=self._timeout_s):
                return "", True
        except urllib.error.HTTPError as error:
            error.close()
            return f"it answered {error.code}", error.code < 500 and error.code not in _AGAIN
        except urllib.error.URLError as error:
            return str(error.reason), False
        except (OSError, http.client.HTTPException) as error:
            return str(error) or type(error).__name__, False
