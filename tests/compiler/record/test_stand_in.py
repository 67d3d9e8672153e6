"""Stand-ins: which call each use of one becomes, as what it passes, and what it refuses to become."""

import operator
import pickle

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.stand_in import StandIn, convert
from autodiff.compiler.record.trace import Storage, Value


class Listener:
    """A recorder that only writes down what it is told."""

    raised, asks_layout = None, False

    def is_watched(self, parts):
        return all(part.value.storage.is_known for part in parts)

    def __init__(self):
        self.calls = []

    def call(self, function, args, keywords, written=()):
        self.calls.append((function, args, keywords, written))
        return "result"

    def settle_types(self, numbers):
        """Listen for calls alone."""

    def operate(self, ufunc, number, left, right):
        self.calls.append((ufunc, number, left, right))
        return "result"


def standing_for(concrete, form="array"):
    """Return a stand-in, and the list of what it tells its recorder."""
    listener = Listener()
    shape, strides = np.shape(concrete), getattr(concrete, "strides", ())
    value = Value(Storage("input"), form, shape, np.asarray(concrete).dtype, strides)
    return StandIn(listener, value, concrete), listener.calls


def told(use, concrete=None, form="array"):
    """Return the only thing that a recorder is told when a stand-in is used."""
    x, calls = standing_for(np.arange(6.0).reshape(2, 3) if concrete is None else concrete, form)
    use(x)
    (call,) = calls
    return x, call


BINARY = {
    operator.add: np.add,
    operator.sub: np.subtract,
    operator.mul: np.multiply,
    operator.truediv: np.divide,
    operator.floordiv: np.floor_divide,
    operator.mod: np.remainder,
    operator.matmul: np.matmul,
    operator.and_: np.bitwise_and,
    operator.or_: np.bitwise_or,
    operator.xor: np.bitwise_xor,
    operator.lshift: np.left_shift,
    operator.rshift: np.right_shift,
}
COMPARISONS = {
    operator.lt: np.less,
    operator.le: np.less_equal,
    operator.gt: np.greater,
    operator.ge: np.greater_equal,
    operator.eq: np.equal,
    operator.ne: np.not_equal,
}


@pytest.mark.parametrize("symbol", [*BINARY, *COMPARISONS], ids=lambda symbol: symbol.__name__)
def test_an_operator_is_numpys_and_pythons_of_that_name(symbol):
    x, call = told(lambda x: symbol(x, 2))
    ufunc = {**BINARY, **COMPARISONS}[symbol]
    assert call[:2] == (ufunc, symbol)
    assert call[2] is x
    assert call[3] == 2


@pytest.mark.parametrize("symbol", BINARY, ids=lambda symbol: symbol.__name__)
def test_an_operator_on_its_right_keeps_the_order(symbol):
    x, call = told(lambda x: symbol(2, x))
    assert call[:3] == (BINARY[symbol], symbol, 2)
    assert call[3] is x


IN_PLACE = {symbol: getattr(operator, f"i{symbol.__name__.rstrip('_')}") for symbol in BINARY}


@pytest.mark.parametrize("symbol", BINARY, ids=lambda symbol: symbol.__name__)
def test_an_operator_in_place_writes_into_an_array_and_replaces_a_number(symbol):
    x, (function, args, keywords, _) = told(lambda x: IN_PLACE[symbol](x, 2))
    assert function is BINARY[symbol]
    assert args[0] is x
    assert keywords["out"] is x
    for concrete, form in [(np.float64(3), "scalar"), (3.0, "number")]:
        x, call = told(lambda x: IN_PLACE[symbol](x, 2), concrete, form)
        assert call[:2] == (BINARY[symbol], symbol)


def test_powers_are_pythons_which_numpy_computes_otherwise_than_np_power():
    x, (function, args, _, written) = told(lambda x: x**2)
    assert (function, args[0] is x, args[1], written) == (operator.pow, True, 2, ())
    x, (function, args, _, written) = told(lambda x: 2**x)
    assert (function, args[0], args[1] is x) == (operator.pow, 2, True)
    x, (function, args, _, written) = told(lambda x: operator.ipow(x, 2))
    assert function is operator.ipow
    assert written[0] is x
    _, (function, *_) = told(lambda x: operator.ipow(x, 2), 3.0, "number")
    assert function is operator.pow


SIGNS = [
    (operator.neg, np.negative, operator.neg),
    (operator.pos, np.positive, operator.pos),
    (abs, np.absolute, abs),
]


@pytest.mark.parametrize(("sign", "of_arrays", "of_numbers"), SIGNS, ids=["neg", "pos", "abs"])
def test_signs_are_numpys_of_arrays_and_pythons_of_numbers(sign, of_arrays, of_numbers):
    assert told(sign)[1][0] is of_arrays
    assert told(sign, 3.0, "number")[1][0] is of_numbers


