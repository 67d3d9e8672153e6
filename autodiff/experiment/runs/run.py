"""One run, from its config to its record: training, log, checkpoints, pictures, summary."""

import math
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autodiff.experiment.config import own_code
from autodiff.experiment.config.load import Experiment
from autodiff.experiment.config.write import as_yaml
from autodiff.experiment.data.about import NOTHING
from autodiff.experiment.data.data_file import KEPT
from autodiff.experiment.errors import InputError, RunError, in_one_line, reason
from autodiff.experiment.files import replacing, write_files, write_text
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.pictures import WIDTH, Animation
from autodiff.experiment.progress import Progress
from autodiff.experiment.register import own_line
from autodiff.experiment.runs.arrays import write_arrays
from autodiff.experiment.runs.checkpoint import STATE, read_checkpoint, write_checkpoint
from autodiff.experiment.runs.fields import differing
from autodiff.experiment.runs.health import write_health
from autodiff.experiment.runs.log import Log, open_log
from autodiff.experiment.runs.machine import versions
from autodiff.experiment.runs.place import Place
from autodiff.experiment.runs.record import (
    ABOUT_POINTS,
    CODE,
    CONFIG,
    ENDED,
    HEALTH,
    LOG,
    MODEL,
    Record,
    is_record,
    read_record,
)
from autodiff.experiment.runs.summary import begun, digests, summarise
from autodiff.experiment.runs.text import loss_text
from autodiff.experiment.training.schedule import frame_epochs
from autodiff.experiment.training.training import Session, State, Training, train

SECONDS_BETWEEN = 1.0  # of one flush of the log, and one checkpoint, and the next
FEATURES_SEEN = 2  # on the picture of the boundary; of more it shows too little
MOST_OF_THE_TIME = 0.02  # that checkpoints may take


@dataclass(frozen=True)
class Options:
    """Where runs write to (each to `results`/name), what they draw, and what they do about what stands there."""

    results: Path = Path("results")
    animate: bool = True
    animation: Animation = "gif"
    width: int = WIDTH  # of the pictures, in pixels
    frame_epochs: Collection[int] = ()  # where frames are wanted, instead of where each config would have them
    resume: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a run came to: its folder, its summary, its first and its last loss, and what went wrong."""

    experiment: Experiment
    folder: Path
    summary: dict[str, Any]
    losses: tuple[float, float] | None = None
    error: str = ""
    note: str = ""
    was_done: bool = False  # before, so that there was nothing to resume

    @property
    def status(self) -> str:
        """What the run came to."""
        return str(self.summary["status"])

    @property
    def has_results(self) -> bool:
        """Whether there is anything to compare it by."""
        return self.summary["final"] is not None

    @property
    def sentence(self) -> str:
        """One line for people: what was reached and where it was written, or what to do about a failure."""
        name, final = self.experiment.name, self.summary["final"]
        where = f"written to {self.folder}"
        if self.error:
            return self.error
        if final is None:
            return f"{name}: interrupted before the first epoch; {where}"
        if self.was_done:
            return f"{name}: {self.status} already, at epoch {final['epoch']}; nothing to resume in {self.folder}"
        assert self.losses is not None
        began_with, loss = self.losses
        if self.status == "diverged":
            return f"{name}: diverged: the loss became {loss:g} at epoch {final['epoch']}; {self._advice}; {where}"
        reached = f"loss {loss_text(loss)}, accuracy {final['accuracy']:.2%}"
        if final.get("test_loss") is not None:
            reached += f" (held out: {loss_text(final['test_loss'])}, {final['test_accuracy']:.2%})"
        reached += f" after {final['epoch']} epochs"
        said = "" if self.status == "done" else f"{self.status}: "
        if stopped := self.summary.get("stopped"):
            said += f"stopped: {stopped}; "
        began = ""
        if self.status == "did not learn":
            began = f"; it began with loss {loss_text(began_with)}: {self._advice}"
        if self.status == "interrupted":
            where += "; --resume goes on from there"
        return f"{name}: {said}{reached} in {self.summary['seconds']['training']:.1f} s{began}; {where}"

    def as_json(self) -> dict[str, Any]:
        """Return the summary, and where the files are, as plain values."""
        return {**self.summary, "folder": str(self.folder)}

    @property
    def _advice(self) -> str:
        """Say what to change where the network did not learn."""
        assert self.losses is not None
        config, (began_with, loss) = self.experiment.config, self.losses
        if config.weight_decay >= 1 or config.weight_decay * config.learning_rate >= 1:  # each step shrinks all weights
            return f"try a smaller weight_decay (it is {config.weight_decay:g})"
        change = "larger" if math.isclose(loss, began_with, rel_tol=1e-6) else "smaller"  # nothing but roundings moved
        return f"try a {change} learning_rate (it is {config.learning_rate:g})"


def run(experiment: Experiment, options: Options, progress: Progress, place: Place, interrupts: Interrupts) -> Outcome:
    """Train an experiment and leave its record under its name; `place` is held by the caller.

    A run that diverges or is interrupted leaves what it has; its status says so. Whatever goes wrong is told by the
    outcome, and takes no other run down.
    """
    with interrupts.held_back():
        try:
            own_code.have(experiment.code)  # another process has read it
            resumed = None
            if options.resume:
                if (standing := stands(place, experiment)) is not None:
                    return standing
                resumed = resumable(place, experiment, options)
            return _Run(experiment, options, progress, place, interrupts).go(resumed)
        except Exception as error:
            return failed(experiment, place, error)


def offers(experiments: Iterable[Experiment], options: Options) -> Iterator[str]:
    """Yield what is to be said of unfinished runs that are about to be started anew."""
    for name in () if options.resume else [experiment.name for experiment in experiments]:
        left = Place(options.results, name).unfinished()
        if left is not None and (left.folder / STATE).exists():
            yield f"{name}: starts anew; --resume would have gone on with the run that was {left.cut_off}"


def is_same(record: Record, experiment: Experiment) -> bool:
    """Tell whether a record is of the same config, and was made with the same code of one's own."""
    return bool(record.summary["config"] == experiment.config.resolved() and record.code == digests(experiment))


