"""Malformed configs: each is answered with every mistake, one line each, at the place where it was made."""

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import configs_in, load, load_all
from autodiff.experiment.config.overrides import overrides_of
from autodiff.experiment.errors import InputError

GOOD = "activation: relu\noptimizer: sgd\nlearning_rate: 1e-2\nepochs: 10\n"


def config_of(tmp_path: Path, text: str, *assignments: str) -> Config:
    file = tmp_path / "config_under_test.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file, overrides_of(assignments, None))


def problems_of(tmp_path: Path, text: str, *assignments: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        config_of(tmp_path, text, *assignments)
    return [problem.removeprefix(f"{tmp_path}{os.sep}config_under_test.yaml:") for problem in caught.value.problems]


def test_defaults_are_filled_in(tmp_path: Path) -> None:
    assert config_of(tmp_path, GOOD).resolved() == {
        "activation": "relu",
        "optimizer": "sgd",
        "learning_rate": 0.01,
        "epochs": 10,
        "momentum": 0.0,
        "weight_decay": 0.0,
        "seed": 0,
        "dtype": "float32",
        "frames": 60,
        "style": "soft",
        "dataset": {
            "name": "spiral",
            "classes": 3,
            "points_per_class": 100,
            "test_points_per_class": 100,
            "noise": 0.2,
        },
        "hidden": [100],
    }


def test_adam_resolves_without_momentum(tmp_path: Path) -> None:
    assert "momentum" not in config_of(tmp_path, GOOD, "optimizer=adam").resolved()


def test_whole_numbers_may_be_written_with_an_exponent(tmp_path: Path) -> None:
    assert config_of(tmp_path, GOOD + "frames: 1e2\n").frames == 100


def test_null_is_as_good_as_absent(tmp_path: Path) -> None:
    assert config_of(tmp_path, GOOD + "momentum:\nhidden: null\ndataset: {noise: ~}\n") == config_of(tmp_path, GOOD)


@pytest.mark.parametrize("line", ["momentun:", "dataset: {nois: null}", "lr: ~"])
def test_an_unknown_field_is_refused_even_without_a_value(tmp_path: Path, line: str) -> None:
    [problem] = problems_of(tmp_path, GOOD + line)
    assert ": unknown field (did you mean " in problem


def test_an_override_to_nothing_is_of_a_known_field(tmp_path: Path) -> None:
    [problem] = problems_of(tmp_path, GOOD, "momentun=null")
    assert problem == "--set momentun=null: momentun: unknown field (did you mean momentum?)"


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(tmp_path: Path) -> None:
    file = tmp_path / "windows.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load(file) == config_of(tmp_path, GOOD)
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("relu", "rleu").encode())
    with pytest.raises(InputError, match=r":1:13: activation"):
        load(file)


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ("epochs: -1", "4:9: epochs: must be a whole number from 1 to 1,000,000 *, found -1"),
        ("epochs: 1.5", "4:9: epochs: must be a whole number *, found 1.5"),
        ("epochs: 1e12", "4:9: epochs: must be a whole number from 1 to 1,000,000 *, found 1000000000000"),
        ("epochs: true", "4:9: epochs: must be a whole number *, found true"),
        ("epochs: '10'", "4:9: epochs: must be a whole number *, found '10' (a text: remove the quotes)"),
        ("epochs: 010", "4:9: epochs: 010 is read as octal by some and as decimal by others; write 10"),
        (f"epochs: {'9' * 5000}", "4:9: epochs: must be a whole number *, found '9999*..."),
        ("epochs: [10]", "4:9: epochs: must be a whole number *, found [10]"),
        ("epochs:", "4:8: epochs: is missing; it must be a whole number *"),
        ("learning_rate: nan", "3:16: learning_rate: must be a positive number, found 'nan'"),
        ("learning_rate: .nan", "3:16: learning_rate: must be a positive number, found nan"),
        ("learning_rate: .inf", "3:16: learning_rate: must be a positive number, found inf"),
        ("learning_rate: 0", "3:16: learning_rate: must be a positive number, found 0"),
        ("learning_rate: fast", "3:16: learning_rate: must be a positive number, found 'fast'"),
        ("activation: rleu", "1:13: activation: must be one of relu, *, found 'rleu' (did you mean relu?)"),
        ("activation: ReLU", "1:13: activation: must be one of relu, *, found 'ReLU' (did you mean relu?)"),
        ("activation: on", "1:13: activation: must be one of relu, sigmoid, tanh, *, found 'on'"),
        ("optimizer: adan", "2:12: optimizer: must be one of sgd, adam, adamw*, found 'adan' (did you mean adam?)"),
        ("momentum: 1", "5:11: momentum: must be a number from 0 up to, but below, 1, found 1"),
        ("weight_decay: -1", "5:15: weight_decay: must be 0 or a positive number, found -1"),
        ("seed: -1", "5:7: seed: must be a whole number from 0 to 2^64 - 1, found -1"),
        ("seed: 1:30", "5:7: seed: must be a whole number *, found '1:30'"),
        ("dtype: float16", "5:8: dtype: must be float32 or float64, found 'float16' (did you mean *"),
        ("frames: 1", "5:9: frames: must be a whole number from 2 to 1,000 *, found 1"),
        ("style: crips", "5:8: style: must be soft or crisp, found 'crips' (did you mean crisp?)"),
        ("batch_size: 0", "5:13: batch_size: must be a whole number of points, 1 or more, found 0"),
        ("batch_size: 301", "5:13: batch_size: must be at most 300, the number of points, found 301 *"),
        ("hidden: 100", "5:9: hidden: must be a list of *, found 100"),
        ("hidden: [100, 0]", "5:15: hidden[1]: must be a whole number from 1 to 4,096, found 0"),
        ("hidden: [100, wide]", "5:15: hidden[1]: must be a whole number from 1 to 4,096, found 'wide'"),
        ("hidden: [4096, 4096, 4096, 4096]", "5:9: hidden: would need about * at most 2 GB are allowed *"),
        ("dataset: sprial", "5:10: dataset: must be *spiral*, found 'sprial' (did you mean spiral?)"),
        ("dataset: 3", "5:10: dataset: must be *spiral*, found 3"),
        ("dataset: {name: sprial}", "5:17: dataset.name: must be *spiral*, found 'sprial' (did you mean spiral?)"),
        ("dataset: {classes: 21}", "5:20: dataset.classes: must be a whole number from 2 to 20 *, found 21"),
        ("dataset: {noise: -1}", "5:18: dataset.noise: must be a number from 0 to 10 *, found -1"),
        (
            "dataset: {points_per_class: 1000000000000}",
            "5:29: dataset.points_per_class: must be a whole number from 2 to 100,000 (* memory), found 1000000000000",
        ),
        (
            "dataset: {points_per_class: 50000}",
            "5:29: dataset.points_per_class: makes 150,000 points in all; at most 100,000 are allowed, *",
        ),
        ("dataset: {clases: 3}", "5:11: dataset.clases: unknown field (did you mean dataset.classes?)"),
        ("dataset: {seed: 3}", "5:11: dataset.seed: unknown field (did you mean seed?)"),
        ("noise: 0.3", "5:1: noise: unknown field (did you mean dataset.noise?)"),
        ("lr: 0.1", "5:1: lr: unknown field (did you mean learning_rate?)"),
        ("momentun: 0.9", "5:1: momentun: unknown field (did you mean momentum?)"),
        ("zzz: 0.9", "5:1: zzz: unknown field; the fields are activation, optimizer, *"),
        ("<<: {epochs: 3}", "5:1: merge keys (<<) are not read, *; write the fields out"),
        ("dataset: {<<: {classes: 3}}", "5:11: dataset: merge keys (<<) are not read, *; write the fields out"),
        ("'<<': 3", "5:1: <<: unknown field; *"),
        ("dataset: {classes:4}", "5:19: dataset.classes: a blank is missing after the ':'"),
        ("epochs: 50#fast", "4:9: epochs: must be *, found '50#fast' (a blank is missing before the '#')"),
        ("activation: relu#fast", "1:13: activation: must be *, found 'relu#fast' (a blank is missing before the '#')"),
        ("epochs: 5 #\ta comment\nepochs: 6", "5:1: epochs: given twice, *; keep one"),
        ("? [a, b]\n: 3", "5:3: ?: a field's name must be a plain word"),
        ("seed: !!python/name:os.system x", "5:7: seed: the tag !!python/name:os.system has no meaning in a config"),
    ],
)  # fmt: skip
def test_a_malformed_field_is_told_in_one_line(tmp_path: Path, changed: str, line: str) -> None:
    name = changed.partition(":")[0]
    kept = [given for given in GOOD.splitlines() if given.partition(":")[0] != name]
    position = next((i for i, given in enumerate(GOOD.splitlines()) if given.partition(":")[0] == name), 4)
    text = "\n".join([*kept[:position], changed, *kept[position:]]) + "\n"
    [problem] = problems_of(tmp_path, text)
    pieces = line.split("*")
    assert problem.startswith(pieces[0])
    for piece in pieces[1:]:
        assert piece in problem
    if pieces[-1]:
        assert problem.endswith(pieces[-1])
    assert "\n" not in problem


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_momentum_given_to_adam_says_so(tmp_path: Path, optimizer: str) -> None:
    [problem] = problems_of(tmp_path, GOOD.replace("sgd", optimizer) + "momentum: 0.9\n")
    assert problem.startswith("5:11: momentum: is for optimizer sgd or rmsprop; ")
    assert optimizer in problem


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "optimizer: adam\n\nmomentum: 0.9\nepochs: 010\nepochs: 3\ndataset: {noise: x, classes: 29}\nhiden: [3]\n"
    found = [problem.split(": ")[:2] for problem in problems_of(tmp_path, text)]
    assert found == [
        ["1:1", "activation"],
        ["1:1", "learning_rate"],
        ["3:11", "momentum"],
        ["4:9", "epochs"],
        ["5:1", "epochs"],
        ["6:18", "dataset.noise"],
        ["6:30", "dataset.classes"],
        ["7:1", "hiden"],
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_says_what_is_needed(tmp_path: Path, text: str) -> None:
    [problem] = problems_of(tmp_path, text)
    assert problem == "1:1: is empty; a config needs at least activation, optimizer, learning_rate and epochs"


@pytest.mark.parametrize(("text", "found"), [("- a\n- b\n", "['a', 'b']"), ("hello\n", "'hello'"), ("3", "3")])
def test_what_is_no_mapping_is_shown(tmp_path: Path, text: str, found: str) -> None:
    [problem] = problems_of(tmp_path, text)
    assert problem == f"1:1: must be fields, one a line, such as `epochs: 1000`, found {found}"


def test_an_override_replaces_the_files_value_and_its_mistake(tmp_path: Path) -> None:
    config = config_of(
        tmp_path, GOOD.replace("epochs: 10", "epochs: 010"), "epochs=7", "hidden=[64, 32]", "dataset.noise=0"
    )
    assert (config.epochs, config.hidden, config.dataset.settings["noise"]) == (7, [64, 32], 0.0)


def test_the_last_override_of_a_field_holds(tmp_path: Path) -> None:
    assert config_of(tmp_path, GOOD, "epochs=[", "epochs=8").epochs == 8


def test_a_wrong_override_names_its_option(tmp_path: Path) -> None:
    found = problems_of(tmp_path, GOOD, "learning_rate=fast", "dataset.noise=-3", "frames=[", "lr=3", "foo.bar=1")
    assert [problem.split(": ")[:2] for problem in found] == [
        ["--set frames=[", "frames"],
        ["--set learning_rate=fast", "learning_rate"],
        ["--set dataset.noise=-3", "dataset.noise"],
        ["--set lr=3", "lr"],
        ["--set foo.bar=1", "foo"],
    ]


def test_an_override_beneath_something_that_is_no_mapping_is_told(tmp_path: Path) -> None:
    [problem] = problems_of(tmp_path, GOOD, "epochs.more=3")
    assert problem == "--set epochs.more=3: epochs.more: epochs is 10 and has no fields of its own"


@pytest.mark.parametrize("assignment", ["epochs", "=3", "epochs=", ""])
def test_an_override_is_key_and_value(assignment: str) -> None:
    with pytest.raises(InputError, match="must be key=value"):
        overrides_of([assignment], None)


def test_the_seed_option_is_an_override(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(GOOD)
    assert load(file, overrides_of([], 5)).seed == 5
    with pytest.raises(InputError, match=r"^--seed -1: seed: must be"):
        load(file, overrides_of([], -1))


def test_a_missing_file_suggests_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "relu-adam.yaml").write_text(GOOD)
    for name in ("relu-adm.yaml", "relu-adam", "relu-adam.yml"):
        with pytest.raises(InputError, match=r"no such file \(did you mean .*relu-adam.yaml\?\)"):
            load(tmp_path / name)
    with pytest.raises(InputError, match="nor is there a folder"):
        load(tmp_path / "nowhere" / "relu-adam.yaml")


def test_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "config_under_test.yaml"
    for data, words in [
        (b"epochs: 3\nname: caf\xe9\n", ":2:10: the byte 0xe9 is not UTF-8 text"),
        (GOOD.encode("utf-16"), ":1:1: is UTF-16 text"),
        (b"epochs: \x00\n", r":1:9: not text: the character U\+0000"),
        (b"# " + b"x" * 70_000, ": is larger than 64 KB"),
    ]:
        file.write_bytes(data)
        with pytest.raises(InputError, match=f"config_under_test.yaml{words}"):
            load(file)
    with pytest.raises(InputError, match="is a folder"):
        load(tmp_path)


def test_an_unreadable_file_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret.yaml"
    file.write_text(GOOD)

    def refuse(path: Path, mode: str) -> NoReturn:  # as the system does, but for the superuser
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"secret.yaml: cannot be read: Permission denied"):
        load(file)


