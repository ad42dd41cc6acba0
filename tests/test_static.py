"""The static encoder: equal to a plain reference, indifferent to how the work is split, fair to all scripts, and wary of its own file."""

from __future__ import annotations

import hashlib
import io
import itertools
import random
import time
import zipfile
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tokenizers", reason="tokenizers is not installed")

import reference_static
from test_wordpiece import CHARACTERS, PIECES, varied_text

from fingerprint import _core
from fingerprint.encoders import Encoder, get_encoder, static
from fingerprint.encoders.static import TABLE, TABLE_SHA256, StaticEncoder
from fingerprint.errors import ConfigError, InputError

Arrays = dict[str, npt.NDArray[Any]]
DATA = resources.files("fingerprint.encoders").joinpath("data")
RAW = DATA.joinpath(TABLE).read_bytes()
ARRAYS = reference_static.load_arrays(RAW)
REFERENCE = reference_static.Reference(ARRAYS)
ENCODER = StaticEncoder()
SENTENCES = {
    "zh": [
        "如何用电饭锅做红烧肉？",
        "请解释量子纠缠的基本原理",
        "股市今天为什么下跌",
        "帮我写一封辞职信",
        "唐代诗人李白的生平",
        "怎样修理漏水的水龙头",
    ],
    "ru": [
        "Как приготовить борщ дома?",
        "Объясни принцип квантовой запутанности",
        "Почему сегодня упал рынок акций",
        "Напиши заявление на увольнение",
    ],
    "ar": ["كيف أطبخ الأرز باللحم؟", "اشرح مبدأ التشابك الكمي", "لماذا انخفضت الأسهم اليوم", "اكتب رسالة استقالة"],
    "ja": ["電子レンジで魚を焼く方法は？", "量子もつれの原理を説明してください", "退職届を書いてください", "東京の天気はどうですか"],
    "ko": ["김치찌개를 어떻게 만드나요?", "양자 얽힘의 원리를 설명해 주세요", "오늘 주식이 왜 떨어졌나요", "사직서를 써 주세요"],
    "th": ["วิธีทำต้มยำกุ้ง", "อธิบายหลักการพัวพันเชิงควอนตัม", "ทำไมหุ้นตกวันนี้", "เขียนจดหมายลาออก"],
    "en": [
        "How do I cook a beef stew?",
        "Explain the principle of quantum entanglement",
        "Why did stocks fall today",
        "Write a letter of resignation",
    ],
}
TEXTS = [
    *itertools.chain.from_iterable(SENTENCES.values()),
    "",
    " \u200b\n",
    "Hello世界hello你好！",
    "sсоре рrompt with сyrillic аnd ｆｕｌｌ ｗｉｄｔｈ ０１",
    "ΑΒΓ αρx unbelievable-ness naïve Ångström",
    "x" * 101 + " " + "é" * 120,
    "word " * 500 + "what is asked stands at the end",
    "你好世界" * 200 + "结尾的问题？",
    "한국어" * 60 + " ひらがなだけ カタカナ \u1112\u1161\u11ab",
    "\u0301\u0301 \ufeff",
    "a\nb\tc; d\u037e e",
]


def mixed_texts(n: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [varied_text(rng) for _ in range(n)]


def small_arrays(dim: int = 64) -> Arrays:
    """Return a table over a few pieces of the shipped one."""
    pieces = ["a", "b", "##b", "tell", "me", "joke", "é", "##x", "!", "你", "ко"]
    rng = np.random.default_rng(3)
    return {
        "scheme": np.frombuffer(b"fp-static-1", np.uint8),
        "vocabulary": np.frombuffer(("\n" + "\n".join(pieces) + "\n\n").encode(), np.uint8),
        "rows": rng.integers(-127, 128, (len(pieces), dim), dtype=np.int8),
        "weights": rng.integers(1, 4096, len(pieces), dtype=np.int16),
        "amplitudes": rng.integers(0, 128, dim, dtype=np.int8),
        "gram_weight": np.array([900], np.int32),
        "ideographs": np.array([0x4E00, 0x4F60], np.uint32),
        "ideograph_shares": np.array([3, 60], np.uint8),
    }


def write(path: Path, arrays: Arrays) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def near(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> bool:
    return bool(np.allclose(a, b, rtol=0, atol=2e-7))  # two roundings of values up to 1 in float32


@pytest.fixture(scope="module")
def expected() -> tuple[list[str], npt.NDArray[np.float64]]:
    texts = TEXTS + mixed_texts(300, 1)
    return texts, np.array([REFERENCE.encode(text) for text in texts])


def test_equals_reference(isa: str, monkeypatch: pytest.MonkeyPatch, expected: tuple[list[str], npt.NDArray[np.float64]]) -> None:
    monkeypatch.setenv("FINGERPRINT_ISA", isa)
    assert near(ENCODER.encode(expected[0]), expected[1])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(CHARACTERS), st.sampled_from(PIECES[::31]), st.sampled_from("ab кx ")), max_size=40).map("".join))
