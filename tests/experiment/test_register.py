"""Parts are plain functions and classes: what is read from their signatures, and what is refused."""

import re
from collections.abc import Iterator
from typing import Any, Literal

import pytest

from autodiff.experiment import register
from autodiff.experiment.register import REQUIRED, Setting


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    with register.unchanged():
        yield


def test_a_part_is_registered_by_its_name_and_stays_what_it_is() -> None:
    def swish(x: Any, beta: float = 1.0) -> Any:
        """x * sigmoid(beta * x).

        More.
        """

    assert register.activation(swish) is swish
    part = register.activation.parts["swish"]
    assert (part.make, part.meaning, part.title) == (swish, "x * sigmoid(beta * x).", "swish")
    assert part.settings == {"beta": Setting(float, 1.0)}
    assert part.file == __file__


def test_what_is_known_of_it_is_told_to_the_decorator() -> None:
    @register.activation(title="Swish")
    def swish(x: Any) -> Any: ...

    assert register.activation.parts["swish"].title == "Swish"


def test_settings_are_the_arguments_beyond_those_of_the_kind() -> None:
    @register.optimizer
    def signed(
        parameters: Any, rate: float, scale: "float" = 2.0, mode: Literal["a", "b"] = "a", *, steps: int
    ) -> Any: ...

    assert register.optimizer.parts["signed"].settings == {
        "scale": Setting(float, 2.0),
        "mode": Setting(Literal["a", "b"], "a"),
        "steps": Setting(int, REQUIRED),
    }

    @register.dataset
    def ring(rng: Any, points: int = 3) -> Any: ...

    assert register.dataset.parts["ring"].given == {"rng"}
    assert register.dataset.parts["ring"].settings == {"points": Setting(int, 3)}


def test_without_a_type_a_setting_is_of_the_kind_of_its_default_and_any_number_where_that_is_whole() -> None:
    @register.activation
    def bent(x, a=1.0, b=2, c=True, d="up"): ...

    settings = register.activation.parts["bent"].settings
    assert [one.annotation for one in settings.values()] == [float, int | float, bool, str]


def test_the_settings_of_a_class_are_those_of_its_construction() -> None:
    @register.activation
    class Bent:
        def __init__(self, slope: "float" = 0.5) -> None: ...

    @register.layer
    class Wide:
        def __init__(self, inputs: int, outputs: int, rng: Any, rank: int = 2) -> None: ...

    assert register.activation.parts["Bent"].settings == {"slope": Setting(float, 0.5)}
    assert register.layer.parts["Wide"].settings == {"rank": Setting(int, 2)}
    assert register.layer.parts["Wide"].given == {"rng"}


def none_at_all() -> Any: ...


def of_many(x: Any, *slopes: float) -> Any: ...


def of_any(x: Any, **slopes: float) -> Any: ...


def untyped(x, slope=None): ...


def misspelt(x: Any, slope: "flaot" = 1.0) -> Any: ...  # noqa: F821


def named(x: Any, name: str = "a") -> Any: ...


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (none_at_all, "activation none_at_all must take x first, as in none_at_all(x)"),
        (of_many, "activation of_many: its settings are its arguments, each by name; found *slopes: float"),
        (of_any, "activation of_any: its settings are its arguments, each by name; found **slopes: float"),
        (untyped, "activation untyped: slope needs a type or a default, such as slope: float = 1.0"),
        (misspelt, "activation misspelt: the type of slope cannot be read: name 'flaot' is not defined"),
        (named, "activation named: no setting can be called name, which is that of the activation in a config"),
        (3, "register.activation is for a function or a class with a name, found 3"),
        (lambda x: x, "register.activation is for a function or a class with a name, found <function <lambda>"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_part_is_refused(target: Any, said: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(said)}"):
        register.activation(target)


def test_a_name_is_given_once() -> None:
    register.activation(bent)
    with pytest.raises(ValueError, match=r"^activation bent: this name is taken by .*test_register.py:\d+; choose"):
        register.activation(bent)


def test_a_name_of_adruns_own_is_taken() -> None:
    import autodiff.experiment.parts  # noqa: F401

    def relu(x: Any) -> Any: ...

    with pytest.raises(ValueError, match=r"^activation relu: this name is taken by adrun itself; choose another"):
        register.activation(relu)


def test_what_is_registered_in_a_block_can_be_forgotten() -> None:
    before = dict(register.activation.parts)
    with register.unchanged():
        register.activation(bent)
        assert "bent" in register.activation.parts
    assert register.activation.parts == before


def bent(x: Any) -> Any: ...
