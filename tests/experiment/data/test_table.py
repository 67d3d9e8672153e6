import csv
import io

import numpy as np
import pytest

from autodiff.experiment.data.table import MOST_FEATURES, ROWS_AT_ONCE, Table, read_table
from autodiff.experiment.errors import ColumnError, InputError

ROWS = [[0.5, -1.25, "red"], [3e2, 4.0, "green"], [-5.0, 6.5, "red"]]


def read(text, label=None, features=None):
    return read_table(text if isinstance(text, bytes) else text.encode(), "p.csv", label, features)


def problems(text, label=None, features=None):
    with pytest.raises(InputError) as caught:
        read(text, label, features)
    return list(caught.value.problems)


def written(delimiter=",", heading=("x", "y", "colour"), **options):
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, **options).writerows([*([heading] if heading else []), *ROWS])
    return stream.getvalue()


def is_of_the_rows(table, names=("x", "y")):
    assert table.features.tolist() == [row[:2] for row in ROWS]
    assert [table.class_names[label] for label in table.labels] == [row[2] for row in ROWS]
    assert table.feature_names == names
    assert table.class_names == ("green", "red")
    return True


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_what_the_csv_module_writes_is_read(delimiter, quoting, ends, mark):
    assert is_of_the_rows(read(mark + written(delimiter, quoting=quoting, lineterminator=ends)))


def test_without_a_heading_columns_have_numbers():
    text = written(heading=None)
    assert is_of_the_rows(read(text), ("column 1", "column 2"))
    table = read(text, label=3, features=[2])
    assert table.features.tolist() == [[row[1]] for row in ROWS]
    assert table.feature_names == ("column 2",)


def test_columns_are_chosen_by_name_or_number_in_any_order():
    text = "id,kind,y,x\n7,a,1,2\n8,b,3,4\n"
    for label, features in (("kind", ["x", "y"]), (2, [4, 3]), ("kind", ["x", 3])):
        table = read(text, label, features)
        assert table.features.tolist() == [[2, 1], [4, 3]]
        assert table.feature_names == ("x", "y")
    assert read(text, "kind").feature_names == ("id", "y", "x")


def test_a_heading_of_numbers_is_one_where_a_column_is_asked_for_by_it():
    table = read("2019,2020,up\n1,2,no\n3,4,yes\n", "up", ["2020"])
    assert table.features.tolist() == [[2], [4]]
    assert read("2019,2020,2\n1,2,3\n").class_names == ("2", "3")


def test_labels_are_any_text_in_order_numbers_by_value():
    assert read('x,l\n1,"a, ""b"""\n2, é \n3,"two\nlines"\n').class_names == ('a, "b"', "two\nlines", "é")
    assert read("x,l\n1,10\n2,9\n3,-1.5\n").class_names == ("-1.5", "9", "10")
    assert read("x,l\n1,10\n2,9\n3,none\n").class_names == ("10", "9", "none")


def test_blank_lines_are_passed_over_and_blanks_after_a_delimiter_too():
    assert is_of_the_rows(read("\nx, y, colour\n\n" + written(heading=None).replace(",", ", ") + "  \n\n"))


