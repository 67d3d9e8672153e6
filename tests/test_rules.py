"""Every function of the registry, over its samples."""

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.declarations import differentiable
from autodiff.function import Function, Variadic
from autodiff.gradcheck import check_rule, check_rules, checked_functions, rule_names
from autodiff.graph import Rule
from autodiff.registry import full_name, functions
from autodiff.samples import samples_of
from autodiff.transforms import differentiate

FUNCTIONS = sorted(checked_functions(), key=full_name)
RULES = [
    (function, name)
    for function in FUNCTIONS
    if isinstance(functions[function], Function)
    for name in ([None] if isinstance(functions[function], Variadic) else functions[function].rules)
]

FUSED = [function for function in FUNCTIONS if getattr(functions[function], "fused", None)]

each_fused = pytest.mark.parametrize("function", FUSED, ids=full_name)
each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=full_name)
each_rule = pytest.mark.parametrize(
    ("function", "name"), RULES, ids=[f"{full_name(function)}-{name or 'inputs'}" for function, name in RULES]
)


@pytest.fixture(autouse=True)
def _registry(monkeypatch):
    """Forget what a test registers."""
    before = dict(functions)
    yield
    functions.clear()
    functions.update(before)


# Gradients


@each_function
@pytest.mark.parametrize("order", [1, 2])
def test_gradients_agree_with_numerical_ones(function, order):
    reports = check_rule(function, order)
    assert reports
    assert [report.message for report in reports if not report.passed] == []


def perturbed(vjp, factor, offset, seen):
    def changed(g, *values):
        gradient = vjp(g, *values)
        seen.append(np.any(gradient != 0))
        return gradient * factor + offset

    return changed


@each_rule
def test_a_rule_that_is_wrong_by_a_thousandth_fails(function, name, monkeypatch):
    rules = functions[function].rules
    fused = functions[function].fused
    order = 2 if fused is not None and fused.argument == name else 1  # the first may never call that rule
    seen = []

    def break_rule(factor, offset):
        if name is None:
            monkeypatch.setattr(rules, "vjp", perturbed(rules.vjp, factor, offset, seen))
        else:
            monkeypatch.setitem(rules, name, Rule(perturbed(rules[name].vjp, factor, offset, seen), rules[name].needs))

    break_rule(1.001, 0.0)
    reports = check_rule(function, order)
    if not any(seen):  # a rule whose gradient is zero
        break_rule(1.0, 0.001)
        reports = check_rule(function, order)
    failed = {report.argument for report in reports if not report.passed}
    assert (name or "inputs") in failed


@each_fused
def test_a_fused_gradient_that_is_wrong_by_a_thousandth_fails(function, monkeypatch):
    fused = function.fused
    monkeypatch.setattr(function, "fused", fused._replace(vjp=perturbed(fused.vjp, 1.001, 0.0, [])))
    assert [report.argument for report in check_rule(function, 1) if not report.passed] == [fused.argument]


def test_a_function_without_samples_fails_by_name():
    @differentiable(x=lambda g, x: 3 * g * x**2)
    def cube(x):
        return x**3

    assert "cube" in rule_names()
    (report,) = check_rules(["cube"], [1])
    assert not report.passed
    assert report.name == "cube"
    assert "no samples" in report.message


def test_an_argument_that_no_sample_varies_fails_by_name(monkeypatch):
    rules = functions[np.exp].rules
    monkeypatch.setitem(rules, "unheard_of", rules["x"])
    assert [(report.argument, report.message) for report in check_rule(np.exp, 1) if not report.passed] == [
        ("unheard_of", "no sample has a variable for it; add some")
    ]


# Dtypes


def with_leaves(value, leaves, dtype):
    """Return a value with its float64 arrays, in a list too, as leaves of that dtype, which are added to the list."""
    if isinstance(value, list):
        return [with_leaves(part, leaves, dtype) for part in value]
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        leaf = ad.Tensor(value, requires_grad=True, dtype=dtype)
        if dtype == np.float64:
            leaf.data = value  # as it lies in memory
        leaves.append(leaf)
        return leaf
    return value


def applied(before, value):
    """Return a value with what a sample does before applied to its Tensors."""
    if isinstance(value, list):
        return [applied(before, part) for part in value]
    return before(value) if isinstance(value, ad.Tensor) else value


def outputs_of(function, sample, leaves, dtype=np.float64):
    """Return what a function makes of a sample with leaves, as a list of Tensors."""
    before = sample.before or (lambda value: value)
    arguments = [applied(before, with_leaves(value, leaves, dtype)) for value in sample.arguments]
    result = functions[function](*arguments, **sample.keywords)
    return list(result) if isinstance(result, list | tuple) else [result]


PROMOTING = {np.astype, np.float_power, np.interp, np.cov, np.corrcoef, np.geomspace, np.vander, np.bincount}


def promotes(function, sample):
    """Return whether NumPy itself answers float32 with float64: always, asked to, or for an array of integers."""
    if "dtype" in sample.keywords:
        return True
    integers = [value for value in sample.arguments if isinstance(value, np.ndarray) and value.dtype.kind in "iu"]
    return function in PROMOTING or (isinstance(function, np.ufunc) and bool(integers))


