"""Runs on the workers of a scheduler of Dask's: the same records as in one process, whatever becomes of the workers."""

import importlib.util
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import Experiment
from autodiff.experiment.errors import InputError, RunError
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.runs.machine import versions
from autodiff.experiment.runs.record import read_record
from autodiff.experiment.runs.run import Options, Outcome
from autodiff.experiment.studies import cluster
from autodiff.experiment.studies.cluster import Cluster, check_scheduler
from autodiff.experiment.studies.cluster_worker import check
from autodiff.experiment.studies.here import Here
from tests.experiment.studies.dask_cluster import DaskCluster, dask_cluster, when

KEPT = ("config.yaml", "log.csv", "model.safetensors", "frames.safetensors", "boundary.png")
ENDLESS = 1_000_000  # epochs that no test waits for

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes")


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path) as found:
        yield found


def experiment(name: str, epochs: int = 20, **fields: Any) -> Experiment:
    fields = {"activation": "relu", "optimizer": "adam", "learning_rate": 0.01, "hidden": [5], "frames": 4} | fields
    return Experiment(name, Config.model_validate(fields | {"epochs": epochs, "dataset": {"points_per_class": 10}}))


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in KEPT}


def on(scheduler: str, interrupts: Interrupts | None = None, *, any_version: bool = False) -> Cluster:
    return Cluster(scheduler, 2, interrupts or Interrupts(), visible=False, any_version=any_version)


def test_a_worker_is_killed_and_all_records_are_those_of_one_process(dask: DaskCluster, tmp_path: Path) -> None:
    experiments = [experiment(str(seed), seed=seed, batch_size=7) for seed in range(24)]
    dask.scheduler()
    first, second = dask.worker("--no-nanny"), dask.worker("--no-nanny")
    outcomes: list[Outcome] = []
    for outcome in on(dask.address).outcomes(experiments, Options(tmp_path / "cluster", animate=False, width=400)):
        outcomes.append(outcome)
        if len(outcomes) == 3:
            first.kill()
    assert sorted(outcome.experiment.name for outcome in outcomes) == sorted(run.name for run in experiments)
    assert {outcome.error for outcome in outcomes} == {""}
    assert second.pid in {read_record(outcome.folder).summary["process"] for outcome in outcomes}
    for outcome in Here(Interrupts(), visible=False).outcomes(
        experiments, Options(tmp_path / "here", animate=False, width=400)
    ):
        there = tmp_path / "cluster" / outcome.experiment.name
        assert files(outcome.folder) == files(there)
        for same in ("config", "final", "command", "versions", "name"):
            assert read_record(there).summary[same] == outcome.summary[same]
    assert [path.name for path in (tmp_path / "cluster").iterdir() if path.name.startswith(".")] == []


def test_the_scheduler_is_killed_and_what_was_finished_is_kept(dask: DaskCluster, tmp_path: Path) -> None:
    experiments = [experiment(str(seed), seed=seed) for seed in range(12)]
    scheduler, options = dask.scheduler(), Options(tmp_path / "results", animate=False, width=400)
    dask.worker("--no-nanny")
    found: list[Outcome] = []

    def lose_the_scheduler() -> None:
        for outcome in on(dask.address).outcomes(experiments, options):
            found.append(outcome)
            scheduler.kill()
            scheduler.wait()

    with pytest.raises(RunError, match=f"{dask.address}: the scheduler is gone; .* of 12 runs .* --resume goes on"):
        lose_the_scheduler()
    assert 0 < len(found) < 12
    written = {path.name: files(path) for path in (tmp_path / "results").iterdir()}
    assert sorted(written) == sorted(outcome.experiment.name for outcome in found)
    options = Options(tmp_path / "results", animate=False, resume=True)
    resumed = {outcome.experiment.name: outcome for outcome in on("local").outcomes(experiments, options)}
    assert len(resumed) == 12
    assert {name for name, outcome in resumed.items() if outcome.was_done} == set(written)
    assert {name: files(tmp_path / "results" / name) for name in written} == written


