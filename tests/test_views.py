"""Writes through views and in place: what NumPy does, in every order, with the gradients of that; or an error."""

import operator

import numpy as np
import pytest

import autodiff as ad
from autodiff.gradcheck import checked_functions
from autodiff.registry import full_name, functions
from autodiff.samples import samples_of

START = np.arange(12.0).reshape(3, 4) / 7 - 0.4


def recorded(array):
    """Return a Tensor that was computed, so that it can be written to, and the leaf it was computed from."""
    leaf = ad.Tensor(array, requires_grad=True)
    return leaf * 1, leaf


def slopes(function, array, step=1e-6):
    """Return the numerical gradient of a scalar function."""
    found = np.zeros(array.shape)
    for index in np.ndindex(array.shape):
        ends = []
        for sign in (1, -1):
            moved = array.copy()
            moved[index] += sign * step
            ends.append(float(function(moved)))
        found[index] = (ends[0] - ends[1]) / (2 * step)
    return found


def total(tensors):
    """Return a number that depends on every element of every array, each in its own way."""
    return sum(np.sum(np.sin(t + i) * (1 + np.arange(t.size).reshape(t.shape))) for i, t in enumerate(tensors))


# Programs: each is run on arrays, as it stands, and on Tensors


def through_rows(t, v):
    t[0][1] = v[0]
    return [t]


def through_reshape(t, v):
    t.reshape(-1)[3] = v[1] * 2
    return [t]


def through_transpose(t, v):
    t.T[2] = v[:3]
    return [t]


def through_iteration(t, v):
    for row in t:
        row[0] = v[0]
    return [t]


def through_a_chain(t, v):
    t[1:].T[::-1][1:3][0][:] = v[:2]
    return [t]


def through_a_slice_of_a_copy(t, v):
    c = t.copy()
    c[0][0] = v[0]
    return [t, c]


def through_flatten(t, v):
    t.flatten()[0] = v[0]
    return [t]


def through_ravel(t, v):
    t.ravel()[-1] = v[0]
    return [t]


def through_swapaxes(t, v):
    t.swapaxes(0, 1)[1, 2] = v[0]
    return [t]


def through_a_new_axis(t, v):
    t[None, :, ::2][0, 1] = v[:2]
    return [t]


def through_a_mask_of_a_view(t, v):
    row = t[1]
    row[np.array([True, False, True, False])] = v[:2]
    return [t, row]


def through_positions_of_a_view(t, v):
    column = t[:, 1]
    column[[2, 0]] = v[:2]
    return [t, column]


def into_the_base(t, v):
    row, column = t[1], t[:, 2]
    t[1, 2] = v[0]
    return [t, row, column]


def into_the_base_in_a_loop(t, v):
    for i in range(2):
        before = t[i]
        t[i + 1] = before * v + t[i + 1]
    return [t, before]


def between_siblings(t, v):
    a, b = t[:2], t[1:]
    a[1] = v
    b[0, 0] = 7.0
    return [t, a, b]


def of_siblings_whose_base_is_gone(t, v):
    c = t * 3
    a, b = c[:2], c[1:]
    del c
    a[1] += v
    return [a, b]


def after_a_write(t, v):
    t[0, 0] = 5.0
    row = t[0]
    row[1] = v[0]
    t[0, 2] = v[1]
    return [t, row]


def a_view_of_a_view_after_a_write(t, v):
    a = t[1:]
    a[0, 0] = v[0]
    b = a[0]
    b[1] = v[1]
    c = t.T[1]
    c[1] = c[1] * 3
    return [t, a, b, c]


def in_place_on_a_view(t, v):
    t[0] += v
    row = t[1]
    row *= v
    row -= 1.0
    t /= 2.0
    return [t, row]


def in_place_under_another_name(t, v):
    other = t
    other += v
    other **= 2
    return [t]


def in_a_function(t, v):
    def add(into):
        into += v

    add(t)
    add(t[0])
    return [t]


