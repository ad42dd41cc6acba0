"""FAISS indexes behind a search: made, emptied, read and checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from .errors import InputError

CELL_GRID = np.float32(2048)
NPROBE, REFINE = 16, 6  # cells searched, and how many times too many neighbours come from the codes before the vectors themselves decide
MANY = 300_000  # vectors from which there are fewer cells in proportion
PER_CELL = 40  # vectors of a cell on which codes are trained
ARRAYS = {"n_rows": np.int64, "rows": np.int64, "live": np.bool_, "times": np.int64}  # what is known of the vectors of a saved index


class Storage:
    """The memory of a FAISS index as an array; the array keeps this object, and this object the index."""

    def __init__(self, store: Any, dim: int, kind: str = "<f4") -> None:
        self.store = store
        address = int(store.get_xb() if kind == "<f4" else store.codes.data())
        self.__array_interface__ = {"data": (address, True), "shape": (store.ntotal, dim), "typestr": kind, "version": 3}


def n_cells(n: int) -> int:
    """Return the number of cells for n vectors: ``4 sqrt(n)``, and down to half of that where finding the cells would cost more than the rest."""
    return max(1, int(min(4.0, max(2.0, 4.0 * np.sqrt(MANY / max(n, 1)))) * np.sqrt(n)))


def sample_size(n: int) -> int:
    """Return how many of n vectors the codes want to be trained on."""
    return max(1, min(n, n_cells(n) * PER_CELL))


def inverted_file(n: int, sample: npt.NDArray[np.float32]) -> Any:
    """Return trained product-quantiser codes in an inverted file, for n vectors."""
    import faiss

    dim = sample.shape[1]
    codes = faiss.IndexIVFPQFastScan(faiss.IndexFlatIP(dim), dim, n_cells(n), dim // 2 if dim % 2 == 0 else dim, 4, faiss.METRIC_INNER_PRODUCT)
    codes.by_residual = False  # one table of products serves all cells
    codes.nprobe = NPROBE
    codes.cp.seed, codes.cp.niter, codes.cp.spherical = 1, 5, True  # spherical: no cell that half of the queries visit
    codes.train(np.ascontiguousarray(sample))
    _round(codes.quantizer)
    return codes


def _round(quantizer: Any) -> None:
    """Round the centres of cells, so that with vectors on such a grid too, which cells are nearest depends on nothing but vector and centres."""
    import faiss

    centres = faiss.downcast_index(quantizer)
    rounded = np.rint(np.asarray(Storage(centres, centres.d)) * CELL_GRID) / CELL_GRID
    centres.reset()
    centres.add(rounded)


def cells_of(codes: Any, vectors: npt.NDArray[np.float32]) -> Any:
    """Return an inverted file of vectors, in half precision, over the cells of another, which must live as long."""
    import faiss

    made = faiss.IndexIVFScalarQuantizer(codes.quantizer, codes.d, codes.nlist, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT, False)
    made.nprobe, made.is_trained = codes.nprobe, True  # half precision needs no training
    made.add(np.ascontiguousarray(vectors))
    return made


def scalars(dim: int, n: int, sample: npt.NDArray[np.float32] | None) -> Any:
    """Return an empty store for n vectors: half precision, or with `sample` a byte a dimension between the extremes that it has."""
    import faiss

    kind = faiss.ScalarQuantizer.QT_fp16 if sample is None else faiss.ScalarQuantizer.QT_8bit
    store = faiss.IndexScalarQuantizer(dim, kind, faiss.METRIC_INNER_PRODUCT)
    if sample is not None:
        store.train(np.ascontiguousarray(sample))
    return _with_room(store, n)


def _with_room(store: Any, n: int) -> Any:
    store.codes.resize(n * store.code_size)  # so that it never grows by copying
    store.codes.resize(0)
    return store


def trained(store: Any) -> npt.NDArray[np.float32]:
    """Return least value and width of each dimension of a store of bytes, float32[2 * dim]."""
    import faiss

    return np.asarray(faiss.vector_to_array(store.sq.trained), np.float32)


def like(store: Any, n: int) -> Any:
    """Return an empty store of the same kind with room for n vectors."""
    import faiss

    if isinstance(store, faiss.IndexFlatIP):
        return _with_room(faiss.IndexFlatIP(store.d), n)
    made = faiss.IndexScalarQuantizer(store.d, store.sq.qtype, faiss.METRIC_INNER_PRODUCT)
    made.sq, made.is_trained = store.sq, True
    return _with_room(made, n)


def probing(n_cells: int) -> Any:
    """Return search parameters that look into so many cells."""
    import faiss

    cells: Any = faiss.SearchParametersIVF()
    cells.nprobe = n_cells
    made: Any = faiss.IndexRefineSearchParameters()
    made.k_factor, made.base_index_params, made.cells = REFINE, cells, cells  # the last keeps it alive
    return made


def emptied(codes: Any) -> Any:
    """Return the trained codes without vectors, in memory of their own; those given are empty afterwards."""
    import faiss

    codes.reset()
    return faiss.deserialize_index(faiss.serialize_index(codes))


def read(coded: Path, stored: Path, about: Path) -> tuple[Any, Any, dict[str, npt.NDArray[Any]]]:
    """Read a saved index as (codes or None, store, arrays by name).

    Raises
    ------
    InputError
        The files are not there, or do not agree.
    """
    import faiss

    for path in (coded, stored, about):
        if not path.is_file():
            raise InputError(f"{path.name} is missing")
    try:
        with open(about, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ARRAYS}
        codes: Any = faiss.read_index(str(coded))
        store: Any = faiss.read_index(str(stored))
    except (OSError, BadZipFile, KeyError, ValueError, EOFError, RuntimeError, MemoryError):
        raise InputError(f"{coded.name}, {stored.name} or {about.name} is damaged, or not of saved vectors") from None
    codes = None if type(codes) is faiss.IndexFlatIP and codes.d == store.d and not codes.ntotal else codes
    if not (_is_known(codes, store) and _agree(codes, store, arrays)):
        raise InputError(f"{coded.name}, {stored.name} and {about.name} do not hold one index of vectors")
    if codes is not None:
        codes.nprobe = NPROBE
    return codes, store, arrays


def _is_known(codes: Any, store: Any) -> bool:
    """Whether these are what :class:`fingerprint.vectors.VectorIndex` makes, in sizes that fit each other."""
    import faiss

    if codes is None:
        return type(store) is faiss.IndexFlatIP and store.codes.size() == store.ntotal * store.d * 4
    if type(codes) is not faiss.IndexIVFPQFastScan or type(store) is not faiss.IndexScalarQuantizer:
        return False
    known = {faiss.ScalarQuantizer.QT_fp16: (2, 0), faiss.ScalarQuantizer.QT_8bit: (1, 2)}
    size, n_trained = known.get(store.sq.qtype, (0, 0))
    cells: Any = faiss.downcast_index(codes.quantizer)
    lists: Any = codes.invlists
    return (store.is_trained and codes.is_trained and store.d == codes.d == codes.pq.d == cells.d and type(cells) is faiss.IndexFlatIP
            and size * store.d == store.code_size and store.codes.size() == store.ntotal * store.code_size and store.sq.trained.size() == n_trained * store.d
            and codes.metric_type == store.metric_type == faiss.METRIC_INNER_PRODUCT and not codes.by_residual
            and codes.nlist == cells.ntotal == lists.nlist and codes.M == codes.pq.M and codes.pq.nbits == 4)


def _agree(codes: Any, store: Any, arrays: dict[str, npt.NDArray[Any]]) -> bool:
    """Whether the arrays are of these vectors, and the codes lead to those that are live and nowhere else."""
    import faiss

    n, rows, live, times = int(store.ntotal), arrays["rows"], arrays["live"], arrays["times"]
    if any(array.dtype != ARRAYS[name] or array.ndim != 1 for name, array in arrays.items()) or len(arrays["n_rows"]) != 1:
        return False
    if not len(rows) == len(live) == n or len(times) not in (0, n) or (np.diff(rows, prepend=-1) <= 0).any():
        return False
    if rows.max(initial=-1) >= arrays["n_rows"][0]:
        return False
    if codes is None:
        return bool(live.all())
    coded = np.zeros(n, bool)
    for cell in range(codes.nlist):
        if size := codes.invlists.list_size(cell):
            places = faiss.rev_swig_ptr(codes.invlists.get_ids(cell), size)
            if places.min() < 0 or places.max() >= n:
                return False
            coded[places] = True
    return bool(codes.ntotal == n and (coded == live).all())


@contextmanager
def omp(threads: int | None) -> Iterator[None]:
    """Set the OpenMP threads of FAISS, which are those of the process, and restore them."""
    import faiss

    before = faiss.omp_get_max_threads()
    if threads:
        faiss.omp_set_num_threads(threads)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
