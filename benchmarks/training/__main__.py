"""A training step side by side.

python -m benchmarks.training [--quick] [--markdown FILE]
"""

import argparse
import os
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from benchmarks.training.machine import describe, use_one_core

METHOD = (
    "Every contestant trains the same network from the same weights on the same points: float32, one core, one thread, "
    "mean cross-entropy over all points, the loss of each step read as a number. Adam has the learning rate 0.01, SGD "
    "0.03 with momentum 0.9. A time counts only if the loss after 100 steps is that of NumPy in float64, to 1e-4. "
    "Times are the processor's, which other programs on the machine do not add to; those of compiling are the clock's."
)
SMALL = ["adrun captured", "adrun repeat", "adrun eager", "PyTorch", "jax.jit", "jax scan"]
"""Whose overhead is measured on the network in which nothing is large."""


def main() -> None:
    """Measure, print the tables, and write them as Markdown where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only the smallest networks")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables as a Markdown page, too")
    options = parser.parse_args()
    cores = os.cpu_count() or 1
    use_one_core()

    from benchmarks.training.contestants import CONTESTANTS  # NumPy reads the number of threads when it is imported
    from benchmarks.training.rounds import measure
    from benchmarks.training.table import make_tables, markdown_page, text_page
    from benchmarks.training.work import SIZES, TINY, rows_of

    small = [contestant for contestant in CONTESTANTS if contestant.name in SMALL]
    with tempfile.TemporaryDirectory() as compiled:  # PyTorch keeps what it compiled: here it compiles anew
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = compiled
        results = measure([TINY], small)
        for size in SIZES[:1] if options.quick else SIZES:
            started = time.monotonic()
            results |= measure(rows_of(*size), CONTESTANTS)
            print(f"{rows_of(*size)[0].size}: done in {time.monotonic() - started:.0f} s", file=sys.stderr)
    command = " ".join(["python -m benchmarks.training", *sys.argv[1:]])
    heading = [f"{date.today().isoformat()}, {command}", *describe(cores), METHOD]
    tables, notes = make_tables(results)
    print(text_page(heading, tables, notes))
    if options.markdown:
        options.markdown.write_text(markdown_page(heading, tables, notes), encoding="utf-8")


if __name__ == "__main__":
    main()