def test_a_run_that_kills_its_workers_has_failed_and_the_others_finish(dask: DaskCluster, tmp_path: Path) -> None:
    (tmp_path / "deadly.py").write_text(
        "import os\n"
        "from autodiff.experiment.runs.run import run as train\n"
        "from autodiff.experiment.studies import cluster_worker\n"
        "def run(experiment, *others):\n"
        "    if experiment.name == 'deadly':\n"
        "        os.kill(os.getpid(), 9)\n"
        "    return train(experiment, *others)\n"
        "cluster_worker.run = run\n"
    )
    dask.scheduler(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
    for _ in range(3):  # it kills one when others may be to blame, and one when it is alone
        dask.worker("--no-nanny", "--preload", str(tmp_path / "deadly.py"))
    experiments = [experiment(name) for name in ("deadly", "one", "two")]
    outcomes = on(dask.address).outcomes(experiments, Options(tmp_path / "results", animate=False, width=400))
    found = {outcome.experiment.name: outcome for outcome in outcomes}
    assert "deadly: failed: its worker was killed 1 time" in found.pop("deadly").error
    assert {name: outcome.error for name, outcome in found.items()} == {"one": "", "two": ""}


def test_asked_to_stop_it_keeps_what_the_runs_under_way_have_reached(dask: DaskCluster, tmp_path: Path) -> None:
    experiments = [experiment(name, ENDLESS) for name in ("one", "two")]

    def stopped_when(file: str, text: str, resume: bool) -> Outcome:
        """Stop as soon as a file of the first run, on its worker, holds a text; return what the run came to."""
        interrupts = Interrupts()

        def holds_it() -> bool:
            with suppress(FileNotFoundError):  # it was just being replaced
                paths = tmp_path.glob(f"dask-scratch-space/*/*/.running/one/{file}")
                return any(text.encode() in path.read_bytes() for path in paths)
            return False

        thread = when(holds_it, lambda: setattr(interrupts, "asked", True))
        options = Options(tmp_path / "results", animate=False, resume=resume)
        [outcome] = on(dask.address, interrupts).outcomes(experiments, options)
        thread.join()
        return outcome

    dask.scheduler()
    dask.worker("--no-nanny")
    outcome = stopped_when("checkpoint.safetensors", "", resume=False)
    assert outcome.status == "interrupted"
    assert read_record(tmp_path / "results" / "one").status == "interrupted"
    assert outcome.folder == tmp_path / "results" / "one"
    reached = outcome.summary["final"]["epoch"]
    assert reached > 0
    outcome = stopped_when("summary.json", f'"resumed_from_epoch": {reached + 1}', resume=True)
    assert outcome.summary["final"]["epoch"] >= outcome.summary["resumed_from_epoch"] == reached + 1


def test_other_versions_are_refused_or_recorded(
    dask: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "path" / "numpy-1.2.3.dist-info").mkdir(parents=True)
    (tmp_path / "path" / "numpy-1.2.3.dist-info" / "METADATA").write_text("Name: numpy\nVersion: 1.2.3\n")
    dask.scheduler()
    root = os.fspath(Path(cluster.__file__).parents[3])
    dask.worker("--no-nanny", PYTHONPATH=os.pathsep.join([os.fspath(tmp_path / "path"), root]))
    options = Options(tmp_path / "results", animate=False, width=400)
    with pytest.MonkeyPatch.context() as patch:  # as if it had joined later: its task refuses
        patch.setattr(cluster._Study, "check_workers", lambda self: None)
        refused = f"this worker has NumPy 1.2.3, and {versions()['NumPy']} here; install the same there"
        with pytest.raises(RunError, match=refused):
            list(on(dask.address).outcomes([experiment("one")], options))
    with pytest.raises(RunError, match=refused):
        list(on(dask.address).outcomes([experiment("one")], options))
    assert not (tmp_path / "results").exists()
    [outcome] = on(dask.address, any_version=True).outcomes([experiment("one")], options)
    assert read_record(outcome.folder).summary["versions"]["NumPy"] == "1.2.3"


@pytest.mark.parametrize(
    "scheduler", ["", "host", "host:8786", "tcp://host", "tcp://:8786", "http://host:8786", "LOCAL"]
)
def test_an_address_that_is_none_is_refused(scheduler: str) -> None:
    with pytest.raises(InputError, match="must be an address such as tcp://host:8786"):
        check_scheduler(scheduler, None)


def test_a_scheduler_has_its_own_number_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="--jobs: a scheduler has as many workers as were started"):
        check_scheduler("tcp://host:8786", 2)
    for scheduler, jobs in (
        ("local", 2),
        ("tcp://host:8786", None),
        ("tls://10.0.0.1:1", None),
        ("tcp://[::1]:1", None),
    ):
        check_scheduler(scheduler, jobs)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs Dask, which is not installed; pip install 'adrun\[cluster\]'"):
        check_scheduler("local", None)


def test_where_no_scheduler_answers_the_error_names_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "SECONDS_TO_CONNECT", 0.2)
    with socket.socket() as held:  # bound, but nobody listens
        held.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(InputError, match=f"--scheduler: none answers at {address}"):
            list(on(address).outcomes([experiment("one")], Options(tmp_path)))


def test_a_worker_of_several_threads_is_refused() -> None:
    with pytest.raises(RunError, match=r"tcp://w:1: this worker has 4 threads, .* --nthreads 1"):
        check("tcp://w:1", versions() | {"threads": "4"}, versions())
