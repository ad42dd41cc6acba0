"""Make the table of the static encoder from a sentence-transformers model of the BERT family: ``python -m fingerprint.encoders.distill``.

The method is model2vec's (Minish Lab, 2024) with three changes. Every word piece goes through the teacher alone, the vectors are reduced with
PCA, and each is weighted by how rare its piece is: smooth inverse frequency (Arora et al. 2017) under Zipf's law over the order of the
vocabulary. Changed: single characters stand first in a BERT vocabulary by alphabet and not by frequency, so all of them count as the most
frequent rank and "the" as the next; SIF is 3e-3; and the mean that a text has under these frequencies is projected out of every row, so
that texts in a script without word pieces, which have none of it, do not come to lie together when vectors are centred.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import BackendUnavailable, ConfigError

SCHEME = "fp-static-1"
MAX_WEIGHT = 4095  # FP_STATIC_MAX_WEIGHT
SIF = 3e-3  # of word pieces
SIF_IDEOGRAPH = 1e-3
STOP_SHARE = 0.01  # of all ideographs of a text, at least, for one that a stop list has
FULL = 255  # share of an ideograph that counts in full
# Traditional forms of the most frequent ideographs, each before its simplified form, whose frequency it takes.
TRADITIONAL = (
    "這这們们為为說说個个來来時时會会對对後后過过還还沒没麼么嗎吗與与從从將将請请寫写問问給给點点樣样應应該该無无開开長长見见兩两並并"
    "於于裡里國国學学經经進进當当現现發发動动種种頭头實实間间關关話话讓让聽听覺觉認认識识難难題题歲岁幾几誰谁東东車车電电"
)
_MODULES = ("Transformer", "Pooling")


def teacher_rows(teacher: str | Path, batch_size: int = 1024) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Run every piece of the vocabulary through the teacher, alone between its two special tokens.

    Parameters
    ----------
    teacher : str or Path
        Folder of a sentence-transformers model with a WordPiece tokenizer.
    batch_size : int
        Pieces in one pass.

    Returns
    -------
    pieces : list of str
        The vocabulary in the order of its ids.
    rows : float64[n, d]
        What the teacher pools for each, before it is normalised.

    Raises
    ------
    BackendUnavailable
        sentence-transformers is not installed.
    ConfigError
        The tokenizer is not WordPiece with ``[CLS]`` and ``[SEP]``.
    """
    try:
        import torch
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise BackendUnavailable("making a table needs sentence-transformers: pip install 'prompt-fingerprint[transformers]'") from None
    model: Any = SentenceTransformer(str(teacher), device="cpu")
    ids = model.tokenizer.get_vocab()
    if "[CLS]" not in ids or "[SEP]" not in ids or sorted(ids.values()) != list(range(len(ids))):
        raise ConfigError("the teacher has no WordPiece vocabulary of BERT's kind")
    pieces = sorted(ids, key=ids.__getitem__)
    found = []
    with torch.inference_mode():
        for start in range(0, len(pieces), batch_size):
            piece = torch.arange(start, min(start + batch_size, len(pieces)))
            tokens = torch.stack([torch.full_like(piece, ids["[CLS]"]), piece, torch.full_like(piece, ids["[SEP]"])], dim=1)
            state = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens), "token_type_ids": torch.zeros_like(tokens)}
            for module in model:
                state = module(state) if type(module).__name__ in _MODULES else state
            found.append(state["sentence_embedding"].double().numpy())
    return pieces, np.concatenate(found)


def reduce_rows(rows: npt.NDArray[np.float64], dim: int) -> npt.NDArray[np.float64]:
    """Return the centred rows in their first `dim` principal components, signs fixed by the largest loading."""
    centred = rows - rows.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, np.argsort(-values, kind="stable")[:dim]]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return np.asarray(centred @ axes, dtype=np.float64)


