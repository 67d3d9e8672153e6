"""A captured function that does not train does what the function does: inference, transforms, arrays."""

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from tests.compiler.comparing import check, each_dtype, each_exactness, network, points

# Functions that do not train


@each_exactness
@each_dtype
def test_inference_under_no_grad(dtype, exact):
    def run(capture):
        model = network(dtype=dtype)

        @capture
        def predict(x):
            with ad.no_grad():
                return F.softmax(model(x))

        return [predict(points(dtype, seed=i)[0]) for i in range(10)]

    check(run, exact)


def test_inference_called_under_no_grad():
    def run(capture):
        model = network()
        predict = capture(lambda x: np.argmax(model(x), axis=-1))
        with ad.no_grad():
            return [predict(points(seed=i)[0]) for i in range(10)]

    check(run, exact=True)


def test_inference_sees_parameters_that_were_trained_meanwhile():
    def run(capture):
        model = network()
        x, _ = points()
        predict = capture(lambda: model(x))
        found = []
        for _ in range(10):
            found.append(predict())
            model.layers[0].weight.data[...] *= 0.9
        return found

    check(run, exact=True)


def energy(w, x):
    return np.sum(np.tanh(x @ w) ** 2)


TRANSFORMS = {
    "grad": lambda w, x: ad.grad(energy)(w, x),
    "value_and_grad": lambda w, x: ad.value_and_grad(energy)(w, x),
    "grad by both arguments": lambda w, x: ad.grad(energy, (0, 1))(w, x),
    "hessian": lambda w, x: ad.hessian(energy)(w, x),
    "hvp": lambda w, x: ad.hvp(lambda w: energy(w, x), (w,), (np.ones(2),)),
    "jacobian": lambda w, x: ad.jacobian(lambda w: np.tanh(x @ w))(w),
    "jvp": lambda w, x: ad.jvp(lambda w: np.tanh(x @ w), (w,), (np.ones(2),)),
    "vjp": lambda w, x: ad.vjp(lambda w: np.tanh(x @ w), w)[1](np.ones(4)),
    "grad of grad": lambda w, x: ad.grad(lambda w: np.sum(ad.grad(energy)(w, x) ** 2))(w),
}


@each_exactness
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_transforms_inside_of_a_captured_function(transform, exact):
    def run(capture):
        rng = np.random.default_rng(2)
        function = capture(transform)
        results = [function(rng.normal(size=2), rng.normal(size=(4, 2))) for _ in range(8)]
        return [part for result in results for part in (result if isinstance(result, tuple) else (result,))]

    check(run, exact)


def test_second_order_gradients_with_create_graph():
    def run(capture):
        w = ad.Tensor(np.array([0.3, -0.2]), requires_grad=True)

        @capture
        def step(x):
            w.grad = None
            energy(w, x).backward(create_graph=True)
            slope = np.sum(w.grad**2)
            w.grad = None
            slope.backward()
            return slope

        rng = np.random.default_rng(2)
        return [*(step(rng.normal(size=(4, 2))) for _ in range(8)), w.grad]

    check(run, exact=True)


# What NumPy says of numbers


def test_errors_of_numpy_are_raised_in_replays_as_well():
    function = ad.capture(lambda x: 1 / x)
    for _ in range(8):
        function(np.ones(2))
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        function(np.zeros(2))


def test_errstate_within_the_function_holds_in_replays():
    @ad.capture
    def function(x):
        with np.errstate(divide="ignore"):
            return 1 / x

    for i in range(8):
        assert function(np.full(2, float(i % 2)))[0] == (1 if i % 2 else np.inf)


def test_a_warning_of_an_eager_run_is_a_warning_of_a_replay():
    function = ad.capture(lambda x: np.log(x))
    for _ in range(8):
        function(np.ones(2))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        function(np.zeros(2))


@pytest.mark.parametrize("outside", ["divide", "invalid"])
def test_errstate_at_the_call_holds_where_the_function_sets_another_kind(outside):
    def function(x):
        with np.errstate(over="ignore"):
            return np.exp(x * 1000) + x / (x - 2)

    step = ad.capture(function)
    for _ in range(7):
        step(np.ones(2))
    x = np.full(2, 2.0 if outside == "divide" else np.inf)
    for one in (function, step):
        with np.errstate(**{outside: "raise"}), pytest.raises(FloatingPointError):
            one(x)