def test_many_rows_are_read_as_few_are():
    generator = np.random.default_rng(0)
    values, labels = generator.normal(size=(2 * ROWS_AT_ONCE + 7, 3)), generator.integers(0, 4, 2 * ROWS_AT_ONCE + 7)
    text = "".join(f"{a!r},{b!r},{c!r},{k}\n\n" for (a, b, c), k in zip(values.tolist(), labels, strict=True))
    table = read(text)
    assert np.array_equal(table.features, values)
    assert np.array_equal(table.labels, labels)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["p.csv:1:1: is empty; it needs a row for each point"]),
        ("\n \n", ["p.csv:1:1: is empty; it needs a row for each point"]),
        ("x,l\n", ["p.csv:2:1: has no rows, only a heading; it needs a row for each point"]),
        ("1\n2\n", ["p.csv:1:1: has one column, and needs two or more, of features and labels (*"]),
        ("x,l\n1,a\n2,a\n", ["p.csv: has one class only: l is 'a' in every row; *"]),
        ("x,l\n1,a\n,b\n", ["p.csv:3:1: x: is empty; give a value, or remove the row"]),
        ("x,l\n1,a\n2,\n", ["p.csv:3:3: l: is empty; give a value, or remove the row"]),
        ("x,y,l\n1,1,a\n2,two,b\n", ["p.csv:3:3: y: must be a number, found 'two'; correct it, remove the row, or *"]),
        ("x,y,l\n1,2,a\n2, nan,b\n", ["p.csv:3:4: y: must be a finite number, found 'nan'; *"]),
        ("x,y,l\n1,-inf,a\n2,2,b\n", ["p.csv:2:3: y: must be a finite number, found '-inf'; *"]),
        ("x,y,l\n1,1e101,a\n2,2,b\n", ["p.csv:2:3: y: must be a number of at most 1e+100, found '1e101'; *"]),
        ("x,y,l\n1,1_0,a\n2,2,b\n", ["p.csv:2:3: y: must be a number, found '1_0'; *"]),
        ("1,5;2;a\n3;4;b\n", ["p.csv:1:1: column 1: must be a number, found '1,5'; write 1.5"]),
        ("x,y,l\n1,2\n2,3,b\n", ["p.csv:2:1: has 2 columns, and should have 3, as the first row has (some *"]),
        ("x,y,l\n1,2,a,\n2,3,b\n", ["p.csv:2:1: has 4 columns, and should have 3, as the first row has (quote *"]),
        ('x,y,l\n1,2,"a\nb"\n"3",",",b\n', ["p.csv:4:5: y: must be a number, found ','; *"]),
        ('x,y,l\n"a\nb",no,a\n1,2,b\n', ["p.csv:2:1: x: must be a number, *", "p.csv:3:4: y: must be a number, *"]),
        (b"x,l\n1,a\n2,\xe4\n", ["p.csv:3:3: the byte 0xe4 is not UTF-8 text; save the file as UTF-8"]),
        (b"\xff\xfex\x00", ["p.csv:1:1: is UTF-16 text; save it as UTF-8"]),
        ("x,l\n1," + "a" * 200_000 + "\n", ["p.csv:2:1: is no CSV: field larger than field limit (131072)"]),
        ("x,l\n" + "".join(f"1,{i}\n" for i in range(21)), ["p.csv:1:1: l has more than 20 different labels, *"]),
        (",".join("1" * (MOST_FEATURES + 2)), ["p.csv:1:1: has 1,001 features; at most 1,000 are allowed"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_line_and_column_with_what_to_do(text, lines):
    found = problems(text)
    assert len(found) == len(lines)
    for problem, line in zip(found, lines, strict=True):
        start, star, _ = line.partition("*")
        assert problem.startswith(start) if star else problem == line


def test_several_mistakes_are_told_but_not_thousands():
    found = problems("x,l\n" + "no,a\n" * 10_000)
    assert [problem.partition(" ")[0] for problem in found] == [f"p.csv:{line}:1:" for line in range(2, 7)]


def test_a_mistake_late_in_the_file_is_at_its_line():
    (problem,) = problems("x,l\n" + "1,a\n\n" * 3000 + "1,b\nno,b\n")
    assert problem.startswith("p.csv:6003:1: x: must be a number")


@pytest.mark.parametrize(
    ("text", "label", "features", "setting", "line"),
    [
        ("x,y,kind\n1,2,a\n", "kin", None, "label", "p.csv has no column 'kin' (did you mean kind?)"),
        ("x,y,kind\n1,2,a\n", "KIND", None, "label", "p.csv has no column 'KIND' (did you mean kind?)"),
        ("x,y,kind\n1,2,a\n", "q", None, "label", "p.csv has no column 'q'; there are x, y, kind"),
        ("x,y,kind\n1,2,a\n", 4, None, "label", "p.csv has the columns 1 to 3, and no column 4"),
        ("x,y,kind\n1,2,a\n", 0, None, "label", "p.csv has the columns 1 to 3, and no column 0"),
        ("x,y,k\n1,2,a\n", "k", ["x", "z"], "features", "p.csv has no column 'z'; there are x, y, k"),
        ("x,y,k\n1,2,a\n", "k", ["x", "x"], "features", "'x' is given twice; leave it out"),
        ("x,y,k\n1,2,a\n", "k", ["k"], "features", "'k' is the label, and no feature; leave it out"),
        ("x,x,k\n1,2,a\n", "k", ["x"], "features", "p.csv has 2 columns 'x'; give the number of *"),
        ("1,2,a\n", "k", None, "label", "p.csv has no heading with a column 'k'; add one, or give the column's *"),
    ],
)
def test_a_column_that_cannot_be_taken_is_told_with_what_asks_for_it(text, label, features, setting, line):
    with pytest.raises(ColumnError) as caught:
        read(text, label, features)
    assert caught.value.setting == setting
    (found,) = caught.value.problems
    assert found.startswith(line.rstrip("*")) if line.endswith("*") else found == line


def test_a_long_list_of_columns_is_cut():
    text = ",".join(f"c{i}" for i in range(30)) + "\n"
    assert problems(text, "q") == [
        "p.csv has no column 'q'; there are " + ", ".join(f"c{i}" for i in range(10)) + " and 20 more"
    ]


def test_a_table_is_ready_for_computing():
    table = read(written())
    assert isinstance(table, Table)
    assert table.features.flags.c_contiguous
    assert table.labels.dtype == np.int64
