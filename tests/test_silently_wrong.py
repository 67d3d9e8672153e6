"""Never silently wrong: what could cost a gradient, or falsify it, is right or an error that says so."""

import inspect
import operator
import threading

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.gradcheck import checked_functions
from autodiff.registry import full_name, functions
from autodiff.samples import samples_of
from autodiff.transforms import differentiate

FUNCTIONS = sorted(checked_functions(), key=full_name)
each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=full_name)


def leaf(*values, dtype=float):
    return ad.Tensor(np.array(values, dtype=dtype), requires_grad=True)


# Arrays changed between an operation and its backward pass


def set_first(array):
    array[0] = 7


def through_data(x):
    y = x * x
    return y, lambda: set_first(x.data)


def through_a_view_taken_before(x):
    view = x.data[:2]
    y = x * x
    return y, lambda: set_first(view)


def through_a_view_taken_after(x):
    y = x * x
    return y, lambda: set_first(x.data[::-1])


def through_a_reshaped_view(x):
    y = x * x
    return y, lambda: set_first(x.data.reshape(2, -1)[1])


def through_a_detached_tensor(x):
    y = x * x
    return y, lambda: set_first(x.detach().data)


def through_a_result(x):
    y = np.exp(x)
    return y * 2, lambda: set_first(y.data)


def through_a_reshaped_result(x):
    y = np.exp(x)
    return y, lambda: set_first(np.reshape(y, (2, -1)).data)


def through_the_users_array(x):
    factor = np.full(4, 3.0)
    return x * factor, lambda: set_first(factor)


def through_the_array_under_a_view(x):
    base = np.full((4, 2), 3.0)
    return x * base[:, 1], lambda: base.fill(2)


def through_an_array_given_as_data(x):
    own = np.full(4, 2.0)
    x.data = own
    return x * x, lambda: set_first(own)


def through_an_array_shared_with_a_constant(x):
    constant = ad.Tensor(np.full(4, 3.0))
    return x * constant, lambda: set_first(np.asarray(constant))


def through_an_index(x):
    index = np.array([0, 1, 1])
    return x[index], lambda: set_first(index[1:])


def through_a_list(x):
    index = [0, 1, 1]
    return x[index], lambda: operator.setitem(index, 0, 3)


def through_an_index_in_a_tuple(x):
    index = np.array([0, 1, 1])
    return np.reshape(x, (2, 2))[:, index], lambda: index.fill(0)


def through_a_mask(x):
    mask = np.array([True, False, True, False])
    return np.where(mask, x * x, 0), lambda: operator.setitem(mask, 0, False)


def through_labels(x):
    labels = np.array([0, 1])
    return F.cross_entropy(np.reshape(x, (2, 2)), labels), lambda: operator.setitem(labels, ..., [1, 0])


def through_assigned_positions(x):
    index, y = np.array([0, 1]), x * 2
    y[index] = x[2:]
    return y, lambda: set_first(index[1:])


def through_an_optimizer(x):
    y = np.exp(x) * x
    x.grad = ad.Tensor(np.ones(4))
    return y, lambda: ad.SGD([x], learning_rate=0.1).step()


CHANGES = {
    "np.multiply": [
        *(through_data, through_a_view_taken_before, through_a_view_taken_after, through_a_reshaped_view),
        *(through_a_detached_tensor, through_the_users_array, through_the_array_under_a_view),
        *(through_an_array_given_as_data, through_an_array_shared_with_a_constant, through_an_optimizer),
    ],
    "np.exp": [through_a_result, through_a_reshaped_result],
    "getitem": [through_an_index, through_a_list, through_an_index_in_a_tuple],
    "np.where": [through_a_mask],
    "mean_cross_entropy": [through_labels],
    "setitem": [through_assigned_positions],
}


@pytest.mark.parametrize(
    ("operation", "change"), [(name, change) for name, changes in CHANGES.items() for change in changes]
)
def test_a_saved_array_that_was_changed_is_refused_by_the_name_of_the_operation(operation, change):
    x = leaf(1, 2, 3, 4)
    y, write = change(x)
    write()
    with pytest.raises(ad.ChangedArrayError, match=f"^{operation} saved"):
        np.sum(y).backward()


