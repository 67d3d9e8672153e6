"""adrun as a process of its own, for the tests of its commands."""

import os
import subprocess
import sys
import time
from pathlib import Path

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
PROGRAM = "import sys, cli\n{}\nsys.argv = ['adrun', *sys.argv[1:]]\ncli.main()\n"


def adrun(
    folder: Path, *arguments: str, code: int = 0, given: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with a text on stdin if one is given; it must end with the code, and no traceback."""
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=folder, env=ENVIRONMENT | environment, input=given, capture_output=True, text=True,
        timeout=120, check=False, stdin=subprocess.DEVNULL if given is None else None,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return done


def interrupted(
    folder: Path, *arguments: str, signals: list[int], until: str, before: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command, after some lines of Python, and send it signals once a file is there; no traceback may show."""
    command = [sys.executable, "-c", PROGRAM.format(HEARING + before), *arguments]
    with subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            deadline = time.monotonic() + 60
            while not list(folder.glob(until)) and time.monotonic() < deadline:
                time.sleep(0.02)
            for number in signals:
                process.send_signal(number)
            output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert "Traceback" not in errors, errors
    return subprocess.CompletedProcess(command, process.returncode, output, errors)
