import pytest

from autodiff.experiment.errors import InputError
from autodiff.experiment.runs.fields import differing, flattened, named, value_of

NESTED = {"seed": 1, "dataset": {"name": "spiral", "inner": {"noise": 0.2}}, "hidden": [5]}


def test_nested_fields_get_dotted_names() -> None:
    assert flattened(NESTED) == {"seed": 1, "dataset.name": "spiral", "dataset.inner.noise": 0.2, "hidden": [5]}


def test_fields_differ_that_are_not_the_same_in_all_or_absent_in_some() -> None:
    assert differing(NESTED, NESTED) == []
    other = {"seed": 1, "dataset": {"name": "spiral", "inner": {"noise": 0.3}}, "hidden": [5], "momentum": 0.9}
    assert differing(NESTED, NESTED, other) == ["dataset.inner.noise", "momentum"]
    assert differing() == []


def test_a_field_may_be_named_by_its_last_part() -> None:
    known = ["seed", "dataset.noise", "dataset.name", "test.name"]
    assert named("seed", known, "--sort seed") == "seed"
    assert named("noise", known, "") == "dataset.noise"
    with pytest.raises(InputError, match=r"--sort name: name may be dataset.name or test.name; give the whole name"):
        named("name", known, "--sort name")
    with pytest.raises(InputError, match=r"--where nois=1: there is no field 'nois' \(did you mean dataset.noise\?\)"):
        named("nois", known, "--where nois=1")
    with pytest.raises(InputError, match=r"there is no field 'qqq'; there are seed, dataset.noise"):
        named("qqq", known, "--sort qqq")


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-2", 0.01), (".5", 0.5), ("[64, 64]", [64, 64]), ("true", True), ("null", None), ("adam", "adam"), ("", "")],
)
def test_a_text_stands_for_a_value(text: str, value: object) -> None:
    assert value_of(text) == value