def stands(place: Place, experiment: Experiment) -> Outcome | None:
    """Return the outcome of a run that was done before, so that there is nothing to resume."""
    standing = place.standing()
    if standing is None or not standing.ended or not is_same(standing, experiment):
        return None
    return Outcome(experiment, place.target, standing.summary, was_done=True)


def resumable(place: Place, experiment: Experiment, options: Options) -> State | None:
    """Return what an unfinished run of the same config has kept, moved to the staging folder; None if there is nothing.

    Raises InputError when the unfinished run there has another config.
    """
    record = place.unfinished() or place.standing()
    if record is None:
        return None
    if not is_same(record, experiment):
        if record.ended:
            return None
        other = [_told(field) for field in differing(record.summary["config"], experiment.config.resolved())]
        fields = ", ".join([*other, *["code"] * (record.code != digests(experiment))])
        advice = "take its own config (config.yaml there), or another --name, or leave --resume out to start anew"
        raise InputError([f"{record.folder}: the unfinished run there has another config ({fields}); {advice}"])
    if record.folder == place.target:
        shutil.copytree(place.target, place.staging, dirs_exist_ok=True)
    try:
        state = read_checkpoint(place.staging, record.log())
    except InputError:  # cut off before there was a whole one
        return None
    config = experiment.config
    wanted = set(options.frame_epochs or frame_epochs(config.epochs, config.frames))
    if state is not None and {epoch for epoch in wanted if epoch < state.epoch} != state.snapshots.keys():
        return None  # other networks are wanted for the pictures than were kept, and they are gone
    return state


def _told(field: str) -> str:
    """Return what is said of a field in which two configs differ."""
    return f"{field.removesuffix('.sha256')}, which has changed since" if field.endswith(".sha256") else field


def failed(experiment: Experiment, place: Place, error: Exception, process: int | None = None) -> Outcome:
    """Return the outcome of a run that something went wrong with; what it has written is kept.

    process: the one that has begun it, if not this one.
    """
    told = explained(experiment, place, error)
    summary: dict[str, Any] = {"name": experiment.name, "final": None, "config": experiment.config.resolved()}
    with suppress(Exception):
        if is_record(place.staging) and read_record(place.staging).summary["process"] == (process or os.getpid()):
            summary = read_record(place.staging).summary | {"status": "failed", "error": told}
            place.tell(summary)
            if (place.staging / STATE).exists():
                told += "; --resume goes on from its last checkpoint"
    return Outcome(experiment, place.staging, summary | {"status": "failed", "error": told}, error=told)


def explained(experiment: Experiment, place: Place, error: Exception) -> str:
    """Return what went wrong, and what to do, in one line."""
    if isinstance(error, InputError | RunError):
        return str(error)
    if isinstance(error, OSError):
        return f"{place.target}: cannot be written to: {reason(error)}"
    if isinstance(error, MemoryError):
        return f"{experiment.name}: failed: not enough memory; take narrower layers, fewer points or fewer frames"
    if (where := own_line(error)) is not None:
        return f"{experiment.name}: failed at {where}: {in_one_line(error)}"
    return f"{experiment.name}: failed: {in_one_line(error)}; this is a defect of adrun, please report it"


