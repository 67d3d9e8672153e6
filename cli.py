"""adrun: runs small neural-network experiments from YAML configs.

Everything heavy is imported inside the commands, so that `adrun --help` and completion answer at once. What they do is
said in `help=`: docstrings are dropped by `python -OO`.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from autodiff.experiment.config.load import Experiment
    from autodiff.experiment.interrupts import Interrupts
    from autodiff.experiment.progress import Progress
    from autodiff.experiment.runs.place import Place
    from autodiff.experiment.runs.run import Options, Outcome
    from autodiff.experiment.studies.execution import Where
    from autodiff.experiment.studies.plan import Plan


class Commands(TyperGroup):
    """The commands. Bad arguments, too, are told with what to do, and as a document where one is asked for."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # Typer's own context is private
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            explain_option(error)
            told = getattr(error, "format_message", None)  # of bad arguments, which Typer tells on stderr
            if told is not None and "--json" in sys.argv:
                print(json.dumps({"runs": [], "errors": [told()]}, indent=2))
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


class Style(StrEnum):
    """How the fills of a boundary are drawn."""

    soft = "soft"
    crisp = "crisp"


Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a field, such as epochs=500 or dataset.noise=0.3."),
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", help="Override the seed.")]
Results = Annotated[
    Path,
    typer.Option("--results", metavar="DIR", callback=Path.expanduser, help="The folder of all runs' folders."),
]
Seeds = Annotated[
    str | None,
    typer.Option("--seeds", metavar="SEEDS", help="Train with several seeds: 20 (0 to 19), 5-9, or 3,5,8."),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", metavar="N", min=1, help="How many runs to train at once; as many as processors by default."
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", help="Train on Dask's workers: tcp://host:8786, or local."),
]
AnyVersion = Annotated[
    bool, typer.Option("--allow-version-mismatch", help="Take workers with other versions of NumPy, Python or adrun.")
]
NoGif = Annotated[bool, typer.Option("--no-gif", help="Draw no animation, which takes most of a short run's time.")]
Format = Annotated[Animation, typer.Option("--animation", help="The format of the animation.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="What to call the folder written to.")]
NoReport = Annotated[bool, typer.Option("--no-report", help="Write no report.html.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where a run was cut off; do nothing if it is done.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what another config left under the name.")]
OneRun = Annotated[str, typer.Argument(metavar="RUN", help="A run: a path, or a name in --results.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


OwnCode = Annotated[
    list[Path] | None,
    typer.Option("--code", metavar="FILE", help="Python of yours that registers parts; may be given again."),
]


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
    seeds: Seeds = None,
    code: OwnCode = None,
    results: Results = Path("results"),
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    any_version: AnyVersion = False,
    no_gif: NoGif = False,
    animation: Format = Animation.gif,
    no_report: NoReport = False,
    name: Name = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    with reporting(as_json, runs=[]) as told:
        use_code(code)
        refuse(seeds is not None and seed is not None, "train: give --seed or --seeds, but not both")

        from autodiff.experiment.config.overrides import overrides_of
        from autodiff.experiment.studies.plan import planned, seeds_of

        plan = planned(configs, overrides_of(overrides or (), seed), seeds_of(seeds), name=name)

        from autodiff.experiment.runs.run import Options
        from autodiff.experiment.studies.execution import Where

        options = Options(results, not no_gif, animation.value, resume=resume, overwrite=overwrite)
        where = Where(jobs, scheduler, any_version)
        if plan.is_study:
            tell_plan(plan, options, where, told, dry_run=False, as_json=as_json)
        outcomes = run_all(plan.experiments, plan.options(options), where, quiet, told, announce=not as_json)
        if not (no_report or plan.is_study):
            for outcome in outcomes:
                report_of([outcome], outcome.folder, told, quiet)
        told.status(outcomes)


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
    folder: Annotated[
        Path, typer.Option("--configs", metavar="DIR", callback=Path.expanduser, help="The folder for --all.")
    ] = Path("configs"),
    overrides: Set = None,
    seed: Seed = None,
    seeds: Seeds = None,
    sweeps: Annotated[
        list[str] | None,
        typer.Option("--sweep", metavar="KEY=VALUE,VALUE", help="Train every value of a field; may be given again."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be trained, and what it costs.")
    ] = False,
    code: OwnCode = None,
    results: Results = Path("results"),
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    any_version: AnyVersion = False,
    no_gif: NoGif = False,
    animation: Format = Animation.gif,
    no_report: NoReport = False,
    name: Name = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    with reporting(as_json, runs=[]) as told:
        use_code(code)
        refuse(bool(configs) == every, "compare: name the configs to compare, or give --all, but not both")

        refuse(seeds is not None and seed is not None, "compare: give --seed or --seeds, but not both")

        from autodiff.experiment.config.load import configs_in
        from autodiff.experiment.config.names import COMPARISON, checked_name
        from autodiff.experiment.config.overrides import overrides_of
        from autodiff.experiment.runs.record import is_record, records_in
        from autodiff.experiment.studies.plan import planned, seeds_of, sweeps_of

        comparison_name = COMPARISON if name is None else checked_name(name)
        given = configs or configs_in(folder)
        records = records_in(given)
        refuse(
            len(records) == len(given) and bool(seeds is not None or sweeps or overrides or seed is not None),
            "compare: records are compared as they are; --set, --seed, --seeds and --sweep are for configs",
        )
        plan = planned(
            [path for path in given if not is_record(path)],
            overrides_of(overrides or (), seed),
            seeds_of(seeds),
            sweeps_of(sweeps or ()),
        )

        from autodiff.experiment.runs.run import Options
        from autodiff.experiment.studies.compare import for_comparison, of_record, write_comparison
        from autodiff.experiment.studies.compare import told as told_of
        from autodiff.experiment.studies.execution import Where
        from autodiff.experiment.studies.findings import Findings
        from autodiff.experiment.terminal import say, terminal_columns

        options = Options(results, not no_gif, animation.value, resume=resume, overwrite=overwrite)
        options = for_comparison(plan, options, len(records))
        where = Where(jobs, scheduler, any_version)
        if plan.is_study or dry_run:
            tell_plan(plan, options, where, told, dry_run=dry_run, as_json=as_json)
        if dry_run:
            return
        with claim(results, comparison_name) as place:
            outcomes = [of_record(record) for record in records]
            told.runs += [outcome.as_json() for outcome in outcomes]
            outcomes += run_all(plan.experiments, plan.options(options), where, quiet, told, announce=False)
            finished = [outcome for outcome in outcomes if outcome.has_results]
            findings = Findings(finished)
            if not as_json and finished:
                say(told_of(findings, terminal_columns(sys.stdout) if sys.stdout.isatty() else None, plan.swept))
            if findings.several:
                told.document["statistics"] = findings.as_json()
            if finished and not told.interrupts.asked:
                with progress(quiet).note("drawing the comparison"):
                    comparison = write_comparison(findings, options, place, told.interrupts, plan.swept)
                told.document |= comparison.as_json()
                if comparison.error:
                    told.fault(comparison.error)
                elif not as_json:
                    say(comparison.sentence)
                if not no_report:
                    report_of(finished, comparison.folder, told, quiet)
            told.status(outcomes)


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
    code: OwnCode = None,
    as_json: Json = False,
) -> None:
    with reporting(as_json) as told:
        use_code(code)
        refuse(bool(names and config), "gradcheck: name rules, or give --config, but not both")

        from autodiff.experiment.config.load import load

        network = load(config) if config else None

        from autodiff.experiment.training import check

        orders = check.ORDERS[order]
        with progress(quiet=False).note("checking derivatives"):
            if network:
                checks = check.check_network(network, orders)
            else:
                checks = check.check_named(names or (), orders, own=bool(code))
        told.document = check.as_json(checks)
        if not as_json:
            print(check.as_table(checks))
        told.code = 0 if all(found.passed for found in checks) else 1


@app.command(
    "graph",
    help="""
    Draw how a config's network computes its loss.

    Inputs, parameters and operations with their shapes, values and gradients, and a frame around what each layer
    computes: as SVG by Graphviz, or as text that GitHub and notebooks draw.
    """,
)
def draw_graph(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A YAML file.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="By its ending .svg, .dot or .mmd (Mermaid).")
    ] = Path("graph.svg"),
    depth: Annotated[
        int | None, typer.Option(min=0, help="How far to look into layers, 0 for a box each; by default all the way.")
    ] = None,
    overrides: Set = None,
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    with reporting(as_json) as told:
        from autodiff.experiment.config.load import load_all
        from autodiff.experiment.config.overrides import overrides_of

        [experiment] = load_all([config], overrides_of(overrides or (), seed))

        from autodiff.experiment.training.graph import draw_network, save

        path, note = save(draw_network(experiment.config, depth), output)
        told.document |= {"graph": str(path)}
        if note:
            print(f"{path} is Mermaid's text: {note}", file=sys.stderr)
        if not as_json:
            print(path)


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
    code: OwnCode = None,
    as_json: Json = False,
) -> None:
    with reporting(as_json, configs=[]) as told:
        use_code(code)
        from autodiff.experiment.config.load import load_all
        from autodiff.experiment.config.overrides import overrides_of
        from autodiff.experiment.config.write import as_yaml

        experiments = load_all(configs, overrides_of(overrides or (), seed))
        told.document["configs"] = [{"name": one.name, "config": one.config.resolved()} for one in experiments]
        if not as_json:
            print("---\n".join(f"# {one.name}\n{as_yaml(one.config)}" for one in experiments), end="")


@app.command(
    "init",
    help="""
    Write four configs to begin with.

    `adrun compare --all` trains those in configs/. What is there is never overwritten.
    """,
)
def write_configs(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", callback=Path.expanduser, help="Where the configs are written.")
    ] = Path("configs"),
) -> None:
    with reporting(as_json=False):
        from autodiff.experiment.config.starters import write_starters

        for file, written in write_starters(folder):
            print(f"{file}: written" if written else f"{file}: exists, left as it is", flush=True)


@app.command("schema", help="Print the JSON Schema of a config, for editors.")
def print_schema() -> None:
    with reporting(as_json=False):
        from autodiff.experiment.config.schema import json_schema

        print(json.dumps(json_schema(), indent=2))


@app.command(
    "ls",
    help="""
    List runs and comparisons.

    Shows what each run of a results folder came to and how their configs differ, runs that are under way, and
    comparisons whose runs have changed since.
    """,
)
def list_runs(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", callback=Path.expanduser, help="The results folder.")
    ] = Path("results"),
    sort: Annotated[
        str, typer.Option("--sort", metavar="FIELD", help="By name, loss, accuracy, age, or a field of the config.")
    ] = "name",
    where: Annotated[
        list[str] | None, typer.Option("--where", metavar="FIELD=VALUE", help="Only those, as with optimizer=adam.")
    ] = None,
    as_json: Json = False,
) -> None:
    with reporting(as_json, runs=[]) as told:
        from autodiff.experiment.runs.listing import listing, nothing_in
        from autodiff.experiment.terminal import say, terminal_columns, warn

        found = listing(folder, where or (), sort, told.fault)
        told.runs += [run.as_json() for run in found.runs]
        told.document |= {"comparisons": [comparison.as_json() for comparison in found.comparisons]}
        if found.runs or found.comparisons:
            if not as_json:
                say(found.table(terminal_columns(sys.stdout) if sys.stdout.isatty() else None))
            if found.advice:
                warn(found.advice)
        elif not told.errors:
            warn(f"{folder}: none is so" if where else nothing_in(folder))


