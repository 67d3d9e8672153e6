"""Training one network: the loop, what it measures and what it keeps."""

import math
import time
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import autodiff as ad
from autodiff import functional as F  # noqa: N812 (the name by which the field knows it)
from autodiff.experiment.config.config import Config, Stop
from autodiff.experiment.data.about import NOTHING, About
from autodiff.experiment.data.making import sample
from autodiff.experiment.data.points import Points
from autodiff.experiment.progress import Report
from autodiff.experiment.training.curves import HELD_OUT, TRAINING, Curves
from autodiff.experiment.training.health import Arrays, LayerHealth, Meter
from autodiff.experiment.training.network import Snapshot, build_model, build_optimizer, build_schedule, has_modes
from autodiff.experiment.training.schedule import frame_epochs, health_epochs, is_tested, last_tested, next_tested

Status = Literal["done", "did not learn", "diverged", "interrupted"]
Measurement = tuple[NDArray[Any], NDArray[Any]]
"""Losses and accuracies, one an epoch."""
Measured = tuple[ad.Tensor, ad.Tensor]
"""A loss and how many points are classified correctly, or those of several epochs."""


@dataclass(frozen=True)
class Training:
    """What a training run leaves.

    `held_out` are the points that were only measured on; `snapshots` the networks kept for the pictures, by epoch;
    `state` what the training could go on from. `parameters` is their number, `about` what is known of the points beside
    their numbers, `stopped` why it ended before its last epoch.
    """

    status: Status
    points: Points
    held_out: Points | None
    curves: Curves
    snapshots: dict[int, Snapshot]
    state: "State"
    parameters: int
    about: About = NOTHING
    stopped: str = ""

    @property
    def loss(self) -> NDArray[np.float64]:
        """The loss of every epoch on all training points."""
        return self.curves["loss"]

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """The accuracy of every epoch on all training points."""
        return self.curves["accuracy"]

    @property
    def health(self) -> list[LayerHealth]:
        """How the layers were at some of these epochs."""
        return [row for row in self.state.health if row.epoch < len(self.loss)]

    @property
    def seconds(self) -> float:
        """The time that the training took."""
        return self.state.seconds


@dataclass(frozen=True)
class State:
    """All that a training run is between two epochs: with it, another process goes on as this one would have.

    epoch: the one to come; `curves` are of the epochs before. `generator` is that of the batches, `for_dropout` that of
    dropout; `steps` are those that the schedule has counted. `parameters` hold the buffers, too. `health` is
    as of the epoch to come, the last of it.
    """

    epoch: int
    parameters: dict[str, NDArray[Any]]
    optimizer: dict[str, Any]
    generator: Mapping[str, Any]
    snapshots: dict[int, dict[str, NDArray[Any]]]
    curves: Curves
    seconds: float
    for_dropout: Mapping[str, Any] | None = None
    steps: int = 0
    health: tuple[LayerHealth, ...] = ()


Keep = Callable[["Session"], None]

SECONDS_AT_ONCE = 0.05
"""Of training, before it is told how that goes, and whether somebody wants it to stop."""

WARM_UP = 12
"""Epochs after which every step runs as a compiled program, which rounds otherwise than the calls before it."""


def train(
    config: Config, report: Report, kept: Collection[int] = (), keep: Keep | None = None, resumed: State | None = None
) -> Training:
    """Train the config's network; call `report` with the latest epoch and what was measured last, by name.

    The networks at the epochs in `kept` are kept, by default those that the config's `frames` asks for. `keep` is
    called with the session, whose state it may write down; `resumed` is one to go on from. Both are called after every
    epoch at first, and later after as many as take 0.05 seconds.

    Stops at once when the loss is no longer finite or the user interrupts: what was reached by then is returned. The
    data, the initial weights, the order of the batches and the held-out points come from four independent streams of
    the one seed.
    """
    session = Session(config, kept)
    if resumed is not None:
        session.restore(resumed)
    status: Status = "done"
    started = time.perf_counter() - session.seconds
    at_once = 1
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a diverging run is told in words, once
            while session.epoch <= config.epochs and not session.stopped:
                session.advance(at_once)
                before, session.seconds = session.seconds, time.perf_counter() - started
                measured = session.latest()
                report(session.epoch - 1, measured)
                if not math.isfinite(measured["loss"]):
                    status = "diverged"
                    break
                if keep is not None:
                    keep(session)
                if session.epoch >= WARM_UP:
                    affordable = int(at_once * SECONDS_AT_ONCE / (session.seconds - before))
                    at_once = max(1, min(affordable, 2 * at_once))
    except KeyboardInterrupt:
        status = "interrupted"
    return session.ended(status)


