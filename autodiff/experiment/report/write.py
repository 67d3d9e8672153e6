"""report.html: one file with the runs' networks in it, which needs nothing else."""

import base64
import hashlib
import json
import shlex
import tempfile
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from autodiff.experiment.errors import InputError, RunError, in_one_line, reason
from autodiff.experiment.files import write_text
from autodiff.experiment.pictures.of_training import film_of, setting_of
from autodiff.experiment.report.data import data_set, epochs_of, run_data
from autodiff.experiment.report.tables import config_table, machine_table, markdown_table
from autodiff.experiment.runs.finding import find_record
from autodiff.experiment.runs.html import picture
from autodiff.experiment.runs.recall import recalled
from autodiff.experiment.runs.record import Record, folders_in, is_record, read_record
from autodiff.experiment.runs.run import Outcome
from autodiff.experiment.studies import settings_table, table
from autodiff.experiment.studies.findings import Findings
from autodiff.experiment.training.diagnosis import by_layer, findings
from autodiff.experiment.training.training import Training

FILE = "report.html"
MOST_RUNS = 400
MOST_SHOWN = 12  # settings; of more, the first are shown from the inside
HERE = Path(__file__).parent
PICTURES = {
    "confusion.png": ("Confusion", "how many points of each class the network takes for which"),
    "seeds.png": ("Seeds", "a dot a seed: its final accuracy, and its epochs to 95 %, for each setting"),
    "agreement.png": (
        "What the seeds agree on",
        "the class that most seeds choose at each place, fading with their share",
    ),
    "sweep.png": ("Sweep", "the median accuracy at each value of the field, with the spread of the seeds"),
    "heatmap.png": ("Sweep of two fields", "the accuracy at each pair of values, a panel for each setting"),
}
"""Pictures of a comparison, with their titles and what they show."""
SCRIPTS = ("network.js", "painting.js", "page.js")


def write_report(findings: Findings, path: Path) -> None:
    """Write the page of some runs; of several seeds, the first of each setting is shown from the inside.

    Pictures of a comparison in the page's folder are shown in it too.

    Raises InputError for a record that is damaged, RunError where the file cannot be written.
    """
    try:
        write_text(path, page(findings, path.parent))
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {reason(error)}") from None


def reported(outcomes: Sequence[Outcome], path: Path) -> str:
    """Write the page of runs that have just ended; return what went wrong, for they are no worse for it."""
    try:
        write_report(Findings(outcomes), path)
    except (InputError, RunError) as error:
        return str(error)
    except Exception as error:
        return f"{path}: could not be written ({in_one_line(error)}); `adrun report` tries again"
    return ""


def records_of(runs: Sequence[str], results: Path) -> list[Record]:
    """Return the records of the runs that a user names, or of all that have ended in a results folder.

    Raises InputError for a run that there is not or that has no results yet, and for too many.
    """
    if runs:
        records = [find_record(run, results) for run in dict.fromkeys(runs)]
        early = [
            f"{record.folder}: has no results yet; wait, or leave it out" for record in records if not record.ended
        ]
        if early:
            raise InputError(early)
    else:
        folders = [folder for folder in folders_in(results) if is_record(folder)]
        records = [record for record in map(read_record, folders) if record.ended]
        if not records:
            raise InputError([f"{results}: has no run that has ended; `adrun train CONFIG` makes one"])
    if len(records) > MOST_RUNS:
        raise InputError([f"report: shows at most {MOST_RUNS} runs, found {len(records)}; name those to show"])
    return records


def page(findings: Findings, folder: Path) -> str:
    """Return the page as HTML, with the pictures of the comparison in a folder."""
    shown = [setting.outcomes[0] for setting in findings.settings[:MOST_SHOWN]]
    records = [read_record(outcome.folder) for outcome in shown]
    trainings = [recalled(record) for record in records]
    titles = findings.titles[:MOST_SHOWN]
    sets, places = data_sets(records, trainings)
    runs = [
        run_data(record, training, title, i, len(records), places[i])
        for i, (record, training, title) in enumerate(zip(records, trainings, titles, strict=True))
    ]
    svg, epochs, marks = curves(findings, titles, trainings, epochs_of(runs))
    script = "\n".join((HERE / name).read_text("utf-8") for name in SCRIPTS)
    data = {"runs": runs, "dataSets": sets, "curves": {"epochs": epochs, "places": marks}}
    title = titles[0] if len(titles) == 1 else f"{len(titles)} runs side by side"
    return Template((HERE / "page.html").read_text("utf-8")).substitute(
        title=escape(title),
        hash=hash_of(script),
        style=(HERE / "page.css").read_text("utf-8"),
        lead=paragraphs(lead_of(findings)),
        marks=escape(marks_of(sets)),
        curves=section("curves", "Curves", f'<div class="curves">{svg}<div id="marker"></div></div>'),
        sections=sections(findings, records, titles, folder),
        foot=foot(records),
        data=json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        script=script,
    )


def marks_of(sets: Sequence[dict[str, Any]]) -> str:
    """Return what the marks are."""
    held_out = any(found["heldOut"] for found in sets)
    return "Filled marks are training points, hollow ones held out." if held_out else "The marks are training points."


