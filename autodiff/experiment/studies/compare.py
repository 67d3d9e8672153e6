"""Several runs side by side: a table, their curves, and their boundaries in one grid."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autodiff.experiment.config import memory
from autodiff.experiment.config.config import MOST_BYTES
from autodiff.experiment.config.load import COMPARISON, Experiment
from autodiff.experiment.errors import InputError
from autodiff.experiment.pictures import MOST_RUNS
from autodiff.experiment.runs import folder as folders
from autodiff.experiment.runs.run import Options, Outcome
from autodiff.experiment.studies import table
from autodiff.experiment.training.schedule import shared_frame_epochs

OUTDATED = ("table.csv", "table.md", "curves.png", "boundaries.gif", "boundaries.webp", "boundaries.apng")


def for_comparison(experiments: Sequence[Experiment], options: Options) -> Options:
    """Return the options with which runs can be compared: frames at the same epochs. Raises InputError for too many."""
    if options.animate and len(experiments) > MOST_RUNS:
        advice = f"found {len(experiments)}; with --no-gif there is no grid, and no limit"
        raise InputError([f"compare: the grid of boundaries shows at most {MOST_RUNS} runs, {advice}"])
    folders.create(options.results / COMPARISON)
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

    @property
    def sentence(self) -> str:
        """One line for people."""
        training, drawing = self.seconds["training"], self.seconds["drawing"]
        return f"trained for {training:.1f} s, drew for {drawing:.1f} s; written to {self.folder}"

    def as_json(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return {"folder": str(self.folder), "seconds": self.seconds}


def write_comparison(outcomes: Sequence[Outcome], options: Options) -> Comparison:
    """Write tables and pictures to results/comparison. Raises RunError."""
    folder = options.results / COMPARISON
    summaries = [outcome.summary for outcome in outcomes]
    with folders.writing_to(folder):
        for name in OUTDATED:
            (folder / name).unlink(missing_ok=True)
        folders.write_text(folder / "table.csv", table.comma_separated(summaries))
        folders.write_text(folder / "table.md", table.markdown(summaries))
        started = time.perf_counter()
        _draw(outcomes, folder, options)
        drawing = time.perf_counter() - started
    seconds = {
        "training": round(sum(summary["seconds"]["training"] for summary in summaries), 3),
        "drawing": round(drawing + sum(summary["seconds"]["drawing"] for summary in summaries), 3),
    }
    return Comparison(folder, seconds)


def _draw(outcomes: Sequence[Outcome], folder: Path, options: Options) -> None:
    from autodiff.experiment.pictures import Style, render_curves, render_grid
    from autodiff.experiment.pictures.of_training import film_of  # matplotlib comes with it: only for those who draw

    titles = [outcome.experiment.config.title for outcome in outcomes]
    if len(set(titles)) < len(titles):  # two learning rates of one optimizer, say: only their names tell them apart
        titles = [outcome.experiment.name for outcome in outcomes]
    films = [
        film_of(title, outcome.experiment.config, outcome.training)
        for title, outcome in zip(titles, outcomes, strict=True)
        if outcome.training.snapshots
    ]
    if not films:
        return
    render_curves(films, folder / "curves.png")
    if options.animate:
        style: Style = "crisp" if all(outcome.experiment.config.style == "crisp" for outcome in outcomes) else "soft"
        render_grid(films, folder, style=style, animation=options.animation)