def test_equals_reference_on_any_text(text: str) -> None:
    assert near(ENCODER.encode([text])[0], REFERENCE.encode(text))


@pytest.mark.parametrize(("head_pieces", "tail_bytes"), [(1, 0), (1, 1024), (3, 7), (192, 0), (1024, 320)])
def test_head_and_tail(head_pieces: int, tail_bytes: int) -> None:
    encoder = StaticEncoder(head_pieces=head_pieces, tail_bytes=tail_bytes)
    texts = TEXTS + mixed_texts(60, 2) + [text * 30 for text in mixed_texts(20, 3)]
    assert near(encoder.encode(texts), np.array([REFERENCE.encode(text, head_pieces, tail_bytes) for text in texts]))


@pytest.mark.parametrize("dim", [64, 128, 320, 1024])
def test_other_tables_and_dimensions(tmp_path: Path, isa: str, monkeypatch: pytest.MonkeyPatch, dim: int) -> None:
    monkeypatch.setenv("FINGERPRINT_ISA", isa)
    arrays = small_arrays(dim)
    encoder, model = StaticEncoder(write(tmp_path / "t.npz", arrays)), reference_static.Reference(arrays)
    texts = ["a b ab abb", "tell me a joke!", "你 你好 一", "é ко кот", "nothing known", "", "a"]
    assert encoder.dim == dim and near(encoder.encode(texts), np.array([model.encode(text) for text in texts]))


