"""adrun as a process of its own, for the tests of its commands."""

import atexit
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile

ROOT = Path(__file__).parents[1]
CONFIG = """\
activation: relu
optimizer: sgd
learning_rate: 0.1
epochs: 12
frames: 3
hidden: [5]
dataset: {points_per_class: 10}
"""
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "COLUMNS")} | {
    "PYTHONPATH": str(ROOT)
}
COMMAND = [sys.executable, "-W", "error", str(ROOT / "cli.py")]
# A shell has what it runs in the background ignore SIGINT, and its children too: there the tests have to hold as well.
HEARING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
PROGRAM = "import cli\n{}\ncli.main()\n"


def adrun(
    folder: Path, *arguments: str, code: int = 0, given: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with a text on stdin if one is given; it must end with the code, and no traceback."""
    if environment or not hasattr(os, "fork"):
        done = subprocess.run(
            [*COMMAND, *arguments], cwd=folder, env=ENVIRONMENT | environment, input=given, capture_output=True,
            text=True, timeout=120, check=False, stdin=subprocess.DEVNULL if given is None else None,
        )  # fmt: skip
    else:
        done = forked(folder, PROGRAM.format(""), *arguments, given=given)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return done


def interrupted(
    folder: Path, *arguments: str, signals: list[int], until: str, before: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command, after some lines of Python, and send it signals once a file is there; no traceback may show."""

    def interrupt(process: int) -> None:
        deadline = time.monotonic() + 60
        while not list(folder.glob(until)) and time.monotonic() < deadline:
            time.sleep(0.02)
        for number in signals:
            os.kill(process, number)

    done = forked(folder, PROGRAM.format(HEARING + before), *arguments, meanwhile=interrupt)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def forked(
    folder: Path,
    program: str,
    *arguments: str,
    given: str | None = None,
    meanwhile: Callable[[int], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program of Python's in a fork of a process that has imported adrun: most of a command's time is imports.

    meanwhile: called with the number of the process as soon as there is one.
    """
    asked = json.dumps({"folder": str(folder), "program": program, "arguments": arguments})
    with TemporaryFile("w+") as stdin, TemporaryFile("w+") as stdout, TemporaryFile("w+") as stderr:
        stdin.write(given or "")
        stdin.seek(0)
        connection = template()
        socket.send_fds(connection, [asked.encode()], [file.fileno() for file in (stdin, stdout, stderr)])
        with connection.makefile() as answers:
            process = int(answers.readline())
            if meanwhile is not None:
                meanwhile(process)
            code = int(answers.readline())
        stdout.seek(0)
        stderr.seek(0)
        return subprocess.CompletedProcess(["adrun", *arguments], code, stdout.read(), stderr.read())


@cache
def template() -> socket.socket:
    """Start the process that forks, once; return what it is asked by. It ends with the tests."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-W", "error", str(ROOT / "tests" / "template.py"), str(theirs.fileno())]
    process = subprocess.Popen(
        command, env=ENVIRONMENT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
