"""Every function with a derivative rule, over its samples: captured value and gradients are the eager ones."""

import numpy as np
import pytest

import autodiff as ad
from autodiff.gradcheck import checked_functions, variable_slots, with_values
from autodiff.registry import full_name, functions
from autodiff.samples import samples_of

FUNCTIONS = sorted(checked_functions(), key=full_name)
CALLS = 5  # two are recorded, two compared with an eager run, and the last is a replay alone

REFUSED = {
    "np.piecewise": "how many elements a function is given depends on the conditions",
    "np.unique": "how many elements differ depends on them",
    "np.nanpercentile": "where other methods than the linear one look depends on how many numbers a row has",
    "np.nanquantile": "where other methods than the linear one look depends on how many numbers a row has",
}
"""The functions that capture refuses for some of their samples, and why."""


def step_of(function, sample):
    """Return a function of a sample's variables that computes the outputs and all gradients, and the variables."""
    slots = list(variable_slots(sample.arguments))
    variables = [sample.arguments[i] if j is None else sample.arguments[i][j] for i, j in slots]
    constants = with_values(sample.arguments, slots, [None] * len(slots))
    compute, keywords, before = functions[function], sample.keywords, sample.before  # not the whole registry

    def step(*arrays):
        leaves = [ad.Tensor(array, requires_grad=True) for array in arrays]
        inside = [before(one) for one in leaves] if before else leaves
        result = compute(*with_values(constants, slots, inside), **keywords)
        outputs = list(result) if isinstance(result, list | tuple) else [result]
        total = sum(np.sum(out * np.cos(np.arange(out.size).reshape(out.shape))) for out in outputs)
        if total.requires_grad:
            total.backward()
        return outputs, [one.grad for one in leaves]

    return step, variables


def values_of(result):
    outputs, gradients = result
    return [None if one is None else one.data for one in [*outputs, *gradients]]


def swept(function, exact):
    """Compare captured with eager calls over all samples; return the refusals."""
    refusals = []
    for sample in samples_of(function):
        step, variables = step_of(function, sample)
        captured = ad.capture(step, exact=exact)
        for k in range(CALLS):
            arrays = [np.asarray(array * (1 - 1e-4 * k)) for array in variables]  # in the domain, in the same order
            expected = values_of(step(*arrays))
            try:
                found = values_of(captured(*arrays))
            except ad.CaptureError as error:
                refusals.append(f"{sample!r}: {error}")
                break
            for one, other in zip(found, expected, strict=True):
                agree(one, other, exact)
        else:
            assert captured.program is not None
    return refusals


def agree(found, expected, exact):
    if expected is None:
        assert found is None
        return
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    if exact:
        assert found.tobytes() == expected.tobytes()
    else:
        scale = np.max(np.abs(expected), initial=0, where=np.isfinite(expected))
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12 * scale)


@pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=full_name)
def test_captured_values_and_gradients_are_the_eager_ones(function, exact):
    with np.errstate(all="ignore"):
        refusals = swept(function, exact)
    assert bool(refusals) == (full_name(function) in REFUSED), refusals


def test_the_refused_are_functions_that_exist():
    assert set(REFUSED) <= {full_name(function) for function in FUNCTIONS}
