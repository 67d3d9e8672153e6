"""From a record back to the training run that left it: its pictures can be drawn again, and compared with others."""

import math

from autodiff.experiment.config.load import Experiment
from autodiff.experiment.config.own_code import used_by
from autodiff.experiment.runs.record import Record
from autodiff.experiment.training.network import Snapshot
from autodiff.experiment.training.training import Session, State, Training


def experiment_of(record: Record) -> Experiment:
    """Return the experiment that a record is of. Raises InputError when its config is damaged."""
    config = record.config()
    return Experiment(record.name, config, used_by(config.choices))


def recalled(record: Record) -> Training:
    """Return what the run left, from its files. Raises InputError when one of them is damaged."""
    session = Session(record.config())
    curves = record.log()
    loss = curves["loss"]
    frames = {epoch: frame for epoch, frame in record.frames().items() if epoch < len(loss)}
    snapshots = {epoch: Snapshot(session.model, frame) for epoch, frame in frames.items() if math.isfinite(loss[epoch])}
    seconds = float(record.summary.get("seconds", {}).get("training", math.nan))
    state = State(len(loss), record.parameters(), {"states": []}, {}, frames, curves, seconds)
    held_out = session.held_out if "test_loss" in curves else None  # which older records have not
    count = sum(parameter.size for parameter in session.model.parameters())
    stopped = str(record.summary.get("stopped", ""))
    return Training(
        record.summary["status"], session.points, held_out, curves, snapshots, state, count, session.about, stopped
    )
