"""The names of runs: each is one folder within the results, on every system, and says what the command line set."""

import os
import sys
import warnings
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autodiff.experiment.config.names import (
    LONGEST,
    LONGEST_WITH_SETTINGS,
    checked_name,
    run_name,
    run_names,
    without_common_settings,
    without_settings,
)
from autodiff.experiment.config.overrides import overrides_of
from autodiff.experiment.errors import InputError


def name_of(file: str, *assignments: str, seed: int | None = None) -> str:
    return run_name(Path(file), overrides_of(assignments, seed))


def record(folder: Path) -> Path:
    """Make a folder look like that of a finished run, and return its config."""
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text("{}")
    (folder / "config.yaml").write_text("")
    return folder / "config.yaml"


def stays_within(name: str) -> bool:
    """Tell whether a name is one folder within the results, by the rules of this system and of Windows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        reserved = PureWindowsPath(name).is_reserved()
    here = os.path.dirname(os.path.abspath(os.path.join("results", name))) == os.path.abspath("results")
    windows = PureWindowsPath("results") / name
    return here and windows.parent == PureWindowsPath("results") and windows.name == name and not reserved


# Names from files

ODD = [
    "..",
    ".",
    "",
    "...",
    "...yaml",
    "..yaml",
    ".yaml",
    "a",
    "config.yaml",
    "relu",
    "CON.yaml",
    "nul.x.yaml",
    " ",
    "~",
]
paths = st.lists(st.sampled_from(ODD) | st.text(max_size=8), min_size=1, max_size=5).map("/".join)


@given(paths)
@example("../config.yaml")
@example("...yaml")
@example("a/../../config.yaml")
@example(".")
@example("..")
@example("/")
@example("a\\..\\..\\b.yaml")
@example("C:x.yaml")
def test_the_name_of_any_path_stays_within_the_results_or_is_refused_in_one_line(path: str) -> None:
    refused: tuple[str, ...] = ()
    try:
        assert stays_within(run_name(Path(path)))
    except InputError as error:
        refused = error.problems
    assert len(refused) <= 1
    assert all(problem.isprintable() and "rename the file" in problem for problem in refused)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("relu-adam.yaml", "relu-adam"),
        ("configs/relu.v2.yaml", "relu.v2"),
        ("configs/../relu.yml", "relu"),
        ("../config.yaml", "config"),
        ("a/../../config.yaml", "config"),
        ("a/b/../../..//config.yaml", "config"),
        ("relu|adam.yaml", "relu|adam"),
        ("$x^2$.yaml", "$x^2$"),
        ("größe, 学.yaml", "größe, 学"),
    ],
)
def test_a_run_is_named_after_its_file(file: str, name: str) -> None:
    assert name_of(file) == name


def test_a_record_is_named_after_its_folder_and_another_config_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = record(tmp_path / "results" / "relu")
    (tmp_path / "results" / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "results" / "relu")
    assert {run_name(Path(path)) for path in (str(file), "config.yaml", "../relu/config.yaml")} == {"relu"}
    monkeypatch.chdir(tmp_path / "results" / "sub")
    assert run_name(Path("../config.yaml")) == "config"
    assert run_name(Path("config.yaml")) == "config"


def test_a_link_is_called_what_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.yaml").write_text("")
    link = tmp_path / "link.yaml"
    try:
        link.symlink_to(tmp_path / "elsewhere.yaml")
    except OSError:
        pytest.skip("this system lets not everybody make links")
    assert run_name(link) == "link"


# What the command line sets


@pytest.mark.parametrize(
    ("assignments", "name"),
    [
        (["seed=2"], "relu,seed=2"),
        (["seed=2", "epochs=500"], "relu,epochs=500,seed=2"),
        (["epochs=1e4"], "relu,epochs=10000"),
        (["learning_rate=1e-1"], "relu,learning_rate=0.1"),
        (["learning_rate=0.00001"], "relu,learning_rate=1e-05"),
        (["learning_rate=1.0"], "relu,learning_rate=1"),
        (["weight_decay=-0.0"], "relu,weight_decay=0"),
        (["hidden=[64, 64]"], "relu,hidden=64x64"),
        (["hidden=64,64"], "relu,hidden=64x64"),
        (["hidden=64"], "relu,hidden=64"),
        (["hidden=[]"], "relu,hidden=empty"),
        (["dataset.noise=0.3"], "relu,noise=0.3"),
        (["dataset={noise: 0.3, classes: 4}"], "relu,classes=4,noise=0.3"),
        (["dataset={}"], "relu"),
        (["momentum=null"], "relu,momentum=none"),
        (["dataset=null"], "relu,dataset=none"),
        (["dataset.noise=0.3", "dataset=null"], "relu,dataset=none"),
        (["dataset=null", "dataset.noise=0.3"], "relu,dataset=none,noise=0.3"),
        (["dataset={noise: 0.1, classes: 4}", "dataset.noise=0.3"], "relu,classes=4,noise=0.3"),
        (["epochs=3", "epochs=4"], "relu,epochs=4"),
        (["activation='a/b:c,d=e?'"], "relu,activation=a-b-c-d-e-"),
        (["activation=true"], "relu,activation=true"),
        (["dataset.name=spiral"], "relu,name=spiral"),
    ],
)  # fmt: skip
def test_what_is_set_becomes_part_of_the_name(assignments: list[str], name: str) -> None:
    assert name_of("relu.yaml", *assignments) == name


def test_the_seed_option_is_set_last() -> None:
    assert name_of("relu.yaml", "seed=1", seed=2) == "relu,seed=2"


@pytest.mark.parametrize(
    ("file", "assignments", "name"),
    [
        ("relu,seed=1.yaml", [], "relu,seed=1"),
        ("relu,seed=1.yaml", ["seed=2"], "relu,seed=2"),
        ("relu,noise=0.3,seed=1.yaml", ["epochs=5"], "relu,epochs=5,noise=0.3,seed=1"),
        ("relu,noise=0.3,seed=1.yaml", ["dataset={noise: 0.4}"], "relu,noise=0.4,seed=1"),
        ("relu,noise=0.3,seed=1.yaml", ["dataset=null"], "relu,dataset=none,seed=1"),
        ("relu,colour=red,seed=1.yaml", ["seed=2"], "relu,colour=red,seed=2"),
        ("relu,seed.yaml", ["seed=2"], "relu,seed,seed=2"),
    ],
)
def test_what_a_name_says_already_is_replaced_and_not_repeated(file: str, assignments: list[str], name: str) -> None:
    assert name_of(file, *assignments) == name


FIELDS = {
    "epochs": st.integers(1, 10**6),
    "learning_rate": st.floats(1e-9, 1e9),
    "seed": st.integers(0, 2**64 - 1),
    "hidden": st.lists(st.integers(1, 4096), max_size=32),
    "momentum": st.none() | st.floats(0, 0.99),
    "activation": st.sampled_from(["relu", "tanh"]) | st.text(min_size=1, max_size=20),
    "dataset.noise": st.floats(0, 10),
    "dataset.classes": st.integers(2, 7),
    "nobody.knows/this": st.booleans(),
}


def yaml_of(value: object) -> str:
    return (
        {None: "null", True: "true", False: "false"}.get(value, repr(value))
        if not isinstance(value, list)
        else str(value)
    )


assignments = st.fixed_dictionaries({}, optional=FIELDS).map(
    lambda fields: [f"{key}={yaml_of(value)}" for key, value in fields.items()]
)
stems = st.sampled_from(["relu-adam", "a", "größe", "学" * 40, "x" * 150]) | st.text(
    "abcxyzßé学0189", min_size=3, max_size=60
)


@given(stems, assignments)
def test_a_name_with_settings_is_short_valid_and_the_same_in_every_order(stem, given_assignments) -> None:
    name = name_of(f"{stem}.yaml", *given_assignments)
    assert stays_within(name)
    if given_assignments:
        assert len(name.encode()) <= LONGEST_WITH_SETTINGS
    assert name_of(f"{stem}.yaml", *reversed(given_assignments)) == name


@given(stems, assignments, assignments)
def test_setting_in_two_turns_is_setting_at_once(stem, first, second) -> None:
    known = [[text for text in turn if not text.startswith("nobody")] for turn in (first, second)]
    at_once = name_of(f"{stem}.yaml", *known[0], *known[1])
    if ",more=" not in at_once and ",more=" not in name_of(f"{stem}.yaml", *known[0]):
        assert name_of(f"{name_of(f'{stem}.yaml', *known[0])}.yaml", *known[1]) == at_once


def test_what_was_cut_off_is_told_apart_and_cut_alike_everywhere() -> None:
    wide = "hidden=" + ",".join(["100"] * 32)
    names = [name_of("relu.yaml", wide, "learning_rate=0.1", f"seed={seed}") for seed in range(20)]
    assert len(set(names)) == 20
    assert all(name.startswith("relu") and len(name) <= LONGEST_WITH_SETTINGS for name in names)
    again = name_of(f"{names[0]}.yaml", "seed=7")
    assert again not in names
    assert again.startswith("relu")
    assert again.count(",more=") == 1


# Names that are refused


@pytest.mark.parametrize(
    ("name", "flaw"),
    [
        ("", "it is empty"),
        ("a\nb", "the control character U+000A"),
        ("a\rb", "the control character U+000D"),
        ("a\x1b[31mb", "the control character U+001B"),
        ("a\x7f", "the control character U+007F"),
        ("a\x85b", "the control character U+0085"),
        ("a\0", "the control character U+0000"),
        ("a\u2028b", "the line break U+2028"),
        ("a\u202eb", "the invisible character U+202E"),
        ("a\udce9b", "half a character, U+DCE9"),
        ("a/b", "holds '/'"),
        ("a\\b", "holds '\\\\'"),
        ("C:a", "holds ':'"),
        (".", "begins with a dot"),
        ("..", "begins with a dot"),
        (".hidden", "begins with a dot"),
        ("a.", "ends with a dot"),
        (" a", "begins with a blank"),
        ("a ", "ends with a blank"),
        ("a\u00a0", "ends with a blank"),
        ("con", "Windows keeps this name"),
        ("NUL", "Windows keeps this name"),
        ("COM1", "Windows keeps this name"),
        ("lpt9.txt", "Windows keeps this name"),
        ("aux .tar.gz", "Windows keeps this name"),
        ("comparison", "is for the comparison of runs"),
        ("Comparison", "is for the comparison of runs"),
        ("a" * (LONGEST + 1), f"{LONGEST} are allowed"),
        ("学" * 70, f"takes 210 bytes, and {LONGEST} are allowed"),
    ],
)
def test_what_is_no_name_is_refused_in_one_line_that_says_what_to_do(name: str, flaw: str) -> None:
    with pytest.raises(InputError) as caught:
        checked_name(name)
    [problem] = caught.value.problems
    assert problem.startswith("--name: a run cannot be named ")
    assert flaw in problem
    assert problem.endswith("; choose another")
    assert problem.isprintable()


@pytest.mark.parametrize(
    "name", ["a|b", "$x$", "a b", "a,seed=2", "console", "com", "com10", "comparison2", "-", "a..b"]
)
def test_other_names_are_allowed(name: str) -> None:
    assert checked_name(name) == name


@given(st.text(max_size=12) | st.sampled_from(["con", "prn", "aux", "nul", "com5", "lpt1"]).flatmap(
    lambda device: st.text(" .a1", max_size=3).map(lambda ending: device + ending)
))  # fmt: skip
def test_whatever_is_allowed_stays_within_the_results(name: str) -> None:
    try:
        checked_name(name)
    except InputError:
        return
    assert stays_within(name)


def test_a_refused_name_says_what_to_rename(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^nul\.yaml: .*; rename the file, or name the run with --name$"):
        run_name(Path("nul.yaml"))
    with pytest.raises(InputError, match="; rename the folder, or"):
        run_name(record(tmp_path / "aux"))


# Several


def test_records_of_one_name_are_told_apart_by_their_parents(tmp_path: Path) -> None:
    files = [record(tmp_path / folder / "relu") for folder in ("a", "b", "c/b", ".d")]
    assert run_names(files) == ["relu", "b-relu", "c-b-relu", "d-relu"]
    assert run_names(files[1:] + files[:1]) == ["relu", "b-relu", "d-relu", "a-relu"]
    seeded = overrides_of([], 2)
    assert run_names(files[:2], seeded) == ["relu,seed=2", "b-relu,seed=2"]


def test_a_record_gives_way_to_a_file_of_its_name(tmp_path: Path) -> None:
    file, of_record = tmp_path / "relu.yaml", record(tmp_path / "a" / "relu")
    assert run_names([of_record, file]) == ["a-relu", "relu"]
    assert run_names([file, of_record]) == ["relu", "a-relu"]
    taken = tmp_path / "a-relu.yaml"
    last = run_names([of_record, file, taken])[0]
    assert last.endswith("-a-relu")
    assert len(set(run_names([of_record, file, taken]))) == 3


@pytest.mark.parametrize(("one", "other"), [("a/x.yaml", "b/x.yaml"), ("x.yaml", "X.yaml"), ("é.yaml", "e\u0301.yaml")])
def test_files_that_would_write_to_one_folder_are_refused(one: str, other: str) -> None:
    with pytest.raises(InputError, match=f"^{other}: would write to the same folder, .*, as {one}; rename one$"):
        run_names([Path(one), Path(other)])


def test_a_config_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    file = record(tmp_path / "relu")
    for again in (file, tmp_path / "relu" / ".." / "relu" / "config.yaml"):
        with pytest.raises(InputError, match="it is the same file, give it once"):
            run_names([file, again])


if sys.version_info >= (3, 13):  # where there is a second source

    @given(st.text(" .abcCONUL1:|", max_size=8))
    def test_windows_agrees_but_for_characters(name: str) -> None:
        import ntpath

        try:
            checked_name(name)
        except InputError:
            return
        assert not ntpath.isreserved(name.replace("|", ""))


def test_names_are_shown_without_the_settings_that_all_have_alike() -> None:
    names = ["a,epochs=9,hidden=5", "a,epochs=9,hidden=7", "b,epochs=9,hidden=7"]
    assert without_common_settings(names) == ["a,hidden=5", "a,hidden=7", "b,hidden=7"]
    assert without_common_settings(["a,epochs=9", "b,epochs=9"]) == ["a", "b"]
    assert without_common_settings(["a,epochs=9", "a,epochs=9"]) == ["a", "a"]
    assert without_common_settings(["a,epochs=9"]) == ["a,epochs=9"]
    assert without_common_settings(["a,epochs=9", "b"]) == ["a,epochs=9", "b"]
    assert without_common_settings([]) == []
    assert without_settings("a,epochs=9,seed=2", [("seed",)]) == "a,epochs=9"
