"""What drawing must not depend on: how matplotlib is set up on this machine, and how busy its other cores are."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def shielded() -> Iterator[None]:
    """Draw with matplotlib's own settings, whatever a matplotlibrc, MPLBACKEND or a style says, and on one thread.

    The products of small networks are too short to share: a BLAS that waits for a thread on a busy core takes ten times
    as long as one that does not.
    """
    import_matplotlib()
    import matplotlib
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"), matplotlib.rc_context():
        matplotlib.rcParams.update(
            {name: value for name, value in matplotlib.rcParamsDefault.items() if not name.startswith("backend")}
        )
        yield


def import_matplotlib() -> None:
    """Import matplotlib without MPLBACKEND: it names what shows figures, which nobody does here, and may not exist.

    Nor does it say where it keeps its cache instead when it cannot write to the home folder.
    """
    if "matplotlib" in sys.modules:
        return
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib  # noqa: F401
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
