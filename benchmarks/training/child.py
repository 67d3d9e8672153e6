"""One process for each contestant, so that no library disturbs another; the parent asks, one at a time."""

import time
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from benchmarks.training.contestants import Contestant
from benchmarks.training.work import Row, Training

FIRST_CALL_LIMIT = 180.0
"""Seconds until a contestant that compiles is given up."""


class ContestantError(Exception):
    """A contestant does not run: the reason in one line."""


class Answer(NamedTuple):
    """What running some steps gave: the time by the clock, that of the processor, and the last loss.

    The processor's time is that of the clock as long as nothing else runs on the core, and does not grow if it does.
    """

    clock_seconds: float
    processor_seconds: float
    loss: float


class Facts:
    """The request for what a contestant tells of itself."""


def serve(connection: Connection, module: str) -> None:
    """Answer requests, in the child: a row by making its training, a number of steps with what running them gave."""
    training: Training | None = None
    while True:
        try:
            request = connection.recv()
        except EOFError:  # the parent was stopped
            return
        try:
            if isinstance(request, Row):
                training = None  # the memory of the row before is free before that of the next is taken
                training = import_module(f"benchmarks.training.contestants.{module}").make(request)
                connection.send(None)
            elif training is None:
                raise ContestantError("no training was made")
            elif isinstance(request, Facts):
                connection.send(training.facts())
            else:
                clock, processor = time.perf_counter(), time.process_time()
                losses = training.run(request)
                answer = Answer(time.perf_counter() - clock, time.process_time() - processor, losses[-1])
                connection.send(answer)
        except Exception as error:  # whatever a library raises is what the table has to say of it
            connection.send(f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}")


class Child:
    """The process of a contestant."""

    def __init__(self, contestant: Contestant) -> None:
        context = get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other, contestant.module), daemon=True)
        self.process.start()
        other.close()

    def make(self, row: Row) -> None:
        """Make the training of a row."""
        self.ask(row)

    def run(self, steps: int, limit: float | None = None) -> Answer:
        """Take some steps, within a limit of seconds."""
        answer = self.ask(steps, limit)
        assert isinstance(answer, Answer)
        return answer

    def facts(self) -> dict[str, float]:
        """Return what the contestant tells of itself, after it has run."""
        facts: dict[str, float] = self.ask(Facts())
        return facts

    def ask(self, request: Row | Facts | int, limit: float | None = None) -> Any:
        """Send a request and wait for the answer. Raises ContestantError if there is none within the limit."""
        try:
            self.connection.send(request)
            if not self.connection.poll(limit):
                self.stop()
                raise ContestantError(f"its first step was not done after {limit:.0f} seconds")
            answer = self.connection.recv()
        except (EOFError, OSError) as error:
            raise ContestantError("its process has ended") from error
        if isinstance(answer, str):
            raise ContestantError(answer)
        return answer

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.join()
