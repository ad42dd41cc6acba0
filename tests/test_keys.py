"""The key: stays secret, stays the owner's, and is never silently another."""

from __future__ import annotations

import copy
import os
import pickle
import stat
from pathlib import Path

import pytest

from fingerprint.errors import ConfigError
from fingerprint.keys import ENVIRONMENT, KEY_BYTES, Key

SECRET = bytes(range(200, 200 + KEY_BYTES))


def test_nothing_that_is_shown_holds_the_key() -> None:
    key = Key(SECRET)
    shown = f"{key} {key!r} {key!s} {[key]} {key.key_id} {hash(key)}"
    assert SECRET.hex() not in shown and SECRET.hex()[:6] not in shown and repr(SECRET) not in shown
    assert len(key.key_id) == 8 and key.key_id in repr(key)
    assert not hasattr(key, "__dict__")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_key_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="not serialised"):
        pickle.dumps({"k": Key(SECRET)}, protocol)


def test_a_key_is_not_copied() -> None:
    for how in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            how(Key(SECRET))


@pytest.mark.parametrize("n", [0, 15, 17, 32])
def test_other_lengths_are_refused_without_showing_the_material(n: int) -> None:
    with pytest.raises(ConfigError) as error:
        Key(b"\xab" * n)
    assert "abab" not in str(error.value)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_file_mode_and_round_trip(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "new" / "key"
    before = os.umask(umask)
    try:
        Key(SECRET).save(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_text() == SECRET.hex() + "\n" and Key.load(path) == Key(SECRET)


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    Key(SECRET).save(tmp_path / "key")
    with pytest.raises(FileExistsError):
        Key.generate().save(tmp_path / "key")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        Key.generate().save(tmp_path / "link")
    assert Key.load(tmp_path / "key") == Key(SECRET) and not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("content", [b"", b"00" * 15, b"00" * 17, b"zz" * 16, b"\xff" * 32, SECRET, b"deadbeef" * 4 + b" extra"])
def test_a_bad_key_file_is_refused_without_its_content(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        Key.load(path)
    assert str(path) in str(error.value) and "deadbeef" not in str(error.value) and error.value.__cause__ is None


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing-here"):
        Key.load(tmp_path / "nothing-here")
    with pytest.raises(ConfigError, match="cannot be read"):
        Key.load(tmp_path)


def test_derived_keys_are_distinct_and_stable() -> None:
    key = Key(SECRET)
    made = {purpose: key.derive(purpose) for purpose in ("words", "split", "word", "")}
    assert len({k.material for k in made.values()} | {SECRET}) == 5 and len({k.key_id for k in made.values()} | {key.key_id}) == 5
    assert key.derive("words") == made["words"] and Key(bytes(16)).derive("words") != made["words"]
    assert key.derive("a").derive("b") != key.derive("ab")


def test_equality_and_hash() -> None:
    assert Key(SECRET) == Key(bytearray(SECRET)) and hash(Key(SECRET)) == hash(Key(SECRET))
    assert Key(SECRET) != Key(bytes(16)) and Key(SECRET) != SECRET
    assert len({Key.generate().material for _ in range(50)}) == 50


def test_material_is_a_copy() -> None:
    buffer = bytearray(SECRET)
    key = Key(buffer)
    buffer[0] = 0
    assert key.material == SECRET


def test_default_is_made_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    first = Key.default()
    path = tmp_path / "fingerprint" / "key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and Key.default() == first == Key.load(path)


def test_a_named_key_file_wins_and_is_never_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "mine"))
    with pytest.raises(ConfigError, match="mine"):
        Key.default()
    assert not (tmp_path / "mine").exists() and not (tmp_path / "fingerprint").exists()
    Key(SECRET).save(tmp_path / "mine")
    assert Key.default() == Key(SECRET)


def test_no_place_for_a_key_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.delenv(ENVIRONMENT)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(ConfigError, match=ENVIRONMENT):
        Key.default()
