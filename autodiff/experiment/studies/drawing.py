"""The pictures of a study, from its records: curves, boundaries, and what its seeds agree on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autodiff.experiment import pictures
from autodiff.experiment.config.overrides import FieldPath
from autodiff.experiment.errors import RunError
from autodiff.experiment.pictures import MOST_RUNS, Outcomes, Style
from autodiff.experiment.pictures.of_training import film_of, setting_of, votes_of
from autodiff.experiment.runs.recall import recalled
from autodiff.experiment.runs.record import read_record
from autodiff.experiment.runs.run import Options, Outcome
from autodiff.experiment.studies.findings import Findings
from autodiff.experiment.studies.sweep_drawing import accuracies_of, draw_sweep
from autodiff.experiment.training.training import Training

MILESTONE = 0.95


def draw(findings: Findings, folder: Path, options: Options, swept: Sequence[FieldPath]) -> None:
    """Draw a study's curves, one seed's boundaries, and what its seeds and its sweep show, into a folder.

    Raises RunError when a record is no longer the one that was compared.
    """
    titles = findings.titles
    films = [
        film_of(title, setting.config, _training(setting.outcomes[0]))
        for title, setting in zip(titles, findings.settings, strict=True)
    ]
    films = [film for film in films if film.frames]
    if findings.several:
        _draw_seeds(findings, titles, folder)
    elif films:
        pictures.render_curves(films, folder / "curves.png")
    if swept:
        draw_sweep(findings, folder, swept)
    if options.animate and films and len(films) <= MOST_RUNS:
        style: Style = "crisp" if all(setting.config.style == "crisp" for setting in findings.settings) else "soft"
        pictures.render_grid(films, folder, style=style, animation=options.animation)


def _training(outcome: Outcome) -> Training:
    """Return what a run left. Raises RunError when another run stands there by now."""
    record = read_record(outcome.folder)
    if record.summary.get("ended") != outcome.summary.get("ended"):
        raise RunError(f"{outcome.folder}: was replaced while the comparison was made; compare again")
    return recalled(record)


def _draw_seeds(findings: Findings, titles: Sequence[str], folder: Path) -> None:
    """Draw the bands of the curves, a dot a seed, and what the networks of all seeds agree on."""
    curves, dots, votes = [], [], []
    for title, setting in zip(titles, findings.settings, strict=True):
        trainings = [_training(outcome) for outcome in setting.outcomes]
        curves.append(setting_of(title, trainings))
        epochs = np.array(setting.values(findings.measures[f"epochs_to_{MILESTONE:.2f}"]))
        dots.append(Outcomes(title, accuracies_of(findings, setting), epochs))
        trained = [
            training
            for training, outcome in zip(trainings, setting.outcomes, strict=True)
            if training.snapshots and outcome.status != "diverged"  # of those, there is none but from before
        ]
        votes += [votes_of(title, trained)] if trained else []
    pictures.render_bands(curves, folder / "curves.png")
    pictures.render_seeds(dots, folder / "seeds.png", of=findings.points, threshold=MILESTONE)
    if votes and len(votes) <= MOST_RUNS:
        pictures.render_agreement(votes, folder / "agreement.png")
