"""What a study is to train: every config, in every combination of the swept values, with every seed."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from autodiff.experiment.config.load import Experiment, load_all
from autodiff.experiment.config.names import run_names
from autodiff.experiment.config.overrides import FieldPath, Override
from autodiff.experiment.errors import InputError

if TYPE_CHECKING:
    from autodiff.experiment.runs.run import Options  # NumPy comes with it, which a wrong config does not need

MOST_RUNS = 1_000_000
MOST_SEEDS = 100_000
SEEDS = "must be a number of seeds (20 is 0 to 19), a range (0-19) or a list (3,5,8)"


@dataclass(frozen=True)
class Plan:
    """The runs of a study, config after config, of each all combinations of swept values, of each all seeds."""

    experiments: tuple[Experiment, ...]
    configs: int
    combinations: int
    seeds: int
    swept: tuple[FieldPath, ...] = ()

    @property
    def is_study(self) -> bool:
        """Whether there are runs that nobody named one by one: several seeds, or swept values."""
        return self.seeds > 1 or self.combinations > 1

    def options(self, options: "Options") -> "Options":
        """Return the options of each run: nobody looks at the animations of all seeds, and `adrun draw` makes any."""
        return replace(options, animate=options.animate and not self.is_study)

    @property
    def size(self) -> str:
        """How many runs there are, in words."""
        counts = [_count(self.configs, "config")]
        counts += [_count(self.combinations, "combination")] * (self.combinations > 1)
        counts += [_count(self.seeds, "seed")] * (self.seeds > 1)
        return f"{_count(len(self.experiments), 'run')} ({' x '.join(counts)})"


def planned(
    files: Sequence[Path],
    overrides: Sequence[Override] = (),
    seeds: Sequence[int] = (),
    sweeps: "Sequence[Sweep]" = (),
    name: str | None = None,
) -> Plan:
    """Return the plan. Raises InputError with every mistake in the configs and the swept values.

    seeds: none for the config's own. name: of the run, when there is only one; otherwise each is named after its file
    and what the command line sets.
    """
    _refuse_twice(overrides, seeds, sweeps)
    combinations = [list(values) for values in product(*(sweep.values for sweep in sweeps))]
    count = len(files) * len(combinations) * (len(seeds) or 1)
    if count > MOST_RUNS:
        raise InputError([f"this would be {count:,} runs, and {MOST_RUNS:,} are allowed; sweep less, or fewer seeds"])
    if name is not None and count != 1:
        raise InputError([f"--name: is for one run, and this would be {count}; leave it out"])
    of_files: list[list[Experiment]] = [[] for _ in files]
    problems: list[str] = []
    for values in combinations:
        try:
            for found, runs in zip(of_files, _with_seeds(files, [*overrides, *values], seeds, name), strict=True):
                found += runs
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    experiments = [experiment for runs in of_files for experiment in runs]
    for run, times in Counter(experiment.name for experiment in experiments).items():
        if times > 1:
            raise InputError([f"--sweep: {times} of the runs would be {run}; give every value once"])
    swept = tuple(sweep.values[0].path for sweep in sweeps)
    return Plan(tuple(experiments), len(files), len(combinations), len(seeds) or 1, swept)


def _refuse_twice(overrides: Sequence[Override], seeds: Sequence[int], sweeps: "Sequence[Sweep]") -> None:
    """Raise InputError if two options set one field."""
    given = {path: override.option for override in overrides for path, _ in override.assignments()}
    others = [(("seed",), "--seeds")] * bool(seeds) + [(sweep.values[0].path, "--sweep") for sweep in sweeps]
    for path, option in others:
        if path in given:
            raise InputError([f"{given[path]} and {option}: both set {'.'.join(path)}; give one of them"])


def _with_seeds(
    files: Sequence[Path], overrides: Sequence[Override], seeds: Sequence[int], name: str | None
) -> list[list[Experiment]]:
    """Return the runs of each file, one a seed. Raises InputError."""
    if not seeds:
        return [[experiment] for experiment in load_all(files, overrides, name)]
    loaded = load_all(files, [*overrides, of_seed(max(seeds))], name)
    names = [[name] if name else run_names(files, [*overrides, of_seed(seed)]) for seed in seeds]
    return [
        [
            replace(one, name=named[i], config=one.config.model_copy(update={"seed": seed}))
            for seed, named in zip(seeds, names, strict=True)
        ]
        for i, one in enumerate(loaded)
    ]


def of_seed(seed: int) -> Override:
    """Return the override that sets the seed."""
    return Override(f"--seeds {seed}", ("seed",), seed)


def seeds_of(text: str | None) -> list[int]:
    """Return the seeds that `--seeds` names: a number of them, a range or a list; none if it is not given.

    Raises InputError.
    """
    if text is None:
        return []
    number = re.fullmatch(r"\s*(\d+)\s*", text, re.ASCII)
    if number:
        return _range(text, 0, int(number[1]) - 1)
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part, re.ASCII)
        if found is None:
            raise InputError([f"--seeds {text}: {SEEDS}, found {part!r}"])
        seeds += _range(text, int(found[1]), int(found[2] or found[1]))
    if len(set(seeds)) < len(seeds):
        raise InputError([f"--seeds {text}: names a seed twice; give each once"])
    return seeds


def _range(text: str, first: int, last: int) -> list[int]:
    if last < first:
        raise InputError([f"--seeds {text}: names no seed; {SEEDS}"])
    if last - first >= MOST_SEEDS:
        raise InputError([f"--seeds {text}: names {last - first + 1:,} seeds, and {MOST_SEEDS:,} are allowed"])
    return list(range(first, last + 1))


@dataclass(frozen=True)
class Sweep:
    """A field of the configs, and the values that it takes, each as an override."""

    values: tuple[Override, ...]

    @classmethod
    def parse(cls, assignment: str) -> "Sweep":
        """Read `key=value,value`; a comma within brackets, braces or quotes belongs to a value. Raises InputError."""
        key, equals, text = assignment.partition("=")
        values = [part.strip() for part in _split(text)]
        if not (key.strip() and equals and all(values)):
            raise InputError([f"--sweep {assignment}: must be key=value,value, such as --sweep learning_rate=0.01,0.1"])
        return cls(tuple(Override.parse(f"{key.strip()}={value}", "--sweep") for value in values))


def sweeps_of(assignments: Sequence[str]) -> list[Sweep]:
    """Return the sweeps that `--sweep` names. Raises InputError, also when two are of one field."""
    sweeps = [Sweep.parse(assignment) for assignment in assignments]
    fields = [".".join(sweep.values[0].path) for sweep in sweeps]
    for field in fields:
        if field == "seed":
            raise InputError(["--sweep seed: seeds are given with --seeds, such as --seeds 10 or --seeds 3,5"])
        if fields.count(field) > 1:
            raise InputError([f"--sweep {field}: is given twice; give all values at once, as in {field}=1,2,3"])
    return sweeps


def _split(text: str) -> list[str]:
    """Split a text at its commas, but for those within brackets, braces or quotes."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        if character == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