def weigh_rows(pieces: list[str], rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Weight rows by rarity and project the mean of texts out of them.

    Parameters
    ----------
    pieces : list of str
        In the order of a BERT vocabulary: single characters, then the rest by falling frequency.
    rows : float64[n, d]
        Their reduced vectors.

    Returns
    -------
    float64[n, d]
        Rows whose plain sum is the vector of a text.
    """
    single = np.array([len(piece.removeprefix("##")) == 1 for piece in pieces])
    rank = np.full(len(pieces), 2.0)
    rank[~single] = np.arange(2, 2 + np.count_nonzero(~single))
    share = 1 / rank / np.sum(1 / np.arange(2, len(pieces) + 2))
    weight = SIF / (SIF + share)
    mean = np.where(single, 0, share * weight) @ rows
    mean /= max(float(np.linalg.norm(mean)), 1e-12)
    return np.asarray((rows - np.outer(rows @ mean, mean)) * weight[:, None], dtype=np.float64)


def quantise(rows: npt.NDArray[np.floating], least_unit: float = 0.0) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int16], float]:
    """Write each row as int8 values times an integer weight times one unit.

    Parameters
    ----------
    rows : float[n, d]
    least_unit : float
        What the unit is at least, for the sake of other weights that are to be written in it.

    Returns
    -------
    values : int8[n, d]
        Within -127 and 127.
    weights : int16[n]
        1 to 4095.
    unit : float
        ``rows`` is about ``values * weights[:, None] * unit``.
    """
    scale = np.abs(rows).max(axis=1) / 127
    unit = max(float(scale.max() / MAX_WEIGHT), least_unit)
    weights = np.clip(np.ceil(scale / unit), 1, MAX_WEIGHT)  # rounded up, so that no value leaves int8
    return np.clip(np.rint(rows / (weights * unit)[:, None]), -127, 127).astype(np.int8), weights.astype(np.int16), unit


def ideograph_shares(frequencies: str, stop_words: list[str]) -> dict[str, int]:
    """Say for each frequent ideograph which part of a full weight it keeps.

    Parameters
    ----------
    frequencies : str
        Lines ``word count ...``, as in jieba's ``dict.txt``; the characters of a word inherit its count.
    stop_words : list of str
        Characters of those with at most two count for at least 1 % of all text: what is frequent in questions is not in newspapers.

    Returns
    -------
    dict
        Character to 0..254, a part of 255; characters that keep all are left out.
    """
    counts: Counter[str] = Counter()
    for line in frequencies.splitlines():
        word, count, *_ = line.split(" ")
        for char in word:
            counts[char] += int(count)
    total = sum(counts.values())
    shares = {char: count / total for char, count in counts.items()}
    for char in {char for word in stop_words if len(word) <= 2 for char in word}:
        shares[char] = max(shares.get(char, 0), STOP_SHARE)
    for traditional, simplified in zip(TRADITIONAL[::2], TRADITIONAL[1::2], strict=True):
        shares[traditional] = max(shares.get(traditional, 0), shares.get(simplified, 0))
    kept = {char: round(FULL * SIF_IDEOGRAPH / (SIF_IDEOGRAPH + share)) for char, share in shares.items() if 0x3400 <= ord(char) < 0x10000}
    return {char: share for char, share in sorted(kept.items()) if share < FULL}


def build_table(pieces: list[str], rows: npt.NDArray[np.float64], shares: dict[str, int], dim: int = 256) -> dict[str, npt.NDArray[Any]]:
    """Make the arrays of a table file.

    Parameters
    ----------
    pieces : list of str
        The vocabulary; special and unused entries, ``[...]``, get no row.
    rows : float64[n, d]
        From :func:`teacher_rows`.
    shares : dict
        From :func:`ideograph_shares`; may be empty.
    dim : int
        Dimensions to keep, a multiple of 64.

    Returns
    -------
    dict
        ``scheme`` and ``vocabulary`` uint8 text (a line an id, empty where there is no row), ``rows`` int8[m, dim], ``weights`` int16[m],
        ``amplitudes`` int8[dim] and ``gram_weight`` int32[1] of the n-gram rows, ``ideographs`` uint32[k], ``ideograph_shares`` uint8[k].
    """
    kept = np.array([not (len(p) > 2 and p.startswith("[") and p.endswith("]")) for p in pieces])
    weighted = weigh_rows([p for p, keep in zip(pieces, kept, strict=True) if keep], reduce_rows(rows[kept], dim))
    values, weights, unit = quantise(weighted)
    # A gram is as long as the median piece and has its energy in the dimensions where the pieces have theirs.
    spread = np.sqrt((weighted**2).mean(axis=0))
    amplitudes = np.maximum(np.rint(spread / spread.max() * 127), 1).astype(np.int8)
    length = float(np.linalg.norm(amplitudes.astype(np.float64)))
    gram = float(np.median(np.linalg.norm(weighted, axis=1))) / length / unit
    lines = "".join((piece if keep else "") + "\n" for piece, keep in zip(pieces, kept, strict=True))
    return {
        "scheme": np.frombuffer(SCHEME.encode(), np.uint8),
        "vocabulary": np.frombuffer(lines.encode(), np.uint8),
        "rows": values,
        "weights": weights,
        "amplitudes": amplitudes,
        "gram_weight": np.array([max(1, round(gram))], np.int32),
        "ideographs": np.array([ord(char) for char in shares], np.uint32),
        "ideograph_shares": np.array(list(shares.values()), np.uint8),
    }


def _sha256(path: Path) -> str:
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}"


def main(argv: list[str] | None = None) -> int:
    """Distil the model in the folder TEACHER into the file OUT (.npz) and print the SHA-256 of what went in and came out."""
    parser = argparse.ArgumentParser(prog="python -m fingerprint.encoders.distill", description=main.__doc__)
    parser.add_argument("teacher", type=Path, metavar="TEACHER")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--dim", type=int, default=256, help="dimensions, a multiple of 64 (default: 256)")
    parser.add_argument("--ideographs", type=Path, metavar="FILE", help="word counts of Chinese, as in jieba's dict.txt")
    parser.add_argument("--stop-words", type=Path, metavar="FILE", help="JSON object of lists by language; 'zh' is read")
    arguments = parser.parse_args(argv)
    if not arguments.teacher.is_dir():
        parser.error(f"no folder {str(arguments.teacher)!r}")
    if arguments.dim % 64 or not 64 <= arguments.dim <= 1024:
        parser.error("--dim is a multiple of 64 from 64 to 1024")
    if arguments.out.suffix != ".npz":
        parser.error("OUT ends in .npz")
    frequencies = arguments.ideographs.read_text("utf-8") if arguments.ideographs else ""
    stop_words = json.loads(arguments.stop_words.read_text("utf-8"))["zh"] if arguments.stop_words else []
    pieces, rows = teacher_rows(arguments.teacher)
    table = build_table(pieces, rows, ideograph_shares(frequencies, stop_words), arguments.dim)
    np.savez(arguments.out, **table)  # type: ignore[arg-type]
    inputs = [arguments.teacher / "model.safetensors", arguments.teacher / "tokenizer.json", arguments.ideographs, arguments.stop_words]
    for path in [*(p for p in inputs if p and p.is_file()), arguments.out]:
        sys.stdout.write(f"{_sha256(path)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
