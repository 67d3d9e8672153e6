"""From a data set and its settings to its points, checked."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from autodiff.experiment.data.about import NOTHING, About
from autodiff.experiment.data.points import Points, Size
from autodiff.experiment.errors import InputError, in_one_line
from autodiff.experiment.register import Part, own_line


class Sample(NamedTuple):
    """Points that are trained on, those that are held out, if there are some, and what is known of both."""

    points: Points
    held_out: Points | None
    about: About = NOTHING


def sample(part: Part, settings: Mapping[str, Any], rng: np.random.Generator, test_rng: np.random.Generator) -> Sample:
    """Return the points that are trained on, and those that are held out, if there are some.

    Raises InputError for what are no points to classify.
    """
    offered = {"rng": rng, "test_rng": test_rng}
    given = {name: offered[name] for name in part.given}
    try:
        if "test_rng" in given:
            found, held_out, *known = part.make(**given, **settings)
        else:
            found, known = part.make(**given, **settings), []
            held_out = part.make(rng=test_rng, **settings) if given else None
    except Exception as error:
        if (where := own_line(error)) is None:
            raise
        raise InputError([f"{where}: in data set {part.name}: {in_one_line(error)}"]) from None
    points = _checked(part, found)
    if held_out is None:
        return Sample(points, None, *known)
    tested = _checked(part, held_out)
    if tested.features.shape[1] != points.features.shape[1]:
        raise _wrong(
            part, f"held-out points of {tested.features.shape[1]} features, where the others have another number"
        )
    return Sample(points, tested, *known)


def measured(part: Part, settings: Mapping[str, Any]) -> Size:
    """Return the size of a data set of which no more is known than how it is made. Raises InputError as `sample`."""
    points, held_out, _ = sample(part, settings, np.random.default_rng(0), np.random.default_rng(1))
    classes = max(int(some.labels.max()) for some in (points, held_out) if some is not None and len(some.labels)) + 1
    test_points = 0 if held_out is None else len(held_out.labels)
    return Size(points.features.shape[1], classes, len(points.labels), test_points)


def _checked(part: Part, found: Any) -> Points:
    try:
        features, labels = found
        features, labels = np.asarray(features, np.float64), np.asarray(labels)
    except (TypeError, ValueError):
        raise _wrong(part, f"{type(found).__name__}") from None
    if features.ndim != 2 or labels.shape != features.shape[:1]:
        raise _wrong(part, f"features of shape {features.shape} and labels of shape {labels.shape}")
    if not len(labels):
        raise _wrong(part, "no points")
    if not np.isfinite(features).all():
        raise _wrong(part, "features that are not finite")
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise _wrong(part, f"labels such as {labels[:3].tolist()}")
    return Points(features, labels.astype(np.int64))


def _wrong(part: Part, found: str) -> InputError:
    wanted = "must return features (n, 2), finite numbers, and labels (n,), whole numbers from 0"
    return InputError([f"{part.file}:{part.line}: data set {part.name} {wanted}; found {found}"])
