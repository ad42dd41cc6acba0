"""Any sentence-transformers model as an encoder, on the CPU or on CUDA; the extra ``transformers`` installs what it needs.

A thread tokenises a few batches ahead of the device. Texts are cut before they are tokenised and batches hold texts of about one length, so that neither a
flood of long prompts nor padding takes the device's time.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..ahead import ahead
from ..columns import TextColumn, text_columns
from ..config import DEVICES
from ..errors import BackendUnavailable, ConfigError, InputError

ONNX: Final = "onnx:"
BATCH: Final = {"cpu": 32, "cuda": 512}  # texts; on a CPU, larger ones leave its cache
BATCH_BYTES: Final = {"cpu": 1 << 17, "cuda": 1 << 19}  # of a batch padded to its longest text
BYTES_PER_PIECE: Final = 16  # of text handed to the tokenizer for each piece that the model reads: English has about five, indented code more
REMEMBERED: Final = 200_000  # texts whose vectors are kept, about 2 kB each: the tests of a scan ask for the same texts again and again
LONGEST: Final = 8192  # pieces, of a model that names no limit
_MODEL_FILES: Final = (".safetensors", ".json", ".txt", ".model")
_INSTALL: Final = "pip install 'prompt-fingerprint[transformers]'"


class TransformerEncoder:
    """Encode texts with a sentence-transformers model.

    Parameters
    ----------
    name : str
        Folder of a model, or its name on the Hugging Face hub, taken from the local cache if it is there and else downloaded. With ``onnx:`` before it,
        the model's own ``onnx/model.onnx`` runs on onnxruntime (CPU).
    device : str
        ``"cpu"``, ``"cuda"``, or ``"auto"`` for CUDA where there is one.
    threads : int
        CPU threads of one call; torch's setting is process-wide, so it is restored after each.
    batch : int, optional
        Texts of a batch, at most; by default what suits the device.

    Raises
    ------
    BackendUnavailable
        sentence-transformers, or what ``onnx:`` needs, is not installed.
    ConfigError
        There is no such device, or a number is out of range.
    InputError
        There is no such model, or it cannot be loaded without running code of its own or unpickling.

    Notes
    -----
    Weights are bfloat16 on CUDA, float32 on the CPU. Only safetensors are read, and only modules of sentence-transformers are run. The vector of a text
    depends on the others of its batch in rounding only, below 1e-3.
    """

    def __init__(self, name: str, *, device: str = "auto", threads: int = 1, batch: int | None = None) -> None:
        if device not in DEVICES:
            raise ConfigError(f"device is one of {', '.join(DEVICES)}, not {device!r}")
        if threads < 1 or (batch is not None and batch < 1):
            raise ConfigError(f"threads and batch are at least 1, not {threads} and {batch}")
        try:
            import sentence_transformers
            import torch
        except ImportError:
            raise BackendUnavailable(f"the encoder {name!r} needs sentence-transformers: {_INSTALL}") from None
        is_onnx = name.startswith(ONNX)
        self.name: Final[str] = name
        self.device: Final[str] = _device(torch, device, is_onnx)
        folder = _folder(name.removeprefix(ONNX))
        _check_model(folder, is_onnx)
        options: dict[str, Any] = {"model_kwargs": {"use_safetensors": True}}
        if is_onnx:
            options = {"backend": "onnx", "model_kwargs": {"file_name": "onnx/model.onnx", "provider": "CPUExecutionProvider", "export": False}}
        try:
            with _quiet():
                self._model: Any = sentence_transformers.SentenceTransformer(
                    str(folder), device=self.device, trust_remote_code=False, local_files_only=True, **options).eval()
        except Exception as error:  # its libraries raise many kinds on foreign and damaged files
            raise InputError(f"the model {name!r} cannot be loaded: {type(error).__name__}: {_first_line(error)}") from None
        if self.device == "cuda":
            self._model.bfloat16()
        self._torch, self._threads, self._batch = torch, threads, batch or BATCH[self.device]
        self._known: dict[bytes, npt.NDArray[np.float32]] = {}
        self._tokenise = getattr(self._model, "preprocess", None) or self._model.tokenize  # renamed in version 5
        self._n_bytes = BYTES_PER_PIECE * min(self._model.max_seq_length or LONGEST, LONGEST)
        self.digest: Final[str] = _digest(folder, is_onnx)
        self.dim: Final[int] = self._forward(self._tokenise(["a"])).shape[1]

    def encode(self, column: Any) -> npt.NDArray[np.float32]:
        """Return the vector of each text; see :meth:`Encoder.encode`.

        Parameters
        ----------
        column : pyarrow.Array, pyarrow.ChunkedArray or sequence of str
            Texts; null counts as the empty text. Equal ones go through the model once, in later calls as well (``REMEMBERED``).

        Returns
        -------
        float32[n, dim]
            Unit length, or zeros for a text of white space alone.

        Raises
        ------
        InputError
            The model's result is no number.

        Notes
        -----
        An interrupt is obeyed after the batch at hand. Of a text, only the start that the model can read is looked at.
        """
        columns = text_columns(column)
        rows, names, firsts, sizes = self._distinct(columns)
        vectors = np.zeros((len(firsts) + 1, self.dim), np.float32)  # the last is that of blank texts
        new = []
        for number, name in enumerate(names):
            known = self._known.get(name)
            if known is None:
                new.append(number)
            else:
                vectors[number] = known
        batches = ahead(self._batches(columns, firsts, sizes, np.array(new, np.int64)))
        try:
            with self._limited_threads():
                for which, tokens in batches:
                    vectors[which] = self._forward(tokens)
        finally:
            batches.close()
        if not np.isfinite(vectors).all():
            raise InputError(f"the model {self.name!r} gives vectors that are no numbers")
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        for number in new[: max(0, REMEMBERED - len(self._known))]:
            self._known[names[number]] = vectors[number].copy()
        return vectors[rows]

    def _distinct(self, columns: list[TextColumn]) -> tuple[npt.NDArray[np.int64], list[bytes], list[tuple[int, int]], npt.NDArray[np.int64]]:
        """Number the distinct texts, as far as they are read: the number of each row, and digest, place and bytes of the first of each number."""
        rows = np.empty(sum(map(len, columns)), np.int64)
        numbers: dict[bytes, int] = {}
        firsts: list[tuple[int, int]] = []
        sizes: list[int] = []
        at = 0
        for place, part in enumerate(columns):
            for row in range(len(part)):
                start = part.start_of(row, self._n_bytes)
                rows[at] = -1
                if start and not start.isspace():
                    number = numbers.setdefault(hashlib.blake2b(start, digest_size=16).digest(), len(firsts))
                    if number == len(firsts):
                        firsts.append((place, row))
                        sizes.append(len(start))
                    rows[at] = number
                at += 1
        return rows, list(numbers), firsts, np.array(sizes, np.int64)

    def _batches(self, columns: list[TextColumn], firsts: list[tuple[int, int]], sizes: npt.NDArray[np.int64],
                 new: npt.NDArray[np.int64]) -> Iterator[tuple[npt.NDArray[np.int64], Any]]:
        """Yield numbers of new texts and their tokens, the longest texts first."""
        order, low = new[np.argsort(-sizes[new], kind="stable")], 0
        while low < len(order):
            n = max(1, min(self._batch, BATCH_BYTES[self.device] // int(sizes[order[low]])))
            which = order[low : low + n]
            texts = [columns[place].start_of(row, self._n_bytes).decode("utf-8", "replace") for place, row in (firsts[i] for i in which.tolist())]
            yield which, self._tokenise(texts)
            low += n

    def _forward(self, tokens: Any) -> npt.NDArray[np.float32]:
        with self._torch.inference_mode():
            on_device = {name: value.to(self.device, non_blocking=True) if hasattr(value, "to") else value for name, value in tokens.items()}
            found: npt.NDArray[np.float32] = self._model(on_device)["sentence_embedding"].float().cpu().numpy()
        return found

    @contextmanager
    def _limited_threads(self) -> Iterator[None]:
        before = self._torch.get_num_threads()
        self._torch.set_num_threads(self._threads)
        try:
            yield
        finally:
            self._torch.set_num_threads(before)

    def __repr__(self) -> str:
        return f"TransformerEncoder({self.name!r}, dim={self.dim}, device={self.device}, digest={self.digest[:8]})"


def _device(torch: Any, device: str, is_onnx: bool) -> str:
    if is_onnx:
        if device == "cuda":
            raise ConfigError(f"{ONNX} runs on the CPU")
        if any(importlib.util.find_spec(module) is None for module in ("onnxruntime", "optimum")):
            raise BackendUnavailable(f"{ONNX} needs onnxruntime and optimum: pip install 'sentence-transformers[onnx]'")
        return "cpu"
    has_cuda = bool(torch.cuda.is_available())
    if device == "cuda" and not has_cuda:
        raise ConfigError("device 'cuda' was asked for, and torch finds none")
    return "cuda" if has_cuda and device != "cpu" else "cpu"


def _folder(name: str) -> Path:
    """Return the folder of a model: `name` itself, its snapshot in the local cache, or one that is downloaded now."""
    if os.path.isdir(name):
        return Path(name)
    from huggingface_hub import snapshot_download

    patterns = [f"*{suffix}" for suffix in _MODEL_FILES] + ["onnx/model.onnx"]
    full = name if "/" in name else f"sentence-transformers/{name}"
    for is_local in (True, False):
        try:
            return Path(snapshot_download(full, local_files_only=is_local, allow_patterns=patterns))
        except Exception as error:  # names that cannot be one, no network, no such model, no permission: all mean that it is not to be had
            why = error
    raise InputError(f"there is no folder {name!r}, and no model of that name on this disk or to be had from the hub: {type(why).__name__}") from None


def _check_model(folder: Path, is_onnx: bool) -> None:
    """Refuse what would have to be unpickled, or would run code that came with the model."""
    weights = sorted(folder.rglob("*.safetensors"))
    if not weights and not is_onnx:
        raise InputError(f"{str(folder)!r} holds no weights in safetensors format, the only one that is read")
    if is_onnx and not (folder / "onnx" / "model.onnx").is_file():
        raise InputError(f"{str(folder)!r} holds no onnx/model.onnx")
    for pickled in folder.rglob("pytorch_model*.bin"):
        if not any(pickled.parent.glob("*.safetensors")):
            raise InputError(f"{str(pickled)!r} is pickled, and there are no safetensors beside it")
    listing = folder / "modules.json"
    if not listing.is_file():
        return
    try:
        types = [module["type"] for module in json.loads(listing.read_text("utf-8"))]
    except (OSError, ValueError, TypeError, KeyError):
        raise InputError(f"{str(listing)!r} is not a list of modules") from None
    for kind in types:
        if not str(kind).startswith("sentence_transformers."):
            raise InputError(f"the model in {str(folder)!r} has a module {kind!r}, which is not one of sentence-transformers")


def _digest(folder: Path, is_onnx: bool) -> str:
    """Return the SHA-256 of weights, tokenizer and configuration: of a line a file, with its own SHA-256 and its path."""
    files = [path for path in folder.rglob("*") if path.suffix in _MODEL_FILES and path.is_file()]
    whole = hashlib.sha256()
    for path in sorted([*files, *([folder / "onnx" / "model.onnx"] if is_onnx else [])]):
        with path.open("rb") as file:
            whole.update(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.relative_to(folder).as_posix()}\n".encode())
    return whole.hexdigest()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from drawing progress bars beside ours."""
    from transformers.utils import logging

    was_shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_shown:
            logging.enable_progress_bar()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200]
