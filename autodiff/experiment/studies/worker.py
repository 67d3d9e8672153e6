"""A worker: a process that trains the runs it is sent, one after the other.

It and the pool talk through a connection. The pool sends `Task`s, and `STOP` when the run under way is to end in order;
the worker sends the epochs that it has reached, and the `Outcome` of every run. When the connection is closed, for the
pool is done or was killed, the worker is gone at once: nobody holds the lock of its run any more.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue

from autodiff.experiment.config.load import Experiment
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.progress import Progress, Report
from autodiff.experiment.runs.place import Place
from autodiff.experiment.runs.run import Options, run

STOP = "stop"
FROM_A_TERMINAL = [getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]
"""Signals that a terminal sends to all its processes; the pool says what is to be done."""
SECONDS_BETWEEN = 0.25  # of one message that tells the epoch, and the next


@dataclass(frozen=True)
class Task:
    """A run to be trained; the pool holds the lock of its place."""

    experiment: Experiment
    options: Options


def work(connection: Connection) -> None:
    """Train what the connection brings, until it is closed or the process is asked to stop."""
    interrupts = Interrupts()
    for number in FROM_A_TERMINAL:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, interrupts.take)
    tasks: SimpleQueue[Task] = SimpleQueue()
    with interrupts.held_back():
        threading.Thread(target=_listen, args=(connection, tasks), daemon=True).start()  # it may bring STOP at once
        while not interrupts.asked:
            task = tasks.get()
            place = Place(task.options.results, task.experiment.name)
            progress = _Told(connection)
            connection.send(run(task.experiment, task.options, progress, place, interrupts))


def _listen(connection: Connection, tasks: "SimpleQueue[Task]") -> None:
    """Hand on what the connection brings."""
    while True:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            os._exit(1)
        if message == STOP:
            signal.raise_signal(signal.SIGTERM)
        else:
            tasks.put(message)


class _Told(Progress):
    """Progress that is told to the pool."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(visible=False)
        self.connection = connection

    @contextmanager
    def of(self, name: str, epochs: int) -> Iterator[Report]:
        """Yield the function that a run calls after every epoch."""
        due = time.monotonic() + SECONDS_BETWEEN

        def report(epoch: int, measured: Mapping[str, float]) -> None:
            nonlocal due
            if time.monotonic() >= due:
                self.connection.send(epoch)
                due = time.monotonic() + SECONDS_BETWEEN

        yield report
