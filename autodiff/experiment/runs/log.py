"""The log of a run: loss and accuracy of every epoch, written as the run goes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.experiment.errors import InputError, reason

HEADER = "epoch,loss,accuracy\n"
DIGITS = {"float32": 9, "float64": 17}  # so many decimal digits give every number of that type back exactly

Losses = NDArray[np.float64]


class Log:
    """A log that grows: `write` adds the epochs that it does not have yet."""

    def __init__(self, path: Path, dtype: str, epochs: int = 0) -> None:
        """Begin a log, or go on with the first `epochs` of the one that stands there. Raises OSError."""
        self.row = f"{{}},{{:.{DIGITS[dtype]}g}},{{:.9g}}\n"
        self.epochs = epochs
        if epochs:
            self.stream = path.open("r+", encoding="utf-8", newline="")
            for _ in range(epochs + 1):
                self.stream.readline()
            self.stream.seek(self.stream.tell())
            self.stream.truncate()
        else:
            self.stream = path.open("w", encoding="utf-8", newline="")
            self.stream.write(HEADER)

    def write(self, loss: Losses, accuracy: Losses) -> None:
        """Add what is new of the loss and accuracy of all epochs so far, where `tail -f` sees it. Raises OSError."""
        new = zip(range(self.epochs, len(loss)), loss[self.epochs :], accuracy[self.epochs :], strict=True)
        self.stream.writelines(self.row.format(*values) for values in new)
        self.stream.flush()
        self.epochs = len(loss)


@contextmanager
def open_log(path: Path, dtype: str, epochs: int = 0) -> Iterator[Log]:
    """Yield a log, closed when the block ends. Raises OSError."""
    log = Log(path, dtype, epochs)
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


def read_log(path: Path, dtype: str, points: int | None = None) -> tuple[Losses, Losses]:
    """Return the loss and the accuracy of every epoch, as the run had them.

    points: their number, with which an accuracy of nine digits is exact again. Raises InputError when there is no log.
    """
    rows: list[list[str]] = [line.split(",") for line in read_lines(path)[1:]]
    try:
        values = np.array([row[1:] for row in rows], dtype=np.float64).reshape(len(rows), 2)
    except ValueError:
        raise InputError([f"{path}: is damaged: not every line is epoch,loss,accuracy"]) from None
    loss = values[:, 0].astype(dtype).astype(np.float64)
    accuracy: Any = values[:, 1] if points is None else np.rint(values[:, 1] * points) / points
    return loss, accuracy
