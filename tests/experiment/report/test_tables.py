from autodiff.experiment.report.tables import config_table, html_table, machine_table, markdown_table
from autodiff.experiment.studies.formats import as_markdown


def test_text_of_any_kind_is_escaped():
    table = html_table("<caption>", ["<a>", "b"], [["<c>", '"d"']], ["<c>"])
    assert "<a>" not in table
    assert '<th scope="row">&lt;c&gt;</th><td class="differs">&quot;d&quot;</td>' in table


def test_a_table_in_markdown_keeps_its_cells():
    text = as_markdown(["run", "loss"], [False, True], [["a|b", "1"], ["", "2"]])
    table = markdown_table("runs", text)
    assert '<th scope="row">a|b</th><td>1</td>' in table
    assert '<th scope="row"></th><td>2</td>' in table


def test_settings_that_differ_are_marked():
    table = config_table({"one": {"a": 1, "b": {"c": 2}}, "two": {"a": 1, "b": {"c": 3}}})
    assert '<th scope="row">a</th><td>1</td>' in table
    assert '<th scope="row">b.c</th><td class="differs">2</td><td class="differs">3</td>' in table


def test_machines_are_told_once_each():
    one, other = {"versions": {"NumPy": "2"}}, {"versions": {"NumPy": "3"}, "machine": {"threads": 1}}
    table = machine_table([one, one, other])
    assert "<td>2</td><td>3</td>" in table
    assert "<td></td><td>1</td>" in table
    assert machine_table([{}]) == ""
