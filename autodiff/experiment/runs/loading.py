"""load_run: a run on disk, for a notebook or a script."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodiff.experiment.errors import InputError
from autodiff.experiment.runs.finding import find_record
from autodiff.experiment.runs.record import Record

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    import autodiff as ad


def load_run(run: str | os.PathLike[str], code: Sequence[str | os.PathLike[str]] = ()) -> "LoadedRun":
    """Return a run of adrun's, given by the path of its folder or by its name in `results/`.

    code: the files of Python with parts of one's own that its network has, if any; they are run.

    Raises FileNotFoundError when there is no such run, ValueError when it is damaged, or a file of code cannot be used.

    >>> run = ad.load_run("results/showcase/relu-adam")
    >>> run
    <run relu-adam: loss 0.010997, accuracy 99.33% ...; written to results/showcase/relu-adam>
    >>> run.config["learning_rate"], run.summary["parameters"]
    (0.01, 603)
    >>> list(run.log), len(run.log["loss"])
    (['epoch', 'loss', 'accuracy', 'test_loss', 'test_accuracy'], 10001)
    >>> run.model(run.inputs([[0.5, -0.5]])).shape
    (1, 3)
    """
    try:
        record = find_record(os.fspath(run), Path("results"))
    except InputError as error:
        raise (ValueError if Path(run).exists() else FileNotFoundError)(str(error)) from None
    with _plainly():
        if code:
            from autodiff.experiment.config.own_code import have, read

            have(read([Path(file) for file in code]))
        return LoadedRun(record)


class LoadedRun:
    """A run as it was when it was loaded; `load_run` makes one, and notebooks show its picture and its curve.

    name: of its folder.
    summary: what its summary.json holds: its status, versions, best epoch and more.
    config: its config, with every default that there was.
    log: by name one value an epoch, from 0, the network before training, on: epoch, loss, accuracy, and test_loss and
        test_accuracy if there are held-out points, NaN where these were not measured.
    model: its last network, in evaluation mode; it is read when it is first asked for. Raises ValueError if there is
        none, it is damaged, or it has parts whose code was not given.
    """

    def __init__(self, record: Record) -> None:
        import numpy as np

        curves = record.log()
        self.name = record.name
        self.summary: dict[str, Any] = record.summary
        self.config: dict[str, Any] = record.summary["config"]
        self.log: dict[str, NDArray[Any]] = {"epoch": np.arange(len(curves["loss"])), **curves}
        self._folder = record.folder
        self._record = Record(record.folder.absolute(), record.summary)  # the user may change the working directory

    @cached_property
    def model(self) -> "ad.Module":
        """The last network."""
        from autodiff.experiment.runs.predict import model_of

        if (missing := self._record.missing_code()) is not None:
            what, file = missing
            raise ValueError(f"{what} ad.load_run({str(self._folder)!r}, code=[{str(file)!r}])")
        with _plainly():
            return model_of(self._record).eval()

    def inputs(self, points: "ArrayLike") -> "NDArray[Any]":
        """Return points (n, features) in the units of their file as the model takes them: scaled, in its dtype."""
        import numpy as np

        with _plainly():
            scaling = self._record.about().scaling
        features = np.asarray(points, np.float64)
        return (features if scaling is None else scaling.apply(features)).astype(self.config["dtype"])

    def __repr__(self) -> str:
        return f"<run {self._sentence}>"

    def _repr_html_(self) -> str:
        from autodiff.experiment.runs.html import curve_svg, picture

        shown = f"<p>{escape(self._sentence)}</p>"
        if url := picture(self._record.folder / "boundary.png"):
            alt = f"The points and the decision boundary of {self.name}"
            shown += f'<img src="{url}" alt="{escape(alt)}" style="width:360px;max-width:100%">'
        return f"<div>{shown}{curve_svg(self.log)}</div>"

    @cached_property
    def _sentence(self) -> str:
        """What `adrun train` said of it; of a run that has not ended, what `adrun show` says."""
        from autodiff.experiment.runs.recall import experiment_of
        from autodiff.experiment.runs.run import Outcome
        from autodiff.experiment.runs.showing import heading_of

        record, loss = self._record, self.log["loss"]
        if record.ended and len(loss):
            losses = float(loss[0]), float(loss[-1])
            with suppress(InputError):  # its config may be damaged, or need code
                return Outcome(
                    experiment_of(record), self._folder, record.summary | {"name": self.name}, losses
                ).sentence
        return f"{record.name}: {heading_of(record)}"


@contextmanager
def _plainly() -> Iterator[None]:
    """Raise bad input as a ValueError: that is what a caller in Python looks for."""
    try:
        yield
    except InputError as error:
        raise ValueError(str(error)) from None
