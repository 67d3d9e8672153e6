"""adrun: runs small neural-network experiments from YAML configs.

Everything heavy is imported inside the commands, so that `adrun --help` and completion answer at once. What they do is
said in `help=`: docstrings are dropped by `python -OO`.
"""

import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from autodiff.experiment.config.load import Experiment
    from autodiff.experiment.progress import Progress
    from autodiff.experiment.runs.run import Options, Outcome


class Commands(TyperGroup):
    """The commands; a field of the config that is given as an option of its own is answered with its `--set`."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # Typer's own context is private
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            explain_option(error)
            raise


app = typer.Typer(
    name="adrun",
    cls=Commands,
    help="Train small neural networks from YAML configs, and see how their decision boundaries form.",
    epilog="Exit codes: 0 done, 1 a run or a check failed, 2 bad input, 130 interrupted.",
    no_args_is_help=True,
    rich_markup_mode=None,  # Rich would double the time that --help takes
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Animation(StrEnum):
    """The formats in which the evolving boundary is written."""

    gif = "gif"
    webp = "webp"
    apng = "apng"


Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a field, such as epochs=500 or dataset.noise=0.3."),
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", help="Override the seed.")]
Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="Where the runs' folders are written.")]
NoGif = Annotated[bool, typer.Option("--no-gif", help="Draw no animation, which takes most of a short run's time.")]
Format = Annotated[Animation, typer.Option("--animation", help="The format of the animation.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


def print_version(asked: bool) -> None:
    """Print the version and stop, if asked to."""
    if asked:
        from autodiff.experiment.runs.machine import adrun_version

        print(f"adrun {adrun_version()}")
        raise typer.Exit


@app.callback()
def adrun(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...


@app.command(
    help="""
    Train configs; keep logs and pictures.

    Each CONFIG's log, evolving boundary and summary are written to results/<config name>/.
    """
)
def train(
    configs: Annotated[list[Path], typer.Argument(metavar="CONFIG", help="YAML files, one a run.")],
    overrides: Set = None,
    seed: Seed = None,
    results: Results = Path("results"),
    no_gif: NoGif = False,
    animation: Format = Animation.gif,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    with reporting():
        experiments, options = prepared(configs, overrides, seed, results, no_gif, animation)
        outcomes = run_all(experiments, options, quiet, announce=not as_json)
        if as_json:
            print_json(outcomes)
        exit_by_status(outcomes)


@app.command(
    help="""
    Train configs and set them side by side.

    Each CONFIG is trained as `train` does; then a table is printed, and written with curves and boundaries to
    results/comparison/.
    """
)
def compare(
    configs: Annotated[list[Path] | None, typer.Argument(metavar="CONFIG", help="YAML files, one a run.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Compare every *.yaml in the folder of --configs.")] = False,
    folder: Annotated[Path, typer.Option("--configs", metavar="DIR", help="The folder for --all.")] = Path("configs"),
    overrides: Set = None,
    seed: Seed = None,
    results: Results = Path("results"),
    no_gif: NoGif = False,
    animation: Format = Animation.gif,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    if bool(configs) == every:
        raise typer.BadParameter("name the configs to compare, or give --all, but not both")
    with reporting():
        from autodiff.experiment.config.load import configs_in

        experiments, options = prepared(configs or configs_in(folder), overrides, seed, results, no_gif, animation)

        from autodiff.experiment.studies.compare import for_comparison, write_comparison
        from autodiff.experiment.studies.table import plain
        from autodiff.experiment.terminal import terminal_columns

        options = for_comparison(experiments, options)
        outcomes = run_all(experiments, options, quiet, announce=False)
        if not as_json:
            columns = terminal_columns(sys.stdout) if sys.stdout.isatty() else None
            print(plain([outcome.summary for outcome in outcomes], columns), flush=True)
        comparison = None
        if outcomes[-1].status != "interrupted":
            with progress(quiet).note("drawing the comparison"):
                comparison = write_comparison(outcomes, options)
        if as_json:
            print_json(outcomes, **(comparison.as_json() if comparison else {}))
        elif comparison:
            print(comparison.sentence)
        exit_by_status(outcomes)


@app.command(
    "gradcheck",
    help="""
    Check derivatives numerically.

    Compares derivative rules, or a config's whole network, with central differences in float64; exits with 1 if any
    differs.
    """,
)
def check_gradients(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Rules, such as exp; all by default.")
    ] = None,
    order: Annotated[int | None, typer.Option(min=1, max=2, help="Only first or second derivatives.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Check the whole network of this config instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    if names and config:
        raise typer.BadParameter("name rules, or give --config, but not both")
    with reporting():
        from autodiff.experiment.config.load import load

        network = load(config) if config else None

        from autodiff.experiment.training import check

        orders = check.ORDERS[order]
        with progress(quiet=False).note("checking derivatives"):
            checks = check.check_network(network, orders) if network else check.check_rules(names or (), orders)
        print(json.dumps(check.as_json(checks), indent=2) if as_json else check.as_table(checks))
        if not all(found.passed for found in checks):
            raise typer.Exit(1)


@app.command(
    help="""
    Check configs, and train nothing.

    Each CONFIG is printed with every default filled in, as it would be trained.
    """
)
def validate(
    configs: Annotated[list[Path], typer.Argument(metavar="CONFIG", help="YAML files.")],
    overrides: Set = None,
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    with reporting():
        from autodiff.experiment.config.load import load_all
        from autodiff.experiment.config.overrides import overrides_of
        from autodiff.experiment.config.write import as_yaml

        experiments = load_all(configs, overrides_of(overrides or (), seed))
        if as_json:
            resolved = [{"name": one.name, "config": one.config.resolved()} for one in experiments]
            print(json.dumps({"configs": resolved}, indent=2))
        else:
            print("---\n".join(f"# {one.name}\n{as_yaml(one.config)}" for one in experiments), end="")


@app.command(
    "init",
    help="""
    Write four configs to begin with.

    `adrun compare --all` trains those in configs/. What is there is never overwritten.
    """,
)
def write_configs(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the configs are written.")] = Path("configs"),
) -> None:
    with reporting():
        from autodiff.experiment.config.starters import write_starters

        for file, written in write_starters(folder):
            print(f"{file}: written" if written else f"{file}: exists, left as it is", flush=True)


@app.command("schema", help="Print the JSON Schema of a config, for editors.")
def print_schema() -> None:
    with reporting():
        from autodiff.experiment.config.schema import json_schema

        print(json.dumps(json_schema(), indent=2))


def main() -> None:
    """Run the command line."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # being told to stop, too, keeps what was reached
    app(prog_name="adrun")


