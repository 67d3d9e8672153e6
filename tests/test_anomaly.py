import inspect
import math
import re
import threading

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812


def here():
    """Return how an error names the line that calls this."""
    frame = inspect.currentframe().f_back
    return re.escape(f"{__file__}:{frame.f_lineno}, in {frame.f_code.co_name}")


def leaf(*values):
    return ad.Tensor(np.array(values), requires_grad=True)


FORWARDS = {
    "np.log": (lambda x: np.log(x - 1), "an infinity", (0,)),
    "np.sqrt": (lambda x: np.sqrt(1.5 - x), "a NaN", (1,)),
    "np.divide": (lambda x: 1 / (x - 2), "an infinity", (1,)),
    "np.exp": (lambda x: np.exp(1000 * x), "an infinity", (0,)),
    "np.power": (lambda x: (x - 2) ** 0.5, "a NaN", (0,)),
    "np.sum": (lambda x: np.sum(np.exp(709 + x / x * 0.7) + x), "an infinity", ()),
}


@pytest.mark.parametrize("name", FORWARDS)
@pytest.mark.parametrize("requires_grad", [True, False])
def test_a_result_that_is_not_finite_is_found_with_its_operation_and_place(name, requires_grad):
    function, found, place = FORWARDS[name]
    x = ad.Tensor(np.array([1.0, 2.0]), requires_grad=requires_grad)
    with ad.detect_anomaly(), pytest.raises(ad.AnomalyError) as error:
        function(x)
    message = str(error.value)
    assert re.match(rf"{re.escape(name)} of [^m]*float64 \(2,\)", message)
    assert f" made {found}, first at {place}; it was called at {__file__}:" in message


def test_the_line_is_the_users_own():
    x = leaf(0.0)
    with ad.detect_anomaly(), pytest.raises(ad.AnomalyError, match=here()): np.log(x)  # noqa: E701 # fmt: skip


def test_the_line_is_the_users_own_through_functions_made_of_others_and_modules():
    x = ad.Tensor(np.array([[1e30, -1e30]]), requires_grad=True, dtype=np.float32)
    model = ad.Sequential(ad.Linear(2, 2, rng=np.random.default_rng(0)))
    for attempt in (lambda: np.var(x), lambda: model(x * 1e20), lambda: np.linalg.norm(x)):
        line = attempt.__code__.co_firstlineno
        with ad.detect_anomaly(), pytest.raises(ad.AnomalyError, match=re.escape(f"{__file__}:{line}, in <lambda>")):
            attempt()


def root_of(x):
    return np.sqrt(x)


ROOT_LINE = root_of.__code__.co_firstlineno + 1


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_gradient_that_is_not_finite_is_found_with_the_operation_and_the_line_of_its_forward_pass(create_graph):
    x = leaf(0.0, 4.0)
    with ad.detect_anomaly():
        y = np.sum(root_of(x))
        with pytest.raises(ad.AnomalyError) as error:
            y.backward(create_graph=create_graph)
    message = str(error.value)
    if create_graph:
        assert "np.divide" in message or "np.sqrt" in message
    else:
        assert message == (
            f"the gradient of np.sqrt for argument 'x' made an infinity, first at (0,); "
            f"it was called at {__file__}:{ROOT_LINE}, in root_of"
        )


def test_a_gradient_is_found_where_the_forward_pass_was_not_watched():
    x = leaf(0.0)
    y = root_of(x)
    with ad.detect_anomaly(), pytest.raises(ad.AnomalyError, match=r"np\.sqrt.*a line not recorded"):
        y.backward()


def test_a_nan_in_a_function_of_a_transform_is_found():
    with ad.detect_anomaly(), pytest.raises(ad.AnomalyError, match=r"the gradient of np\.sqrt"):
        ad.grad(lambda x: np.sum(root_of(x * 0)))(np.ones(2))


def test_what_is_finite_is_as_without():
    def loss(x):
        return F.cross_entropy(np.tanh(x) @ x.T, np.array([0, 1])) + np.mean(np.clip(x, None, 0.5))

    x = np.array([[0.3, -0.2], [0.1, 0.9]])
    expected = ad.value_and_grad(loss)(x), ad.hessian(loss)(x)
    with ad.detect_anomaly():
        found = ad.value_and_grad(loss)(x), ad.hessian(loss)(x)
    np.testing.assert_array_equal(found[0][0], expected[0][0])
    np.testing.assert_array_equal(found[0][1], expected[0][1])
    np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_the_mode_ends_with_the_block_and_holds_for_its_own_thread():
    x = leaf(0.0)
    with pytest.raises(ad.AnomalyError), ad.detect_anomaly():
        np.log(x)
    assert np.log(x).item() == -math.inf

    @ad.detect_anomaly()
    def watched():
        return np.log(x)

    with pytest.raises(ad.AnomalyError):
        watched()
    found = []
    with ad.detect_anomaly():
        thread = threading.Thread(target=lambda: found.append(F.log_sigmoid(x - math.inf).item()))
        thread.start()
        thread.join()
    assert found == [-math.inf]
    assert np.log(x).item() == -math.inf


def test_integers_and_booleans_are_not_looked_at():
    with ad.detect_anomaly():
        assert (np.argmax(leaf(1.0, 2.0)) == 1).item()
        assert np.isnan(leaf(1.0)).tolist() == [False]
