"""The machine and the versions on which the exact numbers of a run depend."""

import os
import platform
from collections.abc import MutableMapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# Sums round differently when they are split among threads; the networks here are too small to gain from several.
THREAD_SETTINGS = (
    "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip


def use_one_thread(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have the numerical libraries use one thread. They read this once, when NumPy is imported."""
    environment.update(dict.fromkeys(THREAD_SETTINGS, "1"))


def adrun_version() -> str:
    """Return the installed version of adrun, or say that it runs from a checkout that was never installed."""
    try:
        return version("adrun")
    except PackageNotFoundError:
        return "(not installed)"


def versions() -> dict[str, str]:
    """Return the versions of adrun, Python and NumPy."""
    return {"adrun": adrun_version(), "Python": platform.python_version(), "NumPy": version("numpy")}


def machine() -> dict[str, str | int]:
    """Return the processor, the system and the BLAS: its name, version, kernels and number of threads."""
    from threadpoolctl import threadpool_info

    found: dict[str, str | int] = {"processor": processor(), "system": f"{platform.system()} {platform.machine()}"}
    for library in threadpool_info():
        if library["user_api"] == "blas":
            name = [library["internal_api"], library["version"], library.get("architecture")]
            return found | {"BLAS": " ".join(filter(None, name)), "threads": library["num_threads"]}
    return found | {"BLAS": "unknown"}


def processor() -> str:
    """Return the processor's name as its maker gives it, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [
        value.strip() for name, _, value in (line.partition(":") for line in lines) if name.strip() == "model name"
    ]
    return names[0] if names else platform.processor() or platform.machine()
