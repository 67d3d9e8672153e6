"""A checkpoint: the state of a training run on disk, so that a kill costs no more than the last seconds."""

from pathlib import Path

import numpy as np

from autodiff.experiment.runs.arrays import Arrays, read_arrays, write_arrays
from autodiff.experiment.training.curves import Curves
from autodiff.experiment.training.health import LayerHealth
from autodiff.experiment.training.training import State

STATE, FRAMES = "checkpoint.safetensors", "frames.safetensors"


def write_checkpoint(folder: Path, state: State, frames_written: int) -> int:
    """Write a state, but for the curves, which the log holds; return the number of frames that are on disk.

    The frames have a file of their own, written when there are more than before: late in a run they are few.
    Raises OSError.
    """
    if len(state.snapshots) != frames_written:
        write_frames(folder, state)
    arrays = {f"parameters/{name}": array for name, array in state.parameters.items()}
    numbers = []
    for i, one in enumerate(state.optimizer["states"]):
        arrays |= {f"optimizer/{i}/{name}": value for name, value in one.items() if isinstance(value, np.ndarray)}
        numbers.append({name: value for name, value in one.items() if not isinstance(value, np.ndarray)})
    settings = {name: value for name, value in state.optimizer.items() if name != "states"}
    about = {
        "epoch": state.epoch,
        "seconds": state.seconds,
        "settings": settings,
        "numbers": numbers,
        "generator": state.generator,
        "for_dropout": state.for_dropout,
        "steps": state.steps,
        "health": state.health,
    }
    write_arrays(folder / STATE, arrays, about)
    return len(state.snapshots)


def write_frames(folder: Path, state: State) -> None:
    """Write the networks that were kept for the pictures. Raises OSError."""
    arrays = {f"{epoch}/{name}": a for epoch, kept in state.snapshots.items() for name, a in kept.items()}
    write_arrays(folder / FRAMES, arrays, {"epochs": list(state.snapshots)})


def read_frames(folder: Path) -> dict[int, Arrays]:
    """Return the kept networks' parameters by epoch. Raises InputError when they cannot be read."""
    arrays, about = read_arrays(folder / FRAMES)
    frames: dict[int, Arrays] = {epoch: {} for epoch in about["epochs"]}
    for name, array in arrays.items():
        epoch, _, parameter = name.partition("/")
        frames[int(epoch)][parameter] = array
    return frames


def read_checkpoint(folder: Path, log: Curves) -> State | None:
    """Return the state that a folder holds, or None if there is none or the log does not reach it.

    Raises InputError when the files cannot be read.
    """
    if not (folder / STATE).exists():
        return None
    arrays, about = read_arrays(folder / STATE)
    epoch = about["epoch"]
    if len(log["loss"]) < epoch:
        return None
    states = [dict(numbers) for numbers in about["numbers"]]
    parameters: Arrays = {}
    for name, array in arrays.items():
        kind, _, rest = name.partition("/")
        if kind == "parameters":
            parameters[rest] = array
        else:
            position, _, entry = rest.partition("/")
            states[int(position)][entry] = array
    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in about["settings"].items()}
    return State(
        epoch,
        parameters,
        settings | {"states": states},
        about["generator"],
        {kept: frame for kept, frame in read_frames(folder).items() if kept < epoch},
        {name: values[:epoch] for name, values in log.items()},
        about["seconds"],
        about.get("for_dropout"),
        about.get("steps", 0),
        tuple(LayerHealth(*row) for row in about.get("health", ())),
    )
