"""The command `adrun`, also as `python -m autodiff`."""

import os
import signal
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path


def main() -> None:
    """Run cli.py: in this folder when a wheel was installed, beside it in a clone; never a module `cli` of others."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # until there is something to keep: no traceback of imports
    here = Path(__file__).parent
    spec = PathFinder.find_spec("autodiff.cli", [str(here), str(here.parent)])
    assert spec
    assert spec.loader
    cli = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(cli)
    cli.main()


if __name__ == "__main__":
    main()
