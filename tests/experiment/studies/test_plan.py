from pathlib import Path

import pytest

from autodiff.experiment.config.overrides import overrides_of
from autodiff.experiment.errors import InputError
from autodiff.experiment.studies.plan import planned, seeds_of, sweeps_of

CONFIG = "activation: relu\noptimizer: sgd\nlearning_rate: 0.1\nepochs: 12\n"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "one.yaml", tmp_path / "two.yaml"]
    for path in paths:
        path.write_text(CONFIG)
    return paths


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("3", [0, 1, 2]),
        ("1", [0]),
        ("0-3", [0, 1, 2, 3]),
        (" 7 - 9 ", [7, 8, 9]),
        ("3,5,8", [3, 5, 8]),
        ("9,0-2", [9, 0, 1, 2]),
        ("5-5", [5]),
        (f"{2**64 - 1}-{2**64 - 1}", [2**64 - 1]),
    ],
)
def test_seeds_are_a_number_ranges_or_a_list(text: str, seeds: list[int]) -> None:
    assert seeds_of(text) == seeds


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0", "names no seed"),
        ("5-3", "names no seed"),
        ("x", "found 'x'"),
        ("", "found ''"),
        ("1,,2", "found ''"),
        ("-3", "found '-3'"),
        ("1.5", "found '1.5'"),
        ("٣", "found '٣'"),
        ("1,2,1", "names a seed twice"),
        ("1-3,2", "names a seed twice"),
        ("100001", "100,001 seeds, and 100,000 are allowed"),
        ("0-999999999999", "are allowed"),
    ],
)
def test_other_seeds_are_refused(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as raised:
        seeds_of(text)
    assert str(raised.value).startswith(f"--seeds {text}: ")


def test_a_plan_is_every_config_with_every_combination_and_every_seed(files: list[Path]) -> None:
    sweeps = sweeps_of(["hidden=[5],[5,5],7", "learning_rate=0.1,0.5"])
    plan = planned(files, overrides_of(["epochs=3"], None), seeds_of("4-5"), sweeps)
    assert plan.size == "24 runs (2 configs x 6 combinations x 2 seeds)"
    found = [
        (run.name.split(",")[0], tuple(run.config.hidden), run.config.learning_rate, run.config.seed)
        for run in plan.experiments
    ]
    assert found == [
        (name, hidden, rate, seed)
        for name in ("one", "two")
        for hidden in ((5,), (5, 5), (7,))
        for rate in (0.1, 0.5)
        for seed in (4, 5)
    ]
    assert all(run.config.epochs == 3 for run in plan.experiments)
    assert plan.experiments[2].name == "one,epochs=3,hidden=5,learning_rate=0.5,seed=4"


def test_a_plan_without_seeds_or_sweeps_is_the_configs(files: list[Path]) -> None:
    plan = planned(files)
    assert plan.size == "2 runs (2 configs)"
    assert [run.name for run in plan.experiments] == ["one", "two"]
    assert planned(files[:1], name="mine").experiments[0].name == "mine"
    assert planned([], (), range(3)).experiments == ()


@pytest.mark.parametrize(
    ("sweeps", "told"),
    [
        (["learning_rate"], "must be key=value,value"),
        (["learning_rate=0.1,"], "must be key=value,value"),
        (["=1"], "must be key=value,value"),
        (["epochs=1,2", "epochs=3"], "--sweep epochs: is given twice"),
        (["learing_rate=1"], "--sweep learing_rate=1: learing_rate: .*did you mean learning_rate"),
        (["hidden=[5],[0]"], r"--sweep hidden=\[0\]: "),
        (["epochs=5,x"], "--sweep epochs=x: epochs: "),
        (["learning_rate=0.1,0.10"], "2 of the runs would be one,learning_rate=0.1; give every value once"),
        (["activation='a,b'"], "activation"),
    ],
)
def test_a_sweep_that_is_wrong_is_told_before_anything_runs(files: list[Path], sweeps: list[str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        planned(files, (), (), sweeps_of(sweeps))


def test_every_mistake_in_a_plan_is_told_at_once(files: list[Path]) -> None:
    files[1].write_text(CONFIG.replace("relu", "rely"))
    with pytest.raises(InputError) as raised:
        planned(files, (), range(2), sweeps_of(["epochs=0,-1"]))
    assert len(raised.value.problems) == 3
    assert ["rely" in problem for problem in raised.value.problems].count(True) == 1


@pytest.mark.parametrize(
    ("overrides", "seeds", "sweeps", "told"),
    [
        (["seed=4"], [1, 2], [], "--set seed=4 and --seeds: both set seed; give one of them"),
        (["epochs=4"], [], ["epochs=1,2"], "--set epochs=4 and --sweep: both set epochs; give one of them"),
        (["dataset={noise: 1}"], [], ["dataset.noise=1,2"], "both set dataset.noise"),
    ],
)
def test_a_field_is_set_once(
    files: list[Path], overrides: list[str], seeds: list[int], sweeps: list[str], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        planned(files, overrides_of(overrides, None), seeds, sweeps_of(sweeps))


def test_a_plan_has_its_limits(files: list[Path]) -> None:
    with pytest.raises(InputError, match=r"this would be 1,200,000 runs, and 1,000,000 are allowed"):
        planned(files, (), range(100_000), sweeps_of(["epochs=1,2,3,4,5,6"]))
    with pytest.raises(InputError, match=r"--name: is for one run, and this would be 2"):
        planned(files[:1], (), range(2), name="mine")
    with pytest.raises(InputError, match=r"--seeds 18446744073709551616"):
        planned(files, (), seeds_of(f"{2**64}-{2**64}"))
    with pytest.raises(InputError, match=str(2**64)):
        planned(files, (), seeds_of(f"0,{2**64}"))
