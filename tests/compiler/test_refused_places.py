"""Where and in which mode a captured function is called, and what is refused of that."""

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.refusing import X, call, captured_on, in_thread, refused

# Modes


def test_a_step_has_a_program_with_gradients_and_one_without():
    weight = ad.Parameter(np.ones(2))
    step = ad.capture(lambda x: (weight * x).requires_grad)
    for _ in range(9):
        assert step(np.ones(2)) is True
        with ad.no_grad():
            assert step(np.ones(2)) is False
    assert len(step.programs) == 2


def test_detect_anomaly_is_refused():
    with ad.detect_anomaly(), pytest.raises(ad.CaptureError, match="detect_anomaly"):
        call(ad.capture(lambda x: x * 2), 1)


def test_detect_anomaly_in_later_calls_is_refused():
    step = captured_on(X)
    with ad.detect_anomaly(), pytest.raises(ad.CaptureError, match="detect_anomaly"):
        step(X)


# Where it is called


def test_a_captured_function_within_another_is_refused():
    inner = ad.capture(lambda x: x * 2)
    message = refused(ad.capture(lambda x: inner(x) + 1), "called within a captured function", 1)
    assert "capture the outer one alone" in message


def test_a_compiled_function_within_another_is_refused():
    inner = ad.capture(lambda x: x * 2)
    call(inner)
    refused(ad.capture(lambda x: inner(x) + 1), "called within a captured function|outer one alone", 8)


def test_a_captured_function_that_calls_itself_is_refused():
    @ad.capture
    def function(x):
        return function(x - 1)

    refused(function, "within a captured function", 1)


@pytest.mark.parametrize("calls", [1, 8])
def test_a_call_in_another_thread_is_refused(calls):
    step = ad.capture(lambda x: x * 2)
    call(step, calls)
    error = in_thread(lambda: call(step, 1))
    assert isinstance(error, ad.CaptureError)
    assert "another thread" in str(error)
    assert "capture the function in each thread" in str(error)


def test_each_thread_may_capture_for_itself():
    found = in_thread(lambda: call(ad.capture(lambda x: x * 2)))
    np.testing.assert_array_equal(found, [2.0, 4.0])


def test_work_on_recorded_arrays_in_another_thread_is_refused():
    def function(x):
        error = in_thread(lambda: x * 2)
        if isinstance(error, BaseException):
            raise error
        return error

    refused(ad.capture(function), "another thread", 1)


def test_other_threads_may_compute_while_a_step_is_recorded():
    def function(x):
        np.testing.assert_array_equal(in_thread(lambda: np.ones(2) * 2), [2, 2])
        np.testing.assert_array_equal(in_thread(lambda: (ad.Tensor(np.ones(2)) * 2).data), [2, 2])
        return x * 3

    np.testing.assert_array_equal(call(ad.capture(function)), [3.0, 6.0])


@pytest.mark.parametrize("calls", [0, 8])
def test_differentiating_a_captured_function_is_refused(calls):
    step = ad.capture(lambda x: np.sum(x * x))
    for _ in range(calls):
        step(np.ones(2))
    with pytest.raises(ad.CaptureError, match=r"capture the function that calls ad\.grad|requires a gradient"):
        ad.grad(step)(np.ones(2))


def test_a_method_captured_in_the_class_is_refused():
    class Model:
        scale = 2.0

        @ad.capture
        def double(self, x):
            return x * self.scale

    with pytest.raises(ad.CaptureError, match=r"self\.double = ad\.capture\(self\.double\)"):
        Model().double(np.ones(2))


def test_the_program_before_it_is_compiled_is_refused():
    step = ad.capture(lambda x: x * 2)
    with pytest.raises(ad.CaptureError, match="not compiled yet"):
        step.program  # noqa: B018
