"""Runs in worker processes: the same records as in one process, whatever becomes of the workers."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest

from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import Experiment
from autodiff.experiment.errors import InputError
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.runs.place import claimed
from autodiff.experiment.runs.record import is_record, read_record
from autodiff.experiment.runs.run import Options
from autodiff.experiment.studies import pool
from autodiff.experiment.studies.here import Here
from autodiff.experiment.studies.pool import Pool

KEPT = ("config.yaml", "log.csv", "model.safetensors", "frames.safetensors", "boundary.png")
ENDLESS = 1_000_000  # epochs that no test waits for

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes")


def experiment(name: str, epochs: int = 300, **fields: Any) -> Experiment:
    fields = {"activation": "relu", "optimizer": "adam", "learning_rate": 0.01, "hidden": [5], "frames": 4} | fields
    return Experiment(name, Config.model_validate(fields | {"epochs": epochs, "dataset": {"points_per_class": 10}}))


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in KEPT}


def when(happened: Callable[[], bool], act: Callable[[], None]) -> threading.Thread:
    """Act, in a thread, as soon as something has happened."""

    def watch() -> None:
        deadline = time.monotonic() + 100
        while not happened() and time.monotonic() < deadline:
            time.sleep(0.01)
        act()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def send(number: int) -> Callable[[], None]:
    """Return what sends a signal to the workers."""

    def act() -> None:
        for child in active_children():
            assert child.pid
            os.kill(child.pid, number)

    return act


def begun(results: Path, name: str, file: str = "summary.json") -> Callable[[], bool]:
    return lambda: (results / ".running" / name / file).exists()


def test_the_records_have_the_bytes_of_those_made_in_one_process(tmp_path: Path) -> None:
    experiments = [experiment(str(seed), seed=seed, batch_size=7) for seed in range(3)]
    options = Options(tmp_path / "pool", animate=False)
    outcomes = list(Pool(2, Interrupts(), visible=False).outcomes(experiments, options))
    assert sorted(outcome.experiment.name for outcome in outcomes) == ["0", "1", "2"]
    assert {outcome.status for outcome in outcomes} <= {"done", "did not learn"}
    assert active_children() == []
    for outcome in Here(Interrupts(), visible=False).outcomes(experiments, Options(tmp_path / "here", animate=False)):
        assert files(outcome.folder) == files(tmp_path / "pool" / outcome.experiment.name)
    processes = {read_record(outcome.folder).summary["process"] for outcome in outcomes}
    assert os.getpid() not in processes
    assert len(processes) <= 2
    assert [path.name for path in (tmp_path / "pool").iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_whose_worker_is_killed_goes_on_in_another(tmp_path: Path, number: int) -> None:
    interrupts, staging = Interrupts(), tmp_path / ".running" / "one"

    def is_resumed() -> bool:
        return is_record(staging) and bool(read_record(staging).summary["resumed_from_epoch"])

    killing = when((staging / "checkpoint.safetensors").exists, send(number))
    ending = when(is_resumed, lambda: setattr(interrupts, "asked", True))
    options = Options(tmp_path, animate=False)
    [outcome] = Pool(2, interrupts, visible=False).outcomes([experiment("one", ENDLESS)], options)
    killing.join()
    ending.join()
    assert outcome.status == "interrupted"
    assert outcome.summary["final"]["epoch"] >= outcome.summary["resumed_from_epoch"] > 0


def test_a_run_whose_worker_is_killed_again_and_again_has_failed_and_the_others_finish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MOST_ATTEMPTS", 2)
    interrupts, killed = Interrupts(), set[int]()

    def is_trained_by_another() -> bool:
        with suppress(InputError):  # it is being begun anew
            process = read_record(tmp_path / ".running" / "doomed").summary["process"]
            if process not in killed:
                killed.add(process)
                os.kill(process, signal.SIGKILL)
        return len(killed) == 2

    thread = when(is_trained_by_another, lambda: None if len(killed) == 2 else setattr(interrupts, "asked", True))
    experiments = [experiment("doomed", ENDLESS), experiment("one"), experiment("two")]
    outcomes = Pool(2, interrupts, visible=False).outcomes(experiments, Options(tmp_path, animate=False))
    found = {outcome.experiment.name: outcome for outcome in outcomes}
    thread.join()
    assert found["one"].status == found["two"].status == "done"
    assert found["doomed"].status == "failed"
    assert "doomed: failed: its worker process was killed 2 times, with exit code -9" in found["doomed"].error
    assert read_record(tmp_path / ".running" / "doomed").status == "failed"


def test_asked_to_stop_it_keeps_what_the_runs_under_way_have_reached(tmp_path: Path) -> None:
    interrupts = Interrupts()
    experiments = [experiment(name, ENDLESS) for name in ("one", "two", "three")]
    both = [begun(tmp_path, name, "checkpoint.safetensors") for name in ("one", "two")]
    thread = when(lambda: all(each() for each in both), lambda: setattr(interrupts, "asked", True))
    outcomes = list(Pool(2, interrupts, visible=False).outcomes(experiments, Options(tmp_path, animate=False)))
    thread.join()
    assert sorted(outcome.experiment.name for outcome in outcomes) == ["one", "two"]
    for outcome in outcomes:
        assert outcome.status == "interrupted"
        assert outcome.summary["final"]["epoch"] > 0
        assert read_record(outcome.folder).status == "interrupted"
    assert active_children() == []


def test_a_place_that_another_process_writes_to_takes_no_other_run_down(tmp_path: Path) -> None:
    with claimed(tmp_path, "taken"):
        outcomes = list(
            Pool(2, Interrupts(), visible=False).outcomes(
                [experiment("taken"), experiment("free")], Options(tmp_path, animate=False)
            )
        )
    found = {outcome.experiment.name: outcome for outcome in outcomes}
    assert found["free"].status == "done"
    assert "is being written by" in found["taken"].error


def test_whoever_stops_listening_ends_the_workers(tmp_path: Path) -> None:
    outcomes = Pool(2, Interrupts(), visible=False).outcomes(
        [experiment("short"), experiment("endless", ENDLESS)], Options(tmp_path, animate=False)
    )
    assert next(outcomes).experiment.name == "short"
    when(begun(tmp_path, "endless"), lambda: None).join()
    outcomes.close()  # type: ignore[attr-defined]
    assert active_children() == []
    summary = json.loads((tmp_path / ".running" / "endless" / "summary.json").read_text())
    assert summary["status"] == "running"  # as a kill leaves it


def test_asked_to_stop_as_a_worker_begins_its_run_is_interrupted_in_order(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    interrupts = Interrupts()
    thread = when(lambda: bool(active_children()), lambda: setattr(interrupts, "asked", True))
    [outcome] = Pool(2, interrupts, visible=False).outcomes([experiment("one", ENDLESS)], Options(tmp_path, False))
    thread.join()
    assert (outcome.status, outcome.error) == ("interrupted", "")
    assert capfd.readouterr().err == ""


def test_a_worker_never_takes_what_a_terminal_sends_to_all_processes(tmp_path: Path) -> None:
    def sent_until_begun() -> bool:  # from the start on, when nothing is imported yet
        for number in (signal.SIGINT, signal.SIGHUP):
            send(number)()
        return begun(tmp_path, "one")()

    interrupts = Interrupts()
    thread = when(sent_until_begun, lambda: setattr(interrupts, "asked", True))
    [outcome] = Pool(2, interrupts, visible=False).outcomes([experiment("one", ENDLESS)], Options(tmp_path, False))
    thread.join()
    assert (outcome.status, outcome.error) == ("interrupted", "")
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
