import json
import math

from autodiff.experiment.runs.run import Outcome
from autodiff.experiment.studies.findings import Findings

from .made_up import outcome


def runs(name: str, accuracies: list[float], epochs: list[int | None], **fields: float | str) -> list[Outcome]:
    """Return the runs of a setting, a seed each."""
    both = zip(accuracies, epochs, strict=True)
    return [outcome(f"{name},seed={seed}", seed, *numbers, **fields) for seed, numbers in enumerate(both)]  # type: ignore[arg-type]


def test_each_pair_of_settings_is_told_apart_seed_by_seed() -> None:
    fast = runs("fast", [0.9] * 10, list(range(10, 20)))
    slow = runs("slow", [0.9] * 10, [3 * epoch for epoch in range(10, 20)], learning_rate=0.001)
    findings = Findings([*fast, *slow])
    assert findings.several
    assert findings.sentences() == [
        "fast reaches 95% held-out accuracy sooner than slow in 10 of 10 seeds, 3.0 times sooner "
        "(95 % interval 3.0 to 3.0)",
        "fast and slow: no difference in final held-out accuracy: the same in all 10 seeds",
    ]


def test_few_seeds_claim_no_difference() -> None:
    findings = Findings(
        [*runs("a", [0.9, 0.8, 0.9], [10, 20, 30]), *runs("b", [0.5, 0.4, 0.5], [90, 80, 70], optimizer="sgd")]
    )
    assert findings.sentences() == [
        "a and b: no difference in epochs to 95% held-out accuracy can be told with 3 seeds",
        "a and b: no difference in final held-out accuracy can be told with 3 seeds",
    ]


def test_only_seeds_that_both_have_are_paired() -> None:
    a = [outcome(f"a,seed={seed}", seed, to_95=10) for seed in range(8)]
    b = [outcome(f"b,seed={seed}", seed, to_95=20, optimizer="sgd") for seed in range(6, 20)]
    [pair] = Findings([*a, *b]).pairs
    assert pair.comparisons["epochs_to_0.95"].seeds == 2
    c = [outcome(f"c,seed={seed}", seed, optimizer="sgd") for seed in range(30, 33)]
    assert Findings([*a, *c]).pairs == []


def test_the_best_setting_is_named_with_a_warning_where_the_next_may_be_as_good() -> None:
    good = runs("good", [0.90, 0.91, 0.92] * 4, [1] * 12)
    near = runs("near", [0.895, 0.905, 0.925] * 4, [1] * 12, learning_rate=0.1)
    poor = runs("poor", [0.5, 0.51, 0.52] * 4, [1] * 12, learning_rate=0.2)
    assert Findings([*poor, *good]).sentence_of_the_best() == (
        "best by median final held-out accuracy: good, 91.00%, before poor, 51.00%"
    )
    assert Findings([*poor, *near, *good]).sentence_of_the_best() == (
        "best by median final held-out accuracy: good, 91.00%; but its interval overlaps that of near, 90.50%"
    )
    assert Findings(good).sentence_of_the_best() == ""
    single = Findings([outcome("a"), outcome("b", accuracy=0.8, learning_rate=0.1)])
    assert single.sentence_of_the_best() == ("best by final held-out accuracy: a, 90.00%, before b, 80.00%")


def test_runs_that_diverged_are_worse_than_any_number_and_no_number_is_made_up_for_them() -> None:
    lost = [outcome(f"lost,seed={i}", i, status="diverged", learning_rate=9.0) for i in range(6)]
    worse = [outcome(f"worse,seed={i}", i, status="diverged", learning_rate=99.0) for i in range(6)]
    findings = Findings([*runs("good", [0.9] * 6, [10] * 6), *lost])
    assert findings.sentences()[1] == (
        "good has a higher final held-out accuracy than lost in 6 of 6 seeds; lost diverges in all of them"
    )
    assert findings.sentence_of_the_best().endswith("good, 90.00%, before lost, diverged")
    assert findings.caution == (
        "in brackets: 95 % intervals; where there is no difference, a sentence claims one in at most 5 % of cases"
    )
    assert Findings([*lost, *worse]).sentences()[1] == "both lost and worse diverge in all 6 seeds"
    assert Findings([*lost, *worse]).sentence_of_the_best() == (
        "no setting is the best: of each, half of the runs or more diverged"
    )


def test_of_many_settings_each_is_compared_with_the_best() -> None:
    several = [
        run
        for number in range(10)
        for run in runs(f"s{number}", [0.5 + number / 100] * 7, [50] * 7, learning_rate=(number + 1) / 100)
    ]
    findings = Findings(several)
    assert findings.best.name == "s9"
    assert findings.sentences() == []
    assert len(findings.as_json()["pairs"][0]["in_words"]) == 2
    assert [(pair.one.name, pair.other.name) for pair in findings.pairs] == [("s9", f"s{i}") for i in range(9)]


def test_the_numbers_are_plain_json_without_infinities() -> None:
    lost = [
        outcome(f"b,seed={seed}", seed, loss=None, to_95=None, status="diverged", optimizer="sgd") for seed in (0, 1)
    ]
    document = json.loads(json.dumps(Findings([*runs("a", [0.5, 0.7], [10, 30]), *lost]).as_json(), allow_nan=False))
    a, b = document["settings"]
    assert (a["name"], a["seeds"], a["statuses"]) == ("a", [0, 1], {"done": 2})
    assert a["accuracy"]["median"] == 0.6
    assert a["epochs_to_0.95"]["median"] == 20
    assert "seed" not in a["config"]
    assert b["statuses"] == {"diverged": 2}
    assert (b["accuracy"]["median"], b["loss"]["median"], b["epochs_to_0.95"]["median"]) == (None, None, None)
    [pair] = document["pairs"]
    assert pair["settings"] == ["a", "b"]
    assert pair["epochs_to_0.95"]["better"] == 2
    assert len(pair["in_words"]) == 2
    assert document["measures"]["accuracy"] == "final held-out accuracy"
    assert not math.isnan(pair["accuracy"]["p_value"])
