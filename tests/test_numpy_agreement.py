"""A function of Tensors is NumPy's function of their arrays: the same values, shapes, dtypes and kinds of result."""

import inspect
import math
import operator

import numpy as np
import pytest

import autodiff as ad
from autodiff.gradcheck import variable_slots, with_values
from autodiff.registry import full_name, functions
from autodiff.samples import samples_of
from autodiff.samples.builders import Sample

IN_PLACE = {np.put_along_axis}
FUNCTIONS = sorted(
    (f for f in functions if (isinstance(f, np.ufunc) or "numpy" in (f.__module__ or "")) and f not in IN_PLACE),
    key=full_name,
)
SAMPLED = [function for function in FUNCTIONS if samples_of(function)]
RANDOM = np.random.default_rng(0)

A, B = RANDOM.standard_normal((3, 4)), RANDOM.standard_normal((3, 4))
FLAGS, NUMBERS = A > 0, np.arange(12).reshape(3, 4)
WITHOUT_SAMPLES = {
    **{f: [(A, B), (A, 0.5)] for f in [np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal]},
    **{f: [(np.array([1.0, -0.0, math.nan, math.inf]),)] for f in [np.isnan, np.isinf, np.isfinite, np.signbit]},
    **{f: [(A, B), (A, A)] for f in [np.isclose, np.allclose, np.array_equal]},
    **{f: [(FLAGS, A), (A, B)] for f in [np.logical_and, np.logical_or, np.logical_xor]},
    **{f: [(FLAGS, ~FLAGS), (NUMBERS, 5)] for f in [np.bitwise_and, np.bitwise_or, np.bitwise_xor]},
    **{f: [(FLAGS,), (A,)] for f in [np.logical_not, np.any, np.all, np.nonzero, np.flatnonzero, np.argwhere]},
    **{f: [(FLAGS,), (A, 1)] for f in [np.count_nonzero]},
    **{f: [(A,)] for f in [np.zeros_like, np.ones_like, np.shape, np.ndim, np.size, np.result_type]},
    **{f: [(A,), (A, 0)] for f in [np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort]},
    np.invert: [(FLAGS,), (NUMBERS,)],
    **{f: [(NUMBERS, 2), (NUMBERS, NUMBERS[0] + 1)] for f in [np.left_shift, np.right_shift, np.gcd, np.lcm]},
    **{f: [(A,), (np.array([math.inf, 1, -math.inf, math.nan]),)] for f in [np.isreal, np.iscomplex, np.isrealobj]},
    **{f: [(A,), (np.array([math.inf, 1, -math.inf, math.nan]),)] for f in [np.iscomplexobj, np.isposinf, np.isneginf]},
    np.isin: [(A, A[0]), (A, B)],
    np.array_equiv: [(A, B), (A, A)],
    np.digitize: [(A, np.array([-1.0, 0, 1]))],
    **{f: [(A,), (A, 4), (A, [-1, 0, 2])] for f in [np.histogram, np.histogram_bin_edges]},
    np.histogram2d: [(A[0], B[0], 3)],
    np.histogramdd: [(A, 2)],
    np.argpartition: [(A, 2), (A, 1, 0)],
    np.linalg.matrix_rank: [(A,), (A[:, :1] * A[0],)],
    np.lexsort: [(A,)],
    np.searchsorted: [(np.sort(A[0]), B[0])],
    np.can_cast: [(np.float32, np.float64)],
    np.empty_like: [],
}


def as_given(value, dtype, make):
    """Return a value with its float64 arrays in another dtype, made into something."""
    if isinstance(value, list | tuple):
        return type(value)([as_given(part, dtype, make) for part in value])
    if not isinstance(value, np.ndarray):
        return value
    return make(value.astype(dtype)) if value.dtype == np.float64 else value


