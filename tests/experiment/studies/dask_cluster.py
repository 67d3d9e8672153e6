"""A scheduler of Dask's and its workers, as processes of this machine, for the tests."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[3]


def wait_until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + 300
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def when(happened: Callable[[], bool], act: Callable[[], None]) -> threading.Thread:
    """Act, in a thread, as soon as something has happened."""

    def watch() -> None:
        wait_until(happened)
        act()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


class DaskCluster:
    """The processes; they write to a folder, and are killed at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.file = folder / "scheduler.json"

    def start(self, command: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        command_line = [sys.executable, "-m", "dask", command, "--scheduler-file", str(self.file)]
        command_line += ["--dashboard-address", "127.0.0.1:0"]
        with (self.folder / f"{command}-{len(self.processes)}.txt").open("wb") as log:
            process = subprocess.Popen(
                [*command_line, *arguments],
                cwd=self.folder, env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def scheduler(self, **environment: str) -> subprocess.Popen[bytes]:
        process = self.start("scheduler", "--host", "127.0.0.1", "--port", "0", **environment)
        wait_until(self.file.exists)
        return process

    def worker(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        arguments = ("--host", "127.0.0.1", "--nthreads", "1", "--local-directory", str(self.folder), *arguments)
        return self.start("worker", *arguments, **environment)

    @property
    def address(self) -> str:
        return str(json.loads(self.file.read_text())["address"])


@contextmanager
def dask_cluster(folder: Path) -> Iterator[DaskCluster]:
    cluster = DaskCluster(folder)
    try:
        yield cluster
    finally:
        for process in reversed(cluster.processes):
            process.kill()
        for process in cluster.processes:
            process.wait()
