"""What a study leaves beside its records: tables, statistics and pictures of all its runs."""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autodiff.experiment.config import memory
from autodiff.experiment.config.config import MOST_BYTES
from autodiff.experiment.config.overrides import FieldPath
from autodiff.experiment.errors import InputError, RunError, in_one_line, reason
from autodiff.experiment.files import write_text
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.pictures import MOST_RUNS
from autodiff.experiment.runs.place import Place
from autodiff.experiment.runs.recall import experiment_of, recalled
from autodiff.experiment.runs.record import Record, write_comparison_of
from autodiff.experiment.runs.run import Options, Outcome
from autodiff.experiment.studies import settings_table, table
from autodiff.experiment.studies.findings import Findings
from autodiff.experiment.studies.plan import Plan
from autodiff.experiment.training.schedule import shared_frame_epochs


def for_comparison(plan: Plan, options: Options, records: int = 0) -> Options:
    """Return the options with which runs can be compared: frames at the same epochs.

    records: the number of runs that are compared without being trained. Raises InputError for too many runs.
    """
    settings = plan.configs + records
    if options.animate and settings > MOST_RUNS and plan.combinations == 1:
        advice = f"found {settings}; with --no-gif there is no grid, and no limit"
        raise InputError([f"compare: the grid of boundaries shows at most {MOST_RUNS} runs, {advice}"])
    if not plan.experiments:
        return options
    configs = [experiment.config for experiment in plan.experiments]
    frame_epochs = shared_frame_epochs([(config.epochs, config.frames) for config in configs])
    drawn = configs[:: plan.seeds]  # one seed of each setting
    needed = memory.together([config.needs(sum(epoch <= config.epochs for epoch in frame_epochs)) for config in drawn])
    if needed > MOST_BYTES:
        found = f"{len(drawn)} runs that keep up to {len(frame_epochs)} frames each need about"
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
        return f"trained for {training:.1f} s, drew for {drawing:.1f} s in all; written to {self.folder}"

    def as_json(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return {"folder": str(self.folder), "seconds": self.seconds}


def of_record(record: Record) -> Outcome:
    """Return what a run came to from its record. Raises InputError when its files are damaged."""
    recalled(record)  # now, and not when all others are trained
    return unread(record)


def unread(record: Record) -> Outcome:
    """Return the same for a record of which all files will be read at once. Raises InputError for a damaged config."""
    return Outcome(experiment_of(record), record.folder, record.summary | {"name": record.name}, was_done=True)


def told(findings: Findings, columns: int | None = None, swept: Sequence[FieldPath] = ()) -> str:
    """Return what is printed of a study: its table, fitted to the columns of a terminal, and what follows from it.

    Nothing follows from one that was interrupted: its runs have ended at different epochs.
    """
    if any(outcome.status == "interrupted" for outcome in findings.outcomes):
        return table.plain([outcome.summary for outcome in findings.outcomes], columns)
    if findings.several:
        said = filter(None, [*findings.sentences(), findings.sentence_of_the_best(), findings.caution])
        lines = [settings_table.plain(findings, columns, swept), "", *said]
    else:
        summaries = [outcome.summary for outcome in findings.outcomes]
        best = findings.sentence_of_the_best() if swept else ""
        advice = "one seed: no spread; `--seeds 10` would tell what holds beyond it"
        lines = [table.plain(summaries, columns, swept), *filter(None, [best, advice])]
    return "\n".join(lines)


def write_comparison(
    findings: Findings, options: Options, place: Place, interrupts: Interrupts, swept: Sequence[FieldPath] = ()
) -> Comparison:
    """Write tables and pictures to the place of the comparison, which the caller holds, in one step.

    swept: the fields whose values the study goes through. Raises RunError when that cannot be written, and
    KeyboardInterrupt while it is drawn: an earlier one then stays. Pictures that cannot be drawn are left out, and the
    comparison says so.
    """
    with interrupts.held_back():
        try:
            return _written(findings, options, place, interrupts, swept)
        except OSError as problem:
            raise RunError(f"{place.target}: cannot be written to: {reason(problem)}") from None
        finally:
            shutil.rmtree(place.staging, ignore_errors=True)


def _written(
    findings: Findings, options: Options, place: Place, interrupts: Interrupts, swept: Sequence[FieldPath]
) -> Comparison:
    summaries = [outcome.summary for outcome in findings.outcomes]
    shutil.rmtree(place.staging, ignore_errors=True)
    place.staging.mkdir(parents=True)
    if findings.several:
        write_text(place.staging / "table.csv", settings_table.comma_separated(findings))
        write_text(place.staging / "table.md", settings_table.markdown(findings))
        write_text(place.staging / "runs.csv", table.comma_separated(summaries))
        write_text(place.staging / "statistics.json", json.dumps(findings.as_json(), indent=2, allow_nan=False) + "\n")
    else:
        write_text(place.staging / "table.csv", table.comma_separated(summaries))
        write_text(place.staging / "table.md", table.markdown(summaries))
    started = time.perf_counter()
    with interrupts.let_through():
        error = _drawn(findings, place.staging, options, swept)
    drawing = time.perf_counter() - started
    seconds = {
        "training": round(sum(summary["seconds"]["training"] for summary in summaries), 3),
        "drawing": round(drawing + sum(summary["seconds"]["drawing"] for summary in summaries), 3),
    }
    write_comparison_of([outcome.folder for outcome in findings.outcomes], place.staging)
    place.publish()
    return Comparison(place.target, seconds, error)


def _drawn(findings: Findings, folder: Path, options: Options, swept: Sequence[FieldPath]) -> str:
    """Draw the pictures; return what went wrong."""
    from autodiff.experiment.studies.drawing import draw  # matplotlib comes with it: only for those who draw

    try:
        draw(findings, folder, options, swept)
    except OSError:
        raise
    except Exception as error:
        return f"compare: the pictures could not be drawn ({in_one_line(error)}); the tables are kept"
    return ""
