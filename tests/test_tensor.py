import operator
import re

import numpy as np
import pytest

import autodiff as ad


def leaf(*values):
    return ad.Tensor(np.array(values), requires_grad=True)


# Construction


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.uint8, bool])
def test_arrays_and_numpy_scalars_keep_their_dtype(dtype):
    assert ad.Tensor(np.ones(3, dtype)).dtype == dtype
    assert ad.Tensor(np.ones(3, dtype)[0]).dtype == dtype


@pytest.mark.parametrize("data", [1.5, 2, [1.0, 2.0], [[1], [2]], (), []])
def test_python_numbers_and_lists_become_float32(data):
    assert ad.Tensor(data).dtype == np.float32


def test_python_booleans_stay_booleans():
    assert ad.Tensor([True, False]).dtype == bool


def test_an_explicit_dtype_wins():
    assert ad.Tensor([1, 2], dtype=np.int64).dtype == np.int64
    assert ad.Tensor(np.ones(2, np.float32), dtype=np.float64).dtype == np.float64


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool])
def test_integers_and_booleans_cannot_require_a_gradient(dtype):
    with pytest.raises(TypeError, match=f"only floating-point tensors can require a gradient, not {np.dtype(dtype)}"):
        ad.Tensor(np.ones(3, dtype), requires_grad=True)


@pytest.mark.parametrize("data", ["text", None, [1, "two"], {"a": 1}, np.array([1j]), np.array(["2020"], "M8[D]")])
def test_what_is_no_real_number_is_refused(data):
    with pytest.raises((TypeError, ValueError), match="a tensor holds real numbers or booleans"):
        ad.Tensor(data)


def test_the_data_is_copied():
    array = np.zeros(3)
    tensor = ad.Tensor(array)
    array[0] = 1
    assert tensor.data[0] == 0
    copy = ad.Tensor(tensor)
    tensor.data[1] = 1
    assert copy.data[1] == 0


def test_a_tensor_made_from_one_that_requires_a_gradient_is_refused():
    with pytest.raises(TypeError, match=r"use t\.detach\(\)"):
        ad.Tensor(leaf(1.0))


def test_detach_forgets_the_graph_and_shares_the_memory():
    x = leaf(1.0, 2.0)
    detached = (x * 2).detach()
    assert not detached.requires_grad
    assert np.shares_memory(x.detach().data, x.data)


# The data setter


def test_data_takes_an_array_of_the_same_shape_and_dtype():
    x = leaf(1.0, 2.0)
    x.data = np.array([3.0, 4.0])
    np.testing.assert_array_equal(x.data, [3, 4])
    assert x.requires_grad


def test_data_of_0_d_takes_a_numpy_scalar_and_stays_an_array():
    x = ad.Tensor(np.float64(1))
    x.data = np.float64(2)
    assert type(x.data) is np.ndarray
    assert x.item() == 2


@pytest.mark.parametrize("value", [np.ones(3), np.ones((1, 2)), np.ones(2, np.float32), [1.0, 2.0], 1.0])
def test_data_refuses_another_shape_dtype_or_kind(value):
    x = leaf(1.0, 2.0)
    with pytest.raises(TypeError, match=r"data must stay a float64 array of shape \(2,\), found"):
        x.data = value
    np.testing.assert_array_equal(x.data, [1, 2])


def test_replacing_the_data_after_the_forward_pass_does_not_change_the_gradient():
    x = leaf(1.0, 2.0)
    y = np.sum(x * x)
    x.data = np.array([10.0, 20.0])
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [2, 4])


# repr


def test_repr_of_a_constant_shows_its_values():
    assert repr(ad.Tensor([1.0, 2.5])) == "Tensor([1. , 2.5])"
    assert repr(ad.Tensor(3)) == "Tensor(3.)"


def test_repr_names_a_dtype_other_than_float32_and_bool():
    assert repr(ad.Tensor(np.ones(2))) == "Tensor([1., 1.], dtype=float64)"
    assert repr(ad.Tensor(np.array([1, 2]))) == "Tensor([1, 2], dtype=int64)"
    assert repr(ad.Tensor([True])) == "Tensor([ True])"


