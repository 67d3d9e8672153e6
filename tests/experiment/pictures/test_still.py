import imageio.v3 as imageio
import numpy as np
from PIL import Image

from autodiff.experiment.pictures.axes import draw_text
from autodiff.experiment.pictures.still import in_few_colors, new_page, write_still


def test_a_page_is_written_white_and_twice_its_size(tmp_path):
    figure = new_page(300, 200)
    draw_text(figure, 10, 10, "text", 20)
    write_still(figure, tmp_path / "page.png")
    picture = imageio.imread(tmp_path / "page.png")
    assert picture.shape[:2] == (400, 600)
    assert tuple(picture[-1, -1][:3]) == (255, 255, 255)
    assert picture[:60, :140, :3].min() < 60
    assert [path.name for path in tmp_path.iterdir()] == ["page.png"]


def test_a_colour_that_is_rare_is_not_lost_among_many():
    ramp = np.zeros((400, 400, 3), np.uint8)
    ramp[:, :, 1], ramp[:, :, 2] = np.linspace(0, 255, 400), np.linspace(0, 255, 400)[:, None]
    plain = in_few_colors(Image.fromarray(np.zeros((400, 400, 3), np.uint8)))
    assert plain.mode == "P"
    ramp[0, 0] = 255, 0, 0
    assert in_few_colors(Image.fromarray(ramp)).convert("RGB").getpixel((0, 0))[0] > 190
