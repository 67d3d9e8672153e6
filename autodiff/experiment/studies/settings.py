"""The settings of a study: runs that differ in nothing but their seed are of one setting."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from autodiff.experiment.config.config import Config
from autodiff.experiment.config.names import without_settings
from autodiff.experiment.runs.run import Outcome
from autodiff.experiment.runs.summary import MILESTONES

OF_PICTURES = {"frames", "style"}
SEED = ("seed",)

Summary = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """A config with all its seeds: what each run came to, in the order of the seeds."""

    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def config(self) -> Config:
        """The config, with the first of the seeds."""
        return self.outcomes[0].experiment.config

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, in order."""
        return tuple(outcome.experiment.config.seed for outcome in self.outcomes)

    def values(self, measure: "Measure", seeds: Collection[int] | None = None) -> list[float]:
        """Return a measure of the runs, of all or of those with some seeds, in the order of the seeds."""
        wanted = self.seeds if seeds is None else seeds
        return [
            measure.value(outcome.summary)
            for seed, outcome in zip(self.seeds, self.outcomes, strict=True)
            if seed in wanted
        ]


def settings_of(outcomes: Sequence[Outcome]) -> list[Setting]:
    """Return the settings of runs, in the order of their first runs; a second run of one seed is of another setting."""
    found: dict[tuple[str, int], dict[int, Outcome]] = {}
    for outcome in outcomes:
        config = outcome.experiment.config
        key, again = config.model_dump_json(exclude=OF_PICTURES | {"seed"}), 0
        while config.seed in found.get((key, again), {}):
            again += 1
        found.setdefault((key, again), {})[config.seed] = outcome
    settings = []
    for of_seeds in found.values():
        runs = tuple(of_seeds[seed] for seed in sorted(of_seeds))
        name = runs[0].experiment.name
        settings.append(Setting(without_settings(name, [SEED]) if len(runs) > 1 else name, runs))
    return settings


@dataclass(frozen=True)
class Measure:
    """What runs are compared by: a number that each one's summary gives."""

    key: str  # in statistics.json
    label: str
    smaller_is_better: bool
    value: Callable[[Summary], float]


def measures(outcomes: Sequence[Outcome]) -> list[Measure]:
    """Return what runs are compared by, measured on the held-out points where all of them have been in the end."""
    held_out = all(_is_measured_on_held_out(outcome.summary) for outcome in outcomes)
    kind, prefix = ("held-out", "test_") if held_out else ("training", "")
    return [
        Measure(
            "accuracy", f"final {kind} accuracy", False, lambda summary: _final(summary, f"{prefix}accuracy", -math.inf)
        ),
        Measure("loss", f"final {kind} loss", True, lambda summary: _final(summary, f"{prefix}loss", math.inf)),
        *(_milestone(f"{level:.2f}", f"epochs to {level:.0%} {kind} accuracy", prefix) for level in MILESTONES),
    ]


def _is_measured_on_held_out(summary: Summary) -> bool:
    """Tell whether a run's last epoch was; that of an interrupted one may not have been, for not every epoch is."""
    if "epochs_to_test_accuracy" not in summary:
        return False
    return summary["status"] == "diverged" or summary["final"].get("test_accuracy") is not None


def _final(summary: Summary, name: str, worst: float) -> float:
    """Return what the last epoch had; of a run that diverged what is worse than any number."""
    value = None if summary["status"] == "diverged" else summary["final"].get(name)
    return worst if value is None else float(value)


def _milestone(level: str, label: str, prefix: str) -> Measure:
    """Return the epochs to an accuracy; infinitely many for a run that never had it, which is later than all others."""

    def value(summary: Summary) -> float:
        epochs = summary[f"epochs_to_{prefix}accuracy"][level]
        return math.inf if epochs is None else float(epochs)

    return Measure(f"epochs_to_{level}", label, True, value)