def test_same_bits_on_every_isa(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = TEXTS + mixed_texts(2000, 4)
    results = []
    for isa in _core.supported_isas():
        monkeypatch.setenv("FINGERPRINT_ISA", isa)
        results.append(ENCODER.encode(texts))
    assert all(np.array_equal(results[0], other) for other in results[1:])


@pytest.mark.parametrize("threads", [2, 3, 16])
def test_same_bits_for_every_thread_count(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    texts = TEXTS + mixed_texts(1000, 5)
    expected = ENCODER.encode(texts)
    assert np.array_equal(StaticEncoder(threads=threads).encode(texts), expected)
    monkeypatch.setattr(static, "_ROWS_PER_TASK", 7)
    assert np.array_equal(StaticEncoder(threads=threads).encode(texts), expected)


def test_same_bits_for_every_batch_and_column(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [None, *TEXTS, *mixed_texts(300, 6), None]
    expected = ENCODER.encode(texts)
    assert not expected[0].any() and not expected[-1].any()
    small, large = pa.array(texts, pa.string()), pa.array(texts, pa.large_string())
    chunked = pa.chunked_array([small[:3], small[3:3], small[3:150], large[150:].cast(pa.string())])
    for column in (small, large, chunked, small.dictionary_encode(), pa.array(["x", *texts, None])[1:-1]):
        assert np.array_equal(ENCODER.encode(column), expected)
    assert np.array_equal(np.concatenate([ENCODER.encode([text]) for text in texts]), expected)
    assert ENCODER.encode([]).shape == (0, 256) and ENCODER.encode(pa.nulls(2)).shape == (2, 256)


def test_vectors_have_unit_length_or_are_zero() -> None:
    texts = TEXTS + mixed_texts(500, 7)
    vectors = ENCODER.encode(texts)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    assert vectors.dtype == np.float32 and vectors.flags.c_contiguous and np.isfinite(vectors).all()
    assert all(abs(n - 1) < 1e-6 or n == 0 for n in lengths)
    for text in ("", " \t\n", "\u200b\ufeff", "\u0301", "\x01\x02"):
        assert not ENCODER.encode([text]).any()


def centred(texts: list[str]) -> npt.NDArray[np.float64]:
    """Encode texts and subtract the mean of a traffic that is four fifths English."""
    rng = random.Random(8)
    words = [piece for piece in PIECES if piece.isascii() and piece.isalpha() and len(piece) > 2]
    traffic = [" ".join(rng.choices(words, k=15)) for _ in range(400)]
    traffic += [rng.choice(SENTENCES[language]) for language in SENTENCES if language != "en" for _ in range(15)]
    vectors = ENCODER.encode(texts).astype(np.float64) - ENCODER.encode(traffic).astype(np.float64).mean(axis=0)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@pytest.mark.parametrize("language", SENTENCES)
def test_unrelated_sentences_of_one_language_do_not_collapse(language: str) -> None:
    vectors = centred(SENTENCES[language])
    cosines = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    assert cosines.max() < 0.6 and cosines.mean() < 0.35


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_is_near_its_variant(language: str) -> None:
    first, second, *_ = SENTENCES[language]
    a, near_a, b = centred([first, first + " ok", second])
    assert a @ near_a > 0.6 > a @ b


def test_meaning_of_english_words() -> None:
    joke, pun, tax = ENCODER.encode(["tell me a joke", "do you know a good pun?", "how is income tax computed"])
    assert joke @ pun > joke @ tax


def test_lookalikes_and_case_change_nothing() -> None:
    plain, cyrillic, wide, upper = ENCODER.encode(["cope with paper", "соpe with рaper", "ｃｏｐｅ with ｐａｐｅｒ", "COPE  With PAPER"])
    assert np.array_equal(plain, cyrillic) and np.array_equal(plain, wide) and np.array_equal(plain, upper)


@pytest.mark.parametrize("unit", ["x", "word ", "你", "\u200b", " ", "\u0301", "!", "é", "한", "😀"])
def test_work_is_bounded_whatever_the_length(unit: str) -> None:
    def best(text: str) -> float:
        column, times = pa.array([text], pa.large_string()), []
        for _ in range(5):
            start = time.perf_counter()
            ENCODER.encode(column)
            times.append(time.perf_counter() - start)
        return min(times)

    assert best(unit * (8_000_000 // len(unit.encode()))) < 0.01  # 8 MB; reading them all takes more


def test_text_behind_a_flood_is_still_read() -> None:
    question = "what is the capital of France?"
    flooded = ENCODER.encode(["\u200b" * 50_000 + question, question])
    assert np.array_equal(flooded[0], flooded[1])
    assert np.array_equal(*ENCODER.encode(["x" * 70_000 + " " * 400 + question, "x" * 99_000 + " " * 400 + question]))


@pytest.mark.parametrize(("name", "value"), [("threads", 0), ("head_pieces", 0), ("head_pieces", 1025), ("tail_bytes", -1), ("tail_bytes", 1025)])
def test_numbers_out_of_range_are_refused(name: str, value: int) -> None:
    with pytest.raises(ConfigError, match=name):
        StaticEncoder(**{name: value})  # type: ignore[arg-type]


def test_what_is_no_text_is_refused() -> None:
    for column in ("one string", [b"bytes"], [1], pa.array([1.5]), 3):
        with pytest.raises(TypeError, match="texts"):
            ENCODER.encode(column)


def test_get_encoder() -> None:
    encoder = get_encoder(threads=2)
    assert isinstance(encoder, Encoder) and (encoder.name, encoder.dim, encoder.digest) == ("static", 256, TABLE_SHA256)
    assert repr(encoder) == f"StaticEncoder(dim=256, digest={TABLE_SHA256[:8]})"
    with pytest.raises(ConfigError, match="threads"):
        get_encoder(threads=0)


def test_the_shipped_table_is_the_described_one() -> None:
    assert hashlib.sha256(RAW).hexdigest() == TABLE_SHA256
    provenance = DATA.joinpath("PROVENANCE.md").read_text("utf-8")
    assert f"{len(ARRAYS['rows']):,} word-piece rows of {ARRAYS['rows'].shape[1]} int8 values" in provenance
    for said in ("53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", "Apache-2.0", "fingerprint.encoders.distill", "TABLE_SHA256"):
        assert said in provenance
    assert all(array.dtype.kind in "iu" for array in ARRAYS.values())


def test_a_damaged_shipped_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "TABLE_SHA256", "0" * 64)
    with pytest.raises(InputError, match="damaged"):
        StaticEncoder()


def test_a_hash_that_was_asked_for_is_checked(tmp_path: Path) -> None:
    path = write(tmp_path / "t.npz", small_arrays())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert StaticEncoder(path, sha256=digest).digest == digest
    with pytest.raises(InputError, match=digest):
        StaticEncoder(path, sha256="1" * 64)


class Planted:
    """Unpickled, it would leave a trace."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (pytest.fail, ("unpickled",))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    arrays = small_arrays()
    for name in arrays:
        planted = np.empty(1, object)
        planted[0] = Planted()
        with pytest.raises(InputError, match="not a table"):
            StaticEncoder(write(tmp_path / "t.npz", {**arrays, name: planted}))
    (tmp_path / "t.npz").write_bytes(b"\x80\x04]\x94.")
    with pytest.raises(InputError, match="not a table"):
        StaticEncoder(tmp_path / "t.npz")


CHANGES: dict[str, tuple[str, npt.NDArray[Any], str]] = {
    "scheme": ("scheme", np.frombuffer(b"fp-static-9", np.uint8), "scheme"),
    "dtype": ("rows", small_arrays()["rows"].astype(np.float32), "rows is float32"),
    "dimensions": ("weights", np.ones((11, 1), np.int16), "weights is int16 with 2"),
    "odd width": ("rows", np.ones((11, 65), np.int8), "dimensions"),
    "no width": ("rows", np.ones((11, 0), np.int8), "dimensions"),
    "too wide": ("rows", np.ones((11, 1088), np.int8), "dimensions"),
    "no rows": ("rows", np.ones((0, 64), np.int8), "0 rows"),
    "fewer rows": ("rows", np.ones((10, 64), np.int8), "weights has 11 rows, not 10"),
    "weight 0": ("weights", np.zeros(11, np.int16), "weight 0 of row 0"),
    "weight beyond": ("weights", np.full(11, 4096, np.int16), "weight 4096"),
    "negative amplitude": ("amplitudes", np.full(64, -1, np.int8), "amplitude -1"),
    "short amplitudes": ("amplitudes", np.ones(63, np.int8), "amplitudes has 63"),
    "gram weight": ("gram_weight", np.array([0], np.int32), "gram_weight 0"),
    "gram weights": ("gram_weight", np.array([1, 2], np.int32), "2 values"),
    "no vocabulary": ("vocabulary", np.empty(0, np.uint8), "empty"),
    "no newline": ("vocabulary", np.frombuffer(b"a\nb", np.uint8), "one piece a line"),
    "piece twice": ("vocabulary", np.frombuffer(b"a\nb\na\n", np.uint8), "one piece a line"),
    "long piece": ("vocabulary", np.frombuffer(b"a" * 256 + b"\n", np.uint8), "one piece a line"),
    "more pieces": ("vocabulary", np.frombuffer("".join(f"p{i}\n" for i in range(12)).encode(), np.uint8), "not one for each piece"),
    "ideograph": ("ideographs", np.array([0x4E00, 0x10000], np.uint32), "beyond U"),
    "shares": ("ideograph_shares", np.ones(3, np.uint8), "ideograph_shares has 3"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_tables_that_cannot_work_are_refused(tmp_path: Path, change: str) -> None:
    name, value, message = CHANGES[change]
    with pytest.raises(InputError, match=message):
        StaticEncoder(write(tmp_path / "t.npz", {**small_arrays(), name: value}))


def test_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.npz.*No such file"):
        StaticEncoder(tmp_path / "none.npz")
    with pytest.raises(InputError, match="cannot be read"):
        StaticEncoder(tmp_path)
    arrays = small_arrays()
    del arrays["weights"]
    for content in (b"", b"PK\x03\x04", b"no archive" * 100):
        (tmp_path / "t.npz").write_bytes(content)
        with pytest.raises(InputError, match="not a table"):
            StaticEncoder(tmp_path / "t.npz")
    with pytest.raises(InputError, match="KeyError"):
        StaticEncoder(write(tmp_path / "t.npz", arrays))


def test_compressed_tables_are_refused(tmp_path: Path) -> None:
    bomb = {**small_arrays(), "rows": np.zeros((200_000, 64), np.int8)}
    np.savez_compressed(tmp_path / "t.npz", **bomb)  # type: ignore[arg-type]
    assert (tmp_path / "t.npz").stat().st_size < 100_000
    with pytest.raises(InputError, match="compressed"):
        StaticEncoder(tmp_path / "t.npz")


def test_truncated_and_altered_files_are_refused_or_harmless(tmp_path: Path) -> None:
    raw = write(tmp_path / "t.npz", small_arrays()).read_bytes()
    rng = random.Random(9)
    n_loaded = 0
    for trial in range(300):
        altered = bytearray(raw)
        if trial % 3 == 0:
            del altered[rng.randrange(len(raw)) :]
        else:
            for _ in range(rng.randint(1, 4)):
                altered[rng.randrange(len(raw))] = rng.randrange(256)
        (tmp_path / "t.npz").write_bytes(altered)
        try:
            encoder = StaticEncoder(tmp_path / "t.npz")
        except InputError:
            continue
        n_loaded += 1
        assert np.isfinite(encoder.encode(["tell me a joke 你好 ко", "x"])).all()
    assert n_loaded < 100


def test_a_header_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    rows = io.BytesIO()
    np.lib.format.write_array_header_1_0(rows, {"descr": "|i1", "fortran_order": False, "shape": (10**12, 64)})
    with zipfile.ZipFile(write(tmp_path / "t.npz", {n: a for n, a in small_arrays().items() if n != "rows"}), "a") as archive:
        archive.writestr("rows.npy", rows.getvalue() + bytes(11 * 64))
    with pytest.raises(InputError, match="not a table"):
        StaticEncoder(tmp_path / "t.npz")


def test_the_file_is_an_array_archive_that_numpy_alone_reads() -> None:
    with np.load(io.BytesIO(RAW), allow_pickle=False) as file:
        assert set(file.files) == set(static._FIELDS)
