import os

import pytest

from autodiff.experiment.config import memory
from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import Experiment
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.studies import execution
from autodiff.experiment.studies.cluster import Cluster
from autodiff.experiment.studies.execution import Where, jobs_for
from autodiff.experiment.studies.here import Here
from autodiff.experiment.studies.pool import Pool

RUN = Experiment("one", Config(activation="relu", optimizer="sgd", learning_rate=0.1, epochs=3))
LARGE = Experiment("large", RUN.config.model_copy(update={"hidden": [4000, 4000]}))


def test_several_runs_at_once_are_carried_out_in_worker_processes_or_on_a_cluster() -> None:
    for where, expected in (
        (Where(1), Here),
        (Where(2), Pool),
        (Where(1, "local"), Cluster),
        (Where(scheduler="tcp://host:8786"), Cluster),
    ):
        assert isinstance(execution.execution([RUN] * 2, where, Interrupts(), visible=False), expected)


def test_the_runs_at_once_are_told_where_their_number_is_known() -> None:
    for where in (Where(2), Where(2, "local")):
        assert where.in_words(where.at_once([RUN] * 5)) == "2 at once"
    where = Where(scheduler="tcp://host:8786")
    assert where.in_words(where.at_once([RUN] * 5)) == "for one worker of tcp://host:8786"


def test_as_many_runs_go_at_once_as_there_are_processors_and_memory_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "processors", lambda: 8)
    monkeypatch.setattr(execution, "physical_memory", lambda: 24 * 1024**3)
    assert jobs_for([RUN] * 20, None) == 8
    assert jobs_for([RUN] * 3, None) == 3
    assert jobs_for([], None) == 1
    one = memory.together([LARGE.config.needs()])
    monkeypatch.setattr(execution, "physical_memory", lambda: 2 * 3.5 * one)  # of which half is taken
    assert jobs_for([RUN, *[LARGE] * 20], None) == 3
    monkeypatch.setattr(execution, "physical_memory", lambda: 1024**2)
    assert jobs_for([RUN] * 20, None) == 1
    assert jobs_for([RUN] * 20, 5) == 5
    assert jobs_for([RUN] * 2, 5) == 2


def test_the_machine_is_asked() -> None:
    assert 1 <= execution.processors() <= (os.cpu_count() or 1)
    assert execution.physical_memory() > 100 * 1024**2