class Session:
    """A training run under way. `epoch` is the one to come."""

    def __init__(self, config: Config, kept: Collection[int] = ()) -> None:
        for_data, for_weights, for_batches, for_held_out, self.for_dropout = (
            np.random.default_rng(stream) for stream in np.random.SeedSequence(config.seed).spawn(5)
        )
        self.config = config
        data = config.dataset
        self.points, self.held_out, self.about = sample(data.part, data.settings, for_data, for_held_out)
        self.model = build_model(config, for_weights, self.for_dropout)
        self.trainer = _Trainer(config, self.model, self.points, self.held_out, for_batches)
        self.kept = sorted({*(kept or frame_epochs(config.epochs, config.frames))})
        names = TRAINING if self.held_out is None else TRAINING + HELD_OUT
        self.meter = Meter(config, self.model, self.trainer.features)
        self.health_epochs = health_epochs(config.epochs, self.kept)
        self.cuts = sorted({*self.kept, *self.health_epochs, *(epoch - 1 for epoch in self.health_epochs)})
        self.health: list[LayerHealth] = []
        self.all_curves = {name: np.full(config.epochs + 1, np.nan) for name in names}
        self.snapshots: dict[int, Snapshot] = {}
        self.epoch = 0
        self.seconds = 0.0
        self.stopped = ""

    @property
    def curves(self) -> Curves:
        """The curves of the epochs so far."""
        return {name: values[: self.epoch] for name, values in self.all_curves.items()}

    def latest(self) -> dict[str, float]:
        """Return what was measured last, by name: held-out points are not measured at every epoch."""
        epoch = self.epoch - 1
        tested = last_tested(epoch, self.config.epochs)
        return {name: values[tested if name in HELD_OUT else epoch].item() for name, values in self.all_curves.items()}

    def advance(self, most: int = 1) -> None:
        """Go on for at most so many epochs: measure the network as it is and, but for the last time, train it.

        Ends after an epoch whose loss is not finite.
        """
        end = min(self.epoch + most, self.config.epochs + 1)
        stop, finite = self.config.stop, True
        while finite and not self.stopped and self.epoch < end:
            self.keep_and_test()
            before = self.meter.parameters() if self.epoch + 1 in self.health_epochs else None
            if self.epoch == self.config.epochs:
                measured = self.trainer.measure_last()
            elif stop is not None:
                measured = self.trainer.measure()
            else:
                measured = self.trainer.measure_and_train(min(end, self.next_stop()) - self.epoch)
            self.note(TRAINING, measured)
            self.epoch += len(measured[0])
            finite = math.isfinite(measured[0][-1])
            if stop is not None and finite and self.epoch <= self.config.epochs:
                self.stop_or_train(stop)
            if before is not None and finite and not self.stopped:
                self.measure_health(before)

    def stop_or_train(self, stop: Stop) -> None:
        """Train the network that was measured for one epoch, or let it be the last if there is a reason to stop."""
        self.stopped = reason_to_stop(stop, self.curves)
        if self.stopped:
            self.snapshots.setdefault(self.epoch - 1, Snapshot(self.model))
        else:
            self.trainer.train_epoch()

    def keep_and_test(self) -> None:
        """Keep the network and measure it on the held-out points, if it is time for that."""
        if self.epoch == 0:
            self.measure_health()
        if self.epoch in self.kept:
            self.snapshots[self.epoch] = Snapshot(self.model)
        if self.held_out is not None and is_tested(self.epoch, self.config.epochs):
            self.note(HELD_OUT, self.trainer.measure_held_out())

    def measure_health(self, before: Arrays | None = None) -> None:
        """Measure how the network is that is to come. before: its parameters one epoch ago, if there was one."""
        self.trainer.training(False)
        self.health += self.meter.measure(self.epoch, before)

    def next_stop(self) -> int:
        """Return the first epoch to come of which the network is kept or measured otherwise, or the last."""
        later = self.cuts[bisect_right(self.cuts, self.epoch) :][:1]
        if self.held_out is not None:
            later.append(next_tested(self.epoch, self.config.epochs))
        return min([*later, self.config.epochs])

    def note(self, names: Sequence[str], measured: Measurement) -> None:
        """Write what was measured, from the present epoch on, into the curves."""
        for name, values in zip(names, measured, strict=True):
            self.all_curves[name][self.epoch : self.epoch + len(values)] = values

    def state(self) -> State:
        """Return all that the session is, copied where it will change."""
        return State(
            self.epoch,
            self.model.state_dict(),
            self.trainer.optimizer.state_dict(),
            self.trainer.rng.bit_generator.state,
            {epoch: snapshot.parameters for epoch, snapshot in self.snapshots.items()},
            self.curves,
            self.seconds,
            self.for_dropout.bit_generator.state,
            0 if self.trainer.schedule is None else self.trainer.schedule.steps,
            tuple(self.health),
        )

    def restore(self, state: State) -> None:
        """Become what a session of the same config was.

        The first epochs are run once more: steps are recorded and compiled then, and go on as the compiled ones did.
        """
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            while self.epoch < min(WARM_UP, state.epoch):
                self.advance()
        for name, value in [*self.model.named_parameters(), *self.model.named_buffers()]:
            value.data[...] = state.parameters[name]  # in place: the compiled steps hold these arrays
        if state.for_dropout is not None:
            self.for_dropout.bit_generator.state = state.for_dropout
        self.trainer.optimizer.load_state_dict(state.optimizer)
        if self.trainer.schedule is not None:
            self.trainer.schedule.steps = state.steps
            self.trainer.schedule.apply()
        self.trainer.rng.bit_generator.state = state.generator
        self.snapshots = {epoch: Snapshot(self.model, kept) for epoch, kept in state.snapshots.items()}
        self.epoch, self.seconds = state.epoch, state.seconds
        self.health = list(state.health)
        for name, values in state.curves.items():
            self.all_curves[name][: state.epoch] = values

    def ended(self, status: Status) -> Training:
        """Return what the session leaves."""
        curves = self.curves
        loss = curves["loss"]
        if status == "done" and not learned(loss, curves["accuracy"], self.config.size.classes):
            status = "did not learn"
        drawable = {
            epoch: snapshot
            for epoch, snapshot in self.snapshots.items()
            if epoch < self.epoch and math.isfinite(loss[epoch])
        }
        parameters = sum(parameter.size for parameter in self.model.parameters())
        state = self.state()
        return Training(
            status, self.points, self.held_out, curves, drawable, state, parameters, self.about, self.stopped
        )


