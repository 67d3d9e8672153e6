"""The log of a run: loss and accuracy of every epoch, written as the run goes.

On held-out points, if there are some, they have columns of their own, blank at the epochs that those were not measured.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from autodiff.experiment.errors import InputError, reason
from autodiff.experiment.training.curves import HELD_OUT, TRAINING, Curves

DIGITS = {"float32": 9, "float64": 17}  # so many decimal digits give every number of that type back exactly


class Log:
    """A log that grows: `write` adds the epochs that it does not have yet."""

    def __init__(self, path: Path, dtype: str, tested: bool, epochs: int = 0) -> None:
        """Begin a log, or go on with the first `epochs` of the one that stands there. Raises OSError.

        tested: whether there are held-out points.
        """
        pair = f",{{:.{DIGITS[dtype]}g}},{{:.9g}}"
        self.row = "{}" + pair + (pair if tested else "") + "\n"
        self.row_without_test = "{}" + pair + ",,\n"
        self.epochs = epochs
        if epochs:
            self.stream = path.open("r+", encoding="utf-8", newline="")
            for _ in range(epochs + 1):
                self.stream.readline()
            self.stream.seek(self.stream.tell())
            self.stream.truncate()
        else:
            self.stream = path.open("w", encoding="utf-8", newline="")
            self.stream.write(",".join(["epoch", *TRAINING, *(HELD_OUT if tested else ())]) + "\n")

    def write(self, curves: Curves) -> None:
        """Add what is new of the curves of all epochs so far, where `tail -f` sees it. Raises OSError."""
        epochs = len(curves["loss"])
        new = zip(range(self.epochs, epochs), *(values[self.epochs :] for values in curves.values()), strict=True)
        for row in new:
            measured = not math.isnan(row[-1])  # an accuracy: a loss may be NaN where it was measured
            self.stream.write((self.row if measured else self.row_without_test).format(*row))
        self.stream.flush()
        self.epochs = epochs


@contextmanager
def open_log(path: Path, dtype: str, tested: bool, epochs: int = 0) -> Iterator[Log]:
    """Yield a log, closed when the block ends. Raises OSError."""
    log = Log(path, dtype, tested, epochs)
    try:
        yield log
    finally:
        log.stream.close()


def read_lines(path: Path) -> list[str]:
    """Return the lines of a log, its heading first; one that is cut short is left out. Raises InputError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except OSError as error:
        raise InputError([f"{path}: cannot be read: {reason(error)}"]) from None
    except UnicodeDecodeError:
        raise InputError([f"{path}: is damaged: it is not text"]) from None
    return [line.rstrip("\n") for line in lines if line.endswith("\n")]


def read_log(path: Path, dtype: str, points: int | None = None, test_points: int | None = None) -> Curves:
    """Return the curves of a log, as the run had them; those of held-out points only if it has them.

    points, test_points: their numbers, with which an accuracy of nine digits is exact again. Raises InputError when
    there is no log.
    """
    heading, *rows = [line.split(",") for line in read_lines(path)] or [[]]
    names = TRAINING + HELD_OUT if tuple(heading[1:]) == TRAINING + HELD_OUT else TRAINING
    try:
        values = np.array([[cell or "nan" for cell in row[1:]] for row in rows], np.float64)
        columns = values.reshape(len(rows), len(names)).T
    except ValueError:
        raise InputError([f"{path}: is damaged: not every line is epoch,{','.join(names)}"]) from None
    curves = dict(zip(names, columns, strict=True))
    for loss, accuracy, count in ((*TRAINING, points), (*HELD_OUT, test_points)):
        if loss in curves:
            curves[loss] = curves[loss].astype(dtype).astype(np.float64)
            if count:
                curves[accuracy] = np.rint(curves[accuracy] * count) / count
    return curves
