import os
import subprocess
import sys

import matplotlib
import pytest
from threadpoolctl import threadpool_info

from autodiff.experiment.pictures.surroundings import shielded

DRAW = """
import pathlib
import numpy as np
from autodiff.experiment.pictures import Curve, Film, Frame, render_boundary, render_curves, render_grid

folder = pathlib.Path("pictures")
folder.mkdir()
points = np.array([[-1.0, 0.5], [0.5, -1.0], [1.0, 1.0]])
frames = tuple(Frame(epoch, 1.0, 0.5, lambda x, slope=epoch: 3 * x + slope) for epoch in range(3))
film = Film("a run", points, np.array([0, 1, 1]), 2, frames, Curve(np.arange(3), np.array([3.0, 2.0, 1.0]), np.ones(3)))
render_boundary(film, folder, style="soft", animation="gif")
render_grid([film], folder, style="soft", animation="gif")
render_curves([film], folder / "curves.png")
"""
SETTINGS = """
font.size: 20
lines.linewidth: 9
axes.facecolor: pink
axes.grid: True
figure.dpi: 37
savefig.dpi: 37
text.usetex: False
axes.unicode_minus: False
path.simplify: False
figure.autolayout: True
axes.formatter.use_locale: True
xtick.direction: in
font.family: serif
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return drawn(tmp_path_factory.mktemp("plain"), {})


def drawn(folder, environment):
    """The bytes of all pictures that a process of its own draws."""
    own = {name: value for name, value in os.environ.items() if name not in ("MPLBACKEND", "MATPLOTLIBRC")}
    subprocess.run([sys.executable, "-W", "error", "-c", DRAW], cwd=folder, env=own | environment, check=True)
    return {path.name: path.read_bytes() for path in (folder / "pictures").iterdir()}


@pytest.mark.parametrize("backend", ["svg", "tkagg", "module://nowhere", "nonsense"])
def test_pictures_are_the_same_whatever_backend_is_set(tmp_path, plain, backend):
    assert drawn(tmp_path, {"MPLBACKEND": backend}) == plain


def test_a_home_that_cannot_be_written_to_is_passed_over_in_silence(tmp_path):
    nowhere = {"HOME": os.devnull, "MPLCONFIGDIR": f"{os.devnull}/matplotlib", "TMPDIR": str(tmp_path)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")} | nowhere
    done = subprocess.run([sys.executable, "-c", DRAW], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_pictures_are_the_same_whatever_a_matplotlibrc_says(tmp_path, plain):
    (tmp_path / "matplotlibrc").write_text(SETTINGS)
    assert drawn(tmp_path, {}) == plain


def test_within_settings_are_matplotlibs_own_and_blas_has_one_thread_and_after_all_is_as_it_was():
    with matplotlib.rc_context({"font.size": 33, "lines.linewidth": 7}):
        threads = [library["num_threads"] for library in threadpool_info()]
        with shielded():
            assert matplotlib.rcParams["font.size"] == matplotlib.rcParamsDefault["font.size"]
            assert {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"} == {1}
        assert (matplotlib.rcParams["font.size"], matplotlib.rcParams["lines.linewidth"]) == (33, 7)
        assert [library["num_threads"] for library in threadpool_info()] == threads