def in_place_with_a_matrix(t, v):
    square = t[:, :3]
    square @= np.eye(3) * 2
    return [t]


def one_onto_itself(t, v):
    t[:2] = t[1:] * v
    t[0] = t[1]
    return [t]


def kept_rows(t, v):
    rows = list(t)
    rows[0][:] = rows[1] + v
    rows[2][0] = rows[0][3]
    return [t, *rows]


def a_single_element(t, v):
    element = t[1, 2, ...]
    element += v[0]
    t[1] = t[1] * 2
    return [t, element]


def by_keywords(t, v):
    np.flip(m=t)[0, 0] = v[1]
    np.squeeze(a=t)[1] = v
    return [t]


def on_integers(t, v):
    t = (t * 7).astype(int)
    t[0][1] = 5
    t[1] += 2
    return [t]


def swapped(t, v):
    a, b = t[0], t[1]
    saved = a.copy()
    a[:] = b
    b[:] = saved * v
    return [t, a, b, saved]


PROGRAMS = [
    value for name, value in list(globals().items()) if name.startswith(("through", "into", "between", "of_sib"))
]
PROGRAMS += [after_a_write, a_view_of_a_view_after_a_write, in_place_on_a_view, in_place_under_another_name]
PROGRAMS += [in_a_function, in_place_with_a_matrix, one_onto_itself, by_keywords, kept_rows, a_single_element, swapped]
each_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
V = np.array([0.3, -0.7, 1.1, 0.5])


@each_program
def test_a_program_does_what_it_does_on_arrays(program):
    expected = program(START.copy(), V)
    for make in (ad.Tensor, lambda array: recorded(array)[0]):
        found = program(make(START), V)
        for tensor, array in zip(found, expected, strict=True):
            np.testing.assert_array_equal(tensor.data, array)


@each_program
def test_a_program_does_so_under_no_grad_and_in_place(program):
    expected = program(START.copy(), V)
    t = ad.Tensor(START, requires_grad=True)
    data = t.data
    with ad.no_grad():
        found = program(t, V)
    for tensor, array in zip(found, expected, strict=True):
        np.testing.assert_array_equal(tensor.data, array)
    assert t.data is data
    assert t.requires_grad


def test_a_program_on_integers_does_what_it_does_on_arrays():
    (found,), (expected,) = on_integers(ad.Tensor(START), V), on_integers(START, V)
    np.testing.assert_array_equal(found.data, expected)


@each_program
def test_a_programs_gradients_are_numerical_ones(program):
    t, leaf = recorded(START)
    v = ad.Tensor(V, requires_grad=True)
    total(program(t, v)).backward()
    expected = slopes(lambda array: total(program(array.copy(), V)), START)
    np.testing.assert_allclose(leaf.grad.data, expected, rtol=1e-6, atol=1e-8)
    expected = slopes(lambda array: total(program(START.copy(), array)), V)
    found = np.zeros(V.shape) if v.grad is None else v.grad.data
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


def test_what_numpy_copies_for_its_strides_is_a_copy_after_a_write_too():
    def program(t, v):
        columns = t[:, ::3]
        columns[0, 0] = v[0]
        flat = columns.reshape(-1)  # no window: from one element to the next it is 3 columns, or 1
        with ad.no_grad():
            flat[:] = 9.0
            columns[1, 1] = 8.0
        return [t, columns, flat]

    expected = program(START.copy(), V)
    for tensor, array in zip(program(recorded(START)[0], V), expected, strict=True):
        np.testing.assert_array_equal(tensor.data, array)


# Random programs