def prepared(sample, dtype, make):
    arguments = [as_given(value, dtype, make) for value in sample.arguments]
    if sample.before is not None:
        arguments = [value if isinstance(value, str) else sample.before(value) for value in arguments]
    return arguments, {name: as_given(value, dtype, make) for name, value in sample.keywords.items()}


def constant(array):
    return ad.Tensor(array)


def variable(array):
    return ad.Tensor(array, requires_grad=True)


def assert_same(found, expected, what):
    """Compare what a function of Tensors returned with what it returns for arrays."""
    if isinstance(expected, list | tuple):
        assert type(found) is type(expected), what
        assert len(found) == len(expected), what
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other, what)
    elif isinstance(expected, np.ndarray | np.generic) and not isinstance(found, bool):
        assert isinstance(found, ad.Tensor), what
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape), what
        error = {"e": 4e-3, "f": 3e-6}.get(expected.dtype.char, 1e-13)
        np.testing.assert_allclose(found.data, expected, rtol=error, atol=error, err_msg=str(what))
    else:
        assert found == expected, what


QUANTILES = {np.quantile, np.percentile, np.nanquantile, np.nanpercentile}
NUMBERS_ARE_WEAK = QUANTILES | {np.diff, np.append, np.linspace, np.logspace, np.polyval}
"""Where NumPy makes float64 arrays of Python's numbers."""


def agree(function, arguments, keywords, expected_arguments, expected_keywords, what):
    found, expected = function(*arguments, **keywords), function(*expected_arguments, **expected_keywords)
    assert_same(found, weakened(function, found, expected), what)


def weakened(function, found, expected):
    """Return NumPy's result in the floating-point dtype of ours, where NumPy takes Python's numbers for float64."""
    if function not in NUMBERS_ARE_WEAK:
        return expected
    if isinstance(expected, tuple):
        return tuple(weakened(function, one, other) for one, other in zip(found, expected, strict=True))
    return expected.astype(found.dtype) if found.dtype.kind == "f" else expected


@pytest.mark.parametrize("function", FUNCTIONS, ids=full_name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [constant, variable])
def test_every_sample_is_numpys_result(function, dtype, make):
    for sample in samples_of(function):
        arrays = prepared(sample, dtype, lambda array: array)
        agree(function, *prepared(sample, dtype, make), *arrays, sample)
    for arguments in [] if samples_of(function) else WITHOUT_SAMPLES[function]:
        tensors = [ad.Tensor(value) if isinstance(value, np.ndarray) else value for value in arguments]
        assert_same(function(*tensors), function(*arguments), arguments)


# Other dtypes: integers and booleans flow through no gradient, and half precision counts as NumPy counts

DTYPES = [bool, np.int8, np.uint8, np.int32, np.int64, np.float16]
ENDS = np.array([[-3.0, 0, 2, 7], [1, 1, 5, -2], [4, 6, 3, 3]])
BESIDE_NUMBERS = {
    np.clip: [(ENDS, None, 3), (ENDS, 1, None), (ENDS, 0, 4), (ENDS, [0, 1, 2, 3], None), (ENDS, 0.5, None)],
    np.linalg.norm: [(ENDS, 0), (ENDS[0], 0), (ENDS[0], np.inf), (ENDS[0], -np.inf)],
    np.median: [(ENDS,), (ENDS[:, 0],), (ENDS, 0), (ENDS, 1)],
    np.quantile: [(ENDS, 0.4), (ENDS, 1)],
    np.pad: [(ENDS, 1), (ENDS, 1, "edge")],
    np.insert: [(ENDS, 1, 2.7), (ENDS, 1, [1, 2, 3, 4], 0)],
    np.full_like: [(ENDS, 2), (ENDS, 2.7)],
    np.append: [(ENDS, 2), (ENDS, 2.5)],
    np.trapezoid: [(ENDS,), (ENDS[0], [0, 1, 3, 7])],
    np.power: [(ENDS, 2), (ENDS, ENDS)],
    np.where: [(FLAGS, ENDS, 0), (FLAGS, ENDS, 0.5)],
    np.select: [([FLAGS], [ENDS]), ([FLAGS], [ENDS], 2), ([FLAGS], [ENDS], 0.5)],
    np.round: [(ENDS, -1)],
}