@app.command(
    "show",
    help="""
    Show all that is known of one run.

    Its config, results, times, machine, files, and the curve of its loss. RUN is a path, such as results/relu-adam, or
    a name in the folder of --results.
    """,
)
def show_run(run: OneRun, results: Results = Path("results"), as_json: Json = False) -> None:
    with reporting(as_json, runs=[]) as told:
        from autodiff.experiment.runs.finding import find_record
        from autodiff.experiment.runs.showing import shown, shown_as_json
        from autodiff.experiment.terminal import say, terminal_columns

        record = find_record(run, results)
        told.runs.append(shown_as_json(record))
        if not as_json:
            say(shown(record, terminal_columns(sys.stdout), sys.stdout.encoding, told.fault))


@app.command(
    "diff",
    help="""
    Show in what two runs differ.

    Their configs, what they came to, the machines and versions they were made with, and from which epoch on their logs
    differ.
    """,
)
def diff_runs(
    one: Annotated[str, typer.Argument(metavar="A", help="A run: a path, or a name in --results.")],
    other: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    results: Results = Path("results"),
    as_json: Json = False,
) -> None:
    with reporting(as_json, runs=[]) as told:
        from autodiff.experiment.runs.difference import difference
        from autodiff.experiment.runs.finding import find_record
        from autodiff.experiment.runs.showing import shown_as_json
        from autodiff.experiment.terminal import say, terminal_columns

        records = [find_record(run, results) for run in (one, other)]
        told.runs += [shown_as_json(record) for record in records]
        found = difference(*records)
        told.document |= found.as_json()
        if not as_json:
            say(found.text(terminal_columns(sys.stdout) if sys.stdout.isatty() else None))
        if found.log_problem:
            told.fault(found.log_problem)


