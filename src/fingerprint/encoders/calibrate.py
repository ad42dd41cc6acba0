"""Fit the table of the static encoder to a teacher on the user's own traffic, and keep the result.

A text's vector is linear in the rows of the table, up to its length, so rows are fitted by ridge regression: first one linear map of all rows, which also
serves pieces that the sample does not have, then each row by itself, towards the mapped one. The teacher's vectors are turned into the space of the
table before (PCA, then the rotation of Schoenemann 1966), because n-gram rows stand there and stay. For the same reason texts that consist of n-grams have
no part in the fit: what little they have of word pieces, digits and punctuation, would learn the teacher's opinion of a whole script. What is held out to
say how good the result is has no part in any of this.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from ..errors import ConfigError, InputError, why
from .distill import MAX_WEIGHT, quantise
from .static import StaticEncoder

if TYPE_CHECKING:
    import pyarrow as pa

    from ..progress import Progress
    from .base import Encoder

SCHEMA: Final = "fp-encoder-1"
ABOUT, TABLE_FILE = "encoder.json", "static.npz"
LEAST_SAMPLE: Final = 1_000  # prompts, of which a tenth are held out: fewer give no score that can be told from chance
HELD_OUT, MOST_HELD_OUT = 0.1, 2_000
RIDGES: Final = (30.0, 10.0, 3.0)  # in units of one piece in a text of median length; a tenth of the prompts that are fitted chooses
MAP_RIDGE: Final = 10.0  # 65,536 numbers for all prompts together: on 17,000, 3 instead changes no score by .003
LEAST_GAIN: Final = 0.02  # of Pearson's correlation: what is less may be chance in a small sample
CARRIED: Final = 0.25  # of the length of a text's sum, what n-grams may give where word pieces carry it
_NEAREST: Final = 10
_TOLERANCE, _MOST_STEPS = 1e-2, 20  # on 17,000 prompts, ten times as exact a solution changes no score by .001
_AT_ONCE = 512  # prompts between two steps of the progress bar
_MOST_ABOUT = 1 << 20  # bytes of a description


@dataclass(frozen=True, slots=True)
class Scores:
    """How near the vectors of some texts come to the teacher's, both centred.

    Attributes
    ----------
    n : int
        Texts.
    pearson : float
        Correlation of the cosines of all pairs.
    overlap : float
        Share of the ten nearest by the teacher that are among the ten nearest.
    """

    n: int
    pearson: float
    overlap: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted table and what it is worth.

    Attributes
    ----------
    table : bytes
        The file, as :class:`StaticEncoder` reads it.
    teacher : dict
        Name and digest.
    base : str
        Digest of the table that was fitted.
    n_fitted, n_held_out : int
        Prompts.
    ridge : float
        Of :data:`RIDGES`, what was chosen.
    before, after : Scores
        Of prompts that were held out and that word pieces carry; `after` with the table as it is saved.
    before_all, after_all : Scores
        The same of all that were held out. Those in scripts without word pieces stand where they stood, wherever the teacher would have them.
    """

    table: bytes
    teacher: dict[str, str]
    base: str
    n_fitted: int
    n_held_out: int
    ridge: float
    before: Scores
    after: Scores
    before_all: Scores
    after_all: Scores

    @property
    def is_better(self) -> bool:
        """Whether it is nearer to the teacher than before, by each score."""
        gain = self.after.pearson - self.before.pearson
        return gain >= LEAST_GAIN and self.after.overlap >= self.before.overlap and self.after_all.pearson >= self.before_all.pearson

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the encoder into `folder`, made with mode 0700 where missing; :func:`load` reads it.

        Raises
        ------
        ConfigError
            It is no better than the table it was made of, or the folder cannot be written.
        """
        if not self.is_better:
            raise ConfigError(f"the fitted encoder is no nearer to the teacher (Pearson {self.after.pearson:.3f} after {self.before.pearson:.3f}, overlap@10 "
                              f"{self.after.overlap:.3f} after {self.before.overlap:.3f}), so it is not saved; try a larger --sample or another teacher")
        about = {"schema": SCHEMA, "table": TABLE_FILE, "sha256": hashlib.sha256(self.table).hexdigest(), "teacher": self.teacher, "base": self.base,
                 "sample": {"fitted": self.n_fitted, "held_out": self.n_held_out}, "ridge": self.ridge,
                 "scores": {name: asdict(getattr(self, name)) for name in ("before", "after", "before_all", "after_all")}}
        target = check_folder(folder)
        try:
            target.mkdir(mode=0o700, parents=True, exist_ok=True)
            (target / ABOUT).unlink(missing_ok=True)  # a folder that has one is complete
            for name, content in ((TABLE_FILE, self.table), (ABOUT, (json.dumps(about, indent=1) + "\n").encode())):
                aside = target / f"{name}.partial"
                aside.write_bytes(content)
                os.replace(aside, target / name)
        except OSError as error:
            raise ConfigError(f"cannot write into {os.fspath(folder)!r}: {why(error)}") from None


def check_folder(folder: str | os.PathLike[str]) -> Path:
    """Return `folder`, or raise a ConfigError where an encoder cannot be saved there: before an hour of work, not after."""
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise ConfigError(f"--out {os.fspath(folder)!r} is a file; name a folder")
    if target.is_dir() and any(path.name.removesuffix(".partial") not in (ABOUT, TABLE_FILE) for path in target.iterdir()):
        raise ConfigError(f"--out {os.fspath(folder)!r} has other files in it; name an empty folder, or that of an encoder")
    existing = target.absolute()
    while not existing.exists():
        existing = existing.parent
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ConfigError(f"--out {os.fspath(folder)!r} cannot be written: no permission in {str(existing)!r}")
    return target


def is_calibrated(name: str | os.PathLike[str]) -> bool:
    """Say whether `name` is a folder that holds a calibrated encoder."""
    return (Path(name) / ABOUT).is_file()


def load(folder: str | os.PathLike[str], *, threads: int = 1) -> StaticEncoder:
    """Load a calibrated encoder.

    Parameters
    ----------
    folder : path
        What :meth:`Calibration.save` wrote.
    threads : int
        As for :class:`StaticEncoder`.

    Raises
    ------
    InputError
        The folder holds none, it is damaged, or the table is not the one that it describes.
    """
    path = Path(folder) / ABOUT
    try:
        with path.open("rb") as file:
            about = json.loads(file.read(_MOST_ABOUT))
        sha256 = about["sha256"]
        is_ours = about["schema"] == SCHEMA and isinstance(sha256, str) and len(sha256) == 64
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {why(error)}") from None
    except (ValueError, TypeError, KeyError, RecursionError):
        is_ours = False
    if not is_ours:
        raise InputError(f"{str(path)!r} does not describe an encoder of scheme {SCHEMA}")
    return StaticEncoder(Path(folder) / TABLE_FILE, sha256=sha256, name=os.fspath(folder), threads=threads)


def calibrate(texts: pa.LargeStringArray, teacher: Encoder, base: StaticEncoder, progress: Progress) -> Calibration:
    """Fit the table of `base` to what `teacher` says of `texts`.

    Parameters
    ----------
    texts : pyarrow.LargeStringArray
        Distinct prompts in random order. The first tenth, at most 2,000, is held out.
    teacher : Encoder
        Of any dimension.
    base : StaticEncoder
        What to begin with.
    progress : Progress

    Returns
    -------
    Calibration
        Not necessarily better; :meth:`Calibration.save` refuses one that is not.

    Raises
    ------
    InputError
        There are fewer than ``LEAST_SAMPLE`` texts, or the teacher has nothing to say.

    Notes
    -----
    About a minute for 20,000 prompts, beside what the teacher takes; memory grows with the distinct word pieces, about 6 kB each.
    """
    if len(texts) < LEAST_SAMPLE:
        raise InputError(f"there are {len(texts):,} distinct prompts, and fewer than {LEAST_SAMPLE:,} say too little to fit an encoder to")
    wanted = np.zeros((len(texts), teacher.dim), np.float32)
    with progress.stage("asking the teacher", total=len(texts)):
        for low in range(0, len(texts), _AT_ONCE):
            wanted[low : low + _AT_ONCE] = teacher.encode(texts.slice(low, _AT_ONCE))
            progress.advance(len(wanted[low : low + _AT_ONCE]))
    if not np.isfinite(wanted).all():
        raise InputError(f"the teacher {teacher.name!r} gives vectors that are no numbers")
    n_held_out = min(MOST_HELD_OUT, int(HELD_OUT * len(texts)))
    system = _System(texts, base)
    held_out, carried = np.arange(n_held_out), np.flatnonzero(system.is_carried)
    tested, fitted = np.split(carried, [np.searchsorted(carried, n_held_out)])
    if len(carried) < LEAST_SAMPLE // 2 or len(tested) <= _NEAREST:
        raise InputError(f"word pieces carry {len(carried):,} of {len(texts):,} prompts, too few to fit them to: the rest is in scripts that have none")
    with progress.stage("fitting", total=len(RIDGES) + 1):
        n_asked = min(MOST_HELD_OUT, int(HELD_OUT * len(fitted)))
        asked, others = fitted[:n_asked], fitted[n_asked:]
        tried = []
        for ridge in RIDGES:
            table = system.fit(wanted, others, ridge)
            tried.append((compare(StaticEncoder(table).encode(_of(texts, asked)), wanted[asked]).pearson, ridge))
            progress.advance()
        ridge = max(tried)[1]
        table = system.fit(wanted, fitted, ridge)
        progress.advance()
    old, new = (encoder.encode(_of(texts, held_out)) for encoder in (base, StaticEncoder(table)))
    scores = [compare(vectors[some], wanted[some]) for some in (tested, held_out) for vectors in (old, new)]
    return Calibration(table, {"name": teacher.name, "digest": teacher.digest}, base.digest, len(fitted), n_held_out, ridge, *scores)


def compare(vectors: npt.NDArray[np.float32], teacher: npt.NDArray[np.float32]) -> Scores:
    """Say how near vectors of some texts come to the teacher's of the same texts."""
    ours, theirs = (_centred(v, v.mean(0)) for v in (vectors, teacher))
    ours, theirs = ours @ ours.T, theirs @ theirs.T
    above = np.triu_indices(len(ours), 1)
    a, b = ours[above].astype(np.float64), theirs[above].astype(np.float64)
    if not b.std() > 1e-6:
        raise InputError("to the teacher all prompts are the same, so there is nothing to fit to")
    pearson = float(((a - a.mean()) * (b - b.mean())).mean() / max(a.std() * b.std(), 1e-12))
    shared = sum(len(set(mine) & set(its)) for mine, its in zip(_nearest(ours), _nearest(theirs), strict=True))
    return Scores(len(ours), pearson, shared / (len(ours) * _NEAREST))