OF_INTEGERS = [np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift, np.gcd, np.lcm]


def of_dtype(dtype):
    """Return what makes an array one of that dtype, of numbers that it holds."""
    dtype = np.dtype(dtype)

    def converted(array):
        numbers = np.nan_to_num(array) * (1 if dtype.kind == "f" else 3)
        return (np.absolute(numbers) if dtype.kind in "ub" else numbers).astype(dtype)

    return converted


def returned(function, arguments, keywords):
    """Return what a function returns, or the exception that it raises."""
    try:
        with np.errstate(all="ignore"):
            return function(*arguments, **keywords)
    except (TypeError, ValueError, OverflowError, IndexError, np.linalg.LinAlgError) as error:
        return error


def assert_numpys(function, sample, convert, make, what):
    """Compare a function of Tensors with NumPy's, which may refuse the dtype: then so must ours."""
    arrays, tensors = (
        prepared(sample, np.float64, lambda array, last=last: last(convert(array))) for last in (np.asarray, make)
    )
    expected, found = returned(function, *arrays), returned(function, *tensors)
    if isinstance(expected, Exception):
        assert isinstance(found, Exception), what
        return
    if isinstance(found, Exception):
        raise found
    assert_same(found, weakened(function, found, expected), what)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: np.dtype(dtype).name)
@pytest.mark.parametrize("function", FUNCTIONS, ids=full_name)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_dtype_is_numpys(function, dtype):
    further = [Sample(arguments, {}) for arguments in WITHOUT_SAMPLES.get(function, [])]
    samples = [sample for sample in samples_of(function) + further if list(variable_slots(sample.arguments))]
    assert samples or function in (np.can_cast, np.empty_like) or function in OF_INTEGERS
    for sample in samples:
        for make in [constant] if np.dtype(dtype).kind != "f" else [constant, variable]:
            assert_numpys(function, sample, of_dtype(dtype), make, (np.dtype(dtype).name, sample))


@pytest.mark.parametrize("dtype", [*DTYPES, np.float32], ids=lambda dtype: np.dtype(dtype).name)
@pytest.mark.parametrize("function", BESIDE_NUMBERS, ids=full_name)
def test_numbers_beside_an_array_of_any_dtype_are_numpys(function, dtype):
    for arguments in BESIDE_NUMBERS[function]:
        for make in [constant] if np.dtype(dtype).kind != "f" else [constant, variable]:
            assert_numpys(function, Sample(arguments, {}), of_dtype(dtype), make, (np.dtype(dtype).name, arguments))


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64], ids=lambda dtype: np.dtype(dtype).name)
@pytest.mark.parametrize("function", [f for f in SAMPLED if f not in (np.astype, np.gradient)], ids=full_name)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_variable_among_arrays_of_integers_gives_numpys_dtype(function, dtype):
    for sample in samples_of(function):
        slots = list(variable_slots(sample.arguments))
        for chosen in range(len(slots)) if len(slots) > 1 else []:
            values = [sample.arguments[i] if j is None else sample.arguments[i][j] for i, j in slots]
            integers = [of_dtype(dtype)(value) for value in values]
            integers[chosen] = values[chosen].astype(np.float32)
            arrays = with_values(sample.arguments, slots, integers)
            tensors = with_values(
                sample.arguments, slots, [variable(x) if x.dtype.kind == "f" else constant(x) for x in integers]
            )
            expected = returned(function, arrays, sample.keywords)
            if isinstance(expected, Exception) or (function in (np.linalg.multi_dot, np.interp) and dtype is bool):
                continue  # several products of booleans depend on their order, and booleans do not rise
            found = function(*tensors, **sample.keywords)
            assert_same(found, weakened(function, found, expected), (chosen, sample))


