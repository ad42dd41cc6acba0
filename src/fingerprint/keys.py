"""The secret key of the shingle hash.

Prompts are written by an adversary. With a public hash function one can craft, offline, unrelated prompts that look alike or
near-copies that do not; a seed applied after a public hash does not help (the collisions survive it). So the hash itself is keyed, and
the key stays out of everything that is written: only ``key_id`` travels with a sketch.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from .errors import ConfigError, why

KEY_BYTES = 16
ENVIRONMENT = "FINGERPRINT_KEY_FILE"


class Key:
    """A 128-bit secret for the keyed hashes.

    Parameters
    ----------
    material : bytes
        Exactly 16 bytes.

    Raises
    ------
    ConfigError
        For any other length.
    """

    __slots__ = ("__material", "key_id")

    def __init__(self, material: bytes) -> None:
        if len(material) != KEY_BYTES:
            raise ConfigError(f"a key has {KEY_BYTES} bytes, not {len(material)}")
        self.__material = bytes(material)
        #: First 8 hexadecimal digits of a one-way digest of the key: names it without giving it away.
        self.key_id = hashlib.blake2b(self.__material, digest_size=4, person=b"fp-key-id").hexdigest()

    @property
    def material(self) -> bytes:
        """The secret itself, for the compiled core only."""
        return self.__material

    def derive(self, purpose: str) -> Key:
        """Return a key of its own for another use, so that one keyed value never says anything about another."""
        return Key(hashlib.blake2b(purpose.encode(), digest_size=KEY_BYTES, key=self.__material).digest())

    @classmethod
    def generate(cls) -> Key:
        """Return a fresh random key."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Key:
        """Read a key file: 32 hexadecimal digits and nothing else.

        Raises
        ------
        ConfigError
            The file is missing or does not hold 32 hexadecimal digits. The message never shows its content.
        """
        try:
            return cls(bytes.fromhex(Path(path).read_text("ascii").strip()))
        except FileNotFoundError:
            raise ConfigError(f"key file {os.fspath(path)!r} cannot be read: there is none; 'fingerprint key new PATH' makes one") from None
        except OSError as error:
            raise ConfigError(f"key file {os.fspath(path)!r} cannot be read: {why(error)}") from None
        except (ValueError, UnicodeDecodeError):
            raise ConfigError(f"key file {os.fspath(path)!r} does not hold {2 * KEY_BYTES} hexadecimal digits and nothing else, as those of "
                              "'fingerprint key new' do") from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the key file, readable by its owner only; an existing file is never overwritten."""
        target = Path(path)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(self.__material.hex() + "\n")

    @classmethod
    def default(cls) -> Key:
        """Return the key of this user: the file named by ``FINGERPRINT_KEY_FILE``, else ``~/.config/fingerprint/key``, made on first use.

        Sketches of one user are comparable from run to run, and nobody else can compute them.
        """
        named = os.environ.get(ENVIRONMENT)
        if named:
            return cls.load(named)
        path = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "fingerprint" / "key"
        try:
            cls.generate().save(path)
        except FileExistsError:
            pass
        except OSError as error:
            raise ConfigError(f"no key file can be made at {path}: {error.strerror}; name one with {ENVIRONMENT} or --key-file") from None
        return cls.load(path)

    def __repr__(self) -> str:
        return f"Key(id={self.key_id})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and secrets.compare_digest(self.__material, other.__material)

    def __hash__(self) -> int:
        return hash(self.key_id)

    def __reduce__(self) -> str:
        raise TypeError("a key is not serialised")
