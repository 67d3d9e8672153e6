"""What the numbers were measured on, and the single thread that all contestants have."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ["numpy", "torch", "jax", "jaxlib", "autograd", "mygrad"]

ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "TORCHINDUCTOR_COMPILE_THREADS": "1",
}


def use_one_core() -> None:
    """Have this process and its children run on one core with one thread each; before any library is imported.

    The core is what counts: XLA makes as many threads as it may use cores, whatever its flags say.
    """
    os.environ.update(ONE_THREAD)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def describe(cores: int) -> list[str]:
    """Return lines about the machine and the versions of what was measured."""
    return [
        f"{processor()}, {cores} cores, one of them used; {platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}, " + ", ".join(f"{name} {version_of(name)}" for name in PACKAGES),
    ]


def processor() -> str:
    """Return the name of the processor."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def version_of(package: str) -> str:
    """Return the version that is installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
