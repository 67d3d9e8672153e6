import dataclasses
import subprocess
import sys
from itertools import pairwise

import imageio.v3 as imageio
import numpy as np
import pytest
from PIL import Image, ImageSequence

from autodiff.experiment.pictures import (
    WIDTH,
    Curve,
    Film,
    Frame,
    HeldOut,
    Words,
    render_boundary,
    render_curves,
    render_grid,
)
from autodiff.experiment.pictures import axes as axes_module
from autodiff.experiment.pictures import boundary as boundary_module
from autodiff.experiment.pictures import grid as grid_module
from autodiff.experiment.pictures.axes import Backdrop
from autodiff.experiment.pictures.boundary import AREA, Layout
from autodiff.experiment.pictures.field import Extent
from autodiff.experiment.pictures.film import MOST_DRAWN, drawn_part
from autodiff.experiment.pictures.grid import layout_for
from autodiff.experiment.pictures.legend import legend_of
from autodiff.experiment.pictures.palette import CLASS_COLORS, Palette
from autodiff.experiment.pictures.text import accuracy_text, font, loss_text, readings


def make_film(epochs=(0, 1, 2, 4, 10), classes=3, title="ReLU + SGD", last=10, turn=0.4):
    rng = np.random.default_rng(classes)
    features, labels = rng.uniform(-1, 1, size=(40, 2)), rng.integers(0, classes, 40)
    angles = 2 * np.pi * np.arange(classes) / classes

    def network(epoch):
        directions = np.stack([np.cos(angles + turn * epoch), np.sin(angles + turn * epoch)])
        return lambda points: 6 * points @ directions

    frames = tuple(Frame(epoch, 1 / (1 + epoch), epoch / 10, network(epoch)) for epoch in epochs)
    every = np.arange(last + 1)
    return Film(title, features, labels, last, frames, Curve(every, 1 / (1.0 + every), every / 10))


def pixels(path):
    return list(imageio.imiter(path, mode="RGB"))


def durations(path):
    with Image.open(path) as image:
        return [int(frame.info["duration"]) for frame in ImageSequence.Iterator(image) if frame.load() is not None]


@pytest.mark.parametrize("style", ["soft", "crisp"])
@pytest.mark.parametrize("animation", ["gif", "webp", "apng"])
def test_the_boundary_decodes_to_exactly_the_frames_composed(tmp_path, animation, style):
    film = make_film()
    paths = render_boundary(film, tmp_path, style=style, animation=animation)
    assert paths == [tmp_path / f"boundary.{animation}", tmp_path / "boundary.png"]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    palette = Palette(3, style)
    composed = [palette.rgb[frame] for frame in boundary_module.compose(film, palette, Layout(WIDTH))]
    decoded = pixels(paths[0])
    assert len(decoded) == len(composed) == 5
    for frame, expected in zip(decoded, composed, strict=True):
        assert frame.shape == (800, 1000, 3)
        np.testing.assert_array_equal(frame, expected)
    np.testing.assert_array_equal(imageio.imread(paths[1]), composed[-1])
    assert all((one != other).any() for one, other in pairwise(decoded))


def test_the_last_frame_is_exact_and_classes_in_all_others():
    film, palette = make_film(epochs=range(9), turn=0.05), Palette(3, "soft")
    frames = list(boundary_module.compose(film, palette, Layout(WIDTH)))
    alone = [
        next(boundary_module.compose(dataclasses.replace(film, frames=(frame,)), palette, Layout(WIDTH)))
        for frame in film.frames
    ]
    kept = 0
    for frame, exact in zip(frames, alone, strict=True):
        area, exact_area = AREA.cut(frame), AREA.cut(exact)
        fills = (area < palette.first_inked) & (exact_area < palette.first_inked)
        assert palette.same_class(area[fills], exact_area[fills]).all()
        kept += (area != exact_area).sum()
    assert kept > 0
    np.testing.assert_array_equal(frames[-1], alone[-1])


@pytest.mark.parametrize("animation", ["gif", "webp", "apng"])
def test_frames_last_a_tenth_of_a_second_and_the_last_one_and_a_half(tmp_path, animation):
    path, _ = render_boundary(make_film(), tmp_path, style="crisp", animation=animation)
    assert durations(path) == [100, 100, 100, 100, 1500]


