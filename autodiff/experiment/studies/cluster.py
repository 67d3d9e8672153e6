"""The runs of a study on a cluster of Dask's, whose workers return the records through the scheduler."""

import importlib.util
import math
import re
import time
import uuid
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any

from autodiff.experiment.config.load import Experiment
from autodiff.experiment.errors import InputError, RunError, in_one_line
from autodiff.experiment.files import write_files
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.runs.machine import versions
from autodiff.experiment.runs.place import Place, claimed
from autodiff.experiment.runs.record import read_record
from autodiff.experiment.runs.run import Options, Outcome, failed, publish, resumable, stands
from autodiff.experiment.runs.summary import command
from autodiff.experiment.studies import cluster_worker
from autodiff.experiment.studies.cluster_worker import Returned, Sent
from autodiff.experiment.studies.progress import StudyProgress
from autodiff.experiment.terminal import warn

LOCAL = "local"
SECONDS_TO_CONNECT = 5.0
SECONDS_TO_STOP = 30.0  # that runs under way have to end in order; an epoch, or the drawing of a picture, goes first
SECONDS_BETWEEN = 0.02  # of one look at what is done, and the next
SECONDS_BETWEEN_COUNTS = 1.0  # of one look at how many workers there are, and the next
SECONDS_A_TASK = 3.0  # that a task lasts: the scheduler's milliseconds are little beside it, and a kill costs no more
UNDER_WAY = ("pending", "lost")  # a task is lost when its worker is, and begun anew by another
TASKS_A_WORKER = 2  # the one that it is at, and the next
QUIET = {
    "logging": dict.fromkeys(("distributed", "distributed.client", "asyncio", "tornado"), "critical"),
    "distributed.comm.timeouts.connect": f"{SECONDS_TO_CONNECT} s",
    "distributed.worker.profile.enabled": False,  # of local workers, which would keep it for an hour: 0.3 MB a second
    "distributed.admin.large-graph-warning-threshold": "1 TiB",  # a run to go on with brings its networks along
}


def check_scheduler(scheduler: str, jobs: int | None) -> None:
    """Raise InputError if the options that name a scheduler are wrong, or if Dask is not installed."""
    if scheduler != LOCAL and not re.fullmatch(r"(tcp|tls)://([\w.-]+|\[[\w:]+\]):\d{1,5}", scheduler, re.ASCII):
        allowed = f"must be an address such as tcp://host:8786, or {LOCAL} for workers on this machine"
        raise InputError([f"--scheduler: {allowed}, found {scheduler!r}"])
    if scheduler != LOCAL and jobs is not None:
        advice = f"leave --jobs out, or take --scheduler {LOCAL}"
        raise InputError([f"--jobs: a scheduler has as many workers as were started for it; {advice}"])
    if importlib.util.find_spec("distributed") is None:
        raise InputError(["--scheduler: needs Dask, which is not installed; pip install 'adrun[cluster]'"])


class Cluster:
    """Trains runs on the workers of a scheduler; see `Execution`.

    Dask has the runs of a worker that was killed trained by another one, three times at most.
    """

    def __init__(
        self, scheduler: str, workers: int, interrupts: Interrupts, visible: bool, *, any_version: bool = False
    ) -> None:
        """Take a scheduler's address, or `local` to start one with so many workers.

        visible: whether a line of progress may be shown. any_version: whether workers may have other versions.
        """
        self.scheduler = scheduler
        self.workers = workers
        self.interrupts = interrupts
        self.visible = visible
        self.wanted = None if any_version else versions()

    def outcomes(self, experiments: Sequence[Experiment], options: Options) -> Iterator[Outcome]:
        """Yield what each run came to, as they end. Asked to stop, it waits a while for those that have begun.

        Raises InputError when no scheduler answers, and RunError when it is gone, or when a worker has other versions.
        """
        progress = StudyProgress(self.visible, [experiment.config.epochs for experiment in experiments])
        with self.interrupts.held_back(), progress.shown(), connected(self.scheduler, self.workers) as client:
            study = _Study(client, self.scheduler, experiments, options, self.wanted)
            with study.ending():
                study.check_workers()
                while study.waiting or study.under_way or study.suspects:
                    if self.interrupts.asked and not study.may_wait_for_the_last():
                        return
                    yield from map(progress.ended, study.fill())
                    yield from map(progress.ended, study.done())
                    progress.show_running([0] * study.running)
                    time.sleep(SECONDS_BETWEEN)


