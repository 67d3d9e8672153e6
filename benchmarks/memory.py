"""The memory that runs are estimated to need, beside the peak of whole runs: the estimate is to be 1 to 1.25 of that.

Run `python -m benchmarks.memory`; with words, only the configs whose overrides hold all of them.
"""

import os
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

import yaml

from autodiff.experiment.config import memory
from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import load
from autodiff.experiment.config.overrides import Override

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "configs" / "relu-sgd.yaml"
WIDE = ("[1300]", "[500,500]", "[300,300,300,300]", "[900,90]", "[64]")
ADAM = "optimizer=adam momentum=null"
GRID = [
    *(
        f"activation={activation} hidden={hidden} {points} {optimizer}"
        for activation, hidden, points, optimizer in product(
            ("relu", "sigmoid", "tanh"), WIDE, ("dataset.points_per_class=9000",), ("momentum=0.9", ADAM)
        )
    ),
    *(
        f"activation={activation} hidden={hidden} dataset.points_per_class=9000 {more}"
        for activation, hidden, more in product(
            ("relu", "sigmoid"), WIDE[:3], ("dtype=float64", "batch_size=2000", "epochs=2", "dataset.classes=7")
        )
    ),
    *(
        f"hidden={hidden} dataset.points_per_class=10 frames={frames} {optimizer} {more}"
        for hidden, frames, optimizer, more in product(
            ("[2048,2048]", "[1024,1024,1024]", "[4096,300]"),
            (2, 20),
            ("momentum=0.9", "momentum=0", ADAM),
            ("dtype=float32", "dtype=float64"),
        )
    ),
    *(
        f"activation={activation} hidden={hidden} dataset.points_per_class={points} dataset.test_points_per_class=8000"
        for activation, hidden, points in product(("relu", "sigmoid", "tanh"), WIDE[:2], (100, 2000, 8000))
    ),
    "hidden=[100] frames=1000 epochs=1500",
    "hidden=[256,256] frames=300 epochs=400 dataset.points_per_class=10",
    "activation=sigmoid hidden=[1000] dataset.points_per_class=25000",
]
PROGRAM = """
import sys
sys.argv[0] = "adrun"
import cli
try:
    cli.main()
finally:
    with open("/proc/self/status") as status:
        print(next(line for line in status if line.startswith("VmHWM")))
"""


def peak(config: Config) -> int:
    """Return the largest resident memory of a run, in bytes.

    Of that process alone, as Linux counts it: `resource.getrusage` counts what its parent held when it began, too.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "run.yaml").write_text(yaml.safe_dump(config.resolved()))
        command = [sys.executable, "-c", PROGRAM, "train", "run.yaml", "--no-gif"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    peaks = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("VmHWM:")]
    assert peaks, done.stderr
    return int(peaks[-1]) * 1024


def main(words: list[str]) -> None:
    print("estimated  measured  ratio  config")
    ratios = []
    for case in GRID:
        if not all(word in case for word in words):
            continue
        config = load(
            CONFIG, [Override.parse(override) for override in ["epochs=12", "learning_rate=1e-4", *case.split()]]
        )
        estimated, measured = memory.together([config.needs()]), peak(config)
        ratios.append(estimated / measured)
        numbers = f"{estimated / memory.MEGABYTE:6.0f} MB {measured / memory.MEGABYTE:6.0f} MB  {ratios[-1]:5.2f}"
        print(f"{numbers}  {case}", flush=True)
    print(f"{len(ratios)} runs: estimated / measured is {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