BY_POSITION_ALONE = {
    np.gradient,
    np.where,
    np.concatenate,
    np.dot,
    np.inner,
    np.vdot,
    np.lexsort,
    np.can_cast,
    np.result_type,
}


def by_keyword(function, sample):
    """Return a sample with every argument by its name, or None if it has arguments without one."""
    parameters = list(inspect.signature(function).parameters.values())
    named = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    if parameters[0] not in named or len(sample.arguments) > len(named) or sample.before is not None:
        return None
    arguments = dict(zip([one.name for one in named], sample.arguments, strict=False))
    return Sample((), {**arguments, **sample.keywords})


def by_position(function, sample):
    """Return a sample with its keywords by position, or None if they cannot be or arguments between are missing."""
    parameters = list(inspect.signature(function).parameters.values())[len(sample.arguments) :]
    given = []
    for parameter in parameters[: len(sample.keywords)]:
        if parameter.name not in sample.keywords or parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            return None
        given.append(sample.keywords[parameter.name])
    return Sample((*sample.arguments, *given), {}, sample.before) if len(given) == len(sample.keywords) else None


@pytest.mark.parametrize("spelled", [by_keyword, by_position])
@pytest.mark.parametrize(
    "function", [f for f in SAMPLED if not isinstance(f, np.ufunc) and f not in BY_POSITION_ALONE], ids=full_name
)
def test_an_argument_means_the_same_by_keyword_and_by_position(function, spelled):
    for sample in samples_of(function):
        other = spelled(function, sample)
        if other is not None:
            arrays = prepared(other, np.float64, lambda array: array)
            agree(function, *prepared(other, np.float64, variable), *arrays, other)


# Where values are missing or infinite

NAN, INF = math.nan, math.inf
GAPS = {
    "NaN": np.array([[1.0, NAN, 3.0, 2.0], [4.0, 5.0, 6.0, 7.5], [NAN, 8.0, NAN, 9.0]]),
    "infinity": np.array([[INF, 1.0, 2.0, 3.0], [-INF, 1.0, 2.0, INF], [INF, INF, INF, 5.0]]),
}
PASSING_OVER = [np.nansum, np.nanmean, np.nanprod, np.nanmax, np.nanmin, np.nanvar, np.nanstd]
HIT_BY = [np.sum, np.mean, np.prod, np.max, np.min, np.ptp, np.median, np.cumsum, np.cumprod, np.sort, np.var, np.std]
CALLS = {full_name(function): function for function in [*PASSING_OVER, *HIT_BY]} | {
    "np.quantile of one": lambda a, axis: np.quantile(a, 0.5, axis=axis),
    "np.quantile at an element": lambda a, axis: np.quantile(a, 1.0, axis=axis),
    "np.quantile of several": lambda a, axis: np.quantile(a, [0.1, 0.6], axis=axis),
    "np.percentile": lambda a, axis: np.percentile(a, 50.0, axis=axis),
    "np.argmax": lambda a, axis: np.argmax(a, axis=axis),
    "np.clip": lambda a, axis: np.clip(a, -1, 1),
    "np.nan_to_num": lambda a, axis: np.nan_to_num(a, nan=0.5),
    "np.fmax": lambda a, axis: np.fmax(a, 2),
    "np.maximum": lambda a, axis: np.maximum(a, 2),
    "np.sign": lambda a, axis: np.sign(a),
    "np.linalg.norm": lambda a, axis: np.linalg.norm(a, np.inf, axis=-1),
}


INTERPOLATED = [name for name in CALLS if "quantile" in name or "percentile" in name]
CASES = [
    pytest.param(name, gaps, id=f"{name}-{found}")
    for name in CALLS
    for found, gaps in GAPS.items()
    if found == "NaN" or name not in INTERPOLATED  # NumPy's are a NaN between infinities; the next test has ours
]


