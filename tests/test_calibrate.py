"""Calibration: nearer to the teacher on prompts that it never saw, nothing else moved, never worse, and wary of its own files."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from encoder_fixture import Topical, model_folder, prompts

from fingerprint import Key, ScanConfig, read_events, scan
from fingerprint.cli import main
from fingerprint.encoders import get_encoder
from fingerprint.encoders.calibrate import ABOUT, TABLE_FILE, Calibration, calibrate, compare, is_calibrated
from fingerprint.encoders.static import TABLE_SHA256, StaticEncoder
from fingerprint.errors import ConfigError, InputError
from fingerprint.ingest import sample_texts
from fingerprint.progress import Progress, Stopwatch

BASE = StaticEncoder()


@pytest.fixture(scope="module")
def made() -> Calibration:
    return calibrate(prompts(3000), Topical(), BASE, Progress())


@pytest.fixture
def folder(made: Calibration, tmp_path: Path) -> Path:
    made.save(tmp_path / "encoder")
    return tmp_path / "encoder"


def test_it_comes_nearer_to_the_teacher_on_prompts_it_never_saw(made: Calibration) -> None:
    assert made.after.pearson > made.before.pearson + 0.2 and made.after.overlap > made.before.overlap + 0.1 and made.is_better
    unseen, encoder = prompts(500, seed=9), StaticEncoder(made.table)
    teacher = Topical().encode(unseen)
    assert compare(encoder.encode(unseen), teacher).pearson > compare(BASE.encode(unseen), teacher).pearson + 0.2


def test_prompts_that_are_held_out_take_no_part_in_the_fit(made: Calibration) -> None:
    class Fickle(Topical):
        """Of another opinion on the first 300 prompts."""

        is_first = True

        def encode(self, column: Any) -> Any:
            vectors = super().encode(column)
            if self.is_first:
                vectors[:300] = vectors[:300][::-1].copy()
            self.is_first = False
            return vectors

    other = calibrate(prompts(3000), Fickle(), BASE, Progress())
    assert other.table == made.table and other.after.pearson < made.after.pearson


def test_what_the_prompts_say_nothing_about_keeps_its_place(made: Calibration) -> None:
    encoder, texts = StaticEncoder(made.table), ["如何用电饭锅做红烧肉？", "唐代诗人李白的生平", "Как приготовить борщ дома?", "Почему упал рынок акций"]
    before, after = (e.encode(texts) for e in (BASE, encoder))
    assert (before * after).sum(1).min() > 0.9
    assert np.abs(before @ before.T - after @ after.T).max() < 0.15


def test_sums_are_what_vectors_are_made_of() -> None:
    texts = [None, "tell me a joke, a joke", "你好 world", "", *prompts(700).to_pylist(), "word " * 5000]
    sums, counts, rows = BASE.sums(texts)
    exact = sums.astype(np.float64)
    vectors = exact / np.maximum(np.linalg.norm(exact, axis=1, keepdims=True), 1)
    assert np.abs(vectors - BASE.encode(texts)).max() < 1e-6 and counts.sum() == len(rows) and counts[[0, 3]].tolist() == [0, 0]
    ids = {int(i) for i in BASE.piece_ids("tell me a joke ,")}
    assert counts[1] == 7 and len(set(rows[:7].tolist())) == len(ids) == 5
    table = BASE.arrays["rows"].astype(np.int64) * BASE.arrays["weights"][:, None]
    start = int(counts[:4].sum())
    assert np.array_equal(table[rows[start : start + counts[4]]].sum(0), sums[4])
    assert np.array_equal(BASE.sums(pa.chunked_array([texts[:9], texts[9:]], pa.string()))[0], sums)


def test_equal_input_gives_equal_bytes(made: Calibration) -> None:
    assert calibrate(prompts(3000), Topical(), BASE, Progress()).table == made.table


def test_what_is_no_better_is_not_saved(tmp_path: Path) -> None:
    blind = calibrate(prompts(2000), Topical(is_blind=True), BASE, Progress())
    assert not blind.is_better
    with pytest.raises(ConfigError, match="no nearer to the teacher"):
        blind.save(tmp_path / "encoder")
    assert not (tmp_path / "encoder").exists()


def test_samples_that_cannot_be_fitted_are_refused() -> None:
    with pytest.raises(InputError, match=r"fewer than 1,000"):
        calibrate(prompts(999), Topical(), BASE, Progress())
    chinese = pa.array([f"你好世界这是第{chr(0x4E00 + i)}个问题请回答{chr(0x5E00 + i)}" for i in range(1200)], pa.large_string())
    for vectors, column, message in ((np.ones, prompts(1000), "all prompts are the same"), (np.ones, chinese, "too few to fit"),
                                     (lambda shape, kind: np.full(shape, np.nan, kind), prompts(1000), "no numbers")):
        teacher = Topical()
        teacher.encode = lambda c, vectors=vectors: vectors((len(c), 40), np.float32)  # type: ignore[method-assign]
        with pytest.raises(InputError, match=message):
            calibrate(column, teacher, BASE, Progress())


def test_the_saved_encoder_is_used_by_name(folder: Path, made: Calibration) -> None:
    encoder, about = get_encoder(str(folder), threads=2), json.loads((folder / ABOUT).read_text("utf-8"))
    assert encoder.name == str(folder) and encoder.dim == 256 and is_calibrated(folder)
    assert encoder.digest == about["sha256"] == hashlib.sha256(made.table).hexdigest() and about["base"] == TABLE_SHA256
    assert about["teacher"] == {"name": "topical", "digest": "ab" * 32} and about["scores"]["after"]["pearson"] == made.after.pearson
    assert about["sample"]["held_out"] == 300 and stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    rows = [{"account_id": f"a{i % 9}", "timestamp": "2026-01-01", "prompt": text} for i, text in enumerate(prompts(100).to_pylist())]
    manifest = scan(rows, config=ScanConfig(encoder=str(folder))).manifest
    assert manifest["encoder"] == {"name": str(folder), "dim": 256, "device": "cpu", "digest": encoder.digest}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"schema": "fp-encoder-1"}',
                                     b'{"schema": "fp-encoder-9", "sha256": "' + b"0" * 64 + b'"}', b'{"schema": "fp-encoder-1", "sha256": 5}', b"[" * 100_000])
def test_descriptions_that_are_none_are_refused(folder: Path, content: bytes) -> None:
    (folder / ABOUT).write_bytes(content)
    with pytest.raises(InputError, match="does not describe an encoder"):
        get_encoder(str(folder))


def test_another_table_than_the_described_one_is_refused(folder: Path) -> None:
    raw = bytearray((folder / TABLE_FILE).read_bytes())
    raw[len(raw) // 2] ^= 1
    (folder / TABLE_FILE).write_bytes(raw)
    with pytest.raises(InputError, match="damaged or another table"):
        get_encoder(str(folder))
    (folder / TABLE_FILE).unlink()
    with pytest.raises(InputError, match="cannot be read"):
        get_encoder(str(folder))


def test_folders_with_other_files_are_left_alone(folder: Path, made: Calibration, tmp_path: Path) -> None:
    made.save(folder)
    (tmp_path / "file").write_text("")
    for target, message in ((tmp_path / "file", "is a file"), (tmp_path, "other files")):
        with pytest.raises(ConfigError, match=message):
            made.save(target)


def test_the_sample_is_that_of_the_smallest_hashes(key: Key) -> None:
    texts = prompts(40_000).to_pylist()
    rows = [{"account_id": "a", "timestamp": "2026-01-01", "prompt": text} for text in [*texts, *texts[:5000], *(t.upper() for t in texts[:5000]), " "]]
    sample = sample_texts(read_events(rows), 500, key, Stopwatch(Progress())).to_pylist()
    again = sample_texts(read_events(rows[::-1]), 500, key, Stopwatch(Progress())).to_pylist()
    assert len({text.lower() for text in sample}) == 500 and [t.lower() for t in again] == [t.lower() for t in sample]
    assert sample_texts(read_events(rows[:30]), 500, key, Stopwatch(Progress())).to_pylist()[:10] != texts[:10]
    assert len(sample_texts(read_events(rows[:30]), 500, key, Stopwatch(Progress()))) == 30
    assert sample_texts(read_events(rows), 500, Key(bytes(16)), Stopwatch(Progress())).to_pylist() != sample


def command(*arguments: object) -> Any:
    return CliRunner().invoke(main, ["calibrate", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    lines = [json.dumps({"account_id": f"a{i % 50}", "timestamp": "2026-01-01", "prompt": text}) for i, text in enumerate(prompts(1050).to_pylist())]
    (tmp_path / "dump.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path / "dump.jsonl"


def test_the_command_fits_to_a_transformer_and_prints_both_scores(dump: Path, tmp_path: Path) -> None:
    result = command(dump, "--teacher", model_folder(), "--out", tmp_path / "encoder", "--device", "cpu", "--sample", 1000)
    assert result.exit_code == 0, result.output
    (pearson, fitted), (overlap, nearer) = ((float(a), float(b)) for a, b in re.findall(r"(\d\.\d+) -> (\d\.\d+)", result.stdout)[:2])
    assert fitted > pearson + 0.05 and nearer > overlap
    assert get_encoder(str(tmp_path / "encoder")).encode(["a"]).any()


def test_the_command_refuses_before_the_work_what_cannot_work(dump: Path, tmp_path: Path) -> None:
    for arguments, message in (((dump, "--teacher", "x", "--out", tmp_path), "other files"), ((dump, "--teacher", "x", "--out", dump), "is a file"),
                               ((dump, "--teacher", "x", "--out", tmp_path / "o", "--sample", 10), "at least 1,000")):
        result = command(*arguments)
        assert result.exit_code == 2 and message in result.stderr and result.stderr.count("\n") == 1
