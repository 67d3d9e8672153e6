"""The log of a run: loss and accuracy of every epoch."""

from pathlib import Path

from autodiff.experiment.files import replacing
from autodiff.experiment.training.training import Training

DIGITS = {"float32": 9, "float64": 17}  # so many decimal digits give every number of that type back exactly


def write_log(path: Path, training: Training, dtype: str) -> None:
    """Write `epoch,loss,accuracy`, a line for every epoch from 0 on. Raises OSError."""
    digits = DIGITS[dtype]
    rows = zip(training.loss.tolist(), training.accuracy.tolist(), strict=True)
    lines = [f"{epoch},{loss:.{digits}g},{accuracy:.9g}\n" for epoch, (loss, accuracy) in enumerate(rows)]
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        stream.write("epoch,loss,accuracy\n")
        stream.writelines(lines)