class _Run:
    """A run under way."""

    def __init__(
        self, experiment: Experiment, options: Options, progress: Progress, place: Place, interrupts: Interrupts
    ) -> None:
        self.experiment = experiment
        self.options = options
        self.progress = progress
        self.place = place
        self.interrupts = interrupts
        self.folder = place.staging
        self.due = 0.0  # when the log and a checkpoint are written next
        self.frames_written = 0

    def go(self, resumed: State | None) -> Outcome:
        """Train, draw and write; then move what was written to its name."""
        config, name = self.experiment.config, self.experiment.name
        began = begun(self.experiment, resumed.epoch if resumed else None)
        self.place.begin(began, afresh=resumed is None)
        write_text(self.folder / CONFIG, _resolved(self.experiment))
        write_files(self.folder, {f"{CODE}/{code.name}": code.text.encode() for code in self.experiment.code})
        if config.data_file is not None:
            (self.folder / KEPT).write_bytes(config.data_file.contents)
        tested = config.size.test_points > 0
        with open_log(self.folder / LOG, config.dtype, tested, resumed.epoch if resumed else 0) as log:
            with self.progress.of(name, config.epochs) as report:
                training = train(config, report, self.options.frame_epochs, self._keeper(log, resumed), resumed)
            log.write(training.curves)
        write_health(self.folder / HEALTH, training.health)
        known = {} if training.about == NOTHING else {ABOUT_POINTS: training.about.plain()}
        write_arrays(self.folder / MODEL, training.state.parameters, {"config": config.resolved(), **known})
        write_checkpoint(self.folder, training.state, frames_written=0)
        started = time.perf_counter()
        status, error = self._draw(training)
        if status in ENDED:
            (self.folder / STATE).unlink()
        summary = summarise(began, training, status, time.perf_counter() - started, error)
        self.place.tell(summary)
        folder, note = publish(self.place, status, overwrite=self.options.overwrite)
        losses = (float(training.loss[0]), float(training.loss[-1])) if len(training.loss) else None
        return Outcome(self.experiment, folder, summary, losses, error, note)

    def _draw(self, training: Training) -> tuple[str, str]:
        """Draw the pictures; return the run's status after that, and what went wrong."""
        if training.status == "interrupted" or not training.snapshots:
            return training.status, ""
        name = self.experiment.name
        try:
            with self.progress.note(f"{name}: drawing"), self.interrupts.let_through():
                draw(self.experiment, training, self.folder, self.options)
        except KeyboardInterrupt:
            return "interrupted", ""
        except Exception as error:
            advice = f"log and model are kept, `adrun draw {self.place.target}` tries again"
            return training.status, f"{name}: its pictures could not be drawn ({in_one_line(error)}); {advice}"
        return training.status, ""

    def _keeper(self, log: Log, resumed: State | None) -> Callable[[Session], None]:
        """Return what is called after every epoch: it writes the log and checkpoints, and stops when asked to."""
        self.frames_written = len(resumed.snapshots) if resumed else 0
        self.due = time.monotonic() + SECONDS_BETWEEN

        def keep(session: Session) -> None:
            if self.interrupts.asked:
                raise KeyboardInterrupt
            now = time.monotonic()
            if now < self.due:
                return
            log.write(session.curves)
            self.frames_written = write_checkpoint(self.folder, session.state(), self.frames_written)
            took = time.monotonic() - now
            self.due = now + took + max(SECONDS_BETWEEN, took / MOST_OF_THE_TIME)

        return keep


def publish(place: Place, status: str, *, overwrite: bool) -> tuple[Path, str]:
    """Move what a run has written to its name; return where it is now, and what to say about what stood there."""
    name, standing = place.name, place.standing()
    if standing is not None and standing.ended and status not in ENDED:
        return place.staging, f"{name}: the finished run in {place.target} stays as it is"
    kept = place.publish(overwrite=overwrite)
    return place.target, f"{name}: what stood there, of another config, is kept as {kept}" if kept else ""


def _resolved(experiment: Experiment) -> str:
    """Return the config with every default filled in: a file that gives the same run when it is trained again."""
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    return f"# {experiment.name}, every default filled in, as it was run by {used}\n{as_yaml(experiment.config)}"


def draw(experiment: Experiment, training: Training, folder: Path, options: Options) -> None:
    """Draw the pictures of a run into a folder."""
    from autodiff.experiment.pictures import render_boundary, render_confusion
    from autodiff.experiment.pictures.of_training import confusion_of, film_of  # matplotlib comes with it

    if training.points.features.shape[1] > FEATURES_SEEN:
        counts, classes, of = confusion_of(training)
        render_confusion(counts, classes, folder / "confusion.png", title=experiment.config.title, of=of)
    film, style = film_of(experiment.config.title, experiment.config, training), experiment.config.style
    if options.animate:
        render_boundary(film, folder, style=style, animation=options.animation, width=options.width)
        return
    with tempfile.TemporaryDirectory() as scratch:  # the picture of the last frame alone
        last = replace(film, frames=film.frames[-1:])
        render_boundary(last, Path(scratch), style=style, animation="gif", width=options.width)
        with replacing(folder / "boundary.png") as picture:
            shutil.copyfile(Path(scratch) / "boundary.png", picture)
