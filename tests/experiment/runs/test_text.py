import pytest

from autodiff.experiment.runs.text import age_text, loss_text, value_text


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        (0.0, "0.000000"),
        (0.0109969, "0.010997"),
        (1.5e-7, "1.500e-07"),
        (9999.0, "9999.000000"),
        (1.797e29, "1.797e+29"),
    ],
)
def test_a_loss_is_written_so_that_it_says_something(loss: float, text: str) -> None:
    assert loss_text(loss) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.01, "0.01"), (0.0, "0"), (0.12345678901, "0.12345678901"), ([64, 64], "[64,64]"), (None, ""), ("a", "a")],
)
def test_a_value_is_written_as_in_a_config_and_in_full(value: object, text: str) -> None:
    assert value_text(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.9, "59 s"), (60, "1 min"), (3600 * 5, "5 h"), (86400 * 400, "400 d"), (-1, "0 s")],
)
def test_an_age_is_written_in_its_largest_unit(seconds: float, text: str) -> None:
    assert age_text(seconds) == text
