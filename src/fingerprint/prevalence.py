"""Prevalence: what a traffic said and who said it, as keyed hashes. It is kept beside or instead of a dump, to judge later what is new.

Nothing in it can be read back without the key, and with the key only what one already knows can be looked up. Traffics add up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from . import places
from .config import SketchConfig
from .errors import InputError
from .holders import EVERYTHING, Holders
from .keys import Key
from .lsh import band_keys
from .sketch import sketch
from .templates import trigrams
from .words import split_words

SCHEMA, SUFFIX = "fp-prevalence-1", ".prevalence"
ROWS = 12  # of a signature in a key of a text: near-duplicates of similarity .9 share one of ten keys with .96, unrelated texts of .3 with 5e-6
PARTS = ("texts", "phrases")


@dataclass(slots=True)
class Prevalence:
    """What was said, and by whom.

    Attributes
    ----------
    key_id, scheme : str
        Of the key and the signatures; others cannot be compared.
    texts, phrases : Holders
        Of band keys, and of trigrams of words.
    n_prompts : int
    accounts : uint64[a]
        All accounts, ascending.
    """

    key_id: str
    scheme: str
    texts: Holders = field(default_factory=Holders)
    phrases: Holders = field(default_factory=Holders)
    n_prompts: int = 0
    accounts: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))

    def merge(self, other: Prevalence) -> None:
        """Take in another one.

        Raises
        ------
        InputError
            It was made with another key or scheme.
        """
        if (other.key_id, other.scheme) != (self.key_id, self.scheme):
            raise InputError(f"prevalence was made with key {other.key_id} and {other.scheme}; here it is {self.key_id} and "
                             f"{self.scheme}; name that key with --key-file")
        self.n_prompts += other.n_prompts
        self.accounts = np.union1d(self.accounts, other.accounts)
        self.texts.merge(other.texts)
        self.phrases.merge(other.phrases)

    def save(self, path: Path | str) -> None:
        """Write an Arrow file, complete or not at all."""
        self.texts.settle()
        self.phrases.settle()
        parts = [(self.texts.key, self.texts.account), (self.phrases.key, self.phrases.account), (self.accounts, np.zeros(len(self.accounts), np.uint64))]
        key, account = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
        about = {"schema": SCHEMA, "key_id": self.key_id, "scheme": self.scheme, "n_prompts": self.n_prompts, "sizes": [len(part[0]) for part in parts],
                 "limits": [str(getattr(self, name).limit) for name in PARTS], "sha256": _digest(key, account)}
        table = pa.table({"key": key, "account": account}).replace_schema_metadata({"prevalence": json.dumps(about)})
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with places.written(str(path)) as sink, pa.ipc.new_file(sink, table.schema, options=options) as writer:
            writer.write_table(table)

    @classmethod
    def load(cls, path: Path | str) -> Prevalence:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            No such file, another kind of file, or a damaged one.
        """
        name = Path(path).name
        try:
            with places.open_input(str(path)) as source:
                table = pa.ipc.open_file(source).read_all()
            table.validate(full=True)
            about = json.loads((table.schema.metadata or {})[b"prevalence"])
            return cls._from(table, about)
        except OSError:
            raise InputError(f"{name} cannot be read: not an Arrow file") from None
        except (pa.ArrowException, KeyError, TypeError, ValueError):
            raise InputError(f"{name} is not a prevalence file, or it is damaged") from None

    @classmethod
    def _from(cls, table: pa.Table, about: dict[str, Any]) -> Prevalence:
        key, account = (table.column(name).combine_chunks().to_numpy(zero_copy_only=False) for name in ("key", "account"))
        sizes = [int(n) for n in about["sizes"]]
        if about["schema"] != SCHEMA or key.dtype != np.uint64 or account.dtype != np.uint64 or about["sha256"] != _digest(key, account):
            raise ValueError("schema or checksum")
        if len(sizes) != 3 or min(sizes) < 0 or sum(sizes) != len(key):
            raise ValueError("sizes")
        found = cls(str(about["key_id"]), str(about["scheme"]), n_prompts=int(about["n_prompts"]))
        ends = np.cumsum([0, *sizes])
        for name, limit, low, high in zip(PARTS, about["limits"], ends, ends[1:], strict=False):
            holders: Holders = getattr(found, name)
            holders.limit = min(int(limit), EVERYTHING)
            holders.add(key[low:high], account[low:high])
            holders.settle()
        found.accounts = np.unique(key[ends[2] :])
        return found


@dataclass(frozen=True, slots=True)
class Hashing:
    """How texts, phrases and accounts become keys."""

    key: Key
    config: SketchConfig
    threads: int | None = None

    def new(self) -> Prevalence:
        """Return an empty prevalence for this key and scheme."""
        scheme = sketch([], key=self.key, num_perm=self.config.num_perm, ngram=self.config.ngram).signatures.scheme
        return Prevalence(self.key.key_id, f"{scheme}/{ROWS}")

    def accounts(self, names: Iterable[str]) -> npt.NDArray[np.uint64]:
        """Return keyed hashes of account names, uint64[n]."""
        material = self.key.derive("accounts").material
        return np.array([int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8, key=material).digest(), "little")
                         for name in names], np.uint64)

    def texts(self, prompts: Any) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
        """Return the keys of n prompts, uint64[n, b], and which prompts have any, bool[n]: near-duplicates share one."""
        made = sketch(prompts, key=self.key, num_perm=self.config.num_perm, ngram=self.config.ngram, threads=self.threads).signatures
        rows = min(ROWS, self.config.num_perm)
        return band_keys(made, self.config.num_perm // rows, rows), made.n_shingles > 0

    def observe(self, prevalence: Prevalence, names: list[str], prompts: pa.Array, systems: pa.Array | None = None) -> None:
        """Add events, with the system texts of those that have one."""
        distinct, who = np.unique(np.array(names, object), return_inverse=True) if names else (np.zeros(0, object), np.zeros(0, np.int64))
        hashed = self.accounts(distinct)
        account = hashed[who]
        prevalence.n_prompts += len(names)
        prevalence.accounts = np.union1d(prevalence.accounts, account)
        keys, usable = self.texts(prompts)
        prevalence.texts.add(keys[usable].ravel(), np.repeat(account[usable], keys.shape[1]))
        words = split_words(prompts.to_pylist(), self.key.derive("words"))
        at, phrase = trigrams(words)
        prevalence.phrases.add(phrase, account[words.rows[at]])
        if systems is not None and systems.null_count < len(systems):
            encoded = systems.dictionary_encode()
            system = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
            pair = np.unique(system[system >= 0] * len(hashed) + who[system >= 0])  # each account's use of a text once
            words = split_words(encoded.dictionary.take(pa.array(pair // len(hashed))).to_pylist(), self.key.derive("words"))
            at, phrase = trigrams(words)
            prevalence.phrases.add(phrase, hashed[pair % len(hashed)][words.rows[at]])


def _digest(key: npt.NDArray[np.uint64], account: npt.NDArray[np.uint64]) -> str:
    return hashlib.sha256(np.ascontiguousarray(key).tobytes() + np.ascontiguousarray(account).tobytes()).hexdigest()
