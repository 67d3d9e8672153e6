import math

import pytest

from autodiff.experiment.studies.statistics import compare
from autodiff.experiment.studies.words import milestone_in_words, score_in_words

INF = math.inf
A, B = "relu-adam", "sigmoid {sgd}"  # names are anybody's
TWENTY = list(range(81, 101))


def milestone(a, b):
    return milestone_in_words(compare(a, b, smaller_is_better=True), A, B, "95 %")


def accuracy(a, b):
    comparison = compare(a, b, smaller_is_better=False)
    return score_in_words(comparison, A, B, "final held-out accuracy", in_points=True)


def loss(a, b):
    return score_in_words(compare(a, b, smaller_is_better=True), A, B, "final loss")


def test_sooner_in_every_seed():
    times = [6.9] * 6 + [7.7] * 8 + [8.4] * 6
    b = [epoch * factor for epoch, factor in zip(TWENTY, times, strict=True)]
    sentence = f"{A} reaches 95 % sooner than {B} in 20 of 20 seeds, 7.7 times sooner (95 % interval "
    assert milestone(TWENTY, b).startswith(sentence)
    assert milestone_in_words(compare(b, TWENTY, smaller_is_better=True), B, A, "95 %") == milestone(TWENTY, b)


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1.25, "1.25 times sooner (95 % interval 1.25 to 1.25)"),
        (2, "2.0 times sooner (95 % interval 2.0 to 2.0)"),
        (1500, "1,500 times sooner (95 % interval 1,500 to 1,500)"),
    ],
)
def test_factors_have_the_digits_that_matter(factor, words):
    assert milestone([4] * 6, [4 * factor] * 6) == f"{A} reaches 95 % sooner than {B} in 6 of 6 seeds, {words}"


def test_ties_are_told():
    a, b = [10] * 20, [20] * 19 + [10]
    assert milestone(a, b).startswith(f"{A} reaches 95 % sooner than {B} in 19 of 20 seeds (1 tie), 2.0 times")
    assert "in 18 of 20 seeds (2 ties), 2.0 times" in milestone(a, [10, *b[1:]])
    assert milestone(b, a).startswith(f"{B} reaches 95 % sooner than {A} in 19 of 20 seeds (1 tie), 2.0 times")


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ([10] * 20, [INF] * 20, f"in 20 of 20 seeds; {B} never does"),
        ([10] * 20, [20] * 3 + [INF] * 17, f"in 20 of 20 seeds; {B} does not reach it in 17 of 20 seeds"),
        (
            [10] * 20,
            [20] * 19 + [INF],
            f"2.0 times sooner (95 % interval 2.0 to 2.0); {B} does not reach it in 1 of 20 seeds",
        ),
        ([10] * 20, [20] * 12 + [INF] * 8, f"2.0 times sooner (95 % interval 2.0 or more); {B} does not reach it in 8"),
        ([INF] + [10] * 19, [INF] * 20, f"(1 tie); {A} does not reach it in 1 of 20 seeds; {B} never does"),
    ],
)
def test_seeds_that_never_get_there_are_told(a, b, words):
    assert words in milestone(a, b)


def test_neither_gets_there():
    assert milestone([INF] * 20, [INF] * 20) == f"neither {A} nor {B} reaches 95 % in any of 20 seeds"
    assert milestone([INF], [INF]) == f"neither {A} nor {B} reaches 95 % in the one seed"


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ([1], [100], "one seed, no spread, no difference in epochs to 95 % can be told"),
        ([1], [INF], "one seed, no spread, no difference in epochs to 95 % can be told"),
        ([1], [1], "one seed, no spread, no difference in epochs to 95 % can be told"),
        ([1] * 5, [9] * 5, "no difference in epochs to 95 % can be told with 5 seeds"),
        ([1, 9] * 10, [9, 1] * 10, "no difference in epochs to 95 % can be told with 20 seeds"),
        ([7, 7], [7, 7], "no difference in epochs to 95 %: the same in both seeds"),
        ([7] * 20, [7] * 20, "no difference in epochs to 95 %: the same in all 20 seeds"),
    ],
)
def test_what_cannot_be_told(a, b, words):
    assert milestone(a, b) == f"{A} and {B}: {words}"


def test_higher_accuracy_is_told_in_points():
    low, high = [0.95, 0.96] * 10, [0.97, 0.98] * 10
    words = "in 20 of 20 seeds, by 2.00 percentage points (95 % interval 2.00 to 2.00)"
    assert accuracy(high, low) == f"{A} has a higher final held-out accuracy than {B} {words}"
    assert accuracy(low, high) == f"{B} has a higher final held-out accuracy than {A} {words}"
    assert accuracy(low[:5], high[:5]) == (
        f"{A} and {B}: no difference in final held-out accuracy can be told with 5 seeds"
    )


def test_lower_loss_is_told_in_its_own_unit():
    low, high = [0.0125] * 6, [0.025] * 6
    words = "in 6 of 6 seeds, by 0.0125 (95 % interval 0.0125 to 0.0125)"
    assert loss(low, high) == f"{A} has a lower final loss than {B} {words}"
    assert loss(high, low) == f"{B} has a lower final loss than {A} {words}"


def test_losses_that_are_not_finite_are_told():
    low = [0.5] * 20
    assert (
        loss(low, [INF] * 20) == f"{A} has a lower final loss than {B} in 20 of 20 seeds; {B} diverges in all of them"
    )
    assert loss(low, [1.0] * 5 + [INF] * 15).endswith(f"seeds; {B} diverges in 15 of 20 seeds")
    assert f"by 0.5 (95 % interval 0.5 or more); {B} diverges" in loss(low, [1.0] * 12 + [INF] * 8)


def test_intervals_are_written_from_the_nearer_end():
    """A is lower: the differences are negative, and their sizes are told from small to large."""
    a, b = [0.0] * 7, [1, 2, 3, 4, 5, 6, 7]
    assert loss(a, b).endswith("by 4 (95 % interval 2 to 6)")
    assert loss(b, a).endswith("by 4 (95 % interval 2 to 6)")