def swap_two(array):
    array[[5, 70_000]] = array[[70_000, 5]]


def move_by_one_ulp(array):
    array[99_999] = np.nextafter(array[99_999], np.inf, dtype=array.dtype)


def reverse(array):
    array[:] = array[::-1].copy()


@pytest.mark.parametrize("change", [swap_two, move_by_one_ulp, reverse])
@pytest.mark.parametrize("filled", ["numbers", "with an infinity", "with a NaN", "in strides"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_small_change_of_a_large_array_is_found(change, filled, dtype):
    array = (10 + np.random.default_rng(0).standard_normal(100_001)).astype(dtype)
    if filled != "numbers":
        array[3] = {"with an infinity": -np.inf, "with a NaN": np.nan, "in strides": 1}[filled]
    if filled == "in strides":
        array = np.repeat(array, 2)[::2]
    x = ad.Tensor(np.ones(array.shape, dtype), requires_grad=True)
    y = x * array
    change(array)
    with pytest.raises(ad.ChangedArrayError, match=r"np\.multiply"):
        np.sum(y).backward()


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.float16])
def test_two_swapped_labels_or_masks_of_many_are_found(dtype):
    array = np.zeros(100_001, dtype)
    array[:50_000] = 1
    x = ad.Tensor(np.ones(array.shape), requires_grad=True)
    y = x * array
    swap_two(array)
    with pytest.raises(ad.ChangedArrayError):
        np.sum(y).backward()


def test_the_backward_pass_of_a_graph_from_before_a_step_is_refused():
    rng = np.random.default_rng(0)
    model = ad.Sequential(ad.Linear(2, 3, rng=rng), ad.Tanh(), ad.Linear(3, 2, rng=rng))
    optimizer = ad.Adam(model.parameters(), learning_rate=0.1)
    losses = [F.cross_entropy(model(np.ones((4, 2), np.float32)), np.array([0, 1, 0, 1])) for _ in range(2)]
    losses[0].backward()
    optimizer.step()
    with pytest.raises(ad.ChangedArrayError, match="linear saved 'weight'"):
        losses[1].backward()


# The same for every function: an error or the gradient of what was computed


def constants_and_leaves(sample, chosen):
    """Return a sample's arguments, copied, with the chosen float64 array as a leaf; the arrays left; the leaf."""
    arrays, leaves, count = [], [], iter(range(100))

    def converted(value):
        if isinstance(value, list | tuple):
            return type(value)(map(converted, value))
        if not isinstance(value, np.ndarray):
            return value
        value = value.copy()
        if value.dtype == np.float64 and next(count) == chosen:
            leaves.append(ad.Tensor(value, requires_grad=True))
            return leaves[0]
        arrays.append(value)
        return value

    arguments = [converted(value) for value in sample.arguments]
    keywords = {name: converted(value) for name, value in sample.keywords.items()}
    if sample.before is not None:
        arguments = [sample.before(value) if isinstance(value, ad.Tensor) else value for value in arguments]
    return arguments, keywords, arrays, leaves


def scramble(array):
    """Change the elements of an array, as far as its dtype has other ones."""
    if array.dtype.kind == "b":
        np.logical_not(array, out=array)
    elif array.dtype.kind in "iu":
        array[...] = 0 if array.any() else 1
    else:
        array += 0.25


def total(results):
    results = results if isinstance(results, list | tuple) else [results]
    return sum((np.sum(np.sin(out)) for out in results if isinstance(out, ad.Tensor)), start=ad.Tensor(np.float64(0)))


def gradient_or_none(function, sample, chosen, order, change):
    """Return the gradient with respect to one argument, or None if it was refused because of a change."""
    arguments, keywords, arrays, leaves = constants_and_leaves(sample, chosen)
    if not leaves:
        return None
    scalar = total(functions[function](*arguments, **keywords))
    if scalar.node is None:
        return None
    if order == 2:
        (found,) = differentiate(scalar, leaves, create_graph=True)
        scalar = np.sum(found * found)
        if scalar.node is None:
            return None
    if change == "constants":
        for array in arrays:
            scramble(array)
    elif change == "variables":
        scramble(leaves[0].data)
    try:
        (found,) = differentiate(scalar, leaves, create_graph=False)
    except ad.ChangedArrayError:
        return None
    return found.data


