"""Arrays in files, in the safetensors format: what a model, its kept frames and a checkpoint are written as."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.experiment.errors import InputError, reason
from autodiff.experiment.files import replacing

Arrays = dict[str, NDArray[Any]]


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], about: Any) -> None:
    """Write named arrays, and plain values about them, whole or not at all. Raises OSError.

    The values are one text: safetensors keeps several in no order that would be the same in every run.
    """
    from safetensors.numpy import save_file

    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    with replacing(path) as temporary:
        save_file(contiguous, temporary, {"adrun": json.dumps(about, sort_keys=True)})


def read_arrays(path: Path) -> tuple[Arrays, Any]:
    """Return the arrays of a file by name, and the values about them. Raises InputError when they cannot be read."""
    from safetensors import SafetensorError, safe_open

    arrays: Arrays = {}
    try:
        with safe_open(path, framework="numpy") as file:
            about = (file.metadata() or {}).get("adrun", "null")
            for name in file.keys():  # noqa: SIM118 (it is no mapping)
                arrays[name] = file.get_tensor(name)
        return arrays, json.loads(about)
    except OSError as error:
        raise InputError([f"{path}: cannot be read: {reason(error)}"]) from None
    except (SafetensorError, ValueError) as error:
        raise InputError([f"{path}: is damaged, or no file of adrun's: {error}"]) from None
