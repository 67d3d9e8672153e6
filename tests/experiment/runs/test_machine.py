import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autodiff.experiment.runs.machine import THREAD_SETTINGS, machine, processor, use_one_thread, versions

ROOT = Path(__file__).parents[3]


def test_the_machine_names_what_the_bytes_depend_on() -> None:
    found = machine()
    assert found["processor"] == processor() != ""
    assert {"processor", "system", "BLAS"} <= set(found)
    assert versions()["NumPy"] == np.__version__


def test_the_processor_is_named_where_there_is_no_cpuinfo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *arguments, **keywords: (_ for _ in ()).throw(FileNotFoundError()))
    assert processor()


@pytest.mark.parametrize("asked", ["1", "2"])
def test_a_run_has_one_numerical_thread_whatever_the_environment_says(asked: str) -> None:
    program = (
        "from autodiff.experiment.runs.machine import machine, use_one_thread; use_one_thread(); import numpy; "
        "print(machine().get('threads', 1))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | dict.fromkeys(THREAD_SETTINGS, asked)
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


def test_only_the_threads_are_set() -> None:
    environment = {"PATH": "/bin", "OMP_NUM_THREADS": "4"}
    use_one_thread(environment)
    assert environment.pop("PATH") == "/bin"
    assert environment == dict.fromkeys(THREAD_SETTINGS, "1")