@contextmanager
def connected(scheduler: str, workers: int) -> Iterator[Any]:
    """Yield a client of the scheduler, or of one that is started for it. Raises InputError when none answers."""
    import dask

    dask.config.set(QUIET)  # for good: its threads outlast the block
    from distributed import Client, LocalCluster

    with ExitStack() as ending:
        address: Any = scheduler
        if scheduler == LOCAL:
            anywhere = "127.0.0.1:0"  # without an address, Dask's page takes port 8787, and complains when it is taken
            address = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=anywhere)
            ending.enter_context(address)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of versions, which are compared below
                client = Client(address, timeout=SECONDS_TO_CONNECT, direct_to_workers=False, set_as_default=False)
        except (OSError, ValueError, ImportError) as error:
            advice = f"start one with `dask scheduler`, or take --scheduler {LOCAL}"
            raise InputError([f"--scheduler: none answers at {scheduler} ({error}); {advice}"]) from None
        yield ending.enter_context(client)


class _Study:
    """A study as its client sees it: the runs that wait, and the tasks at the scheduler."""

    def __init__(
        self,
        client: Any,
        scheduler: str,
        experiments: Sequence[Experiment],
        options: Options,
        wanted: dict[str, str] | None,
    ) -> None:
        self.client = client
        self.scheduler = scheduler
        self.waiting = deque(experiments)
        self.runs = len(experiments)
        self.options = options
        self.wanted = wanted
        self.key = f"adrun-{uuid.uuid4().hex}"
        self.under_way: dict[Any, list[Sent]] = {}  # by the future of their task
        self.suspects: deque[Sent] = deque()  # they were on workers that were killed
        self.alone: Any = None  # the future of the suspect that was sent last
        self.seconds: list[float] = []  # that runs took
        self.ended = 0
        self.workers = 0
        self.counted = -math.inf
        self.deadline = math.inf

    def check_workers(self) -> None:
        """Raise RunError if a worker has other versions than ours."""
        with self._answering():
            states = self.client.run(cluster_worker.state_of, on_error="return")
        for worker, found in states.items():
            if isinstance(found, Exception):
                raise _no_adrun(worker, found)
            cluster_worker.check(worker, found, self.wanted)

    @property
    def running(self) -> int:
        """How many runs are under way: a worker is at one at a time."""
        return min(self.workers, sum(map(len, self.under_way.values())))

    def _count_workers(self) -> bool:
        """Count the workers, which come and go, now and then; return whether that was done."""
        now = time.monotonic()
        if now < self.counted + SECONDS_BETWEEN_COUNTS:
            return False
        with self._answering():
            workers = len(self.client.nthreads())
        if not workers and (self.workers or self.counted < 0):
            warn(f"{self.scheduler}: has no workers; the runs go on as soon as there is one")
        self.workers, self.counted = workers, now
        return True

    def fill(self) -> Iterator[Outcome]:
        """Send out tasks, as many as keep all workers busy; yield the outcomes of runs that were done before."""
        self._count_workers()
        while self.waiting and len(self.under_way) < TASKS_A_WORKER * max(self.workers, 1):
            batch: list[Sent] = []
            size = self._size()
            while self.waiting and len(batch) < size:
                sent = self._prepared(self.waiting.popleft())
                if isinstance(sent, Outcome):
                    yield sent
                else:
                    batch.append(sent)
            if batch:
                self._send(batch)
        if self.suspects and not self.under_way:  # last, and one at a time: who is killed now is to blame
            self.alone = self._send([self.suspects.popleft()])

    def _size(self) -> int:
        """Return how many runs the next task is to hold: more of short ones, but such that all workers have some."""
        usual = sum(self.seconds) / len(self.seconds) if self.seconds else math.inf
        share = math.ceil(len(self.waiting) / (TASKS_A_WORKER * max(self.workers, 1)))
        return max(1, min(int(SECONDS_A_TASK / usual), share))

    def _prepared(self, experiment: Experiment) -> Sent | Outcome:
        """Return what is sent for a run, or its outcome when it is done already or may not be gone on with."""
        if not self.options.resume:
            return Sent(experiment, {})
        place = Place(self.options.results, experiment.name)
        try:
            with claimed(place.results, place.name):
                if (standing := stands(place, experiment)) is not None:
                    return standing
                goes_on = resumable(place, experiment, self.options) is not None
                return Sent(experiment, read_record(place.staging).contents() if goes_on else {})
        except (InputError, RunError, OSError) as error:
            return failed(experiment, place, error)

    def _send(self, batch: list[Sent]) -> Any:
        with self._answering():
            future = self.client.submit(
                cluster_worker.train, self.key, batch, self.options, self.wanted,
                key=f"{self.key}-{uuid.uuid4().hex}", pure=False,
            )  # fmt: skip
        self.under_way[future] = batch
        return future

    def done(self) -> Iterator[Outcome]:
        """Yield the outcomes of the runs whose tasks are done, their records written."""
        done = [future for future in self.under_way if future.status not in UNDER_WAY]
        if any(future.status == "cancelled" for future in done):
            raise self._gone()
        finished = [future for future in done if future.status == "finished"]
        with self._answering():
            results = self.client.gather(finished, direct=False) if finished else []
            errors = {future: future.exception() for future in done if future.status == "error"}
        for future, returned in zip(finished, results, strict=True):
            del self.under_way[future]
            for one in returned:
                self.seconds.append(one.seconds)
                self.ended += 1
                yield self._kept(one)
        for future, error in errors.items():
            yield from self._failed(self.under_way.pop(future), error, alone=future is self.alone)

    def _kept(self, returned: Returned) -> Outcome:
        """Write a record that a worker returned, in one step, and return the outcome as it is here."""
        outcome, options = returned.outcome, self.options
        place = Place(options.results, outcome.experiment.name)
        summary = outcome.summary | {"command": command()}
        error = outcome.error.replace(str(outcome.folder), str(place.target))
        try:
            with claimed(place.results, place.name):
                if returned.files:
                    place.begin(summary, afresh=True)
                    write_files(place.staging, returned.files)
                    place.tell(summary)
                if outcome.status == "failed":
                    error += f"; this was on {returned.host}"
                    return replace(outcome, folder=place.staging, summary=summary, error=error)
                folder, note = publish(place, outcome.status, overwrite=options.overwrite)
                return replace(outcome, folder=folder, summary=summary, error=error, note=note)
        except (InputError, RunError, OSError) as problem:
            return failed(outcome.experiment, place, problem)

    def _failed(self, batch: list[Sent], error: BaseException, *, alone: bool) -> Iterator[Outcome]:
        """Yield the outcomes of runs whose task has failed; where workers were killed, only if the run was alone there.

        Dask counts a worker's death for all tasks that it had, of which one may be to blame.
        """
        from distributed.scheduler import KilledWorker

        if isinstance(error, RunError):
            raise error
        if isinstance(error, ImportError):
            raise _no_adrun(self.scheduler, error)
        if isinstance(error, KilledWorker) and not alone:
            self.suspects += batch
            return
        for sent in batch:
            place, name = Place(self.options.results, sent.experiment.name), sent.experiment.name
            self.ended += 1
            if isinstance(error, KilledWorker):
                times = f"its worker was killed {error.allowed_failures + 1} times (often that is memory that ran out)"
                yield failed(sent.experiment, place, RunError(f"{name}: failed: {times}"))
            else:
                yield failed(sent.experiment, place, RunError(f"{name}: failed on its worker: {in_one_line(error)}"))

    def may_wait_for_the_last(self) -> bool:
        """Have the runs that are under way end in order, and begin no others; return whether to wait for them still."""
        self.waiting.clear()
        self.suspects.clear()
        self.deadline = min(self.deadline, time.monotonic() + SECONDS_TO_STOP)
        if self._count_workers():
            self._stop_workers()
        return bool(self.under_way and self.workers) and time.monotonic() < self.deadline

    def _stop_workers(self) -> None:
        with self._answering():
            self.client.run(cluster_worker.stop, self.key, on_error="ignore")

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Leave no run behind at the workers, however the block ends."""
        try:
            yield
        finally:
            if self.under_way and all(future.status != "cancelled" for future in self.under_way):
                with suppress(RunError):
                    self._stop_workers()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Raise RunError if the scheduler is gone when it is asked something in the block."""
        try:
            yield
        except (OSError, CancelledError, TimeoutError):
            raise self._gone() from None

    def _gone(self) -> RunError:
        kept = f"{self.ended} of {self.runs} runs have ended and are kept"
        return RunError(f"{self.scheduler}: the scheduler is gone; {kept}, --resume goes on with the others")


def _no_adrun(worker: str, error: Exception) -> RunError:
    advice = f"install adrun {versions()['adrun']} where its workers are started"
    return RunError(f"{worker}: adrun cannot be used there ({in_one_line(error)}); {advice}")
