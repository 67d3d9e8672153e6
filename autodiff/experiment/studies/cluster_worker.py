"""What a worker of a Dask cluster does: it trains runs in a folder of its own, and returns the files of their records.

It shares no folder with those who ask for the runs: what an unfinished run has left is sent along with it.
"""

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from autodiff.experiment.config.load import Experiment
from autodiff.experiment.errors import RunError
from autodiff.experiment.files import write_files
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.progress import Progress
from autodiff.experiment.runs.machine import versions
from autodiff.experiment.runs.place import Place
from autodiff.experiment.runs.record import is_record, read_record
from autodiff.experiment.runs.run import Options, Outcome, run

THREADS = "threads"
STUDIES: dict[str, Interrupts] = {}
"""Those that this process has heard of, by their keys: whether their runs are to stop."""


@dataclass(frozen=True)
class Sent:
    """A run to be trained, and the files from which it is to go on; none to begin anew."""

    experiment: Experiment
    files: dict[str, bytes]


@dataclass(frozen=True)
class Returned:
    """What a run came to on a worker, the files of its record, the host, and the seconds that it took."""

    outcome: Outcome
    files: dict[str, bytes]
    host: str
    seconds: float


def state_of(dask_worker: Any) -> dict[str, str]:
    """Return what the bytes of a record depend on: a worker's versions, and how many runs it trains at once."""
    return versions() | {THREADS: str(dask_worker.state.nthreads)}


def check(worker: str, found: dict[str, str], wanted: dict[str, str] | None) -> None:
    """Raise RunError if a worker, named by its address, has other versions than are wanted, or several threads."""
    if found[THREADS] != "1":
        advice = "start it with --nthreads 1, and with --nworkers as many as there are processors"
        raise RunError(
            f"{worker}: this worker has {found[THREADS]} threads, and a run needs a process of one; {advice}"
        )
    differing = [
        f"{what} {found[what]}, and {version} here"
        for what, version in (wanted or {}).items()
        if found[what] != version
    ]
    if differing:
        advice = "install the same there, or give --allow-version-mismatch: every record names its versions"
        raise RunError(f"{worker}: this worker has {'; '.join(differing)}; {advice}")


def stop(study: str) -> None:
    """Have the runs of a study end in order that are under way here, and those not begin that are yet to come."""
    STUDIES.setdefault(study, Interrupts()).asked = True


def train(study: str, batch: Sequence[Sent], options: Options, wanted: dict[str, str] | None) -> list[Returned]:
    """Train runs one after the other, up to the one that is interrupted. Raises RunError as `check` does."""
    from distributed import get_worker
    from threadpoolctl import threadpool_limits

    worker = get_worker()
    check(worker.address, state_of(worker), wanted)
    interrupts = STUDIES.setdefault(study, Interrupts())
    returned = []
    with threadpool_limits(1):  # NumPy may have been imported with more, and the bytes depend on it
        for sent in batch:
            if interrupts.asked:
                break
            with TemporaryDirectory(dir=worker.local_directory) as folder:  # which Dask removes after a kill
                returned.append(_trained(sent, replace(options, results=Path(folder)), interrupts))
    return returned


def _trained(sent: Sent, options: Options, interrupts: Interrupts) -> Returned:
    started = time.monotonic()
    place = Place(options.results, sent.experiment.name)
    if sent.files:
        write_files(place.staging, sent.files)
    options = replace(options, resume=bool(sent.files), overwrite=False)
    outcome = run(sent.experiment, options, Progress(visible=False), place, interrupts)
    files = read_record(outcome.folder).contents() if is_record(outcome.folder) else {}
    return Returned(outcome, files, platform.node(), time.monotonic() - started)
