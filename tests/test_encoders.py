"""One contract for every encoder: shapes, lengths, order, hostile texts; and what a model that cannot be used is answered with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from encoder_fixture import Topical, model_folder, prompts

from fingerprint.config import ScanConfig
from fingerprint.encoders import Encoder, get_encoder
from fingerprint.encoders.calibrate import calibrate
from fingerprint.encoders.static import StaticEncoder
from fingerprint.errors import BackendUnavailable, ConfigError, InputError
from fingerprint.progress import Progress

HOSTILE = ["\x00", "a\x00b", "\ud800 lone \udfff", "\N{GRINNING FACE}" * 50, "x" * 100_000, "word " * 20_000, "\u202e\u0301\u0301", "[CLS] [SEP] [MASK]",
           "</s><|endoftext|>", "你好，世界", "مرحبا", "\n\t", "  ", "\ufffd"]


@pytest.fixture(scope="module", params=["static", "calibrated", "transformer on CPU", "transformer on CUDA"])
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    """Every encoder that can be had here."""
    if request.param == "static":
        return get_encoder()
    if request.param == "calibrated":
        folder = tmp_path_factory.mktemp("calibrated")
        calibrate(prompts(1500), Topical(), StaticEncoder(), Progress()).save(folder)
        return get_encoder(str(folder))
    folder = model_folder()
    if request.param.endswith("CUDA"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("there is no CUDA device")
        return get_encoder(str(folder), device="cuda")
    return get_encoder(str(folder), device="cpu", threads=2)


def test_vectors_are_float32_rows_of_unit_length(encoder: Encoder) -> None:
    vectors = encoder.encode(prompts(40))
    assert isinstance(encoder, Encoder) and vectors.shape == (40, encoder.dim) and vectors.dtype == np.float32 and vectors.flags.c_contiguous
    assert np.abs(np.linalg.norm(vectors.astype(np.float64), axis=1) - 1).max() < 1e-5
    assert len(encoder.digest) == 64 and encoder.device in ("cpu", "cuda") and encoder.name


def test_empty_texts_and_nulls_are_zeros(encoder: Encoder) -> None:
    vectors = encoder.encode(["", None, "something", "", " \n"])
    assert [bool(v.any()) for v in vectors] == [False, False, True, False, False]
    assert encoder.encode([]).shape == (0, encoder.dim) and encoder.encode(pa.chunked_array([], pa.string())).shape == (0, encoder.dim)
    assert not encoder.encode(pa.nulls(2)).any()


def test_the_result_depends_on_neither_batch_nor_order_nor_kind_of_column(encoder: Encoder) -> None:
    column = pa.concat_arrays([prompts(12), pa.array([None, "", "short", "long " * 150], pa.large_string()), prompts(5)])
    vectors = encoder.encode(column)
    assert np.array_equal(vectors, encoder.encode(column))
    order = np.random.default_rng(1).permutation(len(column))
    others = [encoder.encode(column.take(pa.array(order)))[np.argsort(order)], np.concatenate([encoder.encode(column.slice(i, 9)) for i in range(0, 21, 9)]),
              encoder.encode(column.to_pylist()), encoder.encode(column.cast(pa.string())), encoder.encode(pa.chunked_array([column[:7], column[7:]])),
              encoder.encode(column.dictionary_encode()), encoder.encode(np.array(column.to_pylist(), object))]
    assert all(np.abs(vectors - other).max() < 1e-3 for other in others)
    assert np.array_equal(vectors[:5], vectors[-5:])


def test_what_is_alike_lies_together(encoder: Encoder) -> None:
    a, b, c = encoder.encode(["Explain black holes to a child", "Explain black holes to my child, please", "List five facts on bread."])
    assert a @ b > a @ c


def test_hostile_texts_have_vectors(encoder: Encoder) -> None:
    vectors = encoder.encode(HOSTILE)
    length = np.linalg.norm(vectors, axis=1)
    assert np.isfinite(vectors).all() and ((np.abs(length - 1) < 1e-5) | (length == 0)).all()
    assert np.abs(encoder.encode([HOSTILE[4]])[0] - vectors[4]).max() < 1e-3
    assert np.abs(encoder.encode(["\ufffd lone \ufffd"])[0] - vectors[2]).max() < 1e-3


def test_long_texts_cost_no_more_than_what_is_read_of_them(encoder: Encoder) -> None:
    def seconds(length: int) -> float:
        column, times = pa.array([f"{i} " + "word " * (length // 5) for i in range(8)], pa.large_string()), []
        for _ in range(3):
            start = time.perf_counter()
            encoder.encode(column)
            times.append(time.perf_counter() - start)
        return min(times)

    assert seconds(500_000) < 3 * seconds(5_000) + 0.05


def test_what_is_no_text_is_refused(encoder: Encoder) -> None:
    for column in ("one string", [b"bytes"], [1], pa.array([1.5]), 3):
        with pytest.raises(TypeError, match="texts"):
            encoder.encode(column)


def test_equal_texts_go_through_the_model_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder: Any = get_encoder(str(model_folder()), device="cpu")
    seen: list[int] = []
    tokenise = encoder._tokenise
    monkeypatch.setattr(encoder, "_tokenise", lambda texts: seen.append(len(texts)) or tokenise(texts))
    vectors = encoder.encode(["same", "other", "same", "", "same"])
    assert seen == [2] and np.array_equal(vectors[0], vectors[4]) and not np.array_equal(vectors[0], vectors[1])
    again = encoder.encode(["other", "a new one", "same", None])
    assert seen == [2, 1] and np.array_equal(again[[0, 2, 3]], vectors[[1, 0, 3]]) and again[1].any()
    monkeypatch.setattr("fingerprint.encoders.transformer.REMEMBERED", 4)
    for _ in range(2):
        encoder.encode(["one more", "and another"])
    assert seen == [2, 1, 2, 1] and len(encoder._known) == 4  # the fourth was kept, what came behind it was not


def test_the_model_says_what_it_says_by_itself() -> None:
    encoder: Any = get_encoder(str(model_folder()), device="cpu")
    texts = prompts(50).to_pylist()
    expected = encoder._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    assert np.abs(encoder.encode(texts) - expected).max() < 1e-4
    assert repr(encoder).endswith(f"dim=384, device=cpu, digest={encoder.digest[:8]})")


def test_an_error_in_the_tokenizer_and_an_interrupt_reach_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder: Any = get_encoder(str(model_folder()), device="cpu", threads=2)
    import torch

    before = torch.get_num_threads()
    for name in ("_tokenise", "_forward"):
        with monkeypatch.context() as patch:
            patch.setattr(encoder, name, lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                encoder.encode(prompts(200))
    assert torch.get_num_threads() == before and encoder.encode(["a"]).any()
    monkeypatch.setattr(encoder, "_forward", lambda _: np.full((1, encoder.dim), np.nan, np.float32))
    with pytest.raises(InputError, match="no numbers"):
        encoder.encode(["b"])


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the packaged model that may be changed."""
    target = tmp_path / "model"
    shutil.copytree(model_folder(), target, copy_function=lambda a, b: Path(b).symlink_to(a) if str(a).endswith(".safetensors") else shutil.copy(a, b))
    return target