@each_function
def test_float32_in_float32_out_forward_and_backward(function):
    for sample in samples_of(function):
        leaves = []
        outputs = outputs_of(function, sample, leaves, np.float32)
        if not promotes(function, sample):
            assert {output.dtype for output in outputs if output.dtype.kind == "f"} == {np.dtype(np.float32)}, sample
        scalar = sum((np.sum(output * output) for output in outputs), start=ad.Tensor(np.float32(0)))
        gradients = differentiate(scalar, leaves, create_graph=True)
        assert {gradient.dtype for gradient in gradients} <= {np.dtype(np.float32)}, sample
        slope = sum((np.sum(gradient * gradient) for gradient in gradients), start=ad.Tensor(np.float32(0)))
        assert {found.dtype for found in differentiate(slope, leaves, create_graph=False)} <= {np.dtype(np.float32)}


@each_function
def test_a_float32_gradient_is_the_float64_one_rounded(function):
    for sample in samples_of(function):
        found = []
        for dtype in (np.float32, np.float64):
            leaves = []
            outputs = outputs_of(function, sample, leaves, dtype)
            scalar = sum((np.sum(output) for output in outputs), start=ad.Tensor(np.float32(0)))
            found.append([gradient.data for gradient in differentiate(scalar, leaves, create_graph=False)])
        for single, double in zip(*found, strict=True):
            np.testing.assert_allclose(single, double, rtol=2e-4, atol=2e-4)


# Memory


def nodes_of(outputs):
    """Return all nodes that functions made, from some Tensors back to the leaves."""
    found, pending = set(), [output.node for output in outputs if output.node is not None]
    while pending:
        node = pending.pop()
        if node not in found and node.function is not None:
            found.add(node)
            pending.extend(node.parents.values())
    return found


def arrays_in(value):
    """Yield every array in nested lists and tuples."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from arrays_in(part)


def vjps_of(node):
    """Yield the vector-Jacobian products of a node as functions of g."""
    if node.kept is not None:
        yield lambda g: node.function.fused.vjp(g, node.kept)
    for name in node.parents:
        needed = node.function.rules[name]
        yield lambda g, needed=needed: needed.vjp(g, *[node.saved[need] for need in needed.needs])


@each_function
def test_a_rule_writes_to_nothing_and_returns_g_a_view_of_it_or_a_new_array(function):
    for sample in samples_of(function):
        for array in arrays_in([*sample.arguments, *sample.keywords.values()]):
            array.flags.writeable = False
        for node in nodes_of(outputs_of(function, sample, [])):
            saved = list(arrays_in([*node.saved.values(), node.kept]))
            for array in saved:
                array.flags.writeable = False
            g = np.random.default_rng(0).random(node.shape).astype(node.dtype)
            g.flags.writeable = False
            for vjp in vjps_of(node):
                with np.errstate(all="ignore"):
                    gradient = vjp(g)
                if isinstance(gradient, np.ndarray) and not np.shares_memory(gradient, g):
                    assert not any(np.shares_memory(gradient, array) for array in saved), (node.function, sample)


@each_function
def test_the_forward_pass_writes_to_no_input(function):
    for sample in samples_of(function):
        for array in arrays_in([*sample.arguments, *sample.keywords.values()]):
            array.flags.writeable = False
        outputs_of(function, sample, [])


# The hand-tuned rules beside the plain ones


@each_fused
def test_a_fused_function_is_the_plain_one_on_its_samples(function, monkeypatch):
    def results():
        found = []
        for sample in samples_of(function):
            leaves = []
            outputs = outputs_of(function, sample, leaves)
            scalar = sum((np.sum(output) for output in outputs), start=ad.Tensor(np.float64(0)))
            found += [gradient.data for gradient in differentiate(scalar, leaves, create_graph=False)]
            found += [output.data for output in outputs]
        return found

    fused = results()
    monkeypatch.setattr(function, "fused", None)
    for one, other in zip(fused, results(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


@each_fused
def test_a_second_order_pass_takes_the_plain_rule(function, monkeypatch):
    def refused(*arguments):
        raise AssertionError

    monkeypatch.setattr(function, "fused", function.fused._replace(vjp=refused))
    for sample in samples_of(function):
        leaves = []
        outputs = outputs_of(function, sample, leaves)
        differentiate(np.sum(outputs[0]), leaves, create_graph=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3), (3,), (0, 3), (4, 1)])
def test_the_fused_cross_entropy_is_the_plain_one(dtype, shape, monkeypatch):
    random = np.random.default_rng(0)
    logits = (5 * random.standard_normal(shape)).astype(dtype)
    labels = random.integers(0, shape[-1], shape[:-1])
    loss = lambda logits, labels: F.cross_entropy(logits, labels, axis=-1)
    fused = ad.value_and_grad(loss)(logits, labels)
    for function in FUSED:
        monkeypatch.setattr(function, "fused", None)
    plain = ad.value_and_grad(loss)(logits, labels)
    for one, other in zip(fused, plain, strict=True):
        assert one.dtype == other.dtype == dtype
        np.testing.assert_allclose(one, other, rtol=1e-5 if dtype == np.float32 else 1e-13, atol=1e-7)
