"""What is off in a training, in words that follow from what was measured of its layers."""

import math
from collections.abc import Sequence
from itertools import takewhile

from autodiff.experiment.training.health import LayerHealth

MANY_UNITS = 0.1
"""A share of units that are lost: fewer are what training leaves anyway, and the others make up for them."""
VANISHING = 1e-3
"""A ratio of gradients between layers: five sigmoids, each of which passes on a quarter at most (Hochreiter 1991)."""
EXPLODING = 1e3
"""A ratio to the first gradient of the whole network: otherwise they shrink as the loss does (Pascanu et al. 2013)."""
LARGE_UPDATES, SMALL_UPDATES = 1e-1, 1e-6
"""Two orders above, and three below, the thousandth of the weights that an update should be (Karpathy, CS231n)."""
LEAST_MEASURED = 3
"""Epochs, before anything is said to last."""


def findings(health: Sequence[LayerHealth]) -> list[str]:
    """Return a sentence with an advice for each thing that is off; nothing if all is well, or was not measured."""
    layers = by_layer(health)
    found = []
    for who, rows in layers.items():
        found += [
            *lost_units(who, rows, "dead", "leaky_relu or a smaller learning_rate"),
            *lost_units(who, rows, "saturated", "a smaller learning_rate, a norm or relu"),
            *exploding(who, rows, first_gradient(health)),
            *updates(who, rows),
        ]
    return [*found, *vanishing(list(layers.values()))]


def by_layer(health: Sequence[LayerHealth]) -> dict[str, list[LayerHealth]]:
    """Return what was measured of each layer with parameters, by what it is called: layer 1, 2 and so on."""
    names = dict.fromkeys(row.layer for row in health)
    return {f"layer {i}": [row for row in health if row.layer == name] for i, name in enumerate(names, start=1)}


def lost_units(who: str, rows: Sequence[LayerHealth], kind: str, advice: str) -> list[str]:
    """Say how many units of a layer are dead, or saturated, and since when there are no fewer."""
    shares = [getattr(row, kind) for row in rows]
    units = rows[-1].units
    if not units or shares[-1] is None or shares[-1] < MANY_UNITS:
        return []
    since = rows[-sum(1 for _ in takewhile(lambda share: share >= shares[-1], reversed(shares)))].epoch
    count = round(shares[-1] * units)
    return [f"{who}: {count} of {units} units are {kind} since epoch {since}; try {advice}"]


def exploding(who: str, rows: Sequence[LayerHealth], first: tuple[int, float]) -> list[str]:
    """Say when the gradient of a layer was far above the first one of the whole network, or no number.

    first: the epoch of that, and its norm.
    """
    for row in rows:
        gradient = row.gradient_norm
        advice = "try clip_norm or a smaller learning_rate"
        if gradient is None:
            continue
        if not math.isfinite(gradient):
            return [f"{who}: its gradient is no finite number at epoch {row.epoch}; {advice}"]
        if gradient > EXPLODING * first[1] > 0:
            times = f"{gradient / first[1]:,.0f} times that of epoch {first[0]}"
            return [f"{who}: its gradient explodes: at epoch {row.epoch} it is {times}; {advice}"]
    return []


def first_gradient(health: Sequence[LayerHealth]) -> tuple[int, float]:
    """Return the first epoch at which gradients were measured, and the norm of that of all layers at once."""
    measured = [(row.epoch, row.gradient_norm) for row in health if row.gradient_norm is not None]
    first = measured[0][0] if measured else 0
    return first, math.hypot(*(gradient for epoch, gradient in measured if epoch == first))


def updates(who: str, rows: Sequence[LayerHealth]) -> list[str]:
    """Say whether the updates of a layer are too large or too small for its weights through the last half of epochs."""
    ratios = [row.update_to_weight for row in last_half(rows) if row.update_to_weight is not None]
    if len(ratios) < LEAST_MEASURED:
        return []
    typical = f"its updates are about {sorted(ratios)[len(ratios) // 2]:.0e} of its weights"
    if min(ratios) > LARGE_UPDATES:
        return [f"{who}: {typical}, which is too much to settle; try a smaller learning_rate"]
    if max(ratios) < SMALL_UPDATES:
        return [f"{who}: {typical}, so it hardly moves; if it is not good enough yet, try a larger learning_rate"]
    return []


def vanishing(layers: Sequence[Sequence[LayerHealth]]) -> list[str]:
    """Say when the first layer gets next to nothing of the gradient of the last, several measurements on end."""
    if len(layers) < 2:
        return []
    small: list[tuple[int, float]] = []
    for one, other in zip(layers[0], layers[-1], strict=True):
        first, last = one.gradient_norm, other.gradient_norm
        if first is None or last is None:
            continue
        small = [*small, (one.epoch, first / last)] if first < VANISHING * last else []
        if len(small) == LEAST_MEASURED:
            epoch, ratio = small[0]
            told = f"at epoch {epoch} it is {ratio:.0e} of that of layer {len(layers)}"
            return [f"layer 1: its gradient vanishes: {told}; try relu, a norm or fewer layers"]
    return []


def last_half(rows: Sequence[LayerHealth]) -> list[LayerHealth]:
    """Return what was measured in the last half of the epochs."""
    return [row for row in rows if row.epoch >= rows[-1].epoch / 2]
