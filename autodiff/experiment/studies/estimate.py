"""What a study will take: seconds and bytes, estimated before it begins."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from autodiff.experiment.config.config import Config
from autodiff.experiment.progress import duration
from autodiff.experiment.runs.text import size_text
from autodiff.experiment.training.schedule import TESTED_EVERY, TESTED_THROUGHOUT
from autodiff.experiment.training.training import WARM_UP, Session

MOST_TIMED = 8  # kinds of runs; the others are taken to last as long as these do in the mean
SECONDS_EACH = 0.05  # of a kind of run, that are timed
SECONDS_OF_A_RUN = 0.5  # beside its epochs: compiling its steps, writing its record, its still picture
LOG_ROW = 45  # bytes
SECONDS_OF_AN_ANIMATION, BYTES_OF_AN_ANIMATION = 1.0, 600_000
OTHER_FILES = 60_000  # bytes: summary, config and the still picture
ALIKE = {"learning_rate", "weight_decay", "seed", "epochs", "frames", "style"}  # do not change what an epoch takes


@dataclass(frozen=True)
class Estimate:
    """The seconds that all runs take together, one after the other, and the bytes of their records."""

    seconds: float
    bytes: int

    def in_words(self, jobs: int) -> str:
        """Return both as people say them, when so many runs go at once."""
        return f"about {duration(max(self.seconds / jobs, 1))} and {size_text(self.bytes)}"

    def as_json(self, jobs: int) -> dict[str, float]:
        """Return the same as plain values."""
        return {"jobs": jobs, "seconds": round(self.seconds / jobs, 1), "bytes": self.bytes}


def estimated(configs: Sequence[Config], *, animated: bool = False) -> Estimate:
    """Estimate what runs of these configs take, `animated` or not: some epochs of each kind are timed."""
    kinds = [_kind(config) for config in configs]
    distinct = list(dict.fromkeys(kinds))
    timed = np.linspace(0, len(distinct) - 1, min(len(distinct), MOST_TIMED)).astype(int)
    times = {distinct[i]: seconds_an_epoch(configs[kinds.index(distinct[i])]) for i in timed}
    usual = sum(times.values()) / len(times) if times else 0.0
    seconds = sum(
        times.get(kind, usual) * config.epochs + SECONDS_OF_A_RUN for kind, config in zip(kinds, configs, strict=True)
    )
    animations = len(configs) * animated
    of_records = sum(map(bytes_of_record, configs))
    return Estimate(seconds + animations * SECONDS_OF_AN_ANIMATION, of_records + animations * BYTES_OF_AN_ANIMATION)


def _kind(config: Config) -> Any:
    """Return what the runs have in common that take as long for an epoch."""
    return config.model_dump_json(exclude=ALIKE)


def seconds_an_epoch(config: Config) -> float:
    """Return the seconds that an epoch takes, once its steps are compiled."""
    session = Session(config.model_copy(update={"epochs": 10**6}), kept=[0])
    with np.errstate(all="ignore"):  # it may diverge
        session.advance(WARM_UP)
        session.epoch = TESTED_THROUGHOUT  # before that, held-out points are measured more often
        began_at = session.epoch
        started = time.perf_counter()
        while (passed := time.perf_counter() - started) < SECONDS_EACH or session.epoch == began_at:
            session.advance(TESTED_EVERY)
    return passed / (session.epoch - began_at)


def bytes_of_record(config: Config) -> int:
    """Return about how many bytes a run's record takes: its log, its networks, and what is small."""
    widths = [config.size.features, *config.hidden, config.size.classes]
    parameters = sum((inputs + 1) * outputs for inputs, outputs in pairwise(widths))
    networks = (config.kept_networks + 1) * parameters * np.dtype(config.dtype).itemsize
    data = 0 if config.data_file is None else len(config.data_file.contents)
    return LOG_ROW * (config.epochs + 1) + networks + data + OTHER_FILES
