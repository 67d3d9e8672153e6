import numpy as np
import pytest

from autodiff.modules.initialisation import Uniform


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_are_even_around_0(dtype):
    drawn = Uniform("Layer", np.random.default_rng(0), dtype).draw(0.5, 100, 200)
    assert (drawn.shape, drawn.dtype, drawn.requires_grad) == ((100, 200), dtype, True)
    counts, _ = np.histogram(drawn.data, bins=10, range=(-0.5, 0.5))
    assert counts.sum() == 20_000
    assert np.all(np.abs(counts - 2000) < 4 * np.sqrt(2000))


def test_without_a_generator_they_are_others_each_time():
    one, other = (Uniform("Layer", None, np.float32).draw(1.0, 3) for _ in range(2))
    assert not np.array_equal(one.data, other.data)


def test_what_is_no_generator_is_named():
    with pytest.raises(TypeError, match="Layer: rng must be a generator"):
        Uniform("Layer", 0, np.float32)
