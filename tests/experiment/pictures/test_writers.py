import weakref

import numpy as np
import pytest
from PIL import Image

from autodiff.experiment.pictures import writers
from autodiff.experiment.pictures.palette import Palette
from autodiff.experiment.pictures.writers import changes, write_animation


def frames_of(count, size=(90, 120)):
    rng = np.random.default_rng(0)
    frame = np.zeros(size, np.uint8)
    for _ in range(count):
        frame = frame.copy()
        top, left = rng.integers(0, 80, 2)
        frame[top : top + 10, left : left + 20] = rng.integers(0, 20, (10, 20))[: size[0] - top, : size[1] - left]
        yield frame


@pytest.mark.parametrize("animation", ["gif", "webp", "apng"])
def test_two_frames_are_held_at_a_time_however_many_there_are(tmp_path, monkeypatch, animation):
    held = []
    original = writers.with_colors

    def with_colors(frame, palette):
        image = original(frame, palette)
        held.append(weakref.ref(image))
        return image

    def watched():
        for frame in frames_of(40):
            held.append(weakref.ref(frame))
            yield frame
            assert sum(one() is not None for one in held) <= 4  # frames and images

    monkeypatch.setattr(writers, "with_colors", with_colors)
    write_animation(tmp_path / "a", watched(), 40, Palette(3, "soft"), animation)
    assert len(held) > 40


@pytest.mark.parametrize("animation", ["gif", "webp", "apng"])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_every_frame_comes_back(tmp_path, animation, count):
    palette = Palette(3, "soft")
    write_animation(tmp_path / "a", frames_of(count), count, palette, animation)
    with Image.open(tmp_path / "a") as image:
        assert getattr(image, "n_frames", 1) == count
        for i, frame in enumerate(frames_of(count)):
            image.seek(i)
            np.testing.assert_array_equal(np.asarray(image.convert("RGB")), palette.rgb[frame])


@pytest.mark.parametrize("animation", ["gif", "webp", "apng"])
def test_frames_that_do_not_change_are_frames_all_the_same(tmp_path, animation):
    frame = next(frames_of(1))
    write_animation(tmp_path / "a", [frame, frame, frame], 3, Palette(3, "soft"), animation)
    assert (tmp_path / "a").stat().st_size > 0
    corner = changes(frame, frame)
    assert corner[0].size == 1


def test_an_animated_png_is_one_that_other_readers_take(tmp_path):
    write_animation(tmp_path / "a.png", frames_of(5), 5, Palette(3, "soft"), "apng")
    with Image.open(tmp_path / "a.png") as image:
        image.verify()  # every chunk and its checksum
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["loop"] == 0
        image.seek(4)
        assert image.info["duration"] == 1500