@each_function
@pytest.mark.parametrize("order", [1, 2])
def test_a_change_never_falsifies_a_gradient(function, order):
    for sample in samples_of(function):
        for chosen in range(4):
            expected = gradient_or_none(function, sample, chosen, order, None)
            if expected is None:
                break
            for change in ("constants", "variables"):
                found = gradient_or_none(function, sample, chosen, order, change)
                if found is not None:
                    np.testing.assert_array_equal(found, expected, err_msg=f"{change} of {sample}")


# What is not a change


def test_a_training_loop_that_reads_and_reuses_everything_is_not_refused():
    rng = np.random.default_rng(0)
    model = ad.Sequential(ad.Linear(2, 8, rng=rng), ad.ReLU(), ad.Linear(8, 2, rng=rng))
    optimizer = ad.Adam(model.parameters(), learning_rate=0.01)
    inputs, labels = np.empty((16, 2), np.float32), np.empty(16, np.int64)  # the same buffers in every step
    mask = np.empty(16, bool)
    for _ in range(5):
        inputs[:] = rng.standard_normal(inputs.shape)
        labels[:] = rng.integers(0, 2, 16)
        mask[:] = rng.random(16) > 0.3
        x = ad.Tensor(inputs)
        logits = model(x)
        losses = [F.cross_entropy(logits, labels), np.mean(logits[mask] ** 2), np.mean(np.tanh(logits) * inputs)]
        assert all(np.isfinite(parameter.data[:1]).all() for parameter in model.parameters())
        assert np.isfinite(logits.data.sum() + x.data.sum() + losses[0].item() + float(losses[1]))
        optimizer.zero_grad()
        losses[0].backward(retain_graph=True)
        (losses[1] + losses[2]).backward()
        optimizer.step()
        for parameter in model.parameters():
            parameter.data *= 0.999
            parameter.grad.data[...] = 0


def test_writing_the_same_values_or_to_what_nothing_saved_is_not_refused():
    x, other = leaf(1, 2), np.ones(2)
    y = np.sum(x * x + other)
    x.data[:] = x.data.copy()
    other[:] = 5
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [2, 4])


def test_two_models_trained_in_turn_are_not_refused():
    rng = np.random.default_rng(0)
    generator, critic = ad.Linear(2, 2, rng=rng), ad.Linear(2, 1, rng=rng)
    optimizers = [ad.SGD(module.parameters(), learning_rate=0.1) for module in (generator, critic)]
    for _ in range(3):
        made = generator(np.ones((4, 2), np.float32))
        np.mean(critic(made.detach())).backward()
        optimizers[1].step()
        np.mean(critic(made)).backward()
        optimizers[0].step()


# Assignment, to second order


def test_an_assignment_is_right_to_second_order():
    def function(x, v):
        t = x * x
        t[1] = v**3
        t[2] += x[0]
        return np.sum(t * t)  # x0^4 + v^6 + (x2^2 + x0)^2

    x, v = np.array([2.0, 3.0, 1.5]), np.array(1.25)
    inner = x[2] ** 2 + x[0]
    first = ad.grad(function, (0, 1))(x, v)
    np.testing.assert_allclose(first[0], [4 * x[0] ** 3 + 2 * inner, 0, 4 * x[2] * inner], rtol=1e-14)
    np.testing.assert_allclose(first[1], 6 * v**5, rtol=1e-14)
    second = ad.hessian(function, (0, 1))(x, v)
    expected = [[12 * x[0] ** 2 + 2, 0, 4 * x[2]], [0, 0, 0], [4 * x[2], 0, 4 * inner + 8 * x[2] ** 2]]
    np.testing.assert_allclose(second[0][0], expected, rtol=1e-14)
    np.testing.assert_allclose(second[1][1], 30 * v**4, rtol=1e-14)
    np.testing.assert_array_equal(second[0][1], np.zeros(3))


