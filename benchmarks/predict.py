"""Classifying the points of a CSV: `adrun predict` beside PyTorch with the same network, in one thread.

Run it from the root of the repository: `python -m benchmarks.predict [ROWS]`. Both read the file and write a CSV of
classes, or of classes and probabilities. PyTorch's way reads with numpy.loadtxt, some rows at a time, as adrun does, so
that neither holds the file; it writes classes joined as text, and probabilities with one format a chunk: the fastest
that we know of. The rounds alternate, and the ratio is that of the medians; imports are not counted. Their classes are
compared. The peak memory is that of the whole process, `adrun predict` on the command line, for two lengths of file.
"""

import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np

from autodiff.experiment.config.load import load_all
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.progress import Progress
from autodiff.experiment.runs.place import claimed
from autodiff.experiment.runs.predict import predictions, predictor
from autodiff.experiment.runs.record import Record, read_record
from autodiff.experiment.runs.run import Options, run

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
ROWS = 300_000
ROUNDS = 5
LINES_AT_ONCE = 30_000

Way = Callable[[Path, bool], bytes]


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as scratch:
        record, points = trained(Path(scratch)), Path(scratch) / "points.csv"
        write_points(points, rows)
        ways: dict[str, Way] = {"adrun predict": of_adrun(record), "PyTorch": of_torch(record)}
        print(f"{rows:,} points, 2-100-3, rows a second")
        for probabilities in (False, True):
            compare(ways, points, probabilities)
        for length in (rows // 10, rows):
            write_points(points, length)
            print(f"  peak memory of the command with {length:>9,} rows: {peak(record, points):.0f} MB")


def trained(results: Path) -> Record:
    """Train the network of a config for some epochs, and return its record."""
    [experiment] = load_all([Path("configs/relu-adam.yaml")])
    config = experiment.config.model_copy(update={"epochs": 300})
    with claimed(results, "one") as place:
        options = Options(results, animate=False)
        done = run(type(experiment)("one", config), options, Progress(visible=False), place, Interrupts())
    return read_record(done.folder)


def write_points(path: Path, rows: int) -> None:
    points = np.random.default_rng(0).normal(size=(rows, 2)).astype(np.float32)
    with path.open("w") as stream:
        stream.writelines(f"{x:.9g},{y:.9g}\n" for x, y in points.tolist())


def of_adrun(record: Record) -> Way:
    network = predictor(record)

    def way(points: Path, probabilities: bool) -> bytes:
        with points.open("rb") as stream:
            return b"".join(predictions(network, stream, "points", probabilities=probabilities))

    return way


def of_torch(record: Record) -> Way:
    torch = import_module("torch")
    torch.set_num_threads(1)
    weights = {name: torch.from_numpy(values.copy()) for name, values in record.parameters().items()}
    model = torch.nn.Sequential(torch.nn.Linear(2, 100), torch.nn.ReLU(), torch.nn.Linear(100, 3))
    model.load_state_dict(weights)

    def chunks(stream: io.BufferedReader) -> Iterator[list[bytes]]:
        while lines := list(islice(stream, LINES_AT_ONCE)):
            yield lines

    def way(points: Path, probabilities: bool) -> bytes:
        written = ["class,probability_0,probability_1,probability_2\n" if probabilities else "class\n"]
        with points.open("rb") as stream, torch.inference_mode():
            for lines in chunks(stream):
                logits = model(torch.from_numpy(np.loadtxt(lines, delimiter=",", dtype=np.float32)))
                classes = logits.argmax(1)
                if probabilities:
                    cells = torch.column_stack([classes, logits.softmax(1)]).ravel().tolist()
                    written.append("%d,%.9g,%.9g,%.9g\n" * len(classes) % tuple(cells))
                else:
                    written.append("\n".join(map(str, classes.tolist())) + "\n")
        return "".join(written).encode()

    return way


def compare(ways: dict[str, Way], points: Path, probabilities: bool) -> None:
    times: dict[str, list[float]] = {name: [] for name in ways}
    outputs: dict[str, bytes] = {}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            started = time.perf_counter()
            outputs[name] = way(points, probabilities)
            times[name].append(time.perf_counter() - started)
    found = [[line[:1] for line in output.splitlines()] for output in outputs.values()]
    same = np.mean([one == other for one, other in zip(*found, strict=True)])
    rates = {name: (len(found[0]) - 1) / median(seconds) for name, seconds in times.items()}
    what = "classes and probabilities" if probabilities else "classes"
    print(f"  {what}: " + ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items()), end="")
    print(f", ratio {rates['adrun predict'] / rates['PyTorch']:.2f}; {same:.4%} of the classes are the same")


def peak(record: Record, points: Path) -> float:
    """Return the peak memory of `adrun predict`, in MB, seen by a small process: that of a child begins at its own."""
    command = [sys.executable, "-m", "autodiff", "predict", str(record.folder), "--data", str(points)]
    watch = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    watched = subprocess.run([sys.executable, "-c", watch, *command], check=True, capture_output=True, text=True)
    return int(watched.stdout) / (1024 if sys.platform != "darwin" else 1024**2)


if __name__ == "__main__":
    if THREADS.items() <= os.environ.items():
        main()
    else:  # the libraries read it once, when they are imported
        command = [sys.executable, "-m", "benchmarks.predict", *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=os.environ | THREADS, check=False).returncode)