def test_assignment_is_a_write_and_reading_is_none():
    x, (function, args, _, written) = told(lambda x: operator.setitem(x, 0, 5.0))
    assert (function, args[1:], written[0] is x) == (operator.setitem, (0, 5.0), True)
    assert told(lambda x: x[1])[1][0] is operator.getitem
    assert told(lambda x: x[1])[1][3] == ()
    assert told(lambda x: x.fill(2))[1][0] is operator.setitem


def test_functions_of_numpy_and_methods_come_to_the_recorder():
    x, (function, args, keywords, _) = told(lambda x: np.sum(x, axis=1))
    assert function is np.sum
    assert keywords == {"axis": 1}
    assert args[0] is x
    assert told(lambda x: np.add.reduce(x))[1][0] == np.add.reduce
    x, (function, args, *_) = told(lambda x: x.sum(1))
    assert (function, args[0] is x, args[1]) == (np.sum, True, 1)
    assert told(lambda x: x.reshape(3, 2))[1][1][1] == (3, 2)
    assert told(lambda x: x.reshape((3, 2)))[1][1][1] == (3, 2)
    assert told(lambda x: x.transpose(1, 0))[1][1][1] == (1, 0)
    assert told(lambda x: x.transpose())[1][1][1] is None
    assert told(lambda x: x.astype("f4"))[1][:3:2] == (convert, {"copy": True})
    assert told(lambda x: x.copy())[1][:3:2] == (np.copy, {"order": "C"})
    assert told(lambda x: x.copy(), np.float64(3), "scalar")[1][0] is convert


def test_it_passes_for_what_it_stands_for_and_no_ndarray():
    for concrete, form in [(np.ones((2, 3), np.float32), "array"), (np.float32(1), "scalar"), (2.5, "number")]:
        x, calls = standing_for(concrete, form)
        assert isinstance(x, type(concrete))
        assert type(x) is StandIn
        assert calls == []
    with pytest.raises(TypeError, match="stays what it is"):
        x.__class__ = int


def test_what_is_known_without_the_contents_is_told_and_not_recorded():
    array = np.ones((2, 3), np.float32)[:, ::2]
    x, calls = standing_for(array)
    for name in ("shape", "dtype", "ndim", "size", "nbytes", "itemsize", "strides"):
        assert getattr(x, name) == getattr(array, name)
    assert len(x) == 2
    assert x.base is array.base
    assert repr(x) == "<recorded float32 (2, 2)>"
    assert calls == []


def test_tensors_have_the_first_word():
    x, calls = standing_for(np.ones(3))
    assert StandIn.__add__(x, ad.Tensor([1.0])) is NotImplemented
    assert StandIn.__pow__(x, ad.Tensor([1.0])) is NotImplemented
    assert x.__array_ufunc__(np.add, "__call__", x, ad.Tensor([1.0])) is NotImplemented
    assert x.__array_function__(np.sum, (StandIn, ad.Parameter), (x,), {}) is NotImplemented
    assert calls == []


def test_an_operand_that_refuses_ufuncs_has_the_first_word():
    class Scale:
        __array_ufunc__ = None

    x, calls = standing_for(np.ones(3))
    assert StandIn.__mul__(x, Scale()) is NotImplemented
    assert StandIn.__pow__(x, Scale()) is NotImplemented
    assert calls == []


REFUSED = {
    "bool": (bool, "np.where"),
    "float": (float, "convert it outside"),
    "int": (int, "convert it outside"),
    "complex": (complex, "convert it outside"),
    "index": (operator.index, "Python index or length"),
    "round": (round, "convert it outside"),
    "format": (lambda x: f"{x:.2f}", "formatting"),
    "str": (str, "print what the step returns"),
    "in": (lambda x: 1 in x, "np.where"),
    "item": (lambda x: x.item(), r"\.item\(\)"),
    "tolist": (lambda x: x.tolist(), r"\.tolist\(\)"),
    "asarray": (np.asarray, "out of the recorder's sight"),
    "into an array": (lambda x: operator.setitem(np.zeros((2, 3)), ..., x), "out of the recorder's sight"),
    "pickle": (pickle.dumps, "outside of the step"),
}


@pytest.mark.parametrize(("use", "message"), REFUSED.values(), ids=REFUSED)
def test_what_a_replay_could_not_follow_is_refused(use, message):
    x, calls = standing_for(np.ones((2, 3)))
    with pytest.raises(CaptureError, match=message) as caught:
        use(x)
    assert "test_stand_in.py" in str(caught.value)
    assert calls == []


def test_what_it_has_not_is_missing():
    x, _ = standing_for(np.ones(2))
    assert not hasattr(x, "detach")
    with pytest.raises(CaptureError, match=r"\.ctypes of a recorded value"):
        _ = x.ctypes
    number, _ = standing_for(2.5, "number")
    assert [hasattr(number, name) for name in ("shape", "dtype", "T")] == [False] * 3


def test_it_can_be_a_key_though_a_comparison_is_recorded():
    x, calls = standing_for(np.ones(2))
    assert {x: 1}[x] == 1
    assert calls == []
