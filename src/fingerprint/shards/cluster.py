"""A Ray cluster as executor: its tasks, and its actors where texts are to be encoded on GPUs. Nothing else of Ray is used."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .. import __version__
from ..columns import text_arrays
from ..encoders import Encoder, get_encoder
from ..encoders.transformer import TransformerEncoder
from ..errors import BackendUnavailable, ConfigError, FingerprintError
from ..keys import Key
from . import worker
from .executors import Executor, Order, Outcome

RETRIES = 3  # of a task whose worker died
AHEAD = 2  # tasks that are handed over for each CPU, so that none waits for the next
STORE_BYTES = 256 << 20  # of the object store of a cluster that is started here: orders and results are small
TEXTS_AT_ONCE = 2048  # that an actor encodes: always the same ones together, however many actors there are


class Cluster(Executor):
    """Runs orders as Ray tasks, a CPU each.

    Parameters
    ----------
    jobs : int
        CPUs of a cluster that is started here.
    key : Key
        Stays here: a worker loads its own key file.
    threads : int
        Of a worker.
    address : str, optional
        Of a cluster that runs already.

    Raises
    ------
    BackendUnavailable
        Ray is not installed.
    ConfigError
        There is no cluster at the address.

    Notes
    -----
    A cluster that this process is connected to already is used, and left as it is. One that is started here reports to nobody (no usage statistics).
    """

    name, is_here = "ray", False

    def __init__(self, jobs: int, key: Key, threads: int, address: str | None = None) -> None:
        super().__init__(key, threads)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError:
            raise BackendUnavailable("Ray is not installed; pip install 'prompt-fingerprint[ray]'") from None
        self._ray: Any = ray
        self._is_ours = not ray.is_initialized()
        if self._is_ours:
            own = {"address": address} if address else {"address": "local", "num_cpus": jobs, "include_dashboard": False, "object_store_memory": STORE_BYTES}
            try:
                ray.init(log_to_driver=False, logging_level=logging.WARNING, **own)
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise ConfigError(f"there is no Ray cluster at {address!r}: {str(error)[:200]}; start one (ray start --head), or leave out --address") from None
        self.n_workers = max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def start(self) -> None:
        """See :meth:`Executor.start`."""
        ready = self._ray.remote(worker.ready).options(num_cpus=1)
        self._ray.wait([ready.remote() for _ in range(self.n_workers)], num_returns=self.n_workers)

    def run(self, orders: Sequence[Order]) -> Iterator[Outcome]:
        """See :meth:`Executor.run`."""
        ray = self._ray
        remote = ray.remote(worker.run).options(num_cpus=1, max_retries=RETRIES)
        running: dict[Any, int] = {}
        at = 0
        try:
            while at < len(orders) or running:
                while at < len(orders) and len(running) < AHEAD * self.n_workers:
                    running[remote.remote(dict(orders[at]))] = at
                    at += 1
                done, _ = ray.wait(list(running), num_returns=1)
                for one in done:
                    yield running.pop(one), self._result(one)
        finally:
            for one in running:
                ray.cancel(one, force=True)

    def _result(self, reference: Any) -> dict[str, Any] | Exception:
        errors = self._ray.exceptions
        try:
            result: dict[str, Any] = self._ray.get(reference)
            return result
        except errors.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, FingerprintError | OSError) and not isinstance(cause, ConfigError):
                return cause
            raise cause from None
        except errors.RayError as error:  # the worker, or its machine, was lost again and again
            return FingerprintError(f"the worker that did it was lost, {RETRIES + 1} times: {type(error).__name__}")

    def encoder(self, own: Encoder) -> Encoder:
        """See :meth:`Executor.encoder`: the GPUs of the cluster, where there are any, encode for a model."""
        n_gpus = int(self._ray.cluster_resources().get("GPU", 0))
        return Pooled(own, self._ray, n_gpus) if n_gpus and isinstance(own, TransformerEncoder) else own

    def close(self) -> None:
        """See :meth:`Executor.close`."""
        if self._is_ours:
            self._ray.shutdown()


class Pooled:
    """An encoder whose texts are encoded by actors, a GPU each. They get the texts through Ray's object store.

    Parameters
    ----------
    own : TransformerEncoder
        The same model in this process.
    ray : module
    n_actors : int

    Notes
    -----
    Texts are handed over in parts that do not depend on the number of actors, and neither do their vectors. An actor that dies is started anew.
    """

    def __init__(self, own: TransformerEncoder, ray: Any, n_actors: int) -> None:
        self._ray, self.name, self.dim, self.digest = ray, own.name, own.dim, own.digest
        actor = ray.remote(Encoding).options(num_gpus=1, num_cpus=0, max_restarts=RETRIES, max_task_retries=RETRIES)
        self._actors = [actor.remote(__version__, own.name, own.digest) for _ in range(n_actors)]
        self.device: str = ray.get([one.device.remote() for one in self._actors])[0]

    def encode(self, column: Any) -> npt.NDArray[np.float32]:
        """See :class:`fingerprint.encoders.base.Encoder`."""
        from ray.util import ActorPool

        texts = pa.concat_arrays([pa.array([], pa.large_string()), *(part.cast(pa.large_string()) for part in text_arrays(column))])
        parts = [texts.slice(low, TEXTS_AT_ONCE) for low in range(0, len(texts), TEXTS_AT_ONCE)]
        made = ActorPool(self._actors).map(lambda actor, part: actor.encode.remote(part.to_pylist()), parts)
        return np.concatenate([np.zeros((0, self.dim), np.float32), *made])


class Encoding:
    """A model in an actor.

    Raises
    ------
    ConfigError
        This worker has another version, or another model of that name: it is refused.
    """

    def __init__(self, version: str, name: str, digest: str) -> None:
        if version != __version__:
            raise ConfigError(f"a worker has version {__version__}, and the scan has {version}: install the same version of prompt-fingerprint everywhere")
        self._encoder = get_encoder(name)
        if self._encoder.digest != digest:
            raise ConfigError(f"a worker has another model {name!r} than the scan: its digest is {self._encoder.digest[:16]}, here it is {digest[:16]}")

    def device(self) -> str:
        """Return where the model runs."""
        return self._encoder.device

    def encode(self, texts: list[str | None]) -> npt.NDArray[np.float32]:
        """Return the vectors of texts."""
        return self._encoder.encode(texts)
