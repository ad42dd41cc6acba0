"""Exchange with datasketch: values survive, estimates agree, and schemes never mix."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from fingerprint.errors import BackendUnavailable, ConfigError, IncompatibleSignatures
from fingerprint.interop import from_datasketch, to_datasketch
from fingerprint.keys import Key
from fingerprint.minhash import estimate_jaccard, minhash

datasketch = pytest.importorskip("datasketch", reason="datasketch is not installed")
TEXTS = ["tell me a joke about cats", "tell me a joke about dogs", "what is the capital of France", "hi", ""]


def test_round_trip_is_exact(key: Key) -> None:
    s = minhash(TEXTS, key=key)
    back = from_datasketch(to_datasketch(s))
    rows = s.n_shingles > 0
    assert np.array_equal(back.values[rows], s.values[rows])
    assert back.n_shingles.tolist() == s.n_shingles.tolist() and (back.scheme, back.key_id) == (s.scheme, s.key_id)
    assert estimate_jaccard(s, back).tolist() == [1, 1, 1, 0, 0]


def test_exported_objects_compare_as_ours_do(key: Key) -> None:
    s = minhash(TEXTS[:3], key=key)
    objects = to_datasketch(s)
    for i in range(3):
        for j in range(3):
            assert objects[i].jaccard(objects[j]) == estimate_jaccard(s[[i]], s[[j]])[0]
    lsh = datasketch.MinHashLSH(threshold=0.3, num_perm=128)
    for i, item in enumerate(objects):
        lsh.insert(i, item)
    assert set(lsh.query(objects[0])) >= {0} and 2 not in lsh.query(objects[0])


def test_exported_union_is_the_minimum(key: Key) -> None:
    s = minhash(TEXTS[:2], key=key)
    a, b = to_datasketch(s)
    a.merge(b)
    assert np.array_equal(from_datasketch([a]).values[0], np.minimum(*s.values))
    empty, full = to_datasketch(minhash(["", TEXTS[0]], key=key))
    empty.merge(full)
    assert from_datasketch([empty]).n_shingles[0] > 0


def test_empty_objects_are_no_signatures(key: Key) -> None:
    objects = to_datasketch(minhash(["", "hi"], key=key))
    assert all(item.is_empty() for item in objects)
    assert from_datasketch(objects).n_shingles.tolist() == [0, 0]


def test_exported_objects_do_not_mix_with_datasketchs_own(key: Key) -> None:
    (item,) = to_datasketch(minhash(TEXTS[:1], key=key))
    own = datasketch.MinHash(num_perm=128)
    own.update(b"token")
    with pytest.raises(ValueError, match="seed"):
        item.jaccard(own)
    with pytest.raises(IncompatibleSignatures):
        item.update(b"token")
    with pytest.raises(IncompatibleSignatures):
        from_datasketch([item, own])
    (other,) = to_datasketch(minhash(TEXTS[:1], key=Key(bytes(16))))
    with pytest.raises(ValueError, match="seed"):
        item.jaccard(other)


@pytest.mark.parametrize("scheme", ["affine32", "legacy"])
def test_import_of_datasketchs_own(scheme: str, key: Key) -> None:
    objects = [datasketch.MinHash(num_perm=64, scheme=scheme) for _ in range(3)]
    for i, item in enumerate(objects[:2]):
        item.update_batch([f"token {t}".encode() for t in range(10 * i, 100)])
    s = from_datasketch(objects)
    assert s.scheme == f"datasketch-{scheme}:seed=1:hashfunc=sha1_hash32:num_perm=64" and s.key_id == ""
    assert s.values.dtype == np.uint32 and s.n_shingles[2] == 0 and (s.n_shingles[:2] > 50).all()
    assert estimate_jaccard(s[:1], s[1:2])[0] == objects[0].jaccard(objects[1])
    with pytest.raises(IncompatibleSignatures, match="datasketch"):
        estimate_jaccard(s[:1], minhash(["some text"], key=key, num_perm=64))


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one"):
        from_datasketch([])
    with pytest.raises(ConfigError, match="64 bits"):
        from_datasketch([datasketch.MinHash(num_perm=4, scheme="affine64")])
    with pytest.raises(TypeError, match=r"objects\[0\] is int"):
        from_datasketch([3])
    with pytest.raises(IncompatibleSignatures, match=r"objects\[1\]"):
        from_datasketch([datasketch.MinHash(num_perm=4), datasketch.MinHash(num_perm=4, seed=2)])


def test_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch, key: Key) -> None:
    monkeypatch.setitem(sys.modules, "datasketch", None)
    with pytest.raises(BackendUnavailable, match=r"pip install 'prompt-fingerprint\[datasketch\]'"):
        to_datasketch(minhash(["some text"], key=key))