def test_repeated_frames_play_as_they_should(tmp_path):
    film = make_film(epochs=(0, 1, 2))
    one, two, three = film.frames
    film = dataclasses.replace(film, frames=(one, two, two, two, three))
    path, _ = render_boundary(film, tmp_path, style="soft", animation="gif")
    played = [frame for frame, time in zip(pixels(path), durations(path), strict=True) for _ in range(time // 100)]
    palette = Palette(3, "soft")
    expected = [palette.rgb[frame] for frame in boundary_module.compose(film, palette, Layout(WIDTH))]
    expected += expected[-1:] * 14
    assert len(played) == len(expected) == 19
    assert all((shown == wanted).all() for shown, wanted in zip(played, expected, strict=True))


@pytest.mark.parametrize(
    ("classes", "style", "width"),
    [(2, "soft", 1000), (3, "crisp", 1000), (7, "soft", 1000), (7, "crisp", 1000), (3, "soft", 500), (3, "soft", 2037)],
)
def test_away_from_lines_and_markers_every_colour_is_a_fill_of_the_right_class(tmp_path, classes, style, width):
    film = dataclasses.replace(make_film(classes=classes), features=np.array([[-1.0, -1.0], [1.0, 1.0]]))
    film = dataclasses.replace(film, labels=np.array([0, 1]))
    _, still = render_boundary(film, tmp_path, style=style, animation="gif", width=width)
    picture, box = imageio.imread(still), Layout(width).area
    assert picture.shape == (round(0.8 * width), width, 3)
    area = box.cut(picture).astype(int)
    unit = box.height / 2.2  # pixels, across too
    x = (np.arange(box.width) + 0.5 - box.width / 2) / unit
    y = (box.height / 2 - np.arange(box.height) - 0.5) / unit
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    logits = film.frames[-1].logits(points)
    top_two = np.sort(logits, axis=1)[:, -2:]
    from_center, from_axes = np.linalg.norm(points, axis=1), 1.1 - np.abs(points[:, 1])
    sure = (np.diff(top_two, axis=1)[:, 0] > max(0.1, 100 / width)) & (from_center < 1.2) & (from_axes > 0.01)
    palette = Palette(classes, style)
    fills = {
        tuple(color): i // palette.levels for i, color in enumerate(palette.rgb[: classes * palette.levels].tolist())
    }
    found = np.array([fills.get(tuple(color), -1) for color in area.reshape(-1, 3)[sure].tolist()])
    assert sure.mean() > 0.5
    assert (found != logits[sure].argmax(axis=1)).mean() <= 0.0005
    assert (found >= 0).all()


@pytest.mark.parametrize("width", [500, 2000, 4000])
def test_a_picture_of_another_width_shows_the_same(tmp_path, width):
    for name, pixels in (("usual", WIDTH), ("other", width)):
        (tmp_path / name).mkdir()
        render_boundary(make_film(epochs=(3,)), tmp_path / name, style="soft", animation="gif", width=pixels)
    usual, other = (
        Image.open(tmp_path / name / "boundary.png").convert("RGB").resize((200, 160), Image.Resampling.BOX)
        for name in ("usual", "other")
    )
    apart = np.abs(np.asarray(usual, int) - np.asarray(other, int))
    assert apart.mean() < 5
    assert (apart.max(axis=2) > 60).mean() < 0.02  # nothing stands elsewhere, or is missing


def test_markers_have_the_colour_of_their_class_and_a_dark_rim(tmp_path):
    film = dataclasses.replace(make_film(), features=np.array([[-1.0, 0.0], [0.0, 1.0], [1.0, -1.0], [0.0, 0.0]]))
    film = dataclasses.replace(film, labels=np.array([0, 1, 2, 1]))
    _, still = render_boundary(film, tmp_path, style="soft", animation="gif")
    area = AREA.cut(imageio.imread(still))
    for (x, y), label in zip(film.features, film.labels, strict=True):
        unit = AREA.height / 2.2
        column, row = int(AREA.width / 2 + x * unit), int(AREA.height / 2 - y * unit)
        assert bytes(area[row, column]).hex().upper() == CLASS_COLORS[label][1:]
        assert area[row - 6 : row + 7, column - 6 : column + 7].max(axis=2).min() < 40


def test_the_same_film_gives_the_same_bytes(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        render_boundary(make_film(), tmp_path / name, style="soft", animation="gif")
        render_grid([make_film()], tmp_path / name, style="soft", animation="gif")
        render_curves([make_film()], tmp_path / name / "curves.png")
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes(), path.name


def test_a_single_frame_is_a_picture_held(tmp_path):
    path, _ = render_boundary(make_film(epochs=(0,)), tmp_path, style="soft", animation="gif")
    assert len(pixels(path)) == 1
    assert durations(path) == [1500]


def test_absent_classes_and_failed_losses_are_drawn(tmp_path):
    film = make_film()
    broken = tuple(dataclasses.replace(frame, loss=float("nan"), accuracy=0.0) for frame in film.frames)
    curve = Curve(np.arange(3), np.array([np.nan, np.inf, 0.0]), np.zeros(3))
    film = dataclasses.replace(film, labels=np.full(40, 2), frames=broken, curve=curve)
    render_boundary(film, tmp_path, style="soft", animation="gif")
    render_grid([film], tmp_path, style="soft", animation="gif")
    render_curves([film], tmp_path / "curves.png")
    assert len(list(tmp_path.iterdir())) == 4


def test_a_network_that_fails_while_drawing_leaves_what_was_there(tmp_path):
    def logits(points):
        if len(points) > 1:
            raise RuntimeError("broken network")
        return np.zeros((1, 3))

    (tmp_path / "boundary.gif").write_bytes(b"before")
    film = dataclasses.replace(make_film(), frames=(Frame(0, 1.0, 0.5, logits),))
    with pytest.raises(RuntimeError, match="broken network"):
        render_boundary(film, tmp_path, style="soft", animation="gif")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("boundary.gif", b"before")]


@pytest.mark.parametrize("films", [[], [dataclasses.replace(make_film(), frames=())]], ids=["no film", "no frame"])
def test_nothing_to_draw_is_an_error(tmp_path, films):
    with pytest.raises(ValueError, match="nothing to draw"):
        render_grid(films, tmp_path, style="soft", animation="gif")


@pytest.mark.parametrize("runs", range(1, 13))
def test_the_panels_of_a_grid_lie_apart_and_within_the_picture(runs):
    layout = layout_for(runs)
    covered = np.zeros((layout.height, layout.width), int)
    for box in [*layout.panels, layout.strip]:
        box.cut(covered)[...] += 1
    assert len(layout.panels) == runs
    assert covered.max() == 1
    assert covered.sum() == sum(box.width * box.height for box in [*layout.panels, layout.strip])


@pytest.mark.parametrize("runs", [1, 2, 5, 12])
def test_the_grid_shows_every_run_at_the_same_epochs(tmp_path, runs):
    films = [make_film(title=f"run {i}", turn=0.1 * (i + 1)) for i in range(runs)]
    frames = pixels(render_grid(films, tmp_path, style="crisp", animation="gif"))
    layout = layout_for(runs)
    assert len(frames) == 5
    assert frames[0].shape == (layout.height, layout.width, 3)
    for box in layout.panels:
        assert all((box.cut(one) != box.cut(other)).any() for one, other in pairwise(frames))


def test_a_run_that_stopped_early_holds_its_last_frame(tmp_path):
    films = [make_film(), make_film(epochs=(0, 1), last=10)]
    frames = pixels(render_grid(films, tmp_path, style="crisp", animation="gif"))
    going, stopped = layout_for(2).panels
    assert (stopped.cut(frames[0]) != stopped.cut(frames[1])).any()
    for one, other in pairwise(frames[1:]):
        np.testing.assert_array_equal(stopped.cut(one), stopped.cut(other))
        assert (going.cut(one) != going.cut(other)).any()


def test_more_runs_than_the_grid_holds_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at most 12 runs, not 13"):
        render_grid([make_film()] * 13, tmp_path, style="crisp", animation="gif")


def test_the_cursor_of_the_strip_moves_from_its_left_to_its_right(tmp_path):
    frames = pixels(render_grid([make_film()], tmp_path, style="crisp", animation="gif"))
    strip = layout_for(1).strip
    before = [strip.cut(frame)[: strip.height // 4].max(axis=2) < 40 for frame in frames]
    marked = [np.flatnonzero(dark.all(axis=0)) for dark in before]
    marked = [columns[columns > 0] for columns in marked]  # the first column is the axis
    assert all(len(columns) <= 3 for columns in marked)
    places = [int(columns.max()) for columns in marked]
    assert places == sorted(set(places))
    assert places[0] < 5
    assert places[-1] >= strip.width - 2


def test_figures_do_not_move_when_others_change_and_labels_stand_one_space_before_them():
    face = font(18)
    values = [("0.1111", "9.0 %"), ("12.8888", "100.0 %")]
    rows = readings(("loss", "accuracy"), values, 500, gap=18, face=face)
    assert [[x for x, _ in row] for row in rows] == [[x for x, _ in rows[0]]] * 2
    assert [[text for _, text in row] for row in rows] == [
        ["loss 0.1111", "accuracy 9.0 %"],
        ["loss 12.8888", "accuracy 100.0 %"],
    ]
    assert rows[0][1][0] == 500
    assert rows[1][0][0] + 18 == 500 - face.getlength("accuracy 100.0 %")
    assert {face.getlength(digit) for digit in "0123456789"} == {face.getlength("0")}


def test_texts_of_figures():
    assert [loss_text(loss) for loss in (0.04921, 0.0, 999.0, 1e-5, 12345.0, float("nan"))] == [
        "0.0492", "0.0000", "999.0000", "1.00e-05", "1.23e+04", "nan",
    ]  # fmt: skip
    assert accuracy_text(0.99333) == "99.3 %"


def test_importing_the_package_imports_no_drawing_library():
    code = (
        "import sys, autodiff.experiment.pictures; "
        "print([name for name in ('matplotlib', 'PIL', 'imageio') if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_drawing_never_imports_pyplot():
    code = (
        "import sys; from autodiff.experiment.pictures import boundary, curves, grid; "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "False"


@pytest.mark.parametrize("runs", [1, 4, 9, 12])
def test_the_texts_of_a_grid_can_be_read_at_a_width_of_400_pixels(runs):
    """Seven pixels, the height of digits on a poor screen."""
    assert grid_module.TEXT_SIZE * 400 / layout_for(runs).width >= 7


def test_the_texts_of_a_boundary_can_be_read_at_a_width_of_400_pixels():
    assert boundary_module.TEXT_SIZE * 400 / boundary_module.WIDTH >= 7


@pytest.mark.parametrize("runs", [1, 4, 12])
def test_nothing_is_cut_at_the_edges_of_the_pictures(tmp_path, runs):
    films = [make_film(title="a run with a name too long for its place " * 3, classes=7) for _ in range(runs)]
    long = [dataclasses.replace(film, epochs=1_000_000) for film in films]
    render_boundary(long[0], tmp_path, style="crisp", animation="gif")
    render_curves(long, tmp_path / "curves.png")
    render_grid(long, tmp_path, style="crisp", animation="gif")
    for path in (tmp_path / "boundary.gif", tmp_path / "curves.png", tmp_path / "boundaries.gif"):
        picture = pixels(path)[-1]
        for edge in (picture[:3], picture[-3:], picture[:, :3], picture[:, -3:]):
            assert (edge == 255).all(), path.name


def with_held_out(film, features, labels, loss=0.5, accuracy=0.25):
    """Return the film with held-out points, on which every frame has the same loss and accuracy."""
    every = np.arange(film.epochs + 1)
    curve = Curve(every, 2 / (1.0 + every), every / 20)
    frames = tuple(dataclasses.replace(frame, test_loss=loss, test_accuracy=accuracy) for frame in film.frames)
    return dataclasses.replace(film, frames=frames, held_out=HeldOut(features, labels, curve))


def test_held_out_points_are_hollow_in_the_colour_of_their_class():
    film = dataclasses.replace(make_film(), features=np.array([[-1.0, -1.0], [1.0, 1.0]]), labels=np.array([0, 1]))
    places = np.array([[-0.5, 0.5], [0.5, 0.0], [0.0, -0.5]])
    film = with_held_out(film, places, np.array([0, 1, 2]))
    layout, palette = Layout(WIDTH, held_out=True), Palette(3, "crisp")
    (*_, last) = boundary_module.compose(film, palette, layout)
    area = palette.rgb[layout.area.cut(last)]
    unit = layout.area.height / 2.2
    for k, (x, y) in enumerate(places):
        column, row = round(layout.area.width / 2 + x * unit), round(layout.area.height / 2 - y * unit)
        marker = area[row - 6 : row + 7, column - 6 : column + 7].reshape(-1, 3)
        color = list(bytes.fromhex(CLASS_COLORS[k][1:]))
        assert area[row, column].tolist() == [255, 255, 255]
        assert (marker == color).all(axis=1).sum() >= 10


@pytest.mark.parametrize("classes", [2, 4, 5, 7])
@pytest.mark.parametrize("width", [400, WIDTH, 1700])
def test_a_second_line_of_readings_leaves_all_room_that_the_others_need(tmp_path, classes, width):
    film = make_film(epochs=(10,), classes=classes)
    film = with_held_out(film, film.features / 2, film.labels, loss=1.5e-5, accuracy=1.0)
    for style in ("soft", "crisp"):
        _, still = render_boundary(film, tmp_path, style=style, animation="gif", width=width)
        assert imageio.imread(still).shape == (round(0.8 * width), width, 3)
    box = Layout(width, held_out=True).area
    header = imageio.imread(still)[: box.top].min(axis=(0, 2)) < 200
    right = round((AREA.left + AREA.width) * width / WIDTH)
    assert not header[right + 8 :].any()


def test_the_lines_of_readings_are_of_training_and_of_held_out_points(monkeypatch):
    film = with_held_out(make_film(epochs=(1,)), np.zeros((1, 2)), np.zeros(1, int), loss=0.75, accuracy=0.125)
    for module, compose in (
        (boundary_module, lambda palette: boundary_module.compose(film, palette, Layout(WIDTH, held_out=True))),
        (grid_module, lambda palette: grid_module.compose([film], [1], palette)),
    ):
        written = []

        def note(canvas, palette, texts, baseline, face, written=written):
            written.append((baseline, texts))

        monkeypatch.setattr(module, "write", note)
        next(compose(Palette(3, "crisp", ["#000000"])))
        lines = {baseline: [text for _, text in texts] for baseline, texts in written}
        (training,) = [at for at, texts in lines.items() if texts == ["loss 0.5000", "accuracy 10.0 %"]]
        (held_out,) = [at for at, texts in lines.items() if texts == ["loss 0.7500", "accuracy 12.5 %"]]
        assert training < held_out


@pytest.mark.parametrize("runs", range(1, 13))
def test_a_grid_of_any_size_has_room_for_held_out_points(tmp_path, runs):
    film = make_film(epochs=(10,), classes=7)
    film = with_held_out(film, film.features / 2, film.labels, loss=1.5e-5, accuracy=1.0)
    without = dataclasses.replace(make_film(epochs=(10,)), title="one without")
    path = render_grid([*[film] * (runs - 1), without if runs > 1 else film], tmp_path, style="soft", animation="gif")
    layout = layout_for(runs, held_out=True)
    assert pixels(path)[0].shape == (layout.height, layout.width, 3)


NAMED = Words(("petal length", "petal width"), ("setosa", "versicolor", "virginica"))


def test_axes_and_classes_have_the_names_of_columns_and_labels(monkeypatch):
    film = dataclasses.replace(make_film(), words=NAMED)
    drawn = []
    monkeypatch.setattr(
        boundary_module, "Backdrop", lambda figure, *rest: drawn.append(figure) or Backdrop(figure, *rest)
    )
    boundary_module.backdrop_of.cache_clear()
    next(boundary_module.compose(film, Palette(3, "soft"), boundary_module.layout_of(film, 3, WIDTH)))
    (figure,) = drawn
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == NAMED.axes
    assert {"setosa", "versicolor", "virginica"} <= {text.get_text() for text in figure.texts}


def test_an_axis_without_a_name_has_no_scale():
    axes = axes_module.add_axes(axes_module.new_figure(900, 700), AREA, 25)
    axes_module.name_axes(axes, ("weight", ""), AREA, 25)
    assert len(axes.get_xticks()) > 0
    assert len(axes.get_yticks()) == 0


@pytest.mark.parametrize(("limits", "text"), [((0, 300_000), "200k"), ((-2e-6, 4e-6), "2µ"), ((-2, 4), "2")])
def test_numbers_beside_an_axis_are_short(limits, text):
    axes = axes_module.add_axes(axes_module.new_figure(900, 700), AREA, 25)
    axes_module.draw_points(axes, AREA, [], Extent(*limits, *limits))
    axes.figure.canvas.draw()
    assert any(label.get_text().startswith(text) for label in axes.get_xticklabels())


@pytest.mark.parametrize("classes", [3, 20])
@pytest.mark.parametrize(("width", "held_out"), [(400, True), (WIDTH, False), (1700, True)])
def test_rows_of_a_legend_leave_all_room_that_the_others_need(tmp_path, classes, width, held_out):
    words = Words(("x" * 200, "y" * 200), tuple(f"a species, number {i}" for i in range(classes)), "p" * 200)
    film = dataclasses.replace(make_film(epochs=(10,), classes=classes), words=words)
    if held_out:
        film = with_held_out(film, film.features / 2, film.labels, loss=1.5e-5, accuracy=1.0)
    _, still = render_boundary(film, tmp_path, style="soft", animation="gif", width=width)
    layout = boundary_module.layout_of(film, classes, width)
    assert layout.area.height > 0.35 * layout.height
    picture = imageio.imread(still)
    assert picture.shape == (round(0.8 * width), width, 3)
    assert not (picture[: layout.area.top, layout.right + 8 :].min(axis=2) < 200).any()
    above = layout.area.top - round(3 * width / WIDTH)
    assert not (picture[above - 1 : above, layout.area.left + 10 : layout.right - 10].min(axis=2) < 128).any()


@pytest.mark.parametrize(("runs", "classes"), [(1, 20), (6, 3), (12, 20)])
def test_a_grid_has_room_for_rows_of_a_legend(tmp_path, runs, classes):
    words = Words(NAMED.axes, tuple(f"species {i}" for i in range(classes)), "two principal components")
    film = dataclasses.replace(make_film(epochs=(10,), classes=classes), words=words)
    film = with_held_out(film, film.features / 2, film.labels)
    path = render_grid([film] * runs, tmp_path, style="soft", animation="gif")
    legend = legend_of(words.classes, classes, grid_module.inner_width(runs), grid_module.TEXT_SIZE)
    layout = layout_for(runs, held_out=True, legend_rows=legend.rows)
    assert pixels(path)[0].shape == (layout.height, layout.width, 3)


def test_of_very_many_points_a_sample_is_drawn_that_keeps_the_shares_of_classes():
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [80_000, 19_000, 1_000]))
    features = np.column_stack([np.arange(100_000), labels])
    drawn, of_drawn = drawn_part(features, labels)
    assert np.abs(np.bincount(of_drawn) - [2400, 570, 30]).max() <= 2
    assert np.array_equal(drawn[:, 1], of_drawn)
    assert len(np.unique(drawn[:, 0])) == len(of_drawn) == MOST_DRAWN
    few = features[:MOST_DRAWN], labels[:MOST_DRAWN]
    assert all(one is other for one, other in zip(drawn_part(*few), few, strict=True))


def test_runs_of_other_axes_have_extents_of_their_own_in_a_grid():
    film = make_film()
    far = dataclasses.replace(film, features=film.features * 100 + 1000, words=NAMED)
    half = dataclasses.replace(film, features=film.features / 2)
    one, other, third = grid_module.extents_of([film, far, half], 1.0)
    assert one == third == grid_module.extents_of([film], 1.0)[0]
    assert other.left > 800
