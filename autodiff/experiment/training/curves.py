"""What is measured of a run at its epochs, by the names that it has in logs and summaries."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Curves = dict[str, "NDArray[np.float64]"]
"""By name one value an epoch, from 0 (the initial network) on; NaN where it was not measured."""
TRAINING = ("loss", "accuracy")
"""On all points that are trained on; accuracies are from 0 to 1."""
HELD_OUT = ("test_loss", "test_accuracy")
"""On the held-out points, if there are some."""