VIEWS = [
    lambda t, random: t[random.integers(t.shape[0]), ...] if t.ndim and t.size else t[...],
    lambda t, random: t[..., :: random.choice([-1, 2])] if t.ndim else t[None],
    lambda t, random: t[random.integers(2) :] if t.ndim else t[...],
    lambda t, random: t.T,
    lambda t, random: t.reshape(-1),
    lambda t, random: np.moveaxis(t, 0, -1) if t.ndim else t[...],
    lambda t, random: np.expand_dims(t, 0),
    lambda t, random: np.squeeze(t),
]
WRITES = [
    lambda t, random, v: operator.setitem(t, ..., v[0]),
    lambda t, random, v: operator.setitem(t, (..., slice(0, 1)) if t.ndim else ..., v[1] * 2),
    lambda t, random, v: operator.setitem(t, t.data > 0 if isinstance(t, ad.Tensor) else t > 0, v[2]),
    lambda t, random, v: operator.setitem(t, -1 if t.ndim else ..., v[3]),
    lambda t, random, v: operator.iadd(t, v[0]),
    lambda t, random, v: operator.imul(t, v[2]),
    lambda t, random, v: operator.setitem(t, ..., t * t * 0.5),
]


def run(seed, t, v):
    """Return the Tensors or arrays of a random program of views and writes; they are all kept alive, or few are."""
    random = np.random.default_rng(seed)
    alive = [t]
    for _ in range(12):
        chosen = alive[random.integers(len(alive))]
        if random.random() < 0.5:
            alive.append(VIEWS[random.integers(len(VIEWS))](chosen, random))
        elif chosen.size:
            WRITES[random.integers(len(WRITES))](chosen, random, v)
        if len(alive) > 2 and random.random() < 0.3:
            del alive[random.integers(len(alive))]
    return [one for one in alive if one.size]


@pytest.mark.parametrize("seed", range(60))
def test_a_random_program_does_what_it_does_on_arrays(seed):
    expected = run(seed, START.copy(), V)
    t, leaf = recorded(START)
    v = ad.Tensor(V, requires_grad=True)
    found = run(seed, t, v)
    with ad.no_grad():
        silent = run(seed, ad.Tensor(START), V)
    for tensor, other, array in zip(found, silent, expected, strict=True):
        np.testing.assert_allclose(tensor.data, array, rtol=1e-14)
        np.testing.assert_allclose(other.data, array, rtol=1e-14)
    total(found).backward()
    for one, numerical in [
        (leaf, slopes(lambda array: total(run(seed, array.copy(), V)), START)),
        (v, slopes(lambda array: total(run(seed, START.copy(), array)), V)),
    ]:
        found = np.zeros(one.shape) if one.grad is None else one.grad.data
        np.testing.assert_allclose(found, numerical, rtol=1e-5, atol=1e-7)


# Every function: a window where NumPy's is one, and a copy where it is a copy


def arrays_in(tree):
    if isinstance(tree, np.ndarray):
        return [tree] if tree.dtype == np.float64 else []
    return [array for part in tree for array in arrays_in(part)] if isinstance(tree, list | tuple) else []


def tensors_in(tree):
    if isinstance(tree, ad.Tensor):
        return [tree] if tree.dtype == np.float64 else []
    return [tensor for part in tree for tensor in tensors_in(part)] if isinstance(tree, list | tuple) else []


def of_tensors(tree):
    if isinstance(tree, np.ndarray) and tree.dtype == np.float64:
        return recorded(tree)[0]
    return type(tree)(map(of_tensors, tree)) if isinstance(tree, list | tuple) and arrays_in(tree) else tree


def copied(tree):
    if isinstance(tree, np.ndarray):
        return tree.copy()
    return type(tree)(map(copied, tree)) if isinstance(tree, list | tuple) else tree


PROTECTED = {np.einsum, np.broadcast_arrays}
"""Functions whose views NumPy lets be written to, the latter with a warning at the first look; here it is an error."""
FUNCTIONS = sorted((f for f in checked_functions() if full_name(f).startswith("np.")), key=full_name)