def explain_option(error: Exception) -> None:
    """Let an error that an option is unknown say how the field of the config is set that was meant, if one was."""
    option, context = getattr(error, "option_name", None), getattr(error, "ctx", None)
    if not option or context is None or not any("--set" in parameter.opts for parameter in context.command.params):
        return
    from autodiff.experiment.config.wording import assignment_meant

    given = next((i for i, argument in enumerate(sys.argv) if argument.partition("=")[0] == option), len(sys.argv))
    _, equals, value = "".join(sys.argv[given : given + 1]).partition("=")
    following = [argument for argument in sys.argv[given + 1 : given + 2] if not argument.startswith("--")]
    meant = assignment_meant(option, value if equals else following[0] if following else "...")
    if meant:
        error.message = f"No such option: {option}; a field of the config is set with {meant}"  # type: ignore[attr-defined]


@contextmanager
def reporting() -> Iterator[None]:
    """Turn what a user can cause into a few lines on stderr and an exit code."""
    from autodiff.experiment.errors import InputError, RunError
    from autodiff.experiment.runs.machine import use_one_thread

    use_one_thread()  # before NumPy is imported
    try:
        yield
    except InputError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    except RunError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise typer.Exit(130) from None


def prepared(
    configs: Sequence[Path],
    assignments: Sequence[str] | None,
    seed: int | None,
    results: Path,
    no_gif: bool,
    animation: Animation,
) -> "tuple[list[Experiment], Options]":
    """Return the experiments and how to run them; nothing has run yet when any of them is wrong."""
    from autodiff.experiment.config.load import load_all
    from autodiff.experiment.config.overrides import overrides_of

    experiments = load_all(configs, overrides_of(assignments or (), seed))

    from autodiff.experiment.runs import folder as folders
    from autodiff.experiment.runs.run import Options

    for experiment in experiments:
        folders.create(results / experiment.name)
    return experiments, Options(results, not no_gif, animation.value)


def run_all(experiments: "Sequence[Experiment]", options: "Options", quiet: bool, announce: bool) -> "list[Outcome]":
    """Run the experiments one after the other, until one is interrupted; say what failed, and what is done if asked."""
    from autodiff.experiment.runs.run import run

    outcomes = []
    for number, experiment in enumerate(experiments, 1):
        position = f"run {number} of {len(experiments)}" if len(experiments) > 1 else ""
        outcome = run(experiment, options, progress(quiet, position))
        outcomes.append(outcome)
        if outcome.status != "done":
            print(outcome.sentence, file=sys.stderr)
        elif announce:
            print(outcome.sentence, flush=True)
        if outcome.status == "interrupted":
            break
    return outcomes


def progress(quiet: bool, position: str = "") -> "Progress":
    """Return the line of progress, which shows itself only where it may."""
    from autodiff.experiment.progress import Progress, wanted

    return Progress(wanted(quiet), position)


def print_json(outcomes: "Sequence[Outcome]", **more: object) -> None:
    """Print the runs as one document: the summary of each, and where its files are."""
    runs = [{**outcome.summary, "folder": str(outcome.folder)} for outcome in outcomes]
    print(json.dumps({"runs": runs, **more}, indent=2))


def exit_by_status(outcomes: "Sequence[Outcome]") -> None:
    """Leave with 130 if a run was interrupted, with 1 if one diverged or did not learn."""
    statuses = {outcome.status for outcome in outcomes}
    if statuses != {"done"}:
        raise typer.Exit(130 if "interrupted" in statuses else 1)


if __name__ == "__main__":
    main()