def hash_of(script: str) -> str:
    """Return what a Content-Security-Policy knows a script by: the text between its tags."""
    digest = hashlib.sha256(f"\n{script}\n".encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def data_sets(records: Sequence[Record], trainings: Sequence[Training]) -> tuple[list[dict[str, Any]], list[int]]:
    """Return the data sets that the runs have, each once, and the place of each run's."""
    sets: list[dict[str, Any]] = []
    places = []
    for record, training in zip(records, trainings, strict=True):
        found = data_set(training, record.config().size.classes)
        if found not in sets:
            sets.append(found)
        places.append(sets.index(found))
    return sets, places


def lead_of(findings: Findings) -> list[str]:
    """Return what is said first of the runs."""
    if findings.several:
        return [*findings.sentences(), findings.sentence_of_the_best(), findings.caution]
    if len(findings.outcomes) > 1:
        return [findings.sentence_of_the_best(), "One seed: no spread; --seeds 10 would tell what holds beyond it."]
    return [findings.outcomes[0].sentence]


def curves(
    findings: Findings, titles: Sequence[str], trainings: Sequence[Training], epochs: Sequence[int]
) -> tuple[str, list[int], list[float]]:
    """Return the curves as SVG, and the places of epochs along them."""
    from autodiff.experiment import pictures
    from autodiff.experiment.pictures.curves import MOST_TOGETHER, epoch_places

    last = max(setting.config.epochs for setting in findings.settings)
    if findings.several:
        settings = [
            setting_of(title, [recalled(read_record(outcome.folder)) for outcome in setting.outcomes])
            for title, setting in zip(titles, findings.settings, strict=False)
        ]
        return as_svg(lambda path: pictures.render_bands(settings, path)), [], []
    films = [
        film_of(title, setting.config, training)
        for title, setting, training in zip(titles, findings.settings, trainings, strict=False)
    ]
    svg = as_svg(lambda path: pictures.render_curves(films, path))
    return svg, list(epochs), epoch_places(titles, MOST_TOGETHER, last, epochs)


def as_svg(draw: Callable[[Path], None]) -> str:
    """Return what is drawn into a file as SVG."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.svg"
        draw(path)
        return path.read_text("utf-8")


def sections(findings: Findings, records: Sequence[Record], titles: Sequence[str], folder: Path) -> str:
    """Return the pictures of a comparison, the numbers, the settings and the machine."""
    summaries = [outcome.summary for outcome in findings.outcomes]
    text = settings_table.markdown(findings) if findings.several else table.markdown(summaries)
    configs = {title: record.config().resolved() for title, record in zip(titles, records, strict=True)}
    parts = [
        section(Path(name).stem, title, shown)
        for name, (title, alt) in PICTURES.items()
        if (shown := image(folder / name, alt))
    ]
    parts += [
        health(records, titles),
        section("results", "Results", markdown_table("results", text)),
        section("settings", "Settings", "<p>What differs is marked.</p>" + config_table(configs)),
        section("machine", "Versions and machine", machine_table([record.summary for record in records])),
    ]
    return "\n".join(parts)


def health(records: Sequence[Record], titles: Sequence[str]) -> str:
    """Return what is off in the trainings, and how their layers were; nothing for records that do not tell."""
    from autodiff.experiment import pictures

    measured = {title: record.health() for title, record in zip(titles, records, strict=True)}
    measured = {title: rows for title, rows in measured.items() if rows}
    if not measured:
        return ""
    words = [f"{title}: {found}." for title, rows in measured.items() for found in findings(rows)]
    layers = {f"{title}, {name}": of for title, rows in measured.items() for name, of in by_layer(rows).items()}
    drawings = as_svg(lambda path: pictures.render_moves(layers, path))
    lost = {name: of for name, of in layers.items() if any(row.dead or row.saturated for row in of)}
    if lost:
        drawings += as_svg(lambda path: pictures.render_lost_units(lost, path))
    said = paragraphs(words or ["Nothing is off with gradients, updates and units."])
    return section("health", "Health", f'{said}\n<div class="curves">{drawings}</div>')


def image(path: Path, alt: str) -> str:
    """Return a picture within the page; nothing if there is none."""
    url = picture(path)
    return f'<figure class="drawing"><img src="{url}" alt="{escape(alt)}"></figure>' if url else ""


def section(name: str, title: str, content: str) -> str:
    """Return a part of the page with its heading."""
    return f'<section aria-labelledby="{name}">\n<h2 id="{name}">{escape(title)}</h2>\n{content}\n</section>'


def paragraphs(texts: Sequence[str]) -> str:
    """Return texts as paragraphs, without those that are empty."""
    return "\n".join(f"<p>{escape(text)}</p>" for text in texts if text)


def foot(records: Sequence[Record]) -> str:
    """Return the commands that the runs were made with."""
    commands = dict.fromkeys(shlex.join(record.summary.get("command") or []) for record in records)
    made = ", ".join(f"<code>{escape(command)}</code>" for command in commands if command)
    return f"<p>Made by {made}. This page asks nothing of any network.</p>" if made else ""