def test_the_digest_is_of_weights_tokenizer_and_configuration(copied: Path) -> None:
    digest = get_encoder(str(copied)).digest
    assert digest == get_encoder(str(model_folder())).digest
    (copied / "README.md").write_text("other")
    assert get_encoder(str(copied)).digest == digest
    pooling = copied / "1_Pooling" / "config.json"
    pooling.write_text(pooling.read_text("utf-8") + " ")
    assert get_encoder(str(copied)).digest != digest


def test_models_that_would_be_unpickled_or_run_code_are_refused(copied: Path) -> None:
    modules = json.loads((copied / "modules.json").read_text("utf-8"))
    for content, message in (('[{"type": "subprocess.Popen", "path": ""}]', "subprocess.Popen"), ("{", "not a list of modules"), ("[1]", "not a list")):
        (copied / "modules.json").write_text(content)
        with pytest.raises(InputError, match=message):
            get_encoder(str(copied))
    (copied / "modules.json").write_text(json.dumps(modules))
    (copied / "2_Dense").mkdir()
    (copied / "2_Dense" / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match="pickled"):
        get_encoder(str(copied))
    shutil.rmtree(copied / "2_Dense")
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(InputError, match="no weights in safetensors"):
        get_encoder(str(copied))


def test_damaged_models_are_refused_in_a_line(copied: Path) -> None:
    (copied / "model.safetensors").unlink()
    (copied / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(InputError, match="cannot be loaded") as caught:
        get_encoder(str(copied))
    assert "\n" not in str(caught.value)


def test_models_that_are_not_there_are_said_to_be_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for name in ("no-such-model", "nobody/no-such-model", str(tmp_path / "missing"), "not a name", "a/b/c", ""):
        with pytest.raises(InputError, match="no folder"):
            get_encoder(name)
    with pytest.raises(InputError, match="no weights"):
        get_encoder(str(tmp_path))


def test_devices_that_are_not_there_are_refused() -> None:
    with pytest.raises(ConfigError, match="device is one of auto, cpu, cuda"):
        get_encoder(device="tpu")
    with pytest.raises(ConfigError, match="device is one of"):
        ScanConfig(device="tpu")
    folder = str(model_folder())
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="'cuda' was asked for"):
            get_encoder(folder, device="cuda")
    with pytest.raises(ConfigError, match="at least 1"):
        get_encoder(folder, threads=0)