def test_repr_of_a_leaf_and_of_a_result():
    x = ad.Tensor([1.0], requires_grad=True)
    assert repr(x) == "Tensor([1.], requires_grad=True)"
    assert repr(np.exp(x) * 0) == "Tensor([0.], from=np.multiply)"
    assert repr(ad.functional.relu(x)) == "Tensor([1.], from=relu)"
    assert repr(x[0]) == "Tensor(1., from=getitem)"


def test_repr_of_an_empty_tensor_tells_its_shape():
    assert repr(ad.Tensor(np.zeros((0, 3), np.float32))) == "Tensor([], shape=(0, 3))"


def test_repr_of_a_large_tensor_is_short_and_tells_its_shape():
    text = repr(ad.Tensor(np.zeros((1000, 1000))))
    assert len(text) < 500
    assert text.endswith("shape=(1000, 1000))")


def test_format_follows_the_item_of_a_single_element():
    assert f"{ad.Tensor(1.25):.1f}" == "1.2"
    assert f"{ad.Tensor([1.0])}" == "Tensor([1.])"


# Python's protocols


def test_item_returns_a_python_number_of_the_only_element():
    assert type(ad.Tensor([[2]]).item()) is float
    with pytest.raises(ValueError, match="size 1"):
        ad.Tensor([1.0, 2.0]).item()


def test_tolist_len_shape_ndim_and_size_are_numpys():
    t = ad.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert t.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert (len(t), t.shape, t.ndim, t.size) == (2, (2, 3), 2, 6)


def test_a_0_d_tensor_has_no_len_and_does_not_iterate():
    with pytest.raises(TypeError):
        len(ad.Tensor(1.0))
    with pytest.raises(TypeError, match="0-d"):
        iter(ad.Tensor(1.0))


def test_iteration_yields_rows_through_which_gradients_flow():
    x = leaf(1.0, 2.0, 3.0)
    first, second, third = x
    (first * 2 + third * 5 + second * 0).backward()
    np.testing.assert_array_equal(x.grad.data, [2, 0, 5])


def test_truth_is_that_of_the_only_element():
    assert ad.Tensor(1.0)
    assert not ad.Tensor([0.0])
    with pytest.raises(ValueError, match="ambiguous"):
        bool(ad.Tensor([1.0, 2.0]))


def test_contains_looks_at_the_values():
    x = leaf(1.0, 2.0)
    assert 2.0 in x
    assert ad.Tensor(1.0) in x
    assert 3.0 not in x


def test_conversion_to_int_float_and_index():
    assert int(ad.Tensor(2.7)) == 2
    assert type(float(leaf(1.5)[0])) is float
    assert [10, 20, 30][ad.Tensor(np.array(1))] == 20


def test_tensors_are_hashed_by_identity():
    a, b = ad.Tensor(1.0), ad.Tensor(1.0)
    assert len({a, b, a}) == 2


# Operators

OPERATORS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.pow,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.eq,
    operator.ne,
]


@pytest.mark.parametrize("operation", OPERATORS)
@pytest.mark.parametrize(
    "other", [np.array([0.5, 2.0, 3.0]), np.float64(2.0), 2.0, 2], ids=["array", "np", "float", "int"]
)
def test_operators_take_arrays_and_numbers_on_either_side(operation, other):
    array = np.array([1.0, 2.0, 3.0])
    x = ad.Tensor(array, requires_grad=True)
    for result, expected in [
        (operation(x, other), operation(array, other)),
        (operation(other, x), operation(other, array)),
    ]:
        assert type(result) is ad.Tensor
        np.testing.assert_array_equal(result.data, expected)
        assert result.dtype == expected.dtype
        assert result.requires_grad == (expected.dtype != bool)


def test_matmul_takes_an_array_on_either_side():
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    for result in (ad.Tensor(a, requires_grad=True) @ b, a @ ad.Tensor(b, requires_grad=True)):
        assert type(result) is ad.Tensor
        assert result.requires_grad
        np.testing.assert_array_equal(result.data, a @ b)


def test_unary_operators_are_numpys():
    x = leaf(-1.0, 2.0)
    np.testing.assert_array_equal((-x).data, [1, -2])
    np.testing.assert_array_equal((+x).data, [-1, 2])
    np.testing.assert_array_equal(abs(x).data, [1, 2])
    np.testing.assert_array_equal((~(x > 0)).data, [True, False])
    np.testing.assert_array_equal(((x > 0) & (x < 3)).data, [False, True])
    np.testing.assert_array_equal(((x > 0) | (x < 3)).data, [True, True])