def _nearest(similarity: npt.NDArray[np.float32]) -> list[list[int]]:
    np.fill_diagonal(similarity, -np.inf)
    nearest: list[list[int]] = np.argpartition(-similarity, _NEAREST, axis=1)[:, :_NEAREST].tolist()
    return nearest


def _centred(vectors: npt.NDArray[np.float32], mean: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    unit: npt.NDArray[np.float32] = vectors - mean
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-9)
    return unit


def _of(texts: pa.LargeStringArray, some: npt.NDArray[np.int64]) -> pa.LargeStringArray:
    return texts.take(some)


class _System:
    """Texts as sums of rows, ``counts @ rows + fixed``, in units of the median length of a sum; `fixed` is what comes from n-grams."""

    def __init__(self, texts: pa.LargeStringArray, base: StaticEncoder) -> None:
        from scipy.sparse import csr_matrix

        sums, counts, numbers = base.sums(texts)
        lengths = np.linalg.norm(sums.astype(np.float64), axis=1)
        self._base, self._unit = base, max(float(np.median(lengths)), 1.0)
        self._rows = base.arrays["rows"] * (base.arrays["weights"] / self._unit).astype(np.float32)[:, None]
        self._used, column = np.unique(numbers, return_inverse=True)
        starts = np.concatenate([[0], np.cumsum(counts)])
        self._counts: csr_matrix = csr_matrix((np.ones(len(numbers), np.float32), column, starts), (len(sums), len(self._used)))
        self._counts.sum_duplicates()
        sums = (sums / self._unit).astype(np.float32)
        self._fixed = sums - self._counts @ self._rows[self._used]
        length = np.linalg.norm(sums, axis=1)
        self.is_carried = (np.linalg.norm(self._fixed, axis=1) < CARRIED * length) & (length > 0)

    def fit(self, wanted: npt.NDArray[np.float32], some: npt.NDArray[np.int64], ridge: float) -> bytes:
        """Return the table whose vectors of `some` texts are near to the wanted ones."""
        counts, fixed, rows = self._counts[some], self._fixed[some], self._rows
        lengths, pieces = self._lengths(counts, fixed, rows)
        target = _turned(wanted[some], (pieces + fixed) / lengths)
        features = pieces / lengths
        grown = features.T @ features + MAP_RIDGE * np.eye(rows.shape[1], dtype=np.float32)
        rows = rows + rows @ np.linalg.solve(grown, features.T @ (target - features - fixed / lengths)).astype(np.float32)
        lengths, pieces = self._lengths(counts, fixed, rows)
        scaled = counts.multiply(1 / lengths).tocsr()
        rows[self._used] += _ridge(scaled, target - (pieces + fixed) / lengths, ridge)
        return self._table(rows)

    def _lengths(self, counts: Any, fixed: npt.NDArray[np.float32],
                 rows: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the length of each text's sum, as a column, and the part of the sum that comes from word pieces."""
        pieces: npt.NDArray[np.float32] = counts @ rows[self._used]
        return np.maximum(np.linalg.norm(pieces + fixed, axis=1, keepdims=True), 1e-6), pieces

    def _table(self, rows: npt.NDArray[np.float32]) -> bytes:
        gram = int(self._base.arrays["gram_weight"][0]) / self._unit
        values, weights, unit = quantise(rows, gram / MAX_WEIGHT)
        arrays: dict[str, Any] = {"rows": values, "weights": weights, "gram_weight": np.array([max(1, round(gram / unit))], np.int32)}
        file = io.BytesIO()
        np.savez(file, **(self._base.arrays | arrays))
        return file.getvalue()


def _turned(teacher: npt.NDArray[np.float32], ours: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the teacher's centred vectors in the space of ours: reduced, rotated to fit best, as long on average, and with our mean."""
    mean = ours.mean(0)
    away, told = ours - mean, _centred(teacher, teacher.mean(0))
    _, axes = np.linalg.eigh((told.T @ told).astype(np.float64))
    told = told @ axes[:, ::-1][:, : ours.shape[1]].astype(np.float32)
    left, _, right = np.linalg.svd((told.T @ _centred(ours, mean)).astype(np.float64), full_matrices=False)
    told = told @ (left @ right).astype(np.float32)
    turned: npt.NDArray[np.float32] = told * (np.linalg.norm(away) / max(float(np.linalg.norm(told)), 1e-9)) + mean
    return turned


def _ridge(features: Any, wanted: npt.NDArray[np.float32], ridge: float) -> npt.NDArray[np.float32]:
    """Solve ``(X'X + ridge) D = X'Y`` for all columns at once, by conjugate gradients with the diagonal as preconditioner."""
    across = features.T.tocsr()
    diagonal = np.asarray(features.multiply(features).sum(0)).ravel() + ridge
    inverse = (1 / diagonal).astype(np.float32)[:, None]
    residual = across @ wanted
    found: npt.NDArray[np.float32] = np.zeros_like(residual)
    start = float(np.linalg.norm(residual))
    step = direction = inverse * residual
    size = (residual * step).sum(0)
    for _ in range(_MOST_STEPS):
        if np.linalg.norm(residual) <= _TOLERANCE * start:
            break
        image = across @ (features @ direction) + np.float32(ridge) * direction
        along = size / np.maximum((direction * image).sum(0), 1e-30)
        found = found + along * direction
        residual = residual - along * image
        step = inverse * residual
        size, before = (residual * step).sum(0), size
        direction = step + size / np.maximum(before, 1e-30) * direction
    return found