@app.command(
    "rm",
    help="""
    Remove runs and comparisons.

    Asks first, on a terminal; without one, --yes has to be given. What is running is refused.
    """,
)
def remove_runs(
    runs: Annotated[list[str], typer.Argument(metavar="RUN", help="Runs, comparisons: paths, or names in --results.")],
    results: Results = Path("results"),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    with reporting(as_json, runs=[]) as told:
        from autodiff.experiment.runs.removal import remove, to_remove
        from autodiff.experiment.terminal import agreed, say, warn

        folders = to_remove(runs, results)
        told.document |= {"removed": []}
        names = ", ".join(map(str, folders))
        if not yes and not agreed(f"remove {names} for good?", "--yes"):
            warn("nothing was removed")
            return
        with told.interrupts.held_back():
            remove(folders)
        told.document |= {"removed": [str(folder) for folder in folders]}
        if not as_json:
            say(f"removed {names}")


@app.command(
    "predict",
    help="""
    Classify points with a run's network.

    Reads a CSV of two columns, feature 1 and feature 2, with a heading or without, and prints one with a line a point.
    """,
)
def predict_classes(
    run: OneRun,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="FILE", help="A CSV of points; stdin if absent, or -.")
    ] = None,
    probabilities: Annotated[bool, typer.Option("--probabilities", help="Add the probability of each class.")] = False,
    code: OwnCode = None,
    results: Results = Path("results"),
) -> None:
    with reporting(as_json=False):
        use_code(code)
        from autodiff.experiment.errors import InputError
        from autodiff.experiment.runs.finding import find_record
        from autodiff.experiment.runs.predict import open_points, predictions, predictor
        from autodiff.experiment.terminal import send

        network = predictor(find_record(run, results))
        from_stdin = data is None or str(data) == "-"
        if from_stdin and sys.stdin.isatty():
            raise InputError(["predict: no points; give --data FILE, or pipe them in"])
        with ExitStack() as stack:
            stream = sys.stdin.buffer if from_stdin else stack.enter_context(open_points(data or Path()))
            name = "stdin" if from_stdin else str(data)
            for lines in predictions(network, stream, name, probabilities=probabilities):
                if not send(lines):
                    break