def test_an_assigned_value_may_have_further_axes_of_length_1():
    x, v = leaf(1, 2, 3), ad.Tensor(np.full((1, 1, 2), 5.0), requires_grad=True)
    y = x * x
    y[1:] = v
    np.sum(y * y).backward()
    np.testing.assert_array_equal(x.grad.data, [4, 0, 0])
    np.testing.assert_array_equal(v.grad.data, [[[10, 10]]])


def test_plus_equals_writes_into_the_tensor_and_keeps_the_gradient():
    x, v = leaf(1, 2), leaf(3, 4)
    t = alias = x * x
    t += v
    assert t is alias
    np.sum(t * t).backward()
    np.testing.assert_array_equal(v.grad.data, 2 * (np.array([1, 4]) + [3, 4]))
    np.testing.assert_array_equal(x.grad.data, [2 * 4 * 2, 2 * 8 * 4])


# Refused, for a gradient would be lost

POINT = np.array([1.0, 2.0, 3.0])
LOST = {
    "an array plus a tensor in place": lambda t: operator.iadd(POINT.copy(), t),
    "an array times a tensor in place": lambda t: operator.imul(POINT.copy(), t),
    "elements of an array": lambda t: operator.setitem(POINT.copy(), slice(None), t),
    "np.asarray": lambda t: np.asarray(t),
    "np.array": lambda t: np.array(t),
    "np.array of a list": lambda t: np.array([t, t]),
    "np.array of a list of scalars": lambda t: np.array([np.sum(t), 1.0]),
    "np.asarray to objects": lambda t: np.asarray(t, dtype=object),
    "a method of an array": lambda t: POINT.dot(t),
    "np.vectorize": lambda t: np.vectorize(abs)(t),
    "np.random": lambda t: np.random.default_rng(0).normal(t),
    "np.full": lambda t: np.full(3, t),
    "np.full_like of an array": lambda t: np.full_like(POINT, t),
    "np.copyto": lambda t: np.copyto(POINT.copy(), t),
    "at": lambda t: np.add.at(t, [0], 1.0),
    "at of an array": lambda t: np.add.at(POINT.copy(), [0, 1, 2], t),
    "accumulate": lambda t: np.maximum.accumulate(t),
    "reduce": lambda t: np.hypot.reduce(t),
    "outer": lambda t: np.multiply.outer(t, t),
    "reduceat": lambda t: np.add.reduceat(t, [0, 1]),
    "reduce with out": lambda t: np.add.reduce(t, out=np.zeros(())),
    "put_along_axis into an array": lambda t: np.put_along_axis(POINT.copy(), np.array([0]), t[:1], 0),
    "a tensor made of a tensor": lambda t: ad.Tensor(t),
    "a list of tensors in an operator": lambda t: t + [np.sum(t)] * 3,
    "nested lists of tensors in an operator": lambda t: t + [[np.sum(t)] * 3],
    "a list of tensors in np.sum": lambda t: np.sum([t, t]),
    "nested lists of tensors in np.exp": lambda t: np.exp([[t], [t]]),
    "nested lists of tensors in np.dot": lambda t: np.dot([[np.sum(t)] * 3], t),
    "nested lists of tensors in np.where": lambda t: np.where(POINT > 1, [np.sum(t)] * 3, t),
    "nested lists of tensors in np.clip": lambda t: np.clip(t, [np.sum(t)] * 3, 9),
    "np.select with a default": lambda t: np.select([POINT > 1], [POINT], t),
    "a number of repeats": lambda t: np.repeat(POINT, t),
}


@pytest.mark.parametrize("name", LOST)
def test_what_would_lose_the_gradient_is_refused(name):
    with pytest.raises(TypeError, match=r"gradient|rule|out="):
        LOST[name](leaf(1, 2, 3))


