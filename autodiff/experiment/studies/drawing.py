"""The pictures of a study, from its records."""

from collections.abc import Sequence
from pathlib import Path

from autodiff.experiment import pictures
from autodiff.experiment.config.overrides import FieldPath
from autodiff.experiment.errors import RunError
from autodiff.experiment.pictures import MOST_RUNS, Style
from autodiff.experiment.pictures.of_training import film_of
from autodiff.experiment.runs.recall import recalled
from autodiff.experiment.runs.record import read_record
from autodiff.experiment.runs.run import Options, Outcome
from autodiff.experiment.studies.findings import Findings
from autodiff.experiment.training.training import Training


def draw(findings: Findings, folder: Path, options: Options, swept: Sequence[FieldPath]) -> None:
    """Draw a study's curves, one seed's boundaries, and what its seeds and its sweep show, into a folder.

    Raises RunError when a record is no longer the one that was compared.
    """
    titles = _titles(findings)
    films = [
        film_of(title, setting.config, _training(setting.outcomes[0]))
        for title, setting in zip(titles, findings.settings, strict=True)
    ]
    films = [film for film in films if film.frames]
    if films:
        pictures.render_curves(films, folder / "curves.png")
    if options.animate and films and len(films) <= MOST_RUNS:
        style: Style = "crisp" if all(setting.config.style == "crisp" for setting in findings.settings) else "soft"
        pictures.render_grid(films, folder, style=style, animation=options.animation)


def _titles(findings: Findings) -> list[str]:
    """Return what the settings are called: their configs in two words, or their names where that tells them apart."""
    titles = [setting.config.title for setting in findings.settings]
    return titles if len(set(titles)) == len(titles) else [setting.name for setting in findings.settings]


def _training(outcome: Outcome) -> Training:
    """Return what a run left. Raises RunError when another run stands there by now."""
    record = read_record(outcome.folder)
    if record.summary.get("ended") != outcome.summary.get("ended"):
        raise RunError(f"{outcome.folder}: was replaced while the comparison was made; compare again")
    return recalled(record)
