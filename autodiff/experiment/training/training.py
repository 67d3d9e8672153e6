"""Training one network: the loop, what it measures and what it keeps."""

import math
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import autodiff as ad
from autodiff import functional as F  # noqa: N812 (the name by which the field knows it)
from autodiff.experiment.config.config import Config
from autodiff.experiment.data.spiral import spiral
from autodiff.experiment.progress import Report
from autodiff.experiment.training.network import Snapshot, build_model, build_optimizer
from autodiff.experiment.training.schedule import frame_epochs

Status = Literal["done", "did not learn", "diverged", "interrupted"]
Measurement = tuple[float, float]
Measured = tuple[ad.Tensor, int]


@dataclass(frozen=True)
class Training:
    """What a training run leaves.

    `loss` and `accuracy` (0 to 1) hold one entry an epoch, from 0 (the initial network) on, measured on all points;
    `snapshots` the networks kept for the pictures, by epoch; `seconds` the time that the training took.
    """

    status: Status
    features: NDArray[Any]
    labels: NDArray[np.int64]
    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    snapshots: dict[int, Snapshot]
    parameters: int
    seconds: float


def train(config: Config, report: Report, kept: Collection[int] = ()) -> Training:
    """Train the config's network; call `report` with the epoch, the loss and the accuracy of every epoch.

    The networks at the epochs in `kept` are kept, by default those that the config's `frames` asks for.

    Stops at once when the loss is no longer finite or the user interrupts: what was reached by then is returned. The
    data, the initial weights and the order of the batches come from three independent streams of the one seed.
    """
    for_data, for_weights, for_batches = (
        np.random.default_rng(stream) for stream in np.random.SeedSequence(config.seed).spawn(3)
    )
    dataset = config.dataset
    features, labels = spiral(dataset.classes, dataset.points_per_class, dataset.noise, for_data)
    model = build_model(config, for_weights)
    trainer = _Trainer(config, model, features.astype(config.dtype), labels, for_batches)
    kept = set(kept or frame_epochs(config.epochs, config.frames))
    loss, accuracy = np.empty(config.epochs + 1), np.empty(config.epochs + 1)
    snapshots: dict[int, Snapshot] = {}
    status: Status = "done"
    measured = 0
    started = time.perf_counter()
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a diverging run is told in words, once
            for epoch in range(config.epochs + 1):
                if epoch in kept:
                    snapshots[epoch] = Snapshot(model)
                measurement = trainer.measure_and_train() if epoch < config.epochs else trainer.measure_last()
                loss[epoch], accuracy[epoch] = measurement
                measured = epoch + 1
                report(epoch, *measurement)
                if not math.isfinite(measurement[0]):
                    status = "diverged"
                    break
    except KeyboardInterrupt:
        status = "interrupted"
    seconds = time.perf_counter() - started
    if status == "done" and not learned(loss, accuracy, dataset.classes):
        status = "did not learn"
    drawable = {
        epoch: snapshot for epoch, snapshot in snapshots.items() if epoch < measured and math.isfinite(loss[epoch])
    }
    parameters = sum(parameter.data.size for parameter in model.parameters())
    return Training(status, features, labels, loss[:measured], accuracy[:measured], drawable, parameters, seconds)


def learned(loss: NDArray[np.float64], accuracy: NDArray[np.float64], classes: int) -> bool:
    """Tell whether the last network knows more than the first one did, and more than one that guesses.

    The loss of a network that gives each of the classes the same probability is ln(classes).
    """
    guesses = loss[-1] > math.log(classes) * (1 - 1e-4) and accuracy[-1] <= 1 / classes
    return bool(loss[-1] < loss[0] and not guesses)


class _Trainer:
    """Measures a network on all points and trains it for one epoch, in one go where the batch is all points.

    The steps are captured: after a few calls they run as programs without the engine's overhead, one for each size of
    batch, which compute the same up to rounding.
    """

    def __init__(
        self,
        config: Config,
        model: ad.Sequential,
        features: NDArray[Any],
        labels: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> None:
        optimizer = build_optimizer(config, model)

        def measure(features: NDArray[Any], labels: NDArray[np.int64]) -> Measured:
            with ad.no_grad():
                logits = model(features)
                return F.cross_entropy(logits, labels), count_correct(logits, labels)

        def train(features: NDArray[Any], labels: NDArray[np.int64]) -> Measured:
            logits = model(features)
            loss = F.cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss, count_correct(logits, labels)

        self.features = features
        self.labels = labels
        self.rng = rng
        self.batch_size = config.batch_size or len(labels)
        self.measure_all = ad.capture(lambda: measure(features, labels))
        self.train_all = ad.capture(lambda: train(features, labels))
        self.train_batch = {size: ad.capture(train) for size in {self.batch_size, len(labels) % self.batch_size}}

    def measure(self) -> Measurement:
        """Return the loss and the accuracy on all points."""
        return self._measurement(*self.measure_all())

    def measure_last(self) -> Measurement:
        """Return the loss and the accuracy on all points, and train no more: the memory of that is given back first."""
        del self.train_all, self.train_batch
        return self.measure()

    def measure_and_train(self) -> Measurement:
        """Return the loss and the accuracy on all points, of the network as it is before the epoch that follows."""
        if self.batch_size == len(self.labels):
            return self._measurement(*self.train_all())
        measurement = self.measure()
        order = self.rng.permutation(len(self.labels))
        for start in range(0, len(order), self.batch_size):
            loss = self.train_on(order[start : start + self.batch_size])
            if not math.isfinite(loss.item()):
                break  # the next measurement will find it
        return measurement

    def train_on(self, batch: NDArray[np.int64]) -> ad.Tensor:
        """Train on the points of a batch, and return the loss on them."""
        loss: ad.Tensor
        loss, _ = self.train_batch[len(batch)](self.features[batch], self.labels[batch])
        return loss

    def _measurement(self, loss: ad.Tensor, correct: int) -> Measurement:
        return loss.item(), correct / len(self.labels)


def count_correct(logits: ad.Tensor, labels: NDArray[np.int64]) -> int:
    """Return how many of the labels are the class of the largest logit."""
    correct: int = np.count_nonzero(np.argmax(logits, axis=1) == labels)  # type: ignore[assignment]
    return correct
