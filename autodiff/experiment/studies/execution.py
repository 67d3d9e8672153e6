"""How the runs of a study are carried out: in this process, in several, or on a cluster. Nothing else knows which."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from autodiff.experiment.config import memory
from autodiff.experiment.config.load import Experiment
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.runs.run import Options, Outcome
from autodiff.experiment.studies.cluster import LOCAL, Cluster, check_scheduler
from autodiff.experiment.studies.here import Here
from autodiff.experiment.studies.pool import Pool

OF_THE_MEMORY = 0.5  # of the machine's, that the worker processes may take where their number is ours to choose


class Execution(Protocol):
    """What carries out runs."""

    def outcomes(self, experiments: Sequence[Experiment], options: Options) -> Iterator[Outcome]:
        """Yield what each run came to, as they end. A run that was not begun when it was asked to stop has none."""


@dataclass(frozen=True)
class Where:
    """Where runs are carried out: how many at once (None to choose), and on a scheduler's workers, if one is named."""

    jobs: int | None = None
    scheduler: str | None = None
    any_version: bool = False  # whether the workers may have other versions than ours

    def __post_init__(self) -> None:
        if self.scheduler is not None:
            check_scheduler(self.scheduler, self.jobs)

    def at_once(self, experiments: Sequence[Experiment]) -> int:
        """Return how many runs this machine carries out at once, or 1 where others do."""
        return jobs_for(experiments, self.jobs) if self.scheduler in (None, LOCAL) else 1

    def in_words(self, at_once: int) -> str:
        """Say how many runs are carried out at once."""
        return f"{at_once} at once" if self.scheduler in (None, LOCAL) else f"for one worker of {self.scheduler}"


def execution(experiments: Sequence[Experiment], where: Where, interrupts: Interrupts, visible: bool) -> Execution:
    """Return what carries out the runs; `visible` tells whether progress may be shown."""
    jobs = where.at_once(experiments)
    if where.scheduler is not None:
        return Cluster(where.scheduler, jobs, interrupts, visible, any_version=where.any_version)
    return Pool(jobs, interrupts, visible) if jobs > 1 else Here(interrupts, visible)


def jobs_for(experiments: Sequence[Experiment], asked: int | None) -> int:
    """Return how many runs are carried out at once: what was asked, or as many as processors and memory allow."""
    if asked is None:
        needed = max((memory.together([experiment.config.needs()]) for experiment in experiments), default=1)
        asked = max(1, min(processors(), int(physical_memory() * OF_THE_MEMORY / needed)))
    return min(asked, max(len(experiments), 1))


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def physical_memory() -> float:
    """Return the bytes of this machine's memory, infinity where the system does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return float("inf")
