"""Every function over its samples, in ways that must not matter: an argument alone, one tensor twice, other strides."""

import numpy as np
import pytest

import autodiff as ad
from autodiff.gradcheck import checked_functions, leaf, variable_slots, with_values
from autodiff.registry import full_name, functions
from autodiff.samples import samples_of

FUNCTIONS = sorted(checked_functions(), key=full_name)
each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=full_name)


def variables_of(sample):
    slots = list(variable_slots(sample.arguments))
    return slots, [sample.arguments[i] if j is None else sample.arguments[i][j] for i, j in slots]


def total_of(function, sample, slots, inputs):
    """Return a scalar made of all outputs, each element with a weight of its own."""
    result = functions[function](*with_values(sample.arguments, slots, inputs), **sample.keywords)
    outputs = list(result) if isinstance(result, list | tuple) else [result]
    return sum(np.sum(output * np.cos(np.arange(output.size).reshape(output.shape))) for output in outputs)


def gradients_of(function, sample, slots, leaves):
    total = total_of(function, sample, slots, leaves)
    if total.requires_grad:
        total.backward()
    return [np.zeros(one.shape) if one.grad is None else one.grad.data for one in leaves]


@each_function
def test_an_argument_alone_has_the_gradient_it_has_together_with_the_others(function):
    for sample in samples_of(function):
        slots, variables = variables_of(sample)
        together = gradients_of(function, sample, slots, [leaf(array) for array in variables])
        for k in range(len(slots)):
            inputs = [leaf(array) if i == k else array for i, array in enumerate(variables)]
            total = total_of(function, sample, slots, inputs)
            if total.requires_grad:
                total.backward()
                np.testing.assert_allclose(inputs[k].grad.data, together[k], rtol=1e-10, atol=1e-12)
            else:
                assert not np.any(together[k])


@each_function
def test_one_tensor_given_twice_has_the_sum_of_both_gradients(function):
    for sample in samples_of(function):
        slots, variables = variables_of(sample)
        if len(slots) < 2 or len({array.shape for array in variables}) > 1:
            continue
        same = variables[0]
        once = leaf(same)
        with np.errstate(all="ignore"):
            apart = gradients_of(function, sample, slots, [leaf(same) for _ in slots])
            total = total_of(function, sample, slots, [once] * len(slots))
            if total.requires_grad:
                total.backward()
        found = np.zeros(once.shape) if once.grad is None else once.grad.data
        np.testing.assert_allclose(found, sum(apart), rtol=1e-10, atol=1e-10)


LAYOUTS = {
    "Fortran order": lambda array: np.array(array, order="F"),
    "every second element": lambda array: np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim else array,
    "backwards": lambda array: array[::-1].copy()[::-1] if array.ndim else array,
    "read only, broadcast from itself": lambda array: np.broadcast_to(array.copy(), array.shape),
}


@each_function
@pytest.mark.parametrize("layout", LAYOUTS)
def test_how_the_elements_lie_in_memory_does_not_matter(function, layout):
    for sample in samples_of(function):
        slots, variables = variables_of(sample)
        expected = gradients_of(
            function, sample, slots, [leaf(np.ascontiguousarray(x).reshape(x.shape)) for x in variables]
        )
        found = gradients_of(function, sample, slots, [leaf(LAYOUTS[layout](array)) for array in variables])
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_the_sweep_covers_the_library():
    assert len(FUNCTIONS) > 200
    assert sum(len(samples_of(function)) for function in FUNCTIONS) > 1400
    assert ad.Tensor  # the registry is loaded
