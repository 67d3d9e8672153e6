import numpy as np
import pytest
from PIL import Image

from autodiff.experiment.pictures import render_confusion
from autodiff.experiment.pictures.axes import Box, add_axes, new_figure
from autodiff.experiment.pictures.confusion import draw_counts, note_of

COUNTS = np.array([[8, 0, 2], [0, 5, 0], [1, 3, 12_345]])


def drawn_axes(counts):
    axes = add_axes(new_figure(400, 400), Box(0, 0, 400, 400), 20)
    draw_counts(axes, counts, 20)
    return axes


def test_every_count_stands_in_the_row_of_its_true_class_and_the_column_of_the_predicted_one():
    texts = {text.get_position()[::-1]: text.get_text() for text in drawn_axes(COUNTS).texts}
    assert texts == {(0, 0): "8", (0, 2): "2", (1, 1): "5", (2, 0): "1", (2, 1): "3", (2, 2): "12k"}


def test_cells_are_shaded_by_their_share_of_the_row():
    shades = np.asarray(drawn_axes(COUNTS).images[0].get_array()).astype(int).sum(axis=2)
    order = np.argsort(-(COUNTS / COUNTS.sum(axis=1, keepdims=True)).ravel(), kind="stable")
    assert (np.diff(shades.ravel()[order]) >= 0).all()
    assert shades[0, 1] == 3 * 255
    assert shades[1, 1] == sum(bytes.fromhex("0072B2"))


def test_a_class_of_which_there_are_no_points_has_an_empty_row():
    axes = drawn_axes(np.array([[3, 1], [0, 0]]))
    assert len(axes.texts) == 2


def test_the_note_tells_how_many_are_right():
    assert (
        note_of(np.array([[10, 0], [5, 5]]), "held-out") == "15 of 20 held-out points are classified correctly, 75.0 %"
    )


@pytest.mark.parametrize(("classes", "length"), [(2, 1), (2, 200), (7, 12), (20, 1), (20, 200)])
def test_names_of_any_length_leave_the_cells_their_room(tmp_path, classes, length):
    names = [f"{i}{'n' * (length - 1)}" for i in range(classes)]
    render_confusion(np.eye(classes, dtype=int), names, tmp_path / "c.png", title="a" * 300, of="training")
    with Image.open(tmp_path / "c.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    edge = np.concatenate([pixels[:4].ravel(), pixels[-4:].ravel(), pixels[:, :4].ravel(), pixels[:, -4:].ravel()])
    assert (edge == 255).all()


@pytest.mark.parametrize("counts", [np.eye(3), np.zeros((2, 2))])
def test_a_table_of_another_shape_or_without_points_is_refused(tmp_path, counts):
    with pytest.raises(ValueError, match="a table of 2 classes is needed, with points"):
        render_confusion(counts, ["a", "b"], tmp_path / "c.png", title="", of="training")
