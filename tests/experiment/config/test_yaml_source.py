import contextlib
import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from autodiff.experiment.config.yaml_source import DEEPEST, Position, SourceError, is_number, parse, scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-2", 0.01),
        ("1E5", 100000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-3", -3),
        ("10_000", 10000),
        ("0", 0),
        ("0.1", 0.1),
        ("00.5", 0.5),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        (".inf", math.inf),
    ],
)
def test_a_scalar_is_what_it_looks_like(text: str, value: object) -> None:
    found = scalar(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text", ["on", "off", "yes", "no", "y", "1:30", "2024-01-01", "0x10", "0o10", "nan", "1__e", "e5", "9" * 5000]
)
def test_what_yaml_would_surprise_with_stays_text(text: str) -> None:
    assert scalar(text) == text


@pytest.mark.parametrize(
    ("text", "advice"), [("010", "write 10"), ("08", "write 8"), ("-007", "write -7"), ("00", "write 0")]
)
def test_a_leading_zero_is_refused(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        scalar(text)
    assert is_number(text)


def test_quotes_make_text() -> None:
    assert parse("a: '1'\nb: \"true\"\n").value == {"a": "1", "b": "true"}


def test_positions_of_keys_and_values_count_from_one() -> None:
    document = parse("# comment\nepochs:   5\nhidden: [1,\n  2]\ndataset: {noise: 0}\n")
    assert document.value == {"epochs": 5, "hidden": [1, 2], "dataset": {"noise": 0}}
    assert document.keys[("epochs",)] == Position(2, 1)
    assert document.positions[("epochs",)] == Position(2, 11)
    assert document.positions[("hidden", 1)] == Position(4, 3)
    assert document.keys[("dataset", "noise")] == Position(5, 11)


def test_a_repeated_key_names_both_positions_and_keeps_the_first() -> None:
    document = parse("a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert document.value == {"a": 1, "b": {"c": 1}}
    found = {path: (problem.position, problem.message) for path, problem in document.problems}
    assert found == {
        ("b", "c"): (Position(2, 11), "given twice, first at line 2, column 5; keep one"),
        ("a",): (Position(3, 1), "given twice, first at line 1, column 1; keep one"),
    }


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n"])
def test_an_empty_document_is_nothing(text: str) -> None:
    assert parse(text).value is None


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("a: 1\n\tb: 2\n", Position(2, 1), "tab"),
        ("a: [1, 2\nb: 3\n", Position(2, 2), "not YAML"),
        ("a: 1\n---\nb: 2\n", Position(2, 1), "second document"),
        ("a: b: c\n", Position(1, 5), "second ':'"),
        ("a: *nobody\n", Position(1, 4), "alias"),
        ("a: 1\nb: \x07\n", Position(2, 4), "U+0007"),
        ("[" * (DEEPEST + 5), Position(1, DEEPEST + 1), "deep"),
        ("a: 'never closed\n", Position(2, 1), "not YAML"),
    ],
)
def test_what_is_not_yaml_is_refused_with_its_position(text: str, position: Position, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse(text)
    assert caught.value.position == position
    assert words in caught.value.message


def test_aliases_cannot_multiply_without_bound() -> None:
    laughs = "a0: &a0 [lol, lol, lol]\n"
    laughs += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
    with pytest.raises(SourceError, match="aliases"):
        parse(laughs)


def test_an_alias_of_itself_is_refused() -> None:
    with pytest.raises(SourceError, match="aliases"):
        parse("a: &a [*a]\n")


@pytest.mark.parametrize(
    "text", ["a: !!python/object:os.system x", "a: !!binary aGk=", "a: !mine {b: 1}", "a: !!set [b]"]
)
def test_tags_are_refused(text: str) -> None:
    [(path, problem)] = parse(text).problems
    assert path == ("a",)
    assert "tag" in problem.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a\t:\t1\t\n\t\nb: 2", {"a": 1, "b": 2}),
        ("a: one\ttwo", {"a": "one\ttwo"}),
        ("a: one\t\n  two", {"a": "one two"}),
        ("a: 'one\t'", {"a": "one\t"}),
        ("a: |\n  one\ttwo\n", {"a": "one\ttwo\n"}),
        ("-\t1\n- \t2\n", [1, 2]),
        ("a:\n-\t1\n", {"a": [1]}),
        ("[1,\n\t2\t]\t", [1, 2]),
        ("{a\t: 1\t,\tb:\t2}", {"a": 1, "b": 2}),
        ("---\t\na: 1\t\n...\t\n", {"a": 1}),
        ("a:\t&x\t1\nb:\t*x\t\n", {"a": 1, "b": 1}),
    ],
)
def test_tabs_separate(text: str, value: object) -> None:
    assert parse(text).value == value


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("\ta: 1", Position(1, 1)),
        ("a:\n\tb: 1", Position(2, 1)),
        ("a:\n  b: 1\n \tc: 2", Position(3, 2)),
        ("a:\n\t- 1", Position(2, 1)),
        ("a: 1\n\tcontinued", Position(2, 1)),
    ],
)
def test_tabs_do_not_indent(text: str, position: Position) -> None:
    with pytest.raises(SourceError, match="a tab character; YAML is indented with spaces") as caught:
        parse(text)
    assert caught.value.position == position


def test_a_tab_after_a_dash_does_not_indent_fields() -> None:
    with pytest.raises(SourceError):
        parse("-\ta: 1\n-\tb: 2\n")


@given(st.text("ab1 \t\n:-[]{},#'\"|&*?<", max_size=30))
def test_whatever_the_text_there_is_a_value_or_one_kind_of_error(text: str) -> None:
    with contextlib.suppress(SourceError):
        assert all(problem.position for _, problem in parse(text).problems)


@given(st.text("ab1 \n:-[]{},#'\"|", max_size=30))
def test_without_tabs_yaml_means_what_it_means_to_pyyaml(text: str) -> None:
    try:
        value = parse(text).value
    except SourceError:
        return
    assert plain(value) == plain(yaml.load(text, yaml.BaseLoader)) or parse(text).problems


def plain(value: object) -> object:
    """Return a value with its scalars as texts, as PyYAML's BaseLoader leaves them."""
    if isinstance(value, dict):
        return {key: plain(field) for key, field in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return "" if value is None else value if isinstance(value, str) else str(value)
