"""A Ray cluster of several nodes and worker processes, on this machine: it says what one process says, and lets nobody work who would say something else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from encoder_fixture import model_folder
from shards_fixture import CONFIG, KEY, SITE, digest, in_files, plain

import fingerprint as fp
from fingerprint.cli import main
from fingerprint.encoders.transformer import TransformerEncoder
from fingerprint.errors import ConfigError, InputError
from fingerprint.ingest import ingest
from fingerprint.progress import Progress, Stopwatch
from fingerprint.readers import extents, read_events
from fingerprint.shards import gathering
from fingerprint.shards.executors import executor_of
from fingerprint.shards.gathering import Gathering
from fingerprint.shards.job import Job

ray = pytest.importorskip("ray", reason="needs the ray extra")
pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.filterwarnings("ignore::DeprecationWarning"),
              pytest.mark.filterwarnings("ignore::FutureWarning"), pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]
JOB = Job.of(CONFIG.sketch, KEY)


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return in_files(tmp_path_factory.mktemp("dumps"))


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("key") / "key"
    KEY.save(path)
    return str(path)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extents, "SHARD_ROWS", 400)
    monkeypatch.setattr(extents, "SHARD_BYTES", 60_000)
    monkeypatch.setattr(gathering, "TEXTS_PER_PART", 1500)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Four nodes of one CPU each, one of which says that it has two GPUs; a worker ends when it is told to by a file."""
    from ray.cluster_utils import Cluster

    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(SITE, "utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(Path(fp.__file__).parent.parent)]))
        patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patched.setenv("KILLED_AT", "killed/shard-000002.shard")
        patched.setenv("KILLED", str(folder / "killed"))
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "num_gpus": 0, "include_dashboard": False, "object_store_memory": 100 << 20})
        made.add_node(num_cpus=1, num_gpus=2, object_store_memory=100 << 20)
        for _ in range(2):
            made.add_node(num_cpus=1, num_gpus=0, object_store_memory=100 << 20)
        made.wait_for_nodes()
        yield made.address
        ray.shutdown()
        made.shutdown()


def gathered(dumps: list[str], folder: Path, key_file: str, **options: Any) -> gathering.Gathered:
    with executor_of("ray", key=KEY, **{"jobs": 1, **options}) as executor:
        return Gathering(str(folder), CONFIG, KEY, JOB, executor, Stopwatch(Progress()), key_file).gather(read_events(dumps).divided())


def test_a_cluster_of_four_says_what_one_process_says(cluster: str, dumps: list[str], key_file: str, tmp_path: Path) -> None:
    wanted = fp.scan(dumps, config=CONFIG, key=KEY)
    found = fp.scan(dumps, config=CONFIG, key=KEY, engine="ray", address=cluster, state=tmp_path / "s", key_file=key_file)
    assert digest(found) == digest(wanted) and found.campaigns
    assert found.manifest["engine"]["name"] == "ray" and found.manifest["engine"]["workers"] == 4 and found.manifest["engine"]["shards"] > 6
    assert not ray.is_initialized(), "a connection that the scan has made is closed again"


