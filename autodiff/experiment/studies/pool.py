"""The runs of a study in several worker processes of this machine."""

import signal
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess

from autodiff.experiment.config.load import Experiment
from autodiff.experiment.errors import InputError, RunError
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.runs.place import Place, claimed
from autodiff.experiment.runs.run import Options, Outcome, failed
from autodiff.experiment.studies.progress import StudyProgress
from autodiff.experiment.studies.worker import FROM_A_TERMINAL, STOP, Task, work

MOST_ATTEMPTS = 4  # the first, and three that go on with it
SECONDS_BETWEEN = 0.2  # of one look at whether to stop, and the next


@dataclass(frozen=True)
class Attempt:
    """A run to be trained, and how often it was begun, this time included."""

    experiment: Experiment
    options: Options
    number: int = 1

    def next(self) -> "Attempt":
        """Return the attempt that goes on with what this one has left."""
        return Attempt(self.experiment, replace(self.options, resume=True), self.number + 1)

    def failed(self, error: Exception, process: int | None = None) -> Outcome:
        """Return the outcome when something went wrong; `process` is the worker's that has begun it."""
        return failed(self.experiment, Place(self.options.results, self.experiment.name), error, process)


class Pool:
    """Trains runs in worker processes, each with one numerical thread; see `Execution`.

    A worker that is killed costs the last seconds of its run: another one goes on with it, three times at most.
    """

    def __init__(self, jobs: int, interrupts: Interrupts, visible: bool) -> None:
        """`visible` tells whether a line of progress may be shown."""
        self.jobs = jobs
        self.interrupts = interrupts
        self.visible = visible

    def outcomes(self, experiments: Sequence[Experiment], options: Options) -> Iterator[Outcome]:
        """Yield what each run came to, as they end. Asked to stop, it waits for those that have begun."""
        waiting = deque(Attempt(experiment, options) for experiment in experiments)
        workers = [Worker() for _ in range(self.jobs)]
        progress = StudyProgress(self.visible, [experiment.config.epochs for experiment in experiments])
        with self.interrupts.held_back(), progress.shown(), ExitStack() as ending:
            for worker in workers:
                ending.callback(worker.leave)
            while waiting or any(worker.attempt for worker in workers):
                if self.interrupts.asked:
                    waiting.clear()
                    for worker in workers:
                        worker.stop()
                for worker in workers:
                    while waiting and worker.attempt is None:
                        attempt = waiting.popleft()
                        try:
                            worker.begin(attempt)
                        except (InputError, RunError) as error:  # its place is taken, or cannot be written to
                            yield progress.ended(attempt.failed(error))
                for worker, attempt in heard(workers):
                    outcome = worker.hear()
                    if outcome is None:
                        continue
                    if worker.gone and not self.interrupts.asked and attempt.number < MOST_ATTEMPTS:
                        waiting.appendleft(attempt.next())
                    else:
                        yield progress.ended(outcome)
                progress.show_running([worker.epoch for worker in workers if worker.attempt])


def heard(workers: "Sequence[Worker]") -> "list[tuple[Worker, Attempt]]":
    """Return the workers that have something to tell or are gone, with their runs, as soon as there is one."""
    busy = [(worker, worker.attempt) for worker in workers if worker.attempt is not None]
    ready = wait([worker.connection for worker, _ in busy], SECONDS_BETWEEN)
    return [(worker, attempt) for worker, attempt in busy if worker.connection in ready]


class Worker:
    """A worker process as the pool sees it: started for its first run, and anew when it is gone."""

    def __init__(self) -> None:
        self.attempt: Attempt | None = None  # at the run that is under way
        self.epoch = 0  # that it has reached
        self.lock = ExitStack()  # of its place
        self.gone = True
        self.stopped = False

    def begin(self, attempt: Attempt) -> None:
        """Have a run trained. Raises InputError and RunError when its place cannot be had."""
        self.lock.enter_context(claimed(attempt.options.results, attempt.experiment.name))
        if self.gone:
            self._start()
        self.attempt, self.epoch = attempt, 0
        with suppress(OSError):  # it was killed while it was idle: `hear` will say so
            self.connection.send(Task(attempt.experiment, attempt.options))

    def _start(self) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=work, args=(theirs,), daemon=True)
        with self._deaf():
            self.process.start()
        theirs.close()  # so that this end is told when the process is gone
        self.gone = self.stopped = False

    @staticmethod
    @contextmanager
    def _deaf() -> Iterator[None]:
        """Have a process that is started now hold back what a terminal sends to all, from before it can ignore it."""
        if not hasattr(signal, "pthread_sigmask"):
            yield
            return
        resource_tracker.ensure_running()  # which lets the signals through when it is started
        before = signal.pthread_sigmask(signal.SIG_BLOCK, FROM_A_TERMINAL)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def hear(self) -> Outcome | None:
        """Return what the run came to, or None if it goes on. A process that was killed or stopped is gone then."""
        attempt = self.attempt
        assert attempt is not None
        try:
            message: int | Outcome = self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            times = "once" if attempt.number == 1 else f"{attempt.number} times"
            how = f"its worker process was killed {times}, with exit code {self.process.exitcode}"
            error = RunError(f"{attempt.experiment.name}: failed: {how} (-9 is often that memory ran out)")
            outcome = attempt.failed(error, self.process.pid)
            self.leave()
            return outcome
        if isinstance(message, int):
            self.epoch = message
            return None
        self.attempt = None
        self.lock.close()
        if message.status == "interrupted":
            self.leave()
        return message

    def stop(self) -> None:
        """Have the run that is under way end in order, keeping what it has reached."""
        if self.attempt is not None and not self.stopped:
            self.stopped = True
            with suppress(OSError):
                self.connection.send(STOP)

    def leave(self) -> None:
        """End the process, which is gone as soon as the connection is closed."""
        if not self.gone:
            self.connection.close()
            self.process.join()
        self.gone = True
        self.attempt = None
        self.lock.close()
