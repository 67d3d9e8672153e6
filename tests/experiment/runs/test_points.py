import io
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff.experiment.errors import InputError
from autodiff.experiment.runs import points as module
from autodiff.experiment.runs.points import Points, read_points


def read(data: bytes, pieces: int = 1 << 20, names: Sequence[str] = ()) -> tuple[list[list[float]], list[int], str]:
    """Return the points, their lines and the error, of a stream that gives so many bytes at once."""

    class Stream(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            return super().read1(pieces)

    values: list[list[float]] = []
    lines: list[int] = []
    try:
        for part in read_points(Stream(data), "f.csv", names):
            values += part.features.tolist()
            lines += part.lines
    except InputError as error:
        return values, lines, str(error)
    return values, lines, ""


@pytest.mark.parametrize("pieces", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("text", "values", "lines"),
    [
        ("1,2\n3,4\n", [[1, 2], [3, 4]], [1, 2]),
        ("1,2\n3,4", [[1, 2], [3, 4]], [1, 2]),
        ("x,y\n1,2\n", [[1, 2]], [2]),
        ("\ufeffx,y\r\n1,2\r\n3, 4 \r\n", [[1, 2], [3, 4]], [2, 3]),
        ("\ufeff1,2\n", [[1, 2]], [1]),
        ('"x","y"\n"1","2"\n-.5,1e-3\n', [[1, 2], [-0.5, 1e-3]], [2, 3]),
        ("\n1,2\n\n\n3,4\n  \n\n", [[1, 2], [3, 4]], [2, 5]),
    ],
)
def test_two_columns_are_read_with_a_heading_or_none(
    text: str, values: list[list[float]], lines: list[int], pieces: int
) -> None:
    assert read(text.encode(), pieces) == (values, lines, "")


@pytest.mark.parametrize("pieces", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("text", "before", "message"),
    [
        (b"", 0, "f.csv: is empty; each line needs two numbers"),
        (b"x,y\n", 0, "f.csv: has no points, only a heading"),
        (b"1,2\n3\n", 1, "f.csv:2: must be two numbers with a comma between them, found 1 column: '3'"),
        (b"x,y\n1,2\n3,4\n1,2,3\n", 2, "f.csv:4: .*found 3 columns: '1,2,3'"),
        (b"x,y,z\n1,2,3\n", 0, "f.csv:1: .*found 3 columns"),
        (b"1;2\n", 0, "f.csv:1: .*found 1 column: '1;2'"),
        (b"1\n2,3,4\n", 0, "f.csv:1: .*found 1 column"),  # as many commas as two lines should have
        (b"1,2\n3,x\n", 1, "f.csv:2: must be a finite number, found 'x'"),
        (b"1,2\nx,y\n", 1, "f.csv:2: must be a finite number, found 'x'"),
        (b"1,y\n", 0, "f.csv:1: must be a finite number, found 'y'"),
        (b"1,2\n\n3,nan\n", 1, "f.csv:3: must be a finite number, found 'nan'"),
        (b"nan,nan\n", 0, "f.csv:1: must be a finite number, found 'nan'"),
        (b"1,2\ninf,3\n", 1, "f.csv:2: must be a finite number, found 'inf'"),
        (b"1,2\n1_0,3\n", 1, "f.csv:2: must be a finite number, found '1_0'"),
        (b"1,2\n,3\n", 1, "f.csv:2: must be a finite number, found ''"),
        (b"1,2\n3,4 # five\n", 1, "f.csv:2: must be a finite number"),
        (b"1,2\n\xff,3\n", 1, "f.csv:2: is no line of a CSV"),
        (b'1,2\n"3,4\n', 1, "f.csv:2: is no line of a CSV"),
        (b"1,2\n" + b"3" * 20_000, 1, "f.csv:2: the line is too long to be a point"),
    ],
)
def test_what_is_no_point_is_refused_by_its_line_and_those_before_it_are_read(
    text: bytes, before: int, message: str, pieces: int
) -> None:
    values, _, error = read(text, pieces)
    assert len(values) == before
    with pytest.raises(InputError, match=f"^{message}"):
        raise InputError([error])


@given(st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 2), min_size=1), st.integers(1, 50))
def test_numbers_are_read_back_exactly_however_they_arrive(points: list[tuple[float, float]], pieces: int) -> None:
    values, lines, error = read("".join(f"{x!r},{y!r}\n" for x, y in points).encode(), pieces)
    assert error == ""
    assert np.array_equal(np.array(values), np.array(points))
    assert lines == list(range(1, len(points) + 1))


def test_lines_are_read_together_where_they_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    alone: list[bytes] = []
    one_by_one = module._Reader.one_by_one

    def noted(self: module._Reader, block: bytes, first_line: int) -> Iterator[Points]:
        alone.append(block)
        return one_by_one(self, block, first_line)

    monkeypatch.setattr(module._Reader, "one_by_one", noted)
    read(b"x,y\n" + b"1,2\n" * 1000)
    assert alone == []
    read(b"l,y,x\n" + b"a,1,2\n" * 1000, names=("x", "y"))
    assert alone == []


@pytest.mark.parametrize("pieces", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("text", "values", "lines"),
    [
        ("c,a,l,b\n3,1,red,2\n6,4,,5\n", [[1, 2, 3], [4, 5, 6]], [2, 3]),
        ('"c";"a";"l";"b"\n3;1;"re;d";2\n', [[1, 2, 3]], [2]),
        ("\ufeffa\tb\tc\r\n1\t2\t3\r\n", [[1, 2, 3]], [2]),
        ("1,2,3\n4,5,6\n", [[1, 2, 3], [4, 5, 6]], [1, 2]),
        ("1;2;3\n\n4;5;6", [[1, 2, 3], [4, 5, 6]], [1, 3]),
    ],
)
def test_columns_are_found_by_the_names_of_features_or_stand_in_their_order(
    text: str, values: list[list[float]], lines: list[int], pieces: int
) -> None:
    assert read(text.encode(), pieces, ("a", "b", "c")) == (values, lines, "")


@pytest.mark.parametrize(
    ("text", "names", "message"),
    [
        (b"a,c\n1,2\n", ("a", "b"), "f.csv:1: has no column 'b', which the network needs; there are a, c"),
        (b"a,l,b\n1,2,3\n3,4\n", ("a", "b"), "f.csv:3: must be 3 columns, as the heading has, found 2 columns: '3,4'"),
        (b"1,2\n", ("a", "b", "c"), "f.csv:1: must be 3 numbers, found 2 columns: '1,2'"),
        (b"1,2\n", ("a",), "f.csv:1: must be a number, found 2 columns: '1,2'"),
        (b"a,b,l\n1,x,2\n", ("a", "b"), "f.csv:2: must be a finite number, found 'x'"),
        (b"", ("a", "b", "c"), "f.csv: is empty; each line needs 3 numbers"),
    ],
)
def test_what_lacks_a_feature_is_refused(text: bytes, names: tuple[str, ...], message: str) -> None:
    assert read(text, names=names)[2] == message


def test_one_feature_is_a_column_of_numbers() -> None:
    assert read(b"weight\n1\n2.5\n", names=("weight",)) == ([[1], [2.5]], [2, 3], "")