def reason_to_stop(stop: Stop, curves: Curves) -> str:
    """Return why a run is to end after the epochs of its curves; nothing if it is to go on.

    What counts is measured on the held-out points, if there are some, at the epochs at which they are.
    """
    before = "test_" if "test_loss" in curves else ""
    loss, accuracy = curves[f"{before}loss"], curves[f"{before}accuracy"]
    epoch = len(loss) - 1
    if stop.accuracy is not None and accuracy[epoch] >= stop.accuracy:
        return f"accuracy {stop.accuracy:g} reached at epoch {epoch}"
    if stop.patience is not None and np.isfinite(loss[epoch]):
        best = int(np.nanargmin(loss))
        if epoch - best >= stop.patience:
            return f"no lower loss since epoch {best}, at epoch {epoch}"
    return ""


def learned(loss: NDArray[np.float64], accuracy: NDArray[np.float64], classes: int) -> bool:
    """Tell whether the last network knows more than the first one did, and more than one that guesses.

    The loss of a network that gives each of the classes the same probability is ln(classes).
    """
    guesses = loss[-1] > math.log(classes) * (1 - 1e-4) and accuracy[-1] <= 1 / classes
    return bool(loss[-1] < loss[0] and not guesses)


class _Trainer:
    """Measures a network on all points and trains it for one epoch, in one go where the batch is all of them.

    The steps are captured: after a few calls they run as programs without the engine's overhead, one for each size of
    batch, which compute the same up to rounding.
    """

    def __init__(
        self,
        config: Config,
        model: ad.Sequential,
        points: Points,
        held_out: Points | None,
        rng: np.random.Generator,
    ) -> None:
        self.optimizer = optimizer = build_optimizer(config, model)
        self.schedule = build_schedule(config, optimizer)
        self.model = model if has_modes(model) else None
        smoothing, l1, longest = config.label_smoothing or 0.0, config.l1, config.clip_norm
        self.measures_as_it_trains = self.model is None and not smoothing and l1 is None
        parameters = list(model.parameters())
        weights = [parameter for parameter in parameters if parameter.ndim == 2]

        def measure(features: NDArray[Any], labels: NDArray[np.int64]) -> Measured:
            with ad.no_grad():
                logits = model(features)
                return F.cross_entropy(logits, labels), count_correct(logits, labels)

        def train(features: NDArray[Any], labels: NDArray[np.int64]) -> Measured:
            logits = model(features)
            loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
            if l1 is not None:
                for weight in weights:
                    loss = loss + l1 * np.sum(np.absolute(weight))
            optimizer.zero_grad()
            loss.backward()
            if longest is not None:
                ad.clip_grad_norm(parameters, longest)
            optimizer.step()
            return loss, count_correct(logits, labels)

        features, labels = points.features.astype(config.dtype), points.labels
        self.features = features
        self.labels = labels
        self.rng = rng
        self.batch_size = config.batch_size or len(labels)
        self.measure_all = ad.capture(lambda: measure(features, labels))
        if held_out is not None:
            test_features, test_labels = held_out.features.astype(config.dtype), held_out.labels
            self.test_labels = test_labels
            self.measure_test = ad.capture(lambda: measure(test_features, test_labels))
        self.train_all = ad.capture(lambda: train(features, labels))
        self.train_batch = {size: ad.capture(train) for size in {self.batch_size, len(labels) % self.batch_size}}

    def measure(self) -> Measurement:
        """Return the loss and the accuracy on all points."""
        self.training(False)
        return _measurement(self.measure_all(), self.labels)

    def measure_held_out(self) -> Measurement:
        """Return the loss and the accuracy on the held-out points."""
        self.training(False)
        return _measurement(self.measure_test(), self.test_labels)

    def measure_last(self) -> Measurement:
        """Return the loss and the accuracy on all points, and train no more: the memory of that is given back first."""
        del self.train_all, self.train_batch
        return self.measure()

    def measure_and_train(self, epochs: int) -> Measurement:
        """Return the losses and accuracies on all points, before each of some epochs of training.

        They are fewer if a loss is not finite.
        """
        at_once = self.measures_as_it_trains and self.batch_size == len(self.labels)
        if at_once and self.schedule is None:
            return _measurement(self.train_all.repeat(epochs, while_finite=True), self.labels)
        measured = []
        for _ in range(epochs):
            if at_once:
                measured.append(_measurement(self.train_on_all(), self.labels))
            else:
                measured.append(self.measure())
                self.train_epoch()
            if not np.isfinite(measured[-1][0]):
                break
        losses, accuracies = zip(*measured, strict=True)
        return np.concatenate(losses), np.concatenate(accuracies)

    def train_epoch(self) -> None:
        """Train on every point once."""
        if self.batch_size == len(self.labels):
            self.train_on_all()
            return
        order = self.rng.permutation(len(self.labels))
        starts = range(0, len(order), self.batch_size)
        self.train_on([order[start : start + self.batch_size] for start in starts])

    def train_on_all(self) -> Measured:
        """Train on all points at once, and return the loss and the number of correct answers before that."""
        self.training(True)
        measured: Measured = self.train_all()
        self.count_step()
        return measured

    def train_on(self, batches: Sequence[NDArray[np.int64]]) -> None:
        """Train on the points of one batch after the other, until the loss on one is not finite."""
        self.training(True)
        for alike in self.in_one_go(batches):
            points = [(self.features[batch], self.labels[batch]) for batch in alike]
            losses, _ = self.train_batch[len(alike[0])].repeat(len(points), points, while_finite=True)
            self.count_step()
            if not np.isfinite(losses.data[-1]):
                break  # the next measurement will find it

    def in_one_go(self, batches: Sequence[NDArray[np.int64]]) -> list[list[NDArray[np.int64]]]:
        """Return the batches, together as far as nothing changes between their steps."""
        if self.schedule is not None:
            return [[batch] for batch in batches]
        return [list(alike) for _, alike in groupby(batches, len)]

    def training(self, on: bool) -> None:
        """Have the network compute as it does in training, or as it does in evaluation."""
        if self.model is not None:
            self.model.train(on)

    def count_step(self) -> None:
        """Set the learning rate of the next step."""
        if self.schedule is not None:
            self.schedule.step()


def _measurement(measured: Measured, labels: NDArray[np.int64]) -> Measurement:
    """Return losses and accuracies."""
    losses, correct = (np.atleast_1d(each.data) for each in measured)
    return losses, correct / len(labels)


def count_correct(logits: ad.Tensor, labels: NDArray[np.int64]) -> ad.Tensor:
    """Return how many of the labels are the class of the largest logit."""
    correct: ad.Tensor = np.count_nonzero(np.argmax(logits, axis=1) == labels)  # type: ignore[assignment]
    return correct