def test_methods_are_numpys_functions():
    array = np.arange(6.0).reshape(2, 3)
    x = ad.Tensor(array, requires_grad=True)
    for found, expected in [
        (x.T, array.T),
        (x.mT, array.mT),
        (x.sum(), array.sum()),
        (x.sum(axis=0), array.sum(axis=0)),
        (x.mean(1, keepdims=True), array.mean(1, keepdims=True)),
        (x.max(axis=-1), array.max(axis=-1)),
        (x.min(), array.min()),
        (x.reshape(3, 2), array.reshape(3, 2)),
        (x.reshape((-1,)), array.reshape(-1)),
        (x.transpose(), array.T),
        (x.transpose(1, 0), array.T),
        (x.transpose((0, 1)), array),
        (x.astype(np.float32), array.astype(np.float32)),
        (x.argmax(axis=1), array.argmax(axis=1)),
    ]:
        assert type(found.data) is np.ndarray
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found.data, expected)
        assert found.requires_grad == (expected.dtype.kind == "f")


def test_a_ufuncs_reduce_is_the_reduction():
    x = ad.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    np.testing.assert_array_equal(np.add.reduce(x).data, [3, 5, 7])
    np.testing.assert_array_equal(np.maximum.reduce(x, axis=1).data, [2, 5])


# What is refused


def test_a_tensor_that_requires_a_gradient_does_not_turn_into_an_array():
    for turn in (np.asarray, np.array):
        with pytest.raises(TypeError, match="the gradient would be lost"):
            turn(leaf(1.0))


def test_a_constant_tensor_turns_into_an_array():
    np.testing.assert_array_equal(np.asarray(ad.Tensor([1.0, 2.0])), [1, 2])
    assert np.asarray(ad.Tensor([1.0]), dtype=np.float64).dtype == np.float64


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (np.spacing, "np.spacing"),
        (np.linalg.eig, "np.linalg.eig"),
        (np.fft.fft, "np.fft.fft"),
    ],
)
def test_a_function_without_a_rule_raises_and_is_named(function, name):
    for x in (ad.Tensor(np.eye(2), requires_grad=True), ad.Tensor(np.eye(2))):
        with pytest.raises(ad.MissingRuleError, match=re.escape(name) + " has no derivative rule"):
            function(x)


def test_a_ufunc_method_without_a_rule_raises_and_is_named():
    with pytest.raises(ad.MissingRuleError, match=r"np\.maximum\.accumulate"):
        np.maximum.accumulate(leaf(1.0))


@pytest.mark.parametrize(
    ("keyword", "value"), [("out", np.zeros(2)), ("where", np.array([True, False])), ("dtype", np.float32)]
)
def test_out_where_and_dtype_are_refused_by_name(keyword, value):
    for function, arguments in [
        (np.add, (leaf(1.0, 2.0), 1.0)),
        (np.hypot, (leaf(1.0, 2.0), 1.0)),
        (np.exp, (leaf(1.0, 2.0),)),
    ]:
        with pytest.raises(ad.MissingRuleError, match=keyword):
            function(*arguments, **{keyword: value})


IN_PLACE = [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow, operator.imatmul]


@pytest.mark.parametrize("operation", IN_PLACE)
@pytest.mark.parametrize("requires_grad", [True, False])
def test_an_array_does_not_take_a_tensor_in_place(operation, requires_grad):
    p, step = leaf(1.0, 2.0), ad.Tensor(np.eye(2), requires_grad=requires_grad)
    for array in (np.zeros((2, 2)), p.data):
        before = array.copy()
        with pytest.raises(ad.MissingRuleError, match=r"p\.data -= lr \* p\.grad\.data, or make .* a = a \+ t"):
            operation(array, step)
        np.testing.assert_array_equal(array, before)


def test_out_is_refused_with_what_to_write():
    x, out = leaf(1.0, 2.0), np.zeros(2)
    for attempt in (
        lambda: np.exp(x, out=out),
        lambda: np.exp(x, out),
        lambda: np.add(x, x, out),
        lambda: np.add(x, x, out=x),
        lambda: np.sum(x, out=np.zeros(())),
        lambda: x.sum(out=np.zeros(())),
        lambda: np.clip(x, 0, 1, out=out),
        lambda: np.concatenate([x, x], out=np.zeros(4)),
        lambda: np.stack([x, x], out=np.zeros((2, 2))),
        lambda: np.less(x, x, out=np.zeros(2, bool)),
        lambda: np.less(x, x, np.zeros(2, bool)),
        lambda: np.matmul(x, x, out=np.zeros(())),
    ):
        with pytest.raises(ad.MissingRuleError, match=r"into out= on tensors; use its value, y = np\.\w+\("):
            attempt()


