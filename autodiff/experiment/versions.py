"""The versions on which the exact numbers of a run depend."""

import platform
from importlib.metadata import PackageNotFoundError, version


def adrun_version() -> str:
    """Return the installed version of adrun, or say that it runs from a checkout that was never installed."""
    try:
        return version("adrun")
    except PackageNotFoundError:
        return "(not installed)"


def versions() -> dict[str, str]:
    """Return the versions of adrun, Python and NumPy."""
    return {"adrun": adrun_version(), "Python": platform.python_version(), "NumPy": version("numpy")}
