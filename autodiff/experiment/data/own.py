"""Points of a CSV file."""

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from autodiff.experiment import register
from autodiff.experiment.data.data_file import WANTED, DataFile
from autodiff.experiment.data.points import Points, Size

if TYPE_CHECKING:
    import numpy as np

    from autodiff.experiment.data.about import About
    from autodiff.experiment.data.table import Table

Column = str | int
File = Annotated[DataFile, Field(description=WANTED)]
Label = Annotated[Column | None, Field(description="the name of a column, or its number from 1")]
Chosen = Annotated[
    list[Column] | None, Field(min_length=1, description="a list of columns, by their names or by their numbers from 1")
]
Fraction = Annotated[float, Field(ge=0, lt=1, description="a number from 0 (none are held out) up to, but below, 1")]


def size_of_file(
    file: DataFile, label: Column | None, features: list[Column] | None, test_fraction: float, **others: Any
) -> Size:
    """Return the size of a file's points. Raises InputError for what is no table of points."""
    from autodiff.experiment.data.holding_out import counts_held_out

    table = table_of(file, label, features)
    tested = int(counts_held_out(table.labels, test_fraction).sum())
    return Size(table.features.shape[1], len(table.class_names), len(table.labels) - tested, tested)


@register.dataset(size=size_of_file)
def csv(
    test_rng: "np.random.Generator",
    file: File,
    label: Label = None,
    features: Chosen = None,
    test_fraction: Fraction = 0.2,
) -> "tuple[Points, Points | None, About]":
    """The rows of a CSV file, each with some numbers and a label.

    A share of the rows of every class is held out, drawn at random. The features are standardised: each less its mean,
    and divided by its standard deviation, both over the rows that are trained on.
    """
    from autodiff.experiment.data.about import About, Scaling
    from autodiff.experiment.data.holding_out import held_out_rows

    table = table_of(file, label, features)
    tested = held_out_rows(table.labels, test_fraction, test_rng)
    scaling = Scaling.of(table.features[~tested])
    about = About(table.feature_names, table.class_names, scaling)
    trained, held_out = (Points(scaling.apply(table.features[rows]), table.labels[rows]) for rows in (~tested, tested))
    return trained, held_out if tested.any() else None, about


def table_of(file: DataFile, label: Column | None, features: list[Column] | None) -> "Table":
    """Return what a file holds. Raises InputError for what is no table of points."""
    return _table(file, label, None if features is None else tuple(features))


@lru_cache(maxsize=4)  # the runs of a study mostly share one
def _table(file: DataFile, label: Column | None, features: tuple[Column, ...] | None) -> "Table":
    from autodiff.experiment.data.table import read_table

    return read_table(file.contents, file.name, label, features)