def test_two_configs_of_one_name_are_refused(tmp_path: Path) -> None:
    files = [tmp_path / folder / "same.yaml" for folder in "ab"]
    for file in files:
        file.parent.mkdir()
        file.write_text(GOOD)
    with pytest.raises(InputError, match="would write to the same folder, same, as"):
        load_all(files)


def test_the_name_of_the_comparison_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "comparison.yaml"
    file.write_text(GOOD)
    with pytest.raises(InputError, match="is for the comparison of runs; rename the file"):
        load_all([file])


def test_the_config_of_a_finished_run_has_the_runs_name(tmp_path: Path) -> None:
    file = tmp_path / "relu-adam" / "config.yaml"
    file.parent.mkdir()
    file.write_text(GOOD)
    (file.parent / "summary.json").write_text("{}")
    assert load_all([file])[0].name == "relu-adam"


def test_mistakes_of_all_files_are_told_and_a_wrong_override_once(tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.yaml" for name in "ab"]
    for file in files:
        file.write_text(GOOD + "lr: 3\n")
    with pytest.raises(InputError) as caught:
        load_all(files, overrides_of(["frames=x"], None))
    assert [problem.split(": ")[0] for problem in caught.value.problems] == [
        f"{files[0]}:5:1",
        "--set frames=x",
        f"{files[1]}:5:1",
    ]


def test_a_name_is_for_one_config(tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.yaml" for name in "ab"]
    for file in files:
        file.write_text(GOOD)
    [experiment] = load_all(files[:1], overrides_of(["epochs=3"], 4), name="mine")
    assert (experiment.name, experiment.config.epochs, experiment.config.seed) == ("mine", 3, 4)
    with pytest.raises(InputError, match=r"^--name: is for one config, and 2 are given"):
        load_all(files, name="mine")
    with pytest.raises(InputError, match=r"^--name: a run cannot be named '../mine'"):
        load_all(files[:1], name="../mine")


def test_a_name_has_what_the_command_line_sets(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(GOOD)
    assert load_all([file], overrides_of(["dataset={noise: 0.3}"], 4))[0].name == "a,noise=0.3,seed=4"


def test_a_path_with_a_line_break_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "a\nb.yaml"
    for text in (None, "epochs: 3\n", "", "- 3\n", "a: [", "\0"):
        if text is not None:
            file.write_text(text)
        with pytest.raises(InputError) as caught:
            load_all([file])
        assert all(problem.isprintable() for problem in caught.value.problems)


# Tabs and blanks

SAMPLE = """\
# a config
activation: relu  # the first
optimizer : sgd

learning_rate: 0.1
epochs: 10 # few
dataset:
  # of points
  classes: 4
  noise: 0.3
hidden:
- 5
- 6
"""
FLOW = """\
{ activation: relu, optimizer: sgd, learning_rate: 0.1, epochs: 10,
  dataset: { classes: 4 , noise: 0.3 }, # of points
  "hidden": [ 5, 6 ] }
"""


def positions(text: str, wanted: str) -> list[int]:
    return [index for index in range(len(text)) if text.startswith(wanted, index)]


def place_of(text: str, index: int) -> str:
    return f"{text.count(chr(10), 0, index) + 1}:{index - text.rfind(chr(10), 0, index)}"


def before_on_its_line(text: str, index: int) -> str:
    return text[text.rfind("\n", 0, index) + 1 : index]


def test_the_samples_say_the_same(tmp_path: Path) -> None:
    assert config_of(tmp_path, SAMPLE) == config_of(tmp_path, FLOW)
    assert config_of(tmp_path, SAMPLE).size.classes == 4


@pytest.mark.parametrize("text", [SAMPLE, FLOW], ids=["block", "flow"])
def test_a_tab_may_stand_wherever_a_blank_separates_and_does_not_indent(tmp_path: Path, text: str) -> None:
    config = config_of(tmp_path, text)
    indented = 0
    for index in positions(text, " "):
        changed = f"{text[:index]}\t{text[index + 1 :]}"
        is_comment = "#" in before_on_its_line(text, index) or text[index:].lstrip(" ").startswith("#")
        if text == FLOW or before_on_its_line(text, index).strip() or is_comment:
            assert config_of(tmp_path, changed) == config, place_of(text, index)
        else:
            indented += 1
            [problem] = problems_of(tmp_path, changed)
            assert problem == f"{place_of(text, index)}: a tab character; YAML is indented with spaces"
    assert indented == (4 if text == SAMPLE else 0)


@pytest.mark.parametrize("text", [SAMPLE, FLOW], ids=["block", "flow"])
@pytest.mark.parametrize("blanks", ["\t", " \t", "\t "])
def test_a_tab_may_end_any_line_stand_on_one_of_its_own_and_go_before_a_comment(
    tmp_path: Path, text: str, blanks: str
) -> None:
    config = config_of(tmp_path, text)
    for index in positions(text, "\n"):
        for inserted in (blanks, f"{blanks}# a comment", f"\n{blanks}", f"\n{blanks}# a comment"):
            changed = text[:index] + inserted + text[index:]
            assert config_of(tmp_path, changed) == config, (place_of(text, index), inserted)


def test_a_tab_does_not_move_what_follows(tmp_path: Path) -> None:
    [problem] = problems_of(tmp_path, GOOD.replace("epochs: 10", "epochs:\t-1\t# none"))
    assert problem.startswith("4:9: epochs: must be a whole number")


@pytest.mark.parametrize("text", [SAMPLE, FLOW], ids=["block", "flow"])
def test_a_missing_blank_is_told_where_it_is_missing(tmp_path: Path, text: str) -> None:
    needless = {index for index in positions(text, ": ") if text == FLOW and text[index + 2] in "{["}
    places = sorted(set(positions(text, ": ")) - needless)
    assert len(places) == 6
    for index in places:
        [problem] = problems_of(tmp_path, f"{text[: index + 1]}{text[index + 2 :]}")
        assert problem.startswith(f"{place_of(text, index + 1)}: "), place_of(text, index)
        assert problem.endswith("a blank is missing after the ':'")


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("epochs:5", ["1:8"]),
        ("epochs:5\n", ["1:8"]),
        ("epochs:5\nactivation:relu\n\noptimizer:sgd\n", ["1:8", "2:12", "4:11"]),
        ("epochs:5\nactivation:relu\noptimizer: sgd\n", ["1:8"]),
        (GOOD + "seed:5", ["5:6"]),
        (GOOD + "# a comment\n\nseed:5\n# the end\n", ["7:6"]),
        (GOOD + "seed :5\nstyle: soft\n", ["5:7"]),
        (GOOD + "seed\t:5\n", ["5:7"]),
        (GOOD + "'seed':5\n", ["5:8"]),
        (GOOD + "hidden:[5]\n", ["5:8"]),
        (GOOD + "dataset:{classes: 4}\n", ["5:9"]),
        (GOOD + "dataset:\n  classes:4\n", ["6:11"]),
        (GOOD + "dataset:\n  classes:4\n  noise:0.3\n", ["6:11", "7:9"]),
        (GOOD + "dataset:\n  classes:4\n  noise: 0.3\n", ["6:11"]),
        (GOOD + "dataset:\n  classes: 4\n  noise:0.3\nseed: 3\n", ["7:9"]),
        (GOOD + "dataset: {classes:4, noise:0.3}\n", ["5:19", "5:28"]),
        (GOOD + "dataset: {\n  classes: 4,\n  noise:0.3}\n", ["7:9"]),
    ],
)
def test_missing_blanks_are_told_where_they_are_missing(tmp_path: Path, text: str, places: list[str]) -> None:
    problems = problems_of(tmp_path, text)
    assert [problem.split(": ")[0] for problem in problems] == places
    assert all(problem.endswith("a blank is missing after the ':'") for problem in problems)


@pytest.mark.parametrize("text", ["http://x", "C:\\x", "1:30", "'a:b'", "a::b"])
def test_a_colon_within_a_value_is_no_missing_blank(tmp_path: Path, text: str) -> None:
    for layout in ("style: {}", "style:\n  {}"):
        [problem] = problems_of(tmp_path, GOOD + layout.format(text))
        assert "style: must be soft or crisp, found " in problem


def test_a_missing_blank_in_an_override_is_told(tmp_path: Path) -> None:
    [problem] = problems_of(tmp_path, GOOD, "dataset={classes:4}")
    assert problem == "--set dataset={classes:4}: dataset: a blank is missing after the ':'"


# Folders


def test_all_configs_of_a_folder_are_taken_by_name_and_nothing_that_an_editor_keeps_there(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yaml", "c.yml", "D.YAML", "x,seed=2.yaml"):
        (tmp_path / name).touch()
    for name in (
        "c.txt",
        "._a.yaml",
        ".a.yaml",
        ".a.yaml.swp",
        "#a.yaml#",
        "#a.yaml",
        "a.yaml~",
        "~$a.yaml",
        "a.yaml.bak",
    ):
        (tmp_path / name).touch()
    (tmp_path / "folder.yaml").mkdir()
    assert {file.name for file in configs_in(tmp_path)} == {"D.YAML", "a.yaml", "b.yaml", "c.yml", "x,seed=2.yaml"}
    assert configs_in(tmp_path) == sorted(configs_in(tmp_path))


def test_links_that_lead_nowhere_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").touch()
    try:
        (tmp_path / ".#a.yaml").symlink_to("user@machine.1234:5678")  # as Emacs locks a file
        (tmp_path / "dangling.yaml").symlink_to(tmp_path / "nowhere")
        (tmp_path / "link.yaml").symlink_to(tmp_path / "a.yaml")
    except OSError:
        pytest.skip("this system lets not everybody make links")
    assert configs_in(tmp_path) == [tmp_path / "a.yaml", tmp_path / "link.yaml"]


def test_a_folder_without_configs_or_that_is_none_says_so_and_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "configs"
    folder.mkdir()
    with pytest.raises(InputError, match=r"configs: no config \(\*.yaml\) here; .*--configs.*`adrun init`"):
        configs_in(folder)
    with pytest.raises(InputError, match=r"confgs: no such folder \(did you mean .*configs\?\); .*`adrun init`"):
        configs_in(tmp_path / "confgs")
    with pytest.raises(InputError, match="zzz: no such folder; "):
        configs_in(tmp_path / "zzz")
    with pytest.raises(InputError, match="deep: no such folder; "):
        configs_in(tmp_path / "zzz" / "deep")
    (tmp_path / "a.yaml").touch()
    with pytest.raises(InputError, match=r"a.yaml: is a file, not a folder; name configs without --all"):
        configs_in(tmp_path / "a.yaml")


def test_an_unreadable_folder_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> NoReturn:  # as the system does, but for the superuser
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        configs_in(tmp_path)
