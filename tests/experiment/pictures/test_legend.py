import pytest
from matplotlib.lines import Line2D

from autodiff.experiment.pictures.axes import new_figure
from autodiff.experiment.pictures.legend import legend_of
from autodiff.experiment.pictures.text import font

WIDTH, SIZE = 848, 25


def test_a_few_numbers_need_no_rows_of_their_own():
    assert legend_of((), 7, WIDTH, SIZE) is None
    assert legend_of((), 8, WIDTH, SIZE).names == tuple("01234567")


@pytest.mark.parametrize("names", [("no", "yes"), tuple(f"species {i}" for i in range(20)), ("a" * 300, "b" * 300)])
def test_names_stand_in_columns_that_fit_in_the_width(names):
    legend = legend_of(names, len(names), WIDTH, SIZE)
    assert len(legend.names) == len(set(legend.names)) == len(names)
    assert (legend.rows - 1) * legend.columns < len(names) <= legend.rows * legend.columns
    longest = max(map(font(legend.font_size).getlength, legend.names))
    assert (legend.columns - 1) * legend.width + legend.font_size + longest <= WIDTH
    assert longest + legend.font_size < legend.width


def test_each_name_stands_behind_the_marker_of_its_class():
    legend = legend_of(tuple(f"species {i}" for i in range(10)), 10, WIDTH, SIZE)
    figure = new_figure(1000, 800)
    heights = [100 + 30 * row for row in range(legend.rows)]
    legend.draw(figure, 116, heights)
    texts = {text.get_text(): text.get_position() for text in figure.texts}
    assert list(texts) == list(legend.names)
    markers = [
        (line.get_xdata()[0], line.get_ydata()[0], line.get_marker())
        for line in figure.get_children()
        if isinstance(line, Line2D)
    ]
    assert len({marker for *_, marker in markers}) == 10
    for (x, y), (at, height, _) in zip(texts.values(), markers, strict=True):
        assert y == pytest.approx(height)
        assert 0 < x - at < 0.02
    assert len({round(y, 6) for _, y in texts.values()}) == legend.rows == 2