@pytest.mark.parametrize("into", ["result", "argument"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=full_name)
def test_a_write_reaches_what_numpys_reaches(function, into):
    for sample in samples_of(function):
        arrays = copied(list(sample.arguments))
        tensors = of_tensors(arrays)
        out, found = function(*arrays, **sample.keywords), functions[function](*tensors, **sample.keywords)
        results, made = arrays_in(out), tensors_in(found)
        if not results or len(results) != len(made) or np.shape(results[0]) != made[0].shape:
            continue
        given, taken = arrays_in(arrays), tensors_in(tensors)
        into_results = [(results[0], made[0]), (results[-1], made[-1])]
        for array, tensor in into_results if into == "result" else zip(given, taken, strict=True):
            if not array.size or array.ndim == 0:
                continue
            try:
                array[0] = 0.625
            except (ValueError, DeprecationWarning):
                with pytest.raises(ValueError, match="NumPy protects"):
                    tensor[0] = 0.625
                continue
            try:
                tensor[0] = 0.625
            except ValueError:
                assert function in PROTECTED
                array[0] = tensor.data[0]
        for array, tensor in [*zip(given, taken, strict=True), *zip(results, made, strict=True)]:
            np.testing.assert_allclose(tensor.data, array, rtol=1e-9, atol=1e-12, err_msg=repr(sample))


# detach


def test_detach_shares_the_memory_both_ways_and_no_gradient():
    t, leaf = recorded(START)
    detached = t.detach()
    detached[0] = 7.0
    t[1, 1] = ad.Tensor(2.0, requires_grad=True) * 3
    row = detached[2]
    row[0] = 9.0
    expected = START.copy()
    expected[0], expected[1, 1], expected[2, 0] = 7, 6, 9
    np.testing.assert_array_equal(t.data, expected)
    np.testing.assert_array_equal(detached.data, expected)
    np.testing.assert_array_equal(row.data, expected[2])
    assert not detached.requires_grad
    np.sum(t).backward()
    gradient = np.ones(START.shape)
    gradient[1, 1] = 0  # of what was written over with the gradient's knowledge
    np.testing.assert_array_equal(leaf.grad.data, gradient)


def test_a_leaf_is_changed_through_detach_and_stays_the_leaf():
    leaf = ad.Tensor(START, requires_grad=True)
    square = np.sum(leaf * leaf)
    leaf.detach()[0] = 7.0
    leaf.detach().reshape(-1)[-1] = 8.0
    expected = START.copy()
    expected[0], expected[-1, -1] = 7, 8
    np.testing.assert_array_equal(leaf.data, expected)
    square.backward()
    np.testing.assert_array_equal(leaf.grad.data, 2 * START)


# The update written by hand

UPDATES = {
    "minus": lambda p, g: operator.isub(p, 0.1 * g),
    "plus": lambda p, g: operator.iadd(p, -0.1 * g),
    "times": lambda p, g: operator.imul(p, 0.9),
    "divided": lambda p, g: operator.itruediv(p, 2.0),
    "power": lambda p, g: operator.ipow(p, 2),
    "floor": lambda p, g: operator.ifloordiv(p, 0.25),
    "remainder": lambda p, g: operator.imod(p, 0.3),
    "matmul": lambda p, g: operator.imatmul(p, np.eye(4) * 3),
    "elements": lambda p, g: operator.setitem(p, ..., p - 0.1 * g),
    "a slice": lambda p, g: operator.setitem(p, slice(None), p * 0.5),
    "rows": lambda p, g: [operator.isub(row, 0.1 * step) for row, step in zip(p, g, strict=True)],
    "a view": lambda p, g: operator.isub(p.T, 0.1 * g.T),
    "detached": lambda p, g: operator.isub(p.detach(), 0.1 * g),
    "an array": lambda p, g: operator.isub(p, np.ones((3, 4))),
}


@pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES)
def test_an_update_by_hand_changes_the_parameters_in_place(update):
    parameters = [ad.Parameter(START), ad.Parameter(START + 1)]
    gradients = [ad.Tensor(np.cos(START)), ad.Tensor(np.sin(START))]
    expected = [p.data.copy() for p in parameters]
    data = [p.data for p in parameters]
    for array, g in zip(expected, gradients, strict=True):
        if "detached" in UPDATES and update is UPDATES["detached"]:
            array -= 0.1 * g.data
        else:
            update(array, g.data)
    with ad.no_grad():
        for p, g in zip(parameters, gradients, strict=True):
            update(p, g)
    for p, before, array in zip(parameters, data, expected, strict=True):
        assert p.data is before
        np.testing.assert_allclose(p.data, array, rtol=1e-15)
        assert isinstance(p, ad.Parameter)
        assert p.requires_grad
        np.sum(p * p).backward()
        np.testing.assert_allclose(p.grad.data, 2 * array, rtol=1e-15)


