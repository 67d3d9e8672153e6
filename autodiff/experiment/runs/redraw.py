"""A record's pictures, drawn again from the networks that it kept."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from autodiff.experiment.errors import InputError, RunError, in_one_line
from autodiff.experiment.files import sync, write_text
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.pictures import Animation, Style
from autodiff.experiment.runs.place import Place, claimed
from autodiff.experiment.runs.recall import experiment_of, recalled
from autodiff.experiment.runs.record import STAGING, SUMMARY, Record, read_record, results_of
from autodiff.experiment.runs.run import Options, draw


def redraw(record: Record, style: Style | None, animation: Animation, width: int, interrupts: Interrupts) -> list[Path]:
    """Draw the pictures of a run again and put them in the places of the old ones; return their paths.

    style: None for that of the run's config. width: in pixels. Whatever goes wrong leaves the old pictures as they
    were. Raises InputError when a file of the record is damaged, RunError when it is being written or the pictures
    cannot be.
    """
    with claimed(results_of(record.folder), record.name) as place:
        record = read_record(record.folder)
        with _scratch(place) as folder:
            _draw(record, style, Options(place.results, animation=animation, width=width), folder)
            with interrupts.held_back():
                moved = _moved(folder, record.folder)
                if record.ended and "error" in record.summary:  # which was that the pictures could not be drawn
                    summary = {name: value for name, value in record.summary.items() if name != "error"}
                    write_text(record.folder / SUMMARY, json.dumps(summary, indent=2) + "\n")
                return moved


def _draw(record: Record, style: Style | None, options: Options, folder: Path) -> None:
    try:
        experiment, training = experiment_of(record), recalled(record)
        if not training.snapshots:
            raise InputError([f"{record.folder}: kept no network to draw"])
        if style is not None:
            experiment = replace(experiment, config=experiment.config.model_copy(update={"style": style}))
        draw(experiment, training, folder, options)
    except (InputError, RunError, MemoryError):
        raise
    except Exception as error:
        raise RunError(
            f"{record.folder}: could not be drawn ({in_one_line(error)}); its old pictures are kept"
        ) from None


@contextmanager
def _scratch(place: Place) -> Iterator[Path]:
    """Yield an empty folder on the results' disk, removed when the block ends."""
    folder = place.results / STAGING / f".{place.name}.drawing"
    shutil.rmtree(folder, ignore_errors=True)  # what a kill left
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _moved(source: Path, target: Path) -> list[Path]:
    """Move all files of one folder to another, each in one step."""
    moved = []
    for path in sorted(source.iterdir()):
        sync(path)
        os.replace(path, target / path.name)
        moved.append(target / path.name)
    sync(target)
    return moved