@pytest.mark.parametrize(("compare", "instead"), [(operator.eq, "is"), (operator.ne, "is not")])
def test_a_comparison_with_none_says_what_to_write(compare, instead):
    for t in (leaf(1.0), ad.Tensor([1.0, 2.0]), ad.Tensor(1.0)):
        for attempt in (lambda t=t: compare(t, None), lambda t=t: compare(None, t)):
            with pytest.raises(TypeError, match=f"write `t {instead} None`"):
                attempt()


@pytest.mark.parametrize("specification", [".2f", "d", "10", "e", ">20"])
def test_a_format_of_several_elements_says_what_to_write(specification):
    for t in (leaf(1.0, 2.0), ad.Tensor(np.zeros((0, 3)))):
        with pytest.raises(TypeError, match=r"is no number to format as .*np\.array2string\(t\.data, precision=2\)"):
            format(t, specification)


def test_a_tensor_as_data_says_what_to_write():
    with pytest.raises(TypeError, match=r"found Tensor; write t\.data = other\.data"):
        leaf(1.0).data = leaf(2.0)


def test_lists_of_tensors_are_refused_with_advice():
    x = leaf(1.0, 2.0)
    for attempt in (
        lambda: ad.Tensor([x, x]),
        lambda: np.maximum(x, [x[0], x[1]]),
        lambda: x + [x[0], 1.0],
        lambda: ad.Tensor([[x[0], 1.0]]),
    ):
        with pytest.raises(TypeError, match=r"use np\.stack"):
            attempt()


# Assignment to elements


def test_gradients_flow_through_an_assignment_to_both_sides():
    x, v = leaf(1.0, 2.0, 3.0), leaf(5.0)
    t = x * 2
    before = t
    data = t.data
    t[1] = v[0] * v[0]
    np.testing.assert_array_equal(t.data, [2, 25, 6])
    np.testing.assert_array_equal(data, [2, 4, 6])
    assert before is t
    np.sum(t * np.array([1.0, 10.0, 100.0])).backward()
    np.testing.assert_array_equal(x.grad.data, [2, 0, 200])
    np.testing.assert_array_equal(v.grad.data, [100])


def test_an_assignment_does_not_reach_what_was_saved_before():
    x = leaf(1.0, 2.0)
    t = x * 3
    square = np.sum(t * t)
    data = t.data
    t[0] = 100.0
    np.testing.assert_array_equal(data, [3, 6])
    square.backward()
    np.testing.assert_array_equal(x.grad.data, [18, 36])


def test_an_assigned_value_is_summed_over_the_axes_it_was_broadcast_along():
    v = leaf(1.0)
    t = ad.Tensor(np.zeros((3, 2)))
    t[1:] = v
    assert t.requires_grad
    np.sum(t).backward()
    np.testing.assert_array_equal(v.grad.data, [4])


def test_augmented_assignment_to_elements():
    x = leaf(1.0, 2.0)
    t = +x
    t[0] *= x[1]
    np.sum(t).backward()
    np.testing.assert_array_equal(x.grad.data, [2, 2])


def test_assignment_to_a_leaf_that_requires_a_gradient_is_refused():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="leaf"):
        x[0] = 5.0
    np.testing.assert_array_equal(x.data, [1, 2])


def test_a_leaf_takes_an_assignment_under_no_grad():
    x = leaf(1.0, 2.0)
    with ad.no_grad():
        x[0] = 5.0
    np.sum(x * x).backward()
    np.testing.assert_array_equal(x.grad.data, [10, 4])


def test_a_gradient_is_not_lost_in_a_tensor_of_integers():
    counts = ad.Tensor(np.zeros(2, np.int64))
    with pytest.raises(TypeError):
        counts[0] = leaf(1.5)[0]


@pytest.mark.parametrize("join", [np.array, np.asarray, np.float64])
def test_an_array_of_tensors_is_refused_naming_what_joins_them(join):
    t = ad.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match=r"np\.stack\(\[t, u\]\)"):
        join([t, t])
