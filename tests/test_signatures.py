import numpy as np
import pytest

from autodiff.signatures import read_needs, read_signature


def test_a_function_tells_its_arguments_and_their_defaults():
    assert read_signature(lambda x, axis=None, *, keepdims=True: x) == (
        ("x", "axis", "keepdims"),
        {"axis": None, "keepdims": False},  # np._NoValue in NumPy's own signatures, which means the same
    )


def test_a_ufunc_has_arguments_of_one_letter_and_any_number_of_arrays_none():
    assert read_signature(np.exp) == (("x",), {})
    assert read_signature(np.add) == (("a", "b"), {})
    assert read_signature(lambda *arrays, axis=0: arrays) == (("axis",), {"axis": 0})


def test_a_rule_tells_what_it_needs_besides_the_gradient():
    assert read_needs(lambda g: g) == ()
    assert read_needs(lambda g, out, x_shape: g) == ("out", "x_shape")
    with pytest.raises(AssertionError, match="takes g first"):
        read_needs(lambda x, g: g)