def test_training_by_hand_learns():
    rng = np.random.default_rng(0)
    model = ad.Linear(3, 1, rng=rng)
    x = rng.standard_normal((20, 3)).astype(np.float32)
    y = x @ np.array([[1.0], [2.0], [3.0]], np.float32)
    for _ in range(300):
        loss = np.mean((model(x) - y) ** 2)
        loss.backward()
        with ad.no_grad():
            for p in model.parameters():
                p -= 0.1 * p.grad
                p.grad = None
    np.testing.assert_allclose(model.weight.data, [[1, 2, 3]], atol=1e-3)


@pytest.mark.parametrize("name", [name for name in UPDATES if name != "detached"])
def test_an_update_by_hand_that_would_be_recorded_is_refused(name):
    p = ad.Parameter(START)
    with pytest.raises(RuntimeError, match=r"leaf .*under ad\.no_grad\(\)"):
        UPDATES[name](p, ad.Tensor(START))
    np.testing.assert_array_equal(p.data, START)


def test_what_was_saved_before_an_update_by_hand_is_not_used_silently():
    p = ad.Parameter(START)
    loss = np.sum(p * p)
    with ad.no_grad():
        p -= 0.5
    with pytest.raises(ad.ChangedArrayError):
        loss.backward()


@pytest.mark.parametrize(
    ("start", "other"),
    [
        (np.arange(3), 0.5),
        (np.arange(3), np.ones(3)),
        (np.zeros((1, 3)), np.ones((2, 3))),
        (np.zeros(3), np.ones((2, 3))),
        (np.ones(3, bool), 2),
    ],
)
@pytest.mark.parametrize("mode", [ad.no_grad, ad.detect_anomaly])
def test_what_does_not_fit_in_place_is_refused_as_numpy_does(start, other, mode):
    with pytest.raises((TypeError, ValueError)):
        operator.iadd(start.copy(), other)
    t = ad.Tensor(start)
    with mode(), pytest.raises((TypeError, ValueError)):
        t += other
    np.testing.assert_array_equal(t.data, start)


def test_a_narrower_dtype_stays_as_it_does_in_numpy():
    for t in (ad.Tensor(np.ones(2, np.float32)), ad.Tensor(np.ones(2, np.float32), requires_grad=True) * 1):
        t += ad.Tensor(np.ones(2), requires_grad=True)
        assert t.dtype == np.float32
        assert t.requires_grad


# Refused


def test_a_view_of_a_leaf_is_not_written_to_while_recording():
    leaf = ad.Tensor(START, requires_grad=True)
    for view in (leaf[0], leaf.T, leaf.reshape(-1), next(iter(leaf))):
        with pytest.raises(RuntimeError, match="a view of a leaf that requires a gradient"):
            view[0] = 1.0
        with pytest.raises(RuntimeError, match="a view of a leaf"):
            view *= 2
    np.testing.assert_array_equal(leaf.data, START)


def test_views_leave_nothing_behind():
    t = ad.Tensor(START)
    for _ in range(100):
        t[0][1] = 5.0
        for row in t:
            row += 1.0
    assert len(t.memory.members) <= 2