def test_onnx_is_asked_for_by_name(copied: Path) -> None:
    with pytest.raises(ConfigError, match="runs on the CPU"):
        get_encoder(f"onnx:{copied}", device="cuda")
    try:
        import onnxruntime  # noqa: F401
        import optimum.onnxruntime  # noqa: F401
    except ImportError:
        with pytest.raises(BackendUnavailable, match=r"pip install 'sentence-transformers\[onnx\]'"):
            get_encoder(f"onnx:{copied}")
        pytest.skip("onnxruntime and optimum are not installed")
    with pytest.raises(InputError, match=r"no onnx/model\.onnx"):
        get_encoder(f"onnx:{copied}")
    from sentence_transformers import SentenceTransformer

    SentenceTransformer(str(copied), backend="onnx", model_kwargs={"export": True}).save_pretrained(str(copied))
    texts = prompts(20)
    assert np.abs(get_encoder(f"onnx:{copied}").encode(texts) - get_encoder(str(copied), device="cpu").encode(texts)).max() < 1e-3


def test_without_sentence_transformers_the_way_to_get_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(BackendUnavailable, match=r"pip install 'prompt-fingerprint\[transformers\]'"):
        get_encoder("all-MiniLM-L6-v2")


def test_the_command_line_says_in_a_line_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "dump.jsonl").write_text('{"account_id": "a", "timestamp": "2026-01-01", "prompt": "hello"}\n')
    command = [sys.executable, "-m", "fingerprint", "scan", str(tmp_path / "dump.jsonl"), "--out", str(tmp_path / "out"), "--encoder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2 and done.stderr.startswith("fingerprint: ") and done.stderr.count("\n") == 1


def test_a_scan_with_a_model_says_so_in_its_manifest() -> None:
    from fingerprint import scan

    folder = str(model_folder())
    rows = [{"account_id": f"a{i % 7}", "timestamp": "2026-01-01", "prompt": text} for i, text in enumerate(prompts(60).to_pylist())]
    encoder = scan(rows, config=ScanConfig(encoder=folder, device="cpu", controls=False)).manifest["encoder"]
    assert encoder == {"name": folder, "dim": 384, "device": "cpu", "digest": get_encoder(folder).digest}
