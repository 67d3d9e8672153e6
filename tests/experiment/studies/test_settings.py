import math

from autodiff.experiment.studies.settings import measures, settings_of

from .made_up import outcome


def test_runs_that_differ_in_their_seed_alone_are_of_one_setting() -> None:
    runs = [
        *(outcome(f"a,seed={seed}", seed) for seed in (2, 0, 1)),
        *(outcome(f"a,learning_rate=0.1,seed={seed}", seed, learning_rate=0.1) for seed in (0, 1)),
        outcome("b", 0, optimizer="sgd"),
    ]
    found = settings_of(runs)
    assert [(setting.name, setting.seeds) for setting in found] == [
        ("a", (0, 1, 2)),
        ("a,learning_rate=0.1", (0, 1)),
        ("b", (0,)),
    ]
    assert [run.experiment.name for run in found[0].outcomes] == ["a,seed=0", "a,seed=1", "a,seed=2"]


def test_what_changes_pictures_alone_makes_no_other_setting() -> None:
    runs = [outcome("a,seed=0", 0), outcome("a,seed=1", 1, frames=5, style="crisp")]
    assert [setting.seeds for setting in settings_of(runs)] == [(0, 1)]


def test_a_second_run_of_the_same_seed_is_of_another_setting() -> None:
    found = settings_of([outcome("a"), outcome("a.1"), outcome("a,seed=1", 1)])
    assert [(setting.name, setting.seeds) for setting in found] == [("a", (0, 1)), ("a.1", (0,))]


def test_runs_are_measured_on_held_out_points_where_all_have_some() -> None:
    one, other = outcome("a,seed=0", 0, accuracy=0.8, loss=0.4), outcome("a,seed=1", 1, accuracy=0.7, to_95=None)
    [setting] = settings_of([one, other])
    found = {measure.key: (measure.label, setting.values(measure)) for measure in measures([one, other])}
    assert found == {
        "accuracy": ("final held-out accuracy", [0.8, 0.7]),
        "loss": ("final held-out loss", [0.4, 0.5]),
        "epochs_to_0.90": ("epochs to 90% held-out accuracy", [50, 50]),
        "epochs_to_0.95": ("epochs to 95% held-out accuracy", [100, math.inf]),
        "epochs_to_0.99": ("epochs to 99% held-out accuracy", [math.inf, math.inf]),
    }
    old = outcome("b", accuracy=0.6, held_out=False)
    mixed = {measure.key: measure for measure in measures([one, old])}
    assert mixed["accuracy"].label == "final training accuracy"
    assert [mixed["accuracy"].value(run.summary) for run in (one, old)] == [1.0, 0.6]
    assert [mixed["epochs_to_0.95"].value(run.summary) for run in (one, old)] == [7, 100]


def test_a_run_that_diverged_is_worse_than_any_other_but_keeps_what_it_reached_before() -> None:
    lost = outcome("a", accuracy=0.99, loss=None, status="diverged")
    found = {measure.key: measure.value(lost.summary) for measure in measures([lost])}
    assert (found["accuracy"], found["loss"], found["epochs_to_0.90"]) == (-math.inf, math.inf, 50)


def test_the_values_of_some_seeds_can_be_had() -> None:
    runs = [outcome(f"a,seed={seed}", seed, accuracy=seed / 10) for seed in range(4)]
    [setting] = settings_of(runs)
    assert setting.values(measures(runs)[0], {3, 1, 9}) == [0.1, 0.3]


def test_a_run_that_was_interrupted_between_two_measurements_is_compared_on_the_training_points() -> None:
    cut_off = outcome("b", 1, status="interrupted")
    del cut_off.summary["final"]["test_accuracy"], cut_off.summary["final"]["test_loss"]
    [accuracy, *_] = measures([outcome("a"), cut_off])
    assert (accuracy.label, accuracy.value(cut_off.summary)) == ("final training accuracy", 1.0)
