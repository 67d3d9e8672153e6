import hashlib
import os
import pickle

import pytest
from pydantic_core import PydanticCustomError

from autodiff.experiment.data import data_file
from autodiff.experiment.data.data_file import KEPT, DataFile, beside

CONTENTS = b"x,y,l\n1,2,a\n3,4,b\n"
HASH = hashlib.sha256(CONTENTS).hexdigest()


@pytest.fixture
def config(tmp_path):
    (tmp_path / "points.csv").write_bytes(CONTENTS)
    return tmp_path / "one.yaml"


def read(value, config, is_record=False):
    with beside(config, is_record=is_record):
        return DataFile.read(value)


def problem(value, config, is_record=False):
    with pytest.raises(PydanticCustomError) as caught:
        read(value, config, is_record)
    return caught.value.message()


def test_a_file_is_beside_the_config_wherever_adrun_is_run(config, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    for value in (
        "points.csv",
        str(config.parent / "points.csv"),
        {"name": "points.csv"},
        {"name": "points.csv", "sha256": HASH},
    ):
        file = read(value, config)
        assert (file.contents, file.sha256) == (CONTENTS, HASH)
    assert file.plain() == {"name": "points.csv", "sha256": HASH}
    assert read(file, config) is file
    assert problem("points.csv", tmp_path_factory.mktemp("empty") / "a.yaml").endswith("points.csv: no such file")


def test_two_files_are_the_same_if_their_names_and_bytes_are(config):
    one = read("points.csv", config)
    assert pickle.loads(pickle.dumps(one)) == one
    assert len({one, read("points.csv", config)}) == 1
    assert one != read("./points.csv", config)
    (config.parent / "points.csv").write_bytes(CONTENTS + b"5,6,a\n")
    assert one != read("points.csv", config)


def test_a_file_that_changes_is_read_again_though_it_is_as_long(config):
    path = config.parent / "points.csv"
    before = read("points.csv", config)
    path.write_bytes(CONTENTS.replace(b"1", b"7"))
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert read("points.csv", config).contents != before.contents


def test_a_file_with_another_hash_is_refused(config):
    found = problem({"name": "points.csv", "sha256": "0" * 64}, config)
    assert f"points.csv has changed: its SHA-256 is {HASH}, not {'0' * 64}; train with what it was, or" in found


def test_a_record_has_its_own_copy_which_may_be_gone_or_changed(config):
    pinned = {"name": "../elsewhere/points.csv", "sha256": HASH}
    assert problem(pinned, config, is_record=True).endswith(f"{KEPT} is gone, where the record had its points")
    (config.parent / KEPT).write_bytes(CONTENTS)
    assert read(pinned, config, is_record=True).contents == CONTENTS
    (config.parent / KEPT).write_bytes(CONTENTS + b"\n")
    assert f"{KEPT} has changed: its SHA-256 is" in problem(pinned, config, is_record=True)
    assert read("points.csv", config, is_record=True).contents == CONTENTS  # as --set dataset.file=points.csv asks for


@pytest.mark.parametrize("value", [3, None, ["points.csv"], {}, {"name": 3}, {"name": "points.csv", "sha": ""}])
def test_what_names_no_file_is_refused(config, value):
    assert problem(value, config).startswith("must be the path of a file, relative to this config, found ")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("point.csv", "point.csv: no such file (did you mean points.csv?)"),
        ("nowhere/points.csv", "nowhere/points.csv: no such file (nor is there a folder *"),
        (".", " is a folder; name a file in it"),
        ("a\0b", ": cannot be read: *"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(config, name, said):
    found = problem(name, config)
    assert said.rstrip("*") in found if said.endswith("*") else found.endswith(said)


def test_a_file_that_is_too_large_is_not_read(config, monkeypatch):
    monkeypatch.setattr(data_file, "LARGEST", 10)
    monkeypatch.setattr(data_file, "_contents", None)
    assert "points.csv has 0 MB; at most 0 MB are read" in problem("points.csv", config)
