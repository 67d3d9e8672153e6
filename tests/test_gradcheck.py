import math

import numpy as np
import pytest

import autodiff as ad
from autodiff.declarations import differentiable
from autodiff.gradcheck import check_gradient, check_rule, check_rules, rule_names
from autodiff.registry import functions
from autodiff.samples import SAMPLES, Sample


@pytest.fixture(autouse=True)
def _registry():
    """Forget what a test registers."""
    before = dict(functions)
    yield
    functions.clear()
    functions.update(before)


def made(vjp):
    """Return x ** 2 with a derivative rule."""

    @differentiable(x=vjp)
    def square(x):
        return x**2

    return square


def test_a_right_rule_passes_at_both_orders():
    square = made(lambda g, x: 2 * g * x)
    for order in (1, 2):
        comparisons = check_gradient(square, [np.array([1.0, -2.0])], order=order)
        assert comparisons
        assert all(comparison.passed for comparison in comparisons)


def test_a_wrong_rule_fails_and_both_numbers_are_told():
    (comparison,) = check_gradient(made(lambda g, x: 3 * g * x), [np.array([[1.0, -2.0]])])
    assert not comparison.passed
    assert comparison.index == (0, 1)
    assert comparison.found / comparison.expected == pytest.approx(1.5)
    assert str(comparison).startswith("gradient of x[0, 1] found ")
    assert f"found {comparison.found:.9g}, expected {comparison.expected:.9g}" in str(comparison)


def test_a_rule_that_is_wrong_at_one_element_is_found_there():
    def gradient(g, x):
        return 2 * g * x * (1 + 0.01 * (x == 3))

    (comparison,) = check_gradient(made(gradient), [np.array([1.0, 2.0, 3.0, 4.0])])
    assert not comparison.passed
    assert comparison.index == (2,)


def test_a_nan_fails():
    for wrong in (lambda g, x: g * np.nan * x, lambda g, x: g * np.where(x == 2, np.nan, 2 * x)):
        (comparison,) = check_gradient(made(wrong), [np.array([1.0, 2.0])])
        assert math.isnan(comparison.error)
        assert not comparison.passed


def test_an_infinity_fails():
    (comparison,) = check_gradient(made(lambda g, x: g * np.inf), [np.array([1.0, 2.0])])
    assert not comparison.passed


def test_a_rule_right_in_first_order_and_detached_from_its_argument_fails_in_second():
    square = made(lambda g, x: 2 * g * (x.detach() if isinstance(x, ad.Tensor) else x))
    assert all(comparison.passed for comparison in check_gradient(square, [np.array([1.0, 2.0])], order=1))
    assert [c.argument for c in check_gradient(square, [np.array([1.0, 2.0])], order=2) if not c.passed] == ["x"]


def test_a_rule_detached_from_g_fails_in_second_order():
    square = made(lambda g, x: 2 * (g.detach() if isinstance(g, ad.Tensor) else g) * x)
    assert "g" in [c.argument for c in check_gradient(square, [np.array([1.0, 2.0])], order=2) if not c.passed]


def test_every_argument_is_checked_by_name_and_lists_too():
    function = lambda first, second, third: np.sum(first * second) + np.sum(np.stack(third))
    arrays = [np.ones(2), np.ones(2), [np.ones(3), np.ones(3)]]
    comparisons = check_gradient(function, arrays)
    assert [comparison.argument for comparison in comparisons] == ["first", "second", "third", "third"]
    assert all(comparison.passed for comparison in comparisons)


def test_the_error_is_relative_to_the_largest_gradient():
    square = made(lambda g, x: 2 * g * x)
    for scale in (1e-3, 1.0, 1e4):
        assert all(c.passed for c in check_gradient(square, [scale * np.array([1.0, -2.0])]))


def test_the_checked_arrays_are_not_changed():
    array = np.array([1.0, 2.0])
    check_gradient(np.exp, [array])
    np.testing.assert_array_equal(array, [1, 2])


# Over the registry


def test_the_message_of_a_report_names_function_argument_index_and_both_numbers(monkeypatch):
    @differentiable(x=lambda g, x: 3 * g * x)
    def square(x):
        return x**2

    monkeypatch.setitem(SAMPLES, square, lambda random: [Sample((np.array([0.1, 0.9]),), {})])
    (report,) = check_rule(square, 1)
    assert not report.passed
    assert (report.name, report.argument, report.order, report.samples) == ("square", "x", 1, 1)
    assert report.largest_error == pytest.approx(1 / 3, rel=1e-6)
    assert report.message.startswith("gradient of x[1] found ")
    assert " expected " in report.message
    assert report.message.endswith("in square(float64[2])")


def test_the_worst_sample_is_told_and_a_nan_is_worst(monkeypatch):
    @differentiable(x=lambda g, x: 2 * g * x + np.log(x - 1) * 0)
    def square(x):
        return x**2

    samples = [np.array([2.0, 3.0]), np.array([2.0, 0.5, 4.0])]
    monkeypatch.setitem(SAMPLES, square, lambda random: [Sample((array,), {}) for array in samples])
    (report,) = check_rule(square, 1)
    assert math.isnan(report.largest_error)
    assert report.message.endswith("in square(float64[3])")
    assert report.message.startswith("gradient of x[1] found nan")


def test_named_functions_alone_are_checked_in_the_asked_orders():
    reports = list(check_rules(["np.exp", "np.add"], [2]))
    assert [(report.name, report.argument, report.order) for report in reports] == [
        ("np.exp", "x", 2),
        ("np.exp", "g", 2),
        ("np.add", "a", 2),
        ("np.add", "b", 2),
        ("np.add", "g", 2),
    ]
    assert all(report.passed for report in reports)


def test_an_unknown_name_is_an_error():
    with pytest.raises(KeyError, match=r"np\.exq"):
        list(check_rules(["np.exq"]))


def test_the_names_are_those_a_user_knows():
    names = rule_names()
    assert names == sorted(names)
    assert {"np.add", "np.matmul", "np.concatenate", "getitem", "relu", "cross_entropy"} <= set(names)
    assert "np.equal" not in names


def test_a_whole_network_passes():
    model = ad.Sequential(
        ad.Linear(2, 3, rng=np.random.default_rng(0), dtype=np.float64),
        ad.Tanh(),
        ad.Linear(3, 2, rng=np.random.default_rng(1), dtype=np.float64),
    )
    function = lambda x: ad.functional.cross_entropy(model(x), np.array([0, 1]))
    for order in (1, 2):
        assert all(c.passed for c in check_gradient(function, [np.array([[0.1, 0.2], [0.3, -0.4]])], order=order))