NUMBERS = {
    **{kind.__name__: kind for kind in (float, int, complex, round, operator.index, np.float64)},
    "item": lambda t: t.item(),
    "tolist": lambda t: t.tolist(),
    "an element of an array": lambda t: operator.setitem(np.zeros(2), 0, t),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_inside_a_transform_is_refused(name):
    with pytest.raises((TypeError, ValueError)):  # NumPy makes a ValueError of it in an assignment
        ad.grad(lambda x: np.sum(x) * NUMBERS[name](np.sum(x)))(np.ones(2))


def test_a_number_outside_of_a_transform_is_that_number():
    x = np.sum(leaf(1, 2))
    assert float(x) == x.item() == 3.0
    assert int(x) == 3


ABSENT = {
    "np.fft.fft": lambda t: np.fft.fft(t),
    "np.polyfit": lambda t: np.polyfit(t, t, 1),
    "np.put": lambda t: np.put(t, [0], 1.0),
    "np.place": lambda t: np.place(t, POINT > 1, 1.0),
    "np.putmask": lambda t: np.putmask(t, POINT > 1, 1.0),
    "np.copyto": lambda t: np.copyto(t, 1.0),
    "np.fill_diagonal": lambda t: np.fill_diagonal(np.reshape(t, (3, 1)), 1.0),
    "np.frexp": lambda t: np.frexp(t),
    "np.spacing": lambda t: np.spacing(t),
    "np.linalg.eig": lambda t: np.linalg.eig(np.diag(t)),
}


@pytest.mark.parametrize("name", ABSENT)
def test_a_function_that_is_not_in_the_registry_is_refused_by_name(name):
    with pytest.raises(ad.MissingRuleError, match=f"^{name} has no derivative rule"):
        ABSENT[name](leaf(1, 2, 3))


@pytest.mark.parametrize("function", [np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.fft2], ids=lambda f: f.__name__)
@pytest.mark.parametrize("requires_grad", [True, False])
def test_a_complex_spectrum_is_refused_with_what_stands_instead(function, requires_grad):
    with pytest.raises(ad.MissingRuleError, match=r"complex numbers, .*np\.fft\.irfft and np\.fft\.hfft .*t\.data"):
        function(ad.Tensor(np.ones((2, 4)), requires_grad))


def test_products_with_cosines_and_sines_are_the_parts_of_a_spectrum():
    x = leaf(1.0, -2.0, 0.5, 4.0, 3.0)
    angles = 2 * np.pi * np.outer(np.arange(5), np.arange(5)) / 5
    expected = np.fft.fft(x.data)
    np.testing.assert_allclose((np.cos(angles) @ x).data, expected.real, atol=1e-5)
    np.testing.assert_allclose(-(np.sin(angles) @ x).data, expected.imag, atol=1e-5)


# Arguments that no rule knows

OTHER = {"dtype": np.float32, "where": False, "initial": 2.0, "order": "F", "casting": "unsafe", "kind": "stable"}
SUMS = {np.sum, np.prod, np.nansum, np.nanprod}
MEANS = {np.mean, np.var, np.std, np.nanmean, np.nanvar, np.nanstd}
EXTREMA = {np.max, np.min, np.amax, np.amin, np.nanmax, np.nanmin}
RUNNING = {np.cumsum, np.cumprod, np.nancumsum, np.nancumprod, np.cumulative_sum, np.cumulative_prod}
ROWS = {np.linspace, np.logspace, np.geomspace, np.cov, np.corrcoef}
KNOWN = {
    (np.astype, "dtype"),
    *((function, "dtype") for function in ROWS),
    *((function, "order") for function in (np.copy, np.ravel, np.reshape)),
    *((function, "dtype") for function in SUMS | MEANS | RUNNING | {np.trace, np.linalg.trace}),
    *((function, "initial") for function in SUMS | EXTREMA),
    *((function, "where") for function in SUMS | MEANS | EXTREMA),
}


def parameters_of(function):
    if isinstance(function, np.ufunc):
        return ["out", "dtype", "where", "casting", "order"]
    return list(inspect.signature(function).parameters) if "numpy" in (function.__module__ or "") else []


def of_leaves(sample):
    """Return a sample's arguments with every float64 array as a leaf."""

    def converted(value):
        if isinstance(value, list) and any(isinstance(part, np.ndarray) for part in value):
            return list(map(converted, value))
        is_variable = isinstance(value, np.ndarray) and value.dtype == np.float64
        return ad.Tensor(value, requires_grad=True) if is_variable else value

    return [converted(value) for value in sample.arguments]


@pytest.mark.parametrize(
    ("function", "name"),
    [(f, name) for f in FUNCTIONS for name in parameters_of(f) if name in OTHER and (f, name) not in KNOWN],
    ids=lambda value: value if isinstance(value, str) else full_name(value),
)
def test_an_argument_that_no_rule_knows_is_refused(function, name):
    sample = samples_of(function)[0]
    with pytest.raises(TypeError, match=name):
        function(*of_leaves(sample), **sample.keywords, **{name: OTHER[name]})


TAKES_OUT = [f for f in FUNCTIONS if "out" in parameters_of(f)]


@pytest.mark.parametrize(
    "function",
    TAKES_OUT,
    ids=full_name,
)
def test_out_is_refused_by_keyword_and_by_position(function):
    sample = samples_of(function)[0]
    value = function(*sample.arguments, **sample.keywords)
    out = np.full_like(value, 42)
    with pytest.raises(TypeError, match="out"):
        function(*of_leaves(sample), **sample.keywords, out=out)
    if isinstance(function, np.ufunc):
        further = [out]
    else:
        parameters = inspect.signature(function).parameters
        before = list(parameters)[len(sample.arguments) : list(parameters).index("out")]
        if parameters["out"].kind is inspect.Parameter.KEYWORD_ONLY:
            return
        further = [*[sample.keywords.get(name, parameters[name].default) for name in before], out]
    with pytest.raises((TypeError, DeprecationWarning)):  # np.maximum's third argument is deprecated
        function(*of_leaves(sample), *further)
    np.testing.assert_array_equal(out, np.full_like(value, 42))


# A value that requires a gradient, in a function of an array that does not

KEPT = {
    "full_like": lambda v: np.full_like(ad.Tensor(np.zeros(2)), v[0]),
    "insert": lambda v: np.insert(np.zeros(2), 1, v),
    "insert into a list": lambda v: np.insert(np.array([1.0, 2.0]), [0, 1], v),
    "where": lambda v: np.where(np.array([True, False]), v, np.zeros(2)),
    "where else": lambda v: np.where(np.array([True, False]), np.zeros(2), v),
    "append": lambda v: np.append(np.zeros(2), v),
    "append along an axis": lambda v: np.append(np.zeros((1, 2)), v[None], axis=0),
    "concatenate": lambda v: np.concatenate([np.zeros(2), v]),
    "select": lambda v: np.select([np.array([True, False])], [v], np.zeros(2)),
    "choose": lambda v: np.choose(np.array([0, 1]), [np.zeros(2), v]),
    "clip": lambda v: np.clip(np.array([0.0, 9.0]), v[0], v[1]),
    "heaviside": lambda v: np.heaviside(np.zeros(2), v),
    "pad": lambda v: np.pad(v, 1),
    "diff": lambda v: np.diff(np.zeros(2), prepend=v),
    "ediff1d": lambda v: np.ediff1d(np.zeros(2), to_end=v),
    "average": lambda v: np.average(np.array([1.0, 2.0]), weights=v),
    "einsum": lambda v: np.einsum("i,i", np.ones(2), v),
    "solve": lambda v: np.linalg.solve(np.eye(2), v),
    "meshgrid": lambda v: np.meshgrid(np.zeros(2), v)[1],
    "broadcast_arrays": lambda v: np.broadcast_arrays(np.zeros((2, 1)), v)[1],
    "setitem": lambda v: assigned(ad.Tensor(np.zeros(3)), v),
    "put_along_axis": lambda v: put(ad.Tensor(np.zeros(3)), v),
    "block": lambda v: np.block([[np.zeros((1, 2))], [v[None]]]),
    "vstack": lambda v: np.vstack([np.zeros(2), v]),
}


def assigned(t, v):
    t[1:] = v
    return t


def put(t, v):
    np.put_along_axis(t, np.array([2, 0]), v, 0)
    return t


@pytest.mark.parametrize("name", KEPT)
def test_a_value_keeps_its_gradient(name):
    point = np.array([1.5, 2.5])
    function = lambda v: np.sum(KEPT[name](v) ** 2)
    found = ad.grad(function)(point)
    steps = np.eye(2) * 1e-6
    expected = [(function(ad.Tensor(point + h)).item() - function(ad.Tensor(point - h)).item()) / 2e-6 for h in steps]
    assert np.any(found != 0)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


# Defects that are known


@pytest.mark.parametrize("factor", [np.array([1j, 2j]), 1j, np.array([1, 2], dtype=object)], ids=repr)
def test_complex_numbers_and_objects_are_refused(factor):
    with pytest.raises(TypeError):
        leaf(1, 2) * factor


def test_a_seed_changed_before_a_second_pass_is_refused():
    x, seed = leaf(1, 2), np.ones(2)
    (x * x).backward(seed, create_graph=True)
    found, x.grad = x.grad, None
    seed[:] = 5
    try:
        np.sum(found * found).backward()
    except ad.ChangedArrayError:
        return
    np.testing.assert_array_equal(x.grad.data, [8, 16])


def test_a_comparison_does_not_write_into_an_array_that_is_saved_unseen():
    x, mask = leaf(1, 2), np.zeros(2, bool)
    try:
        y = np.where(np.less(x, 5, out=mask), x * x, 0)
        mask[:] = False
        np.sum(y).backward()
    except (TypeError, ad.ChangedArrayError):
        return
    np.testing.assert_array_equal(x.grad.data, [2, 4])


# Threads


def train(steps, anomaly, evaluate, wait=lambda: None):
    """Return the losses of a small training, under anomaly detection or with evaluations under no_grad in between."""
    rng = np.random.default_rng(3)
    model = ad.Sequential(ad.Linear(2, 5, rng=rng), ad.Tanh(), ad.Linear(5, 2, rng=rng))
    optimizer = ad.Adam(model.parameters(), learning_rate=0.05)
    x, labels = rng.standard_normal((20, 2)).astype(np.float32), rng.integers(0, 2, 20)
    found = []
    for _ in range(steps):
        wait()
        if evaluate:
            with ad.no_grad():
                wait()
                value = F.cross_entropy(model(x), labels)
                assert not value.requires_grad
                assert np.log(ad.Tensor([0.0]) + value.item() * 0).item() == -np.inf  # nobody looks for anomalies here
                wait()
        if anomaly:
            with ad.detect_anomaly():
                wait()
                loss = F.cross_entropy(model(x), labels)
                with pytest.raises(ad.AnomalyError):
                    np.log(loss * 0)
                optimizer.zero_grad()
                loss.backward()
                wait()
        else:
            loss = F.cross_entropy(model(x), labels)
            optimizer.zero_grad()
            loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_two_threads_with_different_modes_get_what_each_gets_alone():
    kinds = [{"anomaly": True, "evaluate": False}, {"anomaly": False, "evaluate": True}]
    alone = [train(20, **kind) for kind in kinds]
    barrier = threading.Barrier(2, timeout=30)
    together, errors = [None, None], []

    def run(i):
        try:
            together[i] = train(20, **kinds[i], wait=barrier.wait)
        except BaseException as error:
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert together == alone


def test_a_transform_of_one_thread_leaves_the_numbers_of_another_alone():
    inside, done = threading.Event(), threading.Event()

    def function(x):
        inside.set()
        assert done.wait(30)
        return np.sum(x * x)

    thread = threading.Thread(target=ad.grad(function), args=(np.ones(2),))
    thread.start()
    assert inside.wait(30)
    try:
        assert float(np.sum(leaf(1, 2))) == 3
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize(
    "compute",
    [
        lambda t: np.einsum("i,i->", t, 1j * np.ones(2)),
        lambda t: np.concatenate([t, 1j * np.ones(2)]),
        lambda t: np.stack([t, np.array([1, 2], dtype=object)]),
    ],
)
def test_complex_numbers_and_objects_are_refused_among_any_number_of_arrays(compute):
    with pytest.raises(TypeError, match="no gradient flows"):
        compute(ad.Tensor(np.ones(2), requires_grad=True))
