import itertools

import pytest

from autodiff.experiment.pictures.names import fitted
from autodiff.experiment.pictures.text import drawable, font

FACE = font(20)


def fits(names, room):
    shown = fitted(names, [room] * len(names), FACE)
    assert all(FACE.getlength(name) <= room for name in shown), shown
    return shown


def test_a_name_that_fits_stays():
    assert fits(["relu-adam", "relu-sgd"], 200) == ["relu-adam", "relu-sgd"]


def test_a_name_alone_is_cut_in_its_middle():
    (shown,) = fits(["the beginning of a long name and its end"], 200)
    begin, end = shown.split("…")
    assert "the beginning of a long name and its end".startswith(begin)
    assert "the beginning of a long name and its end".endswith(end)
    assert abs(len(begin) - len(end)) <= 2


@pytest.mark.parametrize("where", [0, 1, 20, 40, 58, 59])
@pytest.mark.parametrize("room", [100, 130, 240])
def test_what_tells_runs_apart_is_kept_wherever_it_stands(where, room):
    common = "a-long-study-of-the-learning-rate-with-many-words-in-its-name"
    names = [common[:where] + value + common[where:] for value in ("XYZ", "UVW", "RST")]
    shown = fits(names, room)
    assert all(value in name for value, name in zip(("XYZ", "UVW", "RST"), shown, strict=True))
    assert all("…" in name for name in shown)


def test_runs_that_differ_in_two_places_are_told_apart():
    names = [
        f"experiment-with-{activation}-in-every-hidden-layer-and-{optimizer}-for-many-epochs"
        for activation, optimizer in itertools.product(("relu", "tanh", "sigmoid"), ("sgd", "adam", "adamw"))
    ]
    assert len(set(fits(names, 260))) == len(names)


def test_where_there_is_no_room_for_the_difference_numbers_tell_runs_apart():
    names = [("x" * 20).join(letters) for letters in itertools.product("ab", repeat=3)]
    shown = fits(names, 60)
    assert len(set(shown)) == 8
    assert shown[7].startswith("8:")


def test_equal_names_stay_equal():
    assert len(set(fits(["one and the same long name"] * 3, 100))) == 1


@pytest.mark.parametrize(
    "name", ["学習率", "тест", "مرحبا", "हिन्दी", "🙂", "a\nb\tc", "\udcff", "é", "\U0001d518", "\x00", "a b"]
)
def test_names_in_any_script_are_drawn_or_written_as_codes(name):
    shown = drawable(name)
    assert shown.isprintable()
    FACE.getlength(shown)
    assert drawable("тест é") == "тест é"
    assert drawable("学1") == "\\u5b661"


def test_names_in_characters_that_cannot_be_drawn_are_told_apart():
    assert len({drawable(name) for name in ("学習", "学生", "習学", "学", "\n", "\t")}) == 6
