"""One run, from its config to its folder: training, log, pictures, summary."""

import json
import math
import shutil
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from autodiff.experiment.config.load import Experiment
from autodiff.experiment.files import replacing
from autodiff.experiment.pictures import Animation
from autodiff.experiment.progress import Progress
from autodiff.experiment.runs import folder as folders
from autodiff.experiment.runs.log import write_log
from autodiff.experiment.runs.machine import versions
from autodiff.experiment.runs.summary import loss_text, summarise
from autodiff.experiment.training.training import Status, Training, train

# Removed when a run writes its log: pictures and summary of an earlier run do not belong to it.
OUTDATED = ("boundary.gif", "boundary.webp", "boundary.apng", "boundary.png", "summary.json")


@dataclass(frozen=True)
class Options:
    """Where runs write to (each to `results`/name) and what they draw."""

    results: Path = Path("results")
    animate: bool = True
    animation: Animation = "gif"
    frame_epochs: Collection[int] = ()  # where frames are wanted, instead of where each config would have them


@dataclass(frozen=True)
class Outcome:
    """What a run came to: its folder, its summary and what its pictures are drawn from."""

    experiment: Experiment
    folder: Path
    status: Status
    summary: dict[str, Any]
    training: Training

    @property
    def sentence(self) -> str:
        """One line for people: what was reached and where it was written, or what to do about a failure."""
        name, final = self.experiment.name, self.summary["final"]
        where = f"written to {self.folder}"
        if final is None:
            return f"{name}: interrupted before the first epoch; {where}"
        loss = self.training.loss[-1]
        if self.status == "diverged":
            return f"{name}: diverged: the loss became {loss:g} at epoch {final['epoch']}; {self._advice}; {where}"
        reached = f"loss {loss_text(loss)}, accuracy {final['accuracy']:.2%} after {final['epoch']} epochs"
        said = "" if self.status == "done" else f"{self.status}: "
        began = ""
        if self.status == "did not learn":
            began = f"; it began with loss {loss_text(self.training.loss[0])}: {self._advice}"
        return f"{name}: {said}{reached} in {self.training.seconds:.1f} s{began}; {where}"

    @property
    def _advice(self) -> str:
        """Say what to change where the network did not learn."""
        config, loss = self.experiment.config, self.training.loss
        if config.weight_decay >= 1 or config.weight_decay * config.learning_rate >= 1:  # each step shrinks all weights
            return f"try a smaller weight_decay (it is {config.weight_decay:g})"
        change = "larger" if math.isclose(loss[-1], loss[0], rel_tol=1e-6) else "smaller"  # nothing but roundings moved
        return f"try a {change} learning_rate (it is {config.learning_rate:g})"


def run(experiment: Experiment, options: Options, progress: Progress) -> Outcome:
    """Train an experiment and write its folder. Raises RunError when that cannot be written.

    A run that diverges or is interrupted writes what it has; its status says so.
    """
    folder = options.results / experiment.name
    with progress.of(experiment.name, experiment.config.epochs) as report:
        training = train(experiment.config, report, options.frame_epochs)
    status = training.status
    seconds = 0.0
    with folders.writing_to(folder):
        for name in OUTDATED:
            (folder / name).unlink(missing_ok=True)
        folders.write_text(folder / "config.yaml", _resolved(experiment))
        write_log(folder / "log.csv", training, experiment.config.dtype)
        if status != "interrupted" and training.snapshots:
            started = time.perf_counter()
            try:
                with progress.note(f"{experiment.name}: drawing"):
                    _draw(experiment, training, folder, options)
            except KeyboardInterrupt:
                status = "interrupted"
            seconds = time.perf_counter() - started
        summary = summarise(experiment, training, status, seconds)
        folders.write_text(folder / "summary.json", json.dumps(summary, indent=2, allow_nan=False) + "\n")
    return Outcome(experiment, folder, status, summary, training)


def _resolved(experiment: Experiment) -> str:
    """Return the config with every default filled in: a file that gives the same run when it is trained again."""
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    values = yaml.safe_dump(experiment.config.resolved(), sort_keys=False, default_flow_style=None)
    return f"# {experiment.name}, every default filled in, as it was run by {used}\n{values}"


def _draw(experiment: Experiment, training: Training, folder: Path, options: Options) -> None:
    from autodiff.experiment.pictures import render_boundary
    from autodiff.experiment.pictures.of_training import film_of  # matplotlib comes with it: only for those who draw

    film, style = film_of(experiment.config.title, experiment.config, training), experiment.config.style
    if options.animate:
        render_boundary(film, folder, style=style, animation=options.animation)
        return
    with tempfile.TemporaryDirectory() as scratch:  # the picture of the last frame alone
        last = replace(film, frames=film.frames[-1:])
        render_boundary(last, Path(scratch), style=style, animation="gif")
        with replacing(folder / "boundary.png") as picture:
            shutil.copyfile(Path(scratch) / "boundary.png", picture)
