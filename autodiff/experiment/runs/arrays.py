"""Arrays in files: what a model, its kept frames and a checkpoint are written as, with plain values about them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

import autodiff as ad
from autodiff.experiment.errors import InputError, reason

Arrays = dict[str, NDArray[Any]]
ABOUT = "adrun"  # the metadata's entry


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], about: Any) -> None:
    """Write named arrays, and plain values about them, whole or not at all. Raises OSError."""
    ad.save(arrays, path, {ABOUT: json.dumps(about, sort_keys=True)})


def read_arrays(path: Path) -> tuple[Arrays, Any]:
    """Return the arrays of a file by name, and the values about them. Raises InputError when they cannot be read."""
    try:
        return dict(ad.load(path)), json.loads(ad.load_metadata(path)[ABOUT])
    except OSError as error:
        raise InputError([f"{path}: cannot be read: {reason(error)}"]) from None
    except (ValueError, KeyError) as error:
        raise InputError([f"{path}: is damaged, or no file of adrun's: {error}"]) from None