@pytest.mark.parametrize(("name", "gaps"), CASES)
@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:Degrees of freedom")
def test_nan_and_infinity_are_treated_as_numpy_does(name, gaps, axis):
    assert_same(CALLS[name](variable(gaps), axis=axis), CALLS[name](gaps, axis=axis), name)


def test_a_quantile_between_infinities_is_infinite():
    values = ad.Tensor(np.array([1.0, 3.0, INF, INF]))
    assert [np.quantile(values, q).item() for q in (0, 1 / 3, 0.5, 0.75, 1)] == [1, 3, INF, INF, INF]


@pytest.mark.parametrize("make", [constant, variable])
@pytest.mark.filterwarnings("ignore:Degrees of freedom", "ignore:invalid value", "ignore:divide by zero")
def test_the_variance_of_too_few_elements_is_not_a_number_or_infinite(make):
    assert np.isnan(np.var(make([1.0]), ddof=1).item())
    assert np.var(make([1.0, 2.0]), ddof=2).item() == INF


# The methods of ufuncs

MASK = NUMBERS % 3 > 0
METHODS = {
    "add.reduce": lambda a: np.add.reduce(a),
    "add.reduce with everything": lambda a: np.add.reduce(a, 1, np.float64, None, True, 2.0, MASK),
    "multiply.reduce": lambda a: np.multiply.reduce(a, axis=1),
    "multiply.reduce of all": lambda a: np.multiply.reduce(a, axis=None, initial=0.5),
    "maximum.reduce": lambda a: np.maximum.reduce(a, initial=0.5),
    "minimum.reduce": lambda a: np.minimum.reduce(a, axis=(0, 1), where=MASK, initial=5),
    "add.accumulate": lambda a: np.add.accumulate(a),
    "multiply.accumulate": lambda a: np.multiply.accumulate(a, axis=1),
}


@pytest.mark.parametrize("make", [constant, variable])
@pytest.mark.parametrize("name", METHODS)
def test_the_methods_of_ufuncs_are_numpys(name, make):
    assert_same(METHODS[name](make(A)), METHODS[name](A), name)


# Lists of tensors where NumPy takes lists of arrays

LISTS = {
    "np.append": lambda x, y: np.append(x, [y[0], y[1]]),
    "np.append along an axis": lambda x, y: np.append(x, [y[0], [1.0, 2.0, 3.0, 4.0]], axis=0),
    "np.insert": lambda x, y: np.insert(x, 1, [y[0, 0], 2.5, y[0, 1]], axis=1),
    "np.concatenate": lambda x, y: np.concatenate([x, [y[0], y[2]]]),
    "np.stack": lambda x, y: np.stack([[y[0, 0], y[0, 1]], x[0, :2]]),
}


@pytest.mark.parametrize("make", [constant, variable])
@pytest.mark.parametrize("name", LISTS)
def test_lists_of_tensors_are_taken_as_arrays(name, make):
    x, y = make(A), make(B)
    found = LISTS[name](x, y)
    assert_same(found, LISTS[name](A, B), name)
    if make is variable:
        np.sum(found * found).backward()
        assert np.any(x.grad.data)
        assert np.any(y.grad.data)


MALFORMED = [
    lambda x: [[x], x],
    lambda x: [x, [x]],
    lambda x: [x, []],
    lambda x: [[], [x]],
    lambda x: [(x, x)],
    lambda x: [[x, x[:2]]],
]


@pytest.mark.parametrize("make", [constant, variable])
@pytest.mark.parametrize("blocks", MALFORMED)
def test_blocks_that_numpy_refuses_are_refused(blocks, make):
    expected = returned(np.block, (blocks(A),), {})
    assert isinstance(expected, Exception)
    assert type(returned(np.block, (blocks(make(A)),), {})) is type(expected)


# The order of elements in memory

