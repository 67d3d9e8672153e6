"""The markers of classes as the page draws them: the corners of each."""

import numpy as np

from autodiff.experiment.pictures.palette import CLASS_MARKERS

FINENESS = 20  # what is round gets as many corners as it has in a marker of so many pixels


def corners(classes: int) -> list[list[float]]:
    """Return the corners of the markers of some classes, each x, y, x, y from -1 to 1, up being positive."""
    from matplotlib.markers import MarkerStyle
    from matplotlib.transforms import Affine2D

    larger = Affine2D().scale(FINENESS)
    styles = [MarkerStyle(marker) for marker in CLASS_MARKERS[:classes]]
    paths = [style.get_path().transformed(style.get_transform()).transformed(larger) for style in styles]
    polygons = [np.array(path.to_polygons()[0], float) for path in paths]
    return [np.round(polygon * (2 / FINENESS), 2).ravel().tolist() for polygon in polygons]
