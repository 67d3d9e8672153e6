"""Drawing a run: adrun's pictures beside matplotlib's FuncAnimation, on the same frames, in one thread.

Run it from the root of the repository: `python -m benchmarks.render`. Each measurement is a process of its own, so that
the peak memory is its own, and its time is the better of three, without imports.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
FRAMES = (11, 100)
WAYS = ("FuncAnimation", "soft", "crisp")
REPEATS = 3


def main() -> None:
    for frames in FRAMES:
        results = {way: measured(way, frames) for way in WAYS}
        print(f"{frames} frames, 1000 x 800    seconds   ratio   file MB   peak memory MB   (before drawing)")
        for way, result in results.items():
            ratio = results["FuncAnimation"]["seconds"] / result["seconds"]
            print(
                f"  {way:<24} {result['seconds']:9.3f} {ratio:6.1f}x {result['bytes'] / 1e6:9.2f}"
                f" {result['peak']:16.0f} {result['before']:18.0f}"
            )


def measured(way: str, frames: int) -> dict[str, float]:
    """Run one way in a process of its own, and return what it printed."""
    command = [sys.executable, "-m", "benchmarks.render", way, str(frames)]
    output = subprocess.run(command, env=os.environ | THREADS, check=True, capture_output=True, text=True).stdout
    result: dict[str, float] = json.loads(output)
    return result


def measure(way: str, frames: int) -> dict[str, float]:
    """Draw a film in one way; return the best seconds, the bytes of the file and the memory in MB."""
    film = make_film(frames)
    draw = import_way(way)
    before = peak_memory()
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(REPEATS):
            start = time.perf_counter()
            draw(film, Path(folder))
            seconds.append(time.perf_counter() - start)
        size = (Path(folder) / "boundary.gif").stat().st_size
    return {"seconds": min(seconds), "bytes": size, "peak": peak_memory(), "before": before}


def peak_memory() -> float:
    """Return the largest memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def make_film(frames: int) -> Any:
    """Return a film of a 2-100-3 ReLU network that learns the spiral, in so many frames at geometric epochs."""
    import numpy as np

    from autodiff.experiment.pictures import Curve, Film, Frame

    rng = np.random.default_rng(0)
    classes, count, last = 3, 100, 3000
    radius = np.tile(np.linspace(0, 1, count), classes)
    labels = np.repeat(np.arange(classes), count)
    angle = np.tile(np.linspace(0, 4, count), classes) + 4 * labels + 0.2 * rng.normal(size=len(labels))
    x = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1).astype(np.float32)

    W, b = rng.normal(size=(2, 100)).astype(np.float32), np.zeros(100, np.float32)
    V, c = (rng.normal(size=(100, classes)) / 7).astype(np.float32), np.zeros(classes, np.float32)

    def network(*parameters: Any) -> Callable[[Any], Any]:
        W, b, V, c = (parameter.copy() for parameter in parameters)
        return lambda points: np.maximum(points @ W + b, 0) @ V + c

    kept = set(np.rint(np.geomspace(1, last + 1, frames) - 1).astype(int).tolist())
    while len(kept) < frames:  # the first epochs coincide
        kept.add(min(set(range(last)) - kept))
    shown, losses, accuracies = [], [], []
    for epoch in range(last + 1):
        hidden = np.maximum(x @ W + b, 0)
        scores = hidden @ V + c
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        losses.append(float(-np.log(p[np.arange(len(x)), labels]).mean()))
        accuracies.append(float((p.argmax(axis=1) == labels).mean()))
        if epoch in kept:
            shown.append(Frame(epoch, losses[-1], accuracies[-1], network(W, b, V, c)))
        p[np.arange(len(x)), labels] -= 1
        d = p * np.float32(0.3 / len(x))
        dh = d @ V.T * (hidden > 0)
        V -= hidden.T @ d
        c -= d.sum(axis=0)
        W -= x.T @ dh
        b -= dh.sum(axis=0)
    curve = Curve(np.arange(last + 1), np.array(losses), np.array(accuracies))
    return Film("ReLU + SGD", x, labels, last, tuple(shown), curve)


def import_way(way: str) -> Callable[[Any, Path], None]:
    """Return a function that draws a film into a folder, with all it imports imported."""
    if way == "FuncAnimation":
        import matplotlib.animation
        import matplotlib.pyplot  # noqa: F401

        return draw_by_func_animation
    from autodiff.experiment.pictures import WIDTH
    from autodiff.experiment.pictures.boundary import backdrop_of, render_boundary

    def draw(film: Any, folder: Path) -> None:
        backdrop_of.cache_clear()  # each drawing begins from nothing
        render_boundary(film, folder, style="soft" if way == "soft" else "crisp", animation="gif", width=WIDTH)

    return draw


def draw_by_func_animation(film: Any, folder: Path) -> None:
    """Draw a film as is common: the class on a grid by contourf, and everything again in each frame."""
    import matplotlib.pyplot as plt
    import numpy as np
    from matplotlib.animation import FuncAnimation, PillowWriter

    figure, axes = plt.subplots(figsize=(10, 8), dpi=100)
    (left, bottom), (right, top) = film.features.min(axis=0) - 0.1, film.features.max(axis=0) + 0.1
    x, y = np.meshgrid(np.linspace(left, right, 220), np.linspace(bottom, top, 220))
    grid = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)

    def update(i: int) -> list[Any]:
        frame = film.frames[i]
        axes.clear()
        predicted = frame.logits(grid).argmax(axis=1).reshape(x.shape)
        axes.contourf(x, y, predicted, cmap="Spectral", alpha=0.5)
        axes.scatter(film.features[:, 0], film.features[:, 1], c=film.labels, cmap="Spectral", edgecolors="k")
        axes.set_title(f"Decision Boundary at Epoch {frame.epoch}")
        axes.set_xlabel("Feature 1")
        axes.set_ylabel("Feature 2")
        return []

    animation = FuncAnimation(figure, update, frames=len(film.frames))
    animation.save(folder / "boundary.gif", writer=PillowWriter(fps=10))
    figure.savefig(folder / "boundary.png")  # the last frame, which render_boundary writes as well
    plt.close(figure)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