LAYOUTS = {
    "rows": lambda x: x,
    "columns": lambda x: x.T,
    "turned axes": lambda x: x.transpose(1, 0, 2),
    "gaps": lambda x: x[:, ::2],
    "gaps in columns": lambda x: x.T[::2],
    "backwards": lambda x: x[::-1],
    "one axis with gaps": lambda x: x[:, 0, 0],
    "axes of length 1": lambda x: x[:, :1].T,
    "stretched": lambda x: np.broadcast_to(x[0, 0], (3, 4)).T,
}
READING = {
    "ravel": lambda x, order: np.ravel(x, order),
    "ravel, the method": lambda x, order: x.ravel(order=order),
    "flatten": lambda x, order: x.flatten(order),
    "copy": lambda x, order: np.copy(x, order),
    "reshape": lambda x, order: np.reshape(x, (2, -1), order),
    "reshape, the method": lambda x, order: x.reshape(2, -1, order=order),
}
ORDERS = [
    pytest.param(read, order, id=f"{read}-{order}")
    for read in READING
    for order in "CFAK"
    if read < "r" or order != "K"
]
ORDERS += [pytest.param(read, "K", id=f"{read}-K") for read in ("ravel", "ravel, the method")]


@pytest.mark.parametrize(("read", "order"), ORDERS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_elements_are_read_in_numpys_order_and_seen_where_numpy_shows_them(layout, read, order):
    whole = np.arange(24.0).reshape(2, 3, 4)
    array = LAYOUTS[layout](whole)
    if "reshape" in read and array.size % 2:
        return
    leaf = variable(whole)
    found, expected = READING[read](LAYOUTS[layout](leaf), order), READING[read](array, order)
    np.testing.assert_array_equal(found.data, expected)
    assert np.shares_memory(found.data, leaf.data) == np.shares_memory(expected, whole)
    weights = np.cos(np.arange(expected.size)).reshape(expected.shape)
    np.sum(found * weights).backward()
    gradient = np.zeros(24)
    np.add.at(gradient, expected.astype(int), weights)  # each element is its own number
    np.testing.assert_allclose(leaf.grad.data.ravel(), gradient)


@pytest.mark.parametrize("read", ["reshape", "reshape, the method"])
def test_reshape_takes_no_order_of_memory_as_in_numpy(read):
    for x in (A, variable(A)):
        with pytest.raises(ValueError, match="order 'K' is not permitted"):
            READING[read](x, "K")


# Padding

PADDINGS = [0, 1, 4, 11, (1, 0), (0, 5), (9, 2), ((1, 2), (8, 3))]


@pytest.mark.parametrize("mode", ["reflect", "symmetric"])
@pytest.mark.parametrize("shape", [(1,), (2,), (5,), (2, 3), (1, 4)])
def test_odd_reflections_are_numpys(shape, mode):
    array = np.random.default_rng(1).normal(size=shape)
    for width in PADDINGS[: 7 if len(shape) == 1 else None]:
        found = np.pad(variable(array), width, mode, reflect_type="odd")
        np.testing.assert_allclose(found.data, np.pad(array, width, mode, reflect_type="odd"), atol=1e-12)


def test_an_odd_reflection_keeps_infinities_where_numpy_has_them():
    array = np.array([1.0, 2.0, INF])
    found = np.pad(variable(array), (2, 0), "reflect", reflect_type="odd")
    np.testing.assert_array_equal(found.data, np.pad(array, (2, 0), "reflect", reflect_type="odd"))


@pytest.mark.parametrize("make", [constant, variable])
def test_padding_with_anything_keeps_the_elements_and_their_gradient(make):
    x = make(A)
    found = np.pad(x, ((1, 2), (0, 3)), "empty")
    assert (found.shape, found.dtype) == ((6, 7), np.float64)
    np.testing.assert_array_equal(found.data[1:4, :4], A)
    if make is variable:
        np.sum(found[1:4, :4] * B).backward()
        np.testing.assert_array_equal(x.grad.data, B)


MISTAKES = {
    "a keyword of another mode": lambda x: np.pad(x, 1, "edge", stat_length=2),
    "a keyword of no use": lambda x: np.pad(x, 1, "empty", end_values=2),
    "less than nothing": lambda x: np.pad(x, -1, "mean"),
    "the mean of nothing": lambda x: np.pad(x[:, :0], 1, "mean"),
    "a slope from nothing": lambda x: np.pad(x[:, :0], 1, "linear_ramp"),
    "a reflection of nothing": lambda x: np.pad(x[:, :0], 1, "reflect", reflect_type="odd"),
}


@pytest.mark.parametrize("make", [np.asarray, constant, variable])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_numpy_does_not_pad_is_refused(mistake, make):
    with pytest.raises(ValueError, match=r"unsupported keyword|negative values|can't extend empty axis"):
        MISTAKES[mistake](make(A))


# Quantiles with weights


@pytest.mark.parametrize("function", sorted(QUANTILES, key=full_name), ids=full_name)
@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.filterwarnings("ignore:All-NaN slice")
def test_weighted_quantiles_of_ties_and_gaps_are_numpys(function, gaps, dtype):
    values = np.round(np.random.default_rng(2).normal(size=(4, 6)) * 2).astype(dtype)
    weights = np.random.default_rng(3).integers(0, 3, (4, 6))
    weights[0], weights[:, 0] = 1, 1
    if gaps:
        values[0, 1], values[:, 3] = NAN, NAN
    scale = 1 if function in (np.quantile, np.nanquantile) else 100
    one = weights if "nan" in full_name(function) else weights[2]  # of rows, NumPy's nanquantile takes none
    for axis, weight in [(None, weights), (0, weights), (1, one), ((0, 1), weights)]:
        options = {"method": "inverted_cdf", "axis": axis, "weights": weight}
        expected = function(values, np.multiply([0, 0.3, 0.5, 1], scale), **options)
        assert_same(function(variable(values), np.multiply([0, 0.3, 0.5, 1], scale), **options), expected, options)


@pytest.mark.parametrize("make", [np.asarray, constant, variable])
def test_weights_that_numpy_refuses_are_refused(make):
    for options, message in [
        ({"weights": [1, 2]}, "Only method 'inverted_cdf' supports weights"),
        ({"weights": [1, -1, 1, 1], "axis": 1, "method": "inverted_cdf"}, "non-negative"),
    ]:
        with pytest.raises(ValueError, match=message):
            np.quantile(make(A), 0.5, **options)


# Python's own ways


def test_operators_indexing_and_iteration_are_numpys():
    a, t = A.copy(), variable(A)
    assert_same(divmod_parts(t), divmod_parts(a), "// and %")
    for index in (
        1,
        -1,
        slice(None, None, -2),
        ...,
        None,
        (slice(None), 2),
        [0, 0],
        (np.array([0, 2]), np.array([1, 1])),
    ):
        assert_same(t[index], a[index], index)
    assert_same(list(t), list(a), "iteration")
    assert len(t) == len(a)
    assert a[0, 0] in t
    assert 99.0 not in t
    assert_same(constant(FLAGS) ^ ~FLAGS[0], FLAGS ^ ~FLAGS[0], "^")
    for operation in (operator.lt, operator.ge, operator.eq, operator.ne):
        assert_same(operation(t, 0.5), operation(a, 0.5), operation)


def divmod_parts(x):
    return [*divmod(x, 0.7), *divmod(2.0, x), x // 0.7, x % 0.7, 2 ** abs(x), -x, +x, x @ x.T]


@pytest.mark.parametrize("number", [2, 2.5, True, np.float32(2), np.float64(2), np.int64(2)], ids=repr)
def test_scalars_promote_as_numpys_do(number):
    array = np.ones(3, np.float32)
    t = variable(array)
    for operation in (operator.add, operator.mul, operator.truediv, operator.pow):
        assert_same(operation(t, number), operation(array, number), operation)
        assert_same(operation(number, t), operation(number, array), operation)
