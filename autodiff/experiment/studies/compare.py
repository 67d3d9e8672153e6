"""Several runs side by side: a table, their curves, and their boundaries in one grid."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autodiff.experiment.config import memory
from autodiff.experiment.config.config import MOST_BYTES
from autodiff.experiment.config.load import Experiment
from autodiff.experiment.errors import InputError, RunError, in_one_line, reason
from autodiff.experiment.files import write_text
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.pictures import MOST_RUNS
from autodiff.experiment.runs.place import Place
from autodiff.experiment.runs.recall import experiment_of, recalled
from autodiff.experiment.runs.record import Record, read_record, write_comparison_of
from autodiff.experiment.runs.run import Options, Outcome
from autodiff.experiment.studies import table
from autodiff.experiment.training.schedule import shared_frame_epochs


def for_comparison(experiments: Sequence[Experiment], options: Options, records: int = 0) -> Options:
    """Return the options with which runs can be compared: frames at the same epochs.

    records: the number of runs that are compared without being trained. Raises InputError for too many runs.
    """
    if options.animate and len(experiments) + records > MOST_RUNS:
        advice = f"found {len(experiments) + records}; with --no-gif there is no grid, and no limit"
        raise InputError([f"compare: the grid of boundaries shows at most {MOST_RUNS} runs, {advice}"])
    if not experiments:
        return options
    runs = [(experiment.config.epochs, experiment.config.frames) for experiment in experiments]
    frame_epochs = shared_frame_epochs(runs)
    needed = memory.together(
        [
            experiment.config.needs(sum(epoch <= experiment.config.epochs for epoch in frame_epochs))
            for experiment in experiments
        ]
    )
    if needed > MOST_BYTES:
        found = f"{len(experiments)} runs that keep up to {len(frame_epochs)} frames each need about"
        allowed = f"at most {memory.gigabytes(MOST_BYTES)} are allowed (take fewer frames, runs or narrower layers)"
        raise InputError([f"compare: {found} {memory.gigabytes(needed)} of memory together; {allowed}"])
    return replace(options, frame_epochs=frame_epochs)


@dataclass(frozen=True)
class Comparison:
    """Where a comparison was written, and the seconds that all its runs and pictures took."""

    folder: Path
    seconds: dict[str, float]
    error: str = ""

    @property
    def sentence(self) -> str:
        """One line for people."""
        training, drawing = self.seconds["training"], self.seconds["drawing"]
        return f"trained for {training:.1f} s, drew for {drawing:.1f} s; written to {self.folder}"

    def as_json(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return {"folder": str(self.folder), "seconds": self.seconds}


def of_record(record: Record) -> Outcome:
    """Return what a run came to from its record. Raises InputError when its files are damaged."""
    recalled(record)  # now, and not when all is trained
    return Outcome(experiment_of(record), record.folder, record.summary | {"name": record.name}, was_done=True)


def write_comparison(outcomes: Sequence[Outcome], options: Options, place: Place, interrupts: Interrupts) -> Comparison:
    """Write tables and pictures to the place of the comparison, which the caller holds, in one step.

    Raises RunError when that cannot be written, and KeyboardInterrupt while it is drawn: an earlier one then stays.
    Pictures that cannot be drawn are left out, and the comparison says so.
    """
    with interrupts.held_back():
        try:
            return _written(outcomes, options, place, interrupts)
        except OSError as problem:
            raise RunError(f"{place.target}: cannot be written to: {reason(problem)}") from None
        finally:
            shutil.rmtree(place.staging, ignore_errors=True)


def _written(outcomes: Sequence[Outcome], options: Options, place: Place, interrupts: Interrupts) -> Comparison:
    compared = [outcome for outcome in outcomes if outcome.has_results]
    summaries = [outcome.summary for outcome in compared]
    shutil.rmtree(place.staging, ignore_errors=True)
    place.staging.mkdir(parents=True)
    write_text(place.staging / "table.csv", table.comma_separated(summaries))
    write_text(place.staging / "table.md", table.markdown(summaries))
    started = time.perf_counter()
    with interrupts.let_through():
        error = _drawn(compared, place.staging, options)
    drawing = time.perf_counter() - started
    seconds = {
        "training": round(sum(summary["seconds"]["training"] for summary in summaries), 3),
        "drawing": round(drawing + sum(summary["seconds"]["drawing"] for summary in summaries), 3),
    }
    write_comparison_of([outcome.folder for outcome in compared], place.staging)
    place.publish()
    return Comparison(place.target, seconds, error)


def _drawn(outcomes: Sequence[Outcome], folder: Path, options: Options) -> str:
    """Draw the pictures; return what went wrong."""
    try:
        _draw(outcomes, folder, options)
    except OSError:
        raise
    except Exception as error:
        return f"compare: the pictures could not be drawn ({in_one_line(error)}); the tables are kept"
    return ""


def _draw(outcomes: Sequence[Outcome], folder: Path, options: Options) -> None:
    from autodiff.experiment.pictures import Style, render_curves, render_grid
    from autodiff.experiment.pictures.of_training import film_of  # matplotlib comes with it: only for those who draw

    titles = [outcome.experiment.config.title for outcome in outcomes]
    if len(set(titles)) < len(titles):  # two learning rates of one optimizer, say: only their names tell them apart
        titles = [outcome.experiment.name for outcome in outcomes]
    films = [
        film_of(title, outcome.experiment.config, recalled(read_record(outcome.folder)))
        for title, outcome in zip(titles, outcomes, strict=True)
    ]
    films = [film for film in films if film.frames]
    if not films:
        return
    render_curves(films, folder / "curves.png")
    if options.animate:
        style: Style = "crisp" if all(outcome.experiment.config.style == "crisp" for outcome in outcomes) else "soft"
        render_grid(films, folder, style=style, animation=options.animation)