@app.command(
    "draw",
    help="""
    Draw a run's pictures again, without training.

    They are drawn from the networks that the run kept, and replace its old ones when they are done.
    """,
)
def draw_run(
    run: OneRun,
    style: Annotated[Style | None, typer.Option("--style", help="The run's own by default.")] = None,
    animation: Format = Animation.gif,
    width: Annotated[int, typer.Option("--width", min=400, max=4000, help="Of the pictures, in pixels.")] = 1000,
    code: OwnCode = None,
    results: Results = Path("results"),
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    with reporting(as_json, runs=[]) as told:
        use_code(code)
        from autodiff.experiment.runs.finding import find_record
        from autodiff.experiment.runs.redraw import redraw
        from autodiff.experiment.terminal import say

        record = find_record(run, results)
        told.runs.append(record.summary | {"folder": str(record.folder)})
        with progress(quiet).note(f"{record.name}: drawing"):
            drawn = redraw(record, style.value if style else None, animation.value, width, told.interrupts)
        told.document |= {"pictures": [str(path) for path in drawn]}
        if not as_json:
            say(f"{record.name}: drawn to {', '.join(map(str, drawn))}")


@app.command(
    "report",
    help="""
    Write one page that shows runs from the inside.

    It holds their networks and computes what it draws: boundaries at every kept epoch, hidden units, and what a network
    makes of any point. It needs no server and no network. Without RUN it is of all runs in --results.
    """,
)
def write_report_of(
    runs: Annotated[list[str] | None, typer.Argument(metavar="RUN", help="Runs: paths, or names in --results.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="The page's file.")] = None,
    code: OwnCode = None,
    results: Results = Path("results"),
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    with reporting(as_json) as told:
        use_code(code)
        from autodiff.experiment.report.write import FILE, records_of, write_report
        from autodiff.experiment.terminal import say

        records = records_of(runs or (), results)
        path = output or results / FILE

        from autodiff.experiment.studies.compare import unread
        from autodiff.experiment.studies.findings import Findings

        with progress(quiet).note("writing the report"):
            write_report(Findings([unread(record) for record in records]), path)
        told.document |= {"report": str(path)}
        if not as_json:
            say(str(path))


def main() -> None:
    """Run the command line."""
    app(prog_name="adrun")


class Told:
    """What a command has to tell: its runs, what went wrong, and the code with which it ends; and whether to stop."""

    def __init__(self, interrupts: "Interrupts", document: dict[str, object]) -> None:
        self.interrupts = interrupts
        self.document = document
        self.runs: list[dict[str, object]] = []
        self.errors: list[str] = []
        self.code = 0

    def fault(self, text: str, code: int = 1) -> None:
        """Tell what went wrong on stderr, now."""
        from autodiff.experiment.terminal import warn

        self.errors.append(text)
        self.code = max(self.code, code)
        warn(text)

    def status(self, outcomes: "Sequence[Outcome]") -> None:
        """End with 130 if a run was interrupted, with 1 if one diverged, failed or did not learn."""
        statuses = {outcome.status for outcome in outcomes}
        if self.interrupts.asked or "interrupted" in statuses:
            self.code = 130
        elif statuses - {"done"}:
            self.code = max(self.code, 1)


def explain_option(error: Exception) -> None:
    """Let an error that an option is unknown say how the field of the config is set that was meant, if one was."""
    option, context = getattr(error, "option_name", None), getattr(error, "ctx", None)
    if not option or context is None or not any("--set" in parameter.opts for parameter in context.command.params):
        return
    from autodiff.experiment.config.meant import assignment_meant

    given = next((i for i, argument in enumerate(sys.argv) if argument.partition("=")[0] == option), len(sys.argv))
    _, equals, value = "".join(sys.argv[given : given + 1]).partition("=")
    following = [argument for argument in sys.argv[given + 1 : given + 2] if not argument.startswith("--")]
    meant = assignment_meant(option, value if equals else following[0] if following else "...")
    if meant:
        error.message = f"No such option: {option}; a field of the config is set with {meant}"  # type: ignore[attr-defined]


@contextmanager
def reporting(as_json: bool, **document: object) -> Iterator[Told]:
    """Turn whatever goes wrong into a few lines on stderr and an exit code; print the one document, if asked to.

    document: its entries as they are before there is anything to tell.
    """
    from autodiff.experiment.interrupts import Interrupts

    told = Told(Interrupts(), document)
    told.interrupts.listen()

    from autodiff.experiment.errors import InputError, RunError, in_one_line
    from autodiff.experiment.register import own_line
    from autodiff.experiment.runs.machine import use_one_thread
    from autodiff.experiment.terminal import say

    use_one_thread()  # before NumPy is imported
    try:
        yield told
    except InputError as error:
        for problem in error.problems:
            told.fault(problem, 2)
    except RunError as error:
        told.fault(str(error))
    except KeyboardInterrupt:
        told.fault("interrupted", 130)
    except MemoryError:
        told.fault("adrun: not enough memory; close other programs, or take smaller runs")
    except OSError as error:
        told.fault(f"adrun: {error}")
    except Exception as error:
        if (where := own_line(error)) is not None:
            told.fault(f"{where}: {in_one_line(error)}")
        else:
            told.fault(f"adrun: {in_one_line(error)}; this is a defect of adrun, please report it")
    if told.runs:
        told.document["runs"] = told.runs
    if as_json and not say(json.dumps({**told.document, "errors": told.errors}, indent=2)):
        told.code = max(told.code, 1)
    if told.code:
        raise typer.Exit(told.code)


def use_code(files: "Sequence[Path] | None") -> None:
    """Run code of one's own, which registers parts. Nothing else ever does."""
    if files:
        from autodiff.experiment.config import own_code

        own_code.use(own_code.read(files))


def report_of(outcomes: "Sequence[Outcome]", folder: Path, told: Told, quiet: bool) -> None:
    """Write the page of some runs that have ended into a folder, unless the user has had enough."""
    ended = [outcome for outcome in outcomes if outcome.has_results and outcome.status != "interrupted"]
    if told.interrupts.asked or len(ended) < len(outcomes):
        return
    from autodiff.experiment.report.write import FILE, reported

    with progress(quiet).note("writing the report"):
        fault = reported(ended, folder / FILE)
    if fault:
        told.fault(fault)


def refuse(wrong: bool, words: str) -> None:
    """Raise InputError if the arguments of a command contradict each other."""
    from autodiff.experiment.errors import InputError

    if wrong:
        raise InputError([words])


@contextmanager
def claim(results: Path, name: str) -> "Iterator[Place]":
    """Hold the lock of a name that a command writes to."""
    from autodiff.experiment.runs.place import claimed

    with claimed(results, name) as place:
        yield place


def tell_plan(plan: "Plan", options: "Options", where: "Where", told: Told, *, dry_run: bool, as_json: bool) -> None:
    """Tell what a study will take, on stderr, or what is asked of a dry run."""
    from autodiff.experiment.studies.estimate import estimated
    from autodiff.experiment.terminal import say, warn

    names = [experiment.name for experiment in plan.experiments]
    at_once = where.at_once(plan.experiments)
    estimate = estimated([experiment.config for experiment in plan.experiments], animated=plan.options(options).animate)
    text = f"{plan.size}, {where.in_words(at_once)}: {estimate.in_words(at_once)}"
    if not dry_run:
        warn(text)
    elif as_json:
        told.document |= {"plan": names, "estimate": estimate.as_json(at_once)}
    else:
        say("\n".join([*names, text]))


def run_all(
    experiments: "Sequence[Experiment]",
    options: "Options",
    where: "Where",
    quiet: bool,
    told: Told,
    announce: bool,
) -> "list[Outcome]":
    """Train the experiments; say what failed, and what is done if asked. Return what they came to, in their order."""
    from autodiff.experiment.progress import wanted
    from autodiff.experiment.runs.place import refuse_taken
    from autodiff.experiment.runs.run import offers
    from autodiff.experiment.studies.execution import execution
    from autodiff.experiment.terminal import say, warn

    refuse_taken(options.results, [experiment.name for experiment in experiments])
    for offered in offers(experiments, options):
        warn(offered)
    outcomes: dict[str, Outcome] = {}
    before = len(told.runs)
    carried_out_by = execution(experiments, where, told.interrupts, wanted(quiet))
    for outcome in carried_out_by.outcomes(experiments, options):
        outcomes[outcome.experiment.name] = outcome
        told.runs.append(outcome.as_json())
        if outcome.note:
            warn(outcome.note)
        if outcome.error:
            told.fault(outcome.error)
        elif outcome.status != "done":
            warn(outcome.sentence)
        elif announce and not say(outcome.sentence):
            told.code = 1
    in_order = [outcomes[experiment.name] for experiment in experiments if experiment.name in outcomes]
    told.runs[before:] = [outcome.as_json() for outcome in in_order]
    return in_order


def progress(quiet: bool, position: str = "") -> "Progress":
    """Return the line of progress, which shows itself only where it may."""
    from autodiff.experiment.progress import Progress, wanted

    return Progress(wanted(quiet), position)


if __name__ == "__main__":
    main()