def test_workers_find_what_is_named_from_where_the_scan_was_called(cluster: str, dumps: list[str], key_file: str, tmp_path: Path,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes were started elsewhere."""
    monkeypatch.setattr("fingerprint.pipeline.prepare", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for path in [*dumps, key_file]:
        shutil.copy(path, tmp_path / ("in" if path != key_file else ""))
    found = fp.scan("in", config=CONFIG, key=KEY, engine="ray", address=cluster, state="s", key_file="key", history="in/0.parquet")
    wanted = fp.scan("in", config=CONFIG, key=KEY, history="in/0.parquet")
    assert not found.manifest["missing"] and digest(found) == digest(wanted) and found.manifest["inputs"][0] == "in/0.parquet"
    assert found.manifest["history"] == wanted.manifest["history"]


def test_a_folder_that_is_not_shared_is_told(cluster: str, dumps: list[str], key_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = gathering.places.look
    monkeypatch.setattr(gathering.places, "look", lambda place: None if "shard-" in place else real(place))
    with pytest.raises(ConfigError, match="name an --out that all machines reach"):
        gathered(dumps, tmp_path / "s", key_file, address=cluster)


def test_a_worker_that_is_killed_changes_nothing(cluster: str, dumps: list[str], key_file: str, tmp_path: Path) -> None:
    found = gathered(dumps, tmp_path / "killed", key_file, address=cluster)
    marks = [path for path in (tmp_path / "killed").iterdir() if path.name.endswith(".partial")]
    assert len(marks) == 1 and marks[0].name.startswith("shard-000002"), "it was killed before its file had a name"
    assert not found.missing and plain(found.traffic) == plain(ingest(read_events(dumps), CONFIG, KEY, Stopwatch(Progress())))


def test_a_worker_with_another_key_is_refused(cluster: str, dumps: list[str], tmp_path: Path) -> None:
    (tmp_path / "other").write_text("11" * 16, "ascii")
    with pytest.raises(ConfigError, match=f"the scan has {KEY.key_id}"):
        gathered(dumps, tmp_path / "s", str(tmp_path / "other"), address=cluster)
    with pytest.raises(ConfigError, match="cannot be read"):
        gathered(dumps, tmp_path / "s", str(tmp_path / "none"), address=cluster)


def test_a_worker_of_another_version_is_refused(cluster: str, dumps: list[str], key_file: str, tmp_path: Path) -> None:
    """The workers of this connection have a copy of the package that says that it is another version."""
    shutil.copytree(Path(fp.__file__).parent, tmp_path / "old" / "fingerprint", ignore=shutil.ignore_patterns("__pycache__"))
    init = tmp_path / "old" / "fingerprint" / "__init__.py"
    init.write_text(init.read_text("utf-8").replace(f'__version__ = "{fp.__version__}"', '__version__ = "0.0.9"'), "utf-8")
    ray.init(address=cluster, runtime_env={"env_vars": {"PYTHONPATH": str(tmp_path / "old")}}, log_to_driver=False)
    try:
        with pytest.raises(ConfigError, match=r"a worker has version 0\.0\.9"):
            gathered(dumps, tmp_path / "s", key_file)
        assert ray.is_initialized(), "a connection of somebody else stays"
    finally:
        ray.shutdown()
    assert not list((tmp_path / "s").glob("shard-*"))


def test_lost_inputs_are_named_and_the_exit_code_says_so(cluster: str, dumps: list[str], key_file: str, tmp_path: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    real = extents.divide

    def divide(*given: Any) -> Any:
        shards = real(*given)
        Path(own[1]).unlink()  # between two looks at it
        return shards

    own = [shutil.copy(path, tmp_path) for path in dumps]
    monkeypatch.setattr("fingerprint.readers.divide", divide)
    result = CliRunner().invoke(main, ["scan", *own, "--out", str(tmp_path / "out"), "--engine", "ray", "--address", cluster, "--key-file", key_file,
                                       "--no-controls", "--threads", "1"])
    assert result.exit_code == 3 and "missing is shard" in result.stderr and "1.parquet" in result.stderr, result.output
    found = fp.load_scan(tmp_path / "out")
    assert found.manifest["missing"] and "of the input could not be read" in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert not (tmp_path / "out.state").exists()


def test_there_is_no_cluster(dumps: list[str], key_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**_: Any) -> None:
        raise ConnectionError("nobody answers")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(ConfigError, match=r"there is no Ray cluster at '127\.0\.0\.1:1'"):
        gathered(dumps, tmp_path / "s", key_file, address="127.0.0.1:1")


def test_a_cluster_of_one_that_is_started_for_the_scan(dumps: list[str], key_file: str, tmp_path: Path) -> None:
    """In a process of its own, as the command line does it."""
    out = tmp_path / "out"
    subprocess.run([sys.executable, "-m", "fingerprint", "scan", *dumps, "--out", str(out), "--engine", "ray", "--jobs", "1", "--key-file", key_file,
                    "--no-controls", "--threads", "1"], check=True, stdout=subprocess.DEVNULL, timeout=120)
    found = fp.load_scan(out)
    tables = ("accounts", "clusters", "prompts", "topics")
    assert digest(found, tables) == digest(fp.scan(dumps, config=CONFIG, key=KEY), tables)


def test_models_run_in_actors_with_a_gpu_each(cluster: str) -> None:
    """The GPUs are those that a node says it has; the actors find none and run the model on their CPU."""
    own = TransformerEncoder(str(model_folder()), device="cpu")
    texts = [f"what is {i} + {i}?" for i in range(5000)] + ["", "tell me a joke"]
    with executor_of("ray", 1, KEY, address=cluster) as executor:
        pooled = executor.encoder(own)
        assert pooled is not own and pooled.digest == own.digest and pooled.dim == own.dim
        some = [*texts[:40], *texts[-2:]]
        made = pooled.encode(some)
        assert np.abs(made - own.encode(some)).max() < 1e-5 and pooled.encode([]).shape == (0, own.dim)


def test_what_an_order_of_steps_cannot_do_without_is_an_error(cluster: str, dumps: list[str], key_file: str, tmp_path: Path) -> None:
    with executor_of("ray", 1, KEY, address=cluster) as executor, pytest.raises(InputError):
        Gathering(str(tmp_path / "s"), CONFIG, KEY, JOB, executor, Stopwatch(Progress()), key_file).put_together([str(tmp_path / "none")], [])
