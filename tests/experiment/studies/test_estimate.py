import itertools
from pathlib import Path
from types import SimpleNamespace

import pytest

from autodiff.experiment.config.choice import chosen
from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import Experiment
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.runs.run import Options
from autodiff.experiment.studies import estimate
from autodiff.experiment.studies.estimate import Estimate, bytes_of_record, estimated
from autodiff.experiment.studies.here import Here

ONE = Config(activation="relu", optimizer="sgd", learning_rate=0.1, epochs=1000)


def with_fields(**fields: object) -> Config:
    return ONE.model_copy(update=fields)


def test_each_kind_of_run_is_timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[Config] = []
    monkeypatch.setattr(estimate, "seconds_an_epoch", lambda config: timed.append(config) or 0.001 * config.hidden[0])
    alike = [with_fields(seed=seed, learning_rate=rate, hidden=[2]) for seed in range(3) for rate in (0.1, 0.2)]
    wide = with_fields(hidden=[4], epochs=500)
    found = estimated([*alike, wide])
    assert [config.hidden for config in timed] == [[2], [4]]
    assert found.seconds == pytest.approx(6 * 1000 * 0.002 + 500 * 0.004 + 7 * estimate.SECONDS_OF_A_RUN)
    animated = estimated([*alike, wide], animated=True)
    assert animated.seconds - found.seconds == pytest.approx(7 * estimate.SECONDS_OF_AN_ANIMATION)
    assert animated.bytes - found.bytes == 7 * estimate.BYTES_OF_AN_ANIMATION


def test_of_many_kinds_some_are_timed_and_the_others_taken_to_be_like_them(monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[int] = []
    monkeypatch.setattr(estimate, "seconds_an_epoch", lambda config: timed.append(config.hidden[0]) or 0.001)
    found = estimated([with_fields(hidden=[width]) for width in range(1, 101)])
    assert len(timed) == estimate.MOST_TIMED
    assert {1, 100} <= set(timed)
    assert found.seconds == pytest.approx(100 * (1 + estimate.SECONDS_OF_A_RUN))


def test_the_time_of_an_epoch_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = itertools.count(step=estimate.SECONDS_EACH / 10)  # a clock that is looked at every ten epochs
    monkeypatch.setattr(estimate, "time", SimpleNamespace(perf_counter=lambda: next(moments)))
    assert estimate.seconds_an_epoch(ONE) == pytest.approx(estimate.SECONDS_EACH / 90, rel=0.02)


@pytest.mark.parametrize(
    "fields", [{}, {"epochs": 10_000}, {"hidden": [100, 100], "frames": 100}, {"dtype": "float64"}]
)
def test_the_bytes_of_a_record_are_about_those_that_it_takes(fields: dict[str, object], tmp_path: Path) -> None:
    run = Experiment("one", with_fields(dataset=chosen("dataset", {"points_per_class": 5}, "spiral"), **fields))
    [outcome] = Here(Interrupts(), visible=False).outcomes([run], Options(tmp_path, animate=False))
    taken = sum(path.stat().st_size for path in outcome.folder.iterdir())
    assert 0.6 < bytes_of_record(run.config) / taken < 1.8


def test_an_estimate_is_told_for_so_many_runs_at_once() -> None:
    assert Estimate(90, 1_500_000).in_words(2) == "about 45 s and 1.5 MB"
    assert Estimate(0.1, 500).in_words(2) == "about 1 s and 500 bytes"
    assert Estimate(90, 1_500_000).as_json(2) == {"jobs": 2, "seconds": 45.0, "bytes": 1_500_000}
    assert estimated([]) == Estimate(0, 0)
