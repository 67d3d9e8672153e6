"""A process that has imported what commands need, and forks into each one that it is asked for; see `command_line.py`.

It is started with the number of a socket. What is asked for there comes as JSON, with stdin, stdout and stderr; the
answers are the number of the process, and how it ended.
"""

import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import warnings
from typing import Any

SECONDS = 120
"""After which what hangs is ended."""


def import_all() -> None:
    """Import what commands need; Dask is left to those that want it."""
    import autodiff.experiment
    import cli  # noqa: F401

    for module in pkgutil.walk_packages(autodiff.experiment.__path__, "autodiff.experiment."):
        if "cluster" not in module.name:
            importlib.import_module(module.name)


def serve(connection: socket.socket) -> dict[str, Any]:
    """Fork for everything that is asked for, and return that in the fork; end when nobody is left to ask."""
    while True:
        text, descriptors, _, _ = socket.recv_fds(connection, 65536, 3)
        if not text:
            connection.close()
            sys.exit()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of other threads: those of NumPy's products
            process = os.fork()
        if not process:
            connection.close()
            for number, descriptor in enumerate(descriptors):
                os.dup2(descriptor, number)
                os.close(descriptor)
            asked: dict[str, Any] = json.loads(text)
            return asked
        for descriptor in descriptors:
            os.close(descriptor)
        connection.sendall(f"{process}\n".encode())
        _, status = os.waitpid(process, 0)
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":  # and not where multiprocessing imports this for a worker of a command
    import_all()
    asked = serve(socket.socket(fileno=int(sys.argv[1])))
    signal.alarm(SECONDS)
    os.chdir(asked["folder"])
    sys.argv = ["adrun", *asked["arguments"]]
    exec(asked["program"], {"__name__": "__main__"})
