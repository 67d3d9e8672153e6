"""What an experiment is: the fields of a config, what each may hold, and which contradict each other."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NoReturn

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from autodiff.experiment.config import memory
from autodiff.experiment.config.choice import BESIDE, Choice, Named, chosen, one_of
from autodiff.experiment.config.fields import Fields, Whole
from autodiff.experiment.data.data_file import DataFile
from autodiff.experiment.data.points import MOST_POINTS, Size
from autodiff.experiment.errors import ColumnError
from autodiff.experiment.register import KINDS

# The limits protect the machine: a slip of the keyboard is answered at once, not by an hour of swapping.
MOST_EPOCHS = 1_000_000
MOST_FRAMES = 1_000
WIDEST = 4_096
DEEPEST = 32
MOST_BYTES = 2 * 1024**3

Width = Annotated[Whole, Field(ge=1, le=WIDEST, description=f"a whole number from 1 to {WIDEST:,}")]


class Stop(Fields):
    """When a run ends before its last epoch: by the held-out points if there are some, else by those trained on."""

    accuracy: float | None = Field(default=None, gt=0, le=1, description="a number above 0, up to 1")
    patience: Whole | None = Field(default=None, ge=1, description="a whole number of epochs, 1 or more")


class Config(Fields):
    """One experiment: a network, how it is trained, and on what."""

    activation: Annotated[Choice | tuple[Choice, ...], Named("activation", several=True)] = Field(
        description=f"{one_of('activation')}, or a list of them, one for each hidden layer"
    )
    optimizer: Annotated[Choice, Named("optimizer")] = Field(description=one_of("optimizer"))
    learning_rate: float = Field(gt=0, description="a positive number")
    epochs: Whole = Field(
        ge=1,
        le=MOST_EPOCHS,
        description=f"a whole number from 1 to {MOST_EPOCHS:,} (the log of more would outgrow its use)",
    )
    momentum: float | None = Field(
        default=None, ge=0, lt=1, validate_default=True, description="a number from 0 up to, but below, 1"
    )
    weight_decay: float = Field(default=0.0, ge=0, description="0 or a positive number")
    seed: Whole = Field(default=0, ge=0, lt=2**64, description="a whole number from 0 to 2^64 - 1")
    dtype: Literal["float32", "float64"] = Field(default="float32", description="float32 or float64")
    frames: Whole = Field(
        default=60, ge=2, le=MOST_FRAMES, description=f"a whole number from 2 to {MOST_FRAMES:,} (each one is drawn)"
    )
    style: Literal["soft", "crisp"] = Field(default="soft", description="soft or crisp")
    dataset: Annotated[Choice, Named("dataset", default="spiral")] = Field(
        default_factory=lambda: chosen("dataset", "spiral"),
        description="fields of its own, such as {name: spiral, classes: 3, points_per_class: 100, noise: 0.2}",
    )
    batch_size: Whole | None = Field(default=None, ge=1, description="a whole number of points, 1 or more")
    hidden: list[Width] = Field(
        default=[100],
        max_length=DEEPEST,
        validate_default=True,
        description=f"a list of up to {DEEPEST} layer widths from 1 to {WIDEST:,}, such as [100] or [64, 64]",
    )

    layer: Annotated[Choice | None, Named("layer")] = Field(
        default=None, description=f"{one_of('layer')} (of each hidden layer; linear if absent)"
    )

    norm: Annotated[Choice | None, Named("norm")] = Field(
        default=None, description=f"{one_of('norm')} (between each hidden layer and its activation; none if absent)"
    )
    dropout: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="a number above 0 and below 1, the share of each hidden layer's outputs that is dropped at a step",
    )
    schedule: Annotated[Choice | None, Named("schedule")] = Field(
        default=None, description=f"{one_of('schedule')}, with settings (the learning rate stays as it is if absent)"
    )
    clip_norm: float | None = Field(
        default=None, gt=0, description="a positive number, the length to which gradients are shortened at each step"
    )
    l1: float | None = Field(
        default=None, gt=0, description="a positive number, times the sum of all weights' absolute values in the loss"
    )
    label_smoothing: float | None = Field(
        default=None, gt=0, le=1, description="a number above 0, up to 1, the share that goes to all classes alike"
    )
    stop: Stop | None = Field(default=None, description="fields of its own, such as {accuracy: 0.99, patience: 500}")

    @model_validator(mode="before")
    @classmethod
    def _beside_the_optimizer(cls, values: Any) -> Any:
        """Take momentum and weight decay for the config's own fields where they are written within the optimizer."""
        optimizer = values.get("optimizer") if isinstance(values, Mapping) else None
        if not isinstance(optimizer, Mapping):
            return values
        moved = {name: optimizer[name] for name in BESIDE if name in optimizer and values.get(name) is None}
        return {**values, "optimizer": {key: held for key, held in optimizer.items() if key not in moved}, **moved}

    @field_validator("momentum")
    @classmethod
    def _of_the_optimizer(cls, momentum: float | None, info: ValidationInfo) -> float | None:
        optimizer = info.data.get("optimizer")
        if optimizer is None:  # it is wrong, and told
            return momentum
        own = optimizer.part.settings.get("momentum")
        if momentum is None:
            return None if own is None else float(own.default)
        if own is None:
            others = [name for name, part in KINDS["optimizer"].parts.items() if "momentum" in part.settings]
            advice = f"remove momentum, as with --set momentum=null, or choose {' or '.join(others)}"
            _refuse(f"is for optimizer {' or '.join(others)}; {optimizer.name} has none ({advice})")
        return momentum

    @field_validator("momentum")
    @classmethod
    def _there_for_nesterov(cls, momentum: float | None, info: ValidationInfo) -> float | None:
        optimizer = info.data.get("optimizer")
        if momentum == 0 and optimizer is not None and optimizer.name == "sgd" and optimizer.settings["nesterov"]:
            _refuse("must be above 0 with nesterov, such as 0.9")
        return momentum

    @field_validator("weight_decay")
    @classmethod
    def _known_to_the_optimizer(cls, weight_decay: float, info: ValidationInfo) -> float:
        optimizer = info.data.get("optimizer")
        if weight_decay and optimizer is not None and "weight_decay" not in optimizer.part.settings:
            _refuse(f"must be 0 for optimizer {optimizer.name}, which knows none, found {weight_decay:g}")
        return weight_decay

    @field_validator("dataset")
    @classmethod
    def _few_enough(cls, dataset: Choice) -> Choice:
        try:
            size = size_of(dataset)
        except ColumnError as error:
            _refuse(error.problems[0], error.setting)
        if "points_per_class" not in dataset.settings:
            return dataset  # what there is fits in memory, or will be told
        for points, field in ((size.points, "points_per_class"), (size.test_points, "test_points_per_class")):
            if points > MOST_POINTS:
                most = f"at most {MOST_POINTS:,} are allowed, for this machine's memory"
                _refuse(f"makes {points:,} points in all; {most}", field)
        return dataset

    @field_validator("batch_size")
    @classmethod
    def _at_most_all_points(cls, batch_size: int | None, info: ValidationInfo) -> int | None:
        dataset = info.data.get("dataset")
        if batch_size is not None and dataset is not None and batch_size > (points := size_of(dataset).points):
            _refuse(f"must be at most {points:,}, the number of points, found {batch_size} (or leave it out)")
        return batch_size

    @field_validator("layer")
    @classmethod
    def _other_than_usual(cls, layer: Choice | None) -> Choice | None:
        return None if layer is not None and layer.plain() == "linear" else layer

    @field_validator("norm")
    @classmethod
    def _of_more_than_one_point(cls, norm: Choice | None, info: ValidationInfo) -> Choice | None:
        batch_size, dataset = info.data.get("batch_size"), info.data.get("dataset")
        if norm is not None and norm.name == "batch" and batch_size is not None and dataset is not None:
            points = size_of(dataset).points
            if 1 in (batch_size, points % batch_size):
                _refuse(f"needs batches of several points, and with batch_size {batch_size} one of {points:,} has 1")
        return norm

    @field_validator("stop")
    @classmethod
    def _for_some_reason(cls, stop: Stop | None) -> Stop | None:
        if stop is not None and stop.accuracy is None and stop.patience is None:
            _refuse("must give accuracy, patience or both")
        return stop

    @field_validator("hidden")
    @classmethod
    def _has_as_many_activations(cls, hidden: list[int], info: ValidationInfo) -> list[int]:
        activation = info.data.get("activation")
        if isinstance(activation, tuple) and len(activation) != len(hidden):
            _refuse(f"must have as many layers as there are activations, {len(activation)}, found {len(hidden)}")
        return hidden

    @field_validator("hidden")
    @classmethod
    def _fits_in_memory(cls, hidden: list[int], info: ValidationInfo) -> list[int]:
        if not {"activation", "optimizer", "epochs", "dataset", "batch_size", "dtype", "frames"} <= info.data.keys():
            return hidden  # one of these is reported already
        given = cls.model_construct(**info.data, hidden=hidden)
        needed = memory.together([given.needs()])
        if needed > MOST_BYTES:
            _refuse(
                f"would need about {memory.gigabytes(needed)} with {given.size.points:,} points and "
                f"{given.kept_networks} frames; at most {memory.gigabytes(MOST_BYTES)} are allowed (take narrower "
                "layers, fewer points or frames, or smaller batches with batch_size)"
            )
        return hidden

    @property
    def activations(self) -> list[Choice]:
        """The activation of each hidden layer."""
        return list(self.activation) if isinstance(self.activation, tuple) else [self.activation] * len(self.hidden)

    @property
    def choices(self) -> list[Choice]:
        """All parts that it names."""
        others = [getattr(self, name) for name in KINDS if name != "activation"]
        return [*self.activations, *(one for one in others if one is not None)]

    @property
    def _other_layers(self) -> list[str]:
        """The fields that add layers of which no more is known than that they take memory."""
        return [name for name in ("layer", "norm", "dropout") if getattr(self, name, None) is not None]

    @property
    def size(self) -> Size:
        """How many features, classes and points the data set has."""
        return size_of(self.dataset)

    @property
    def data_file(self) -> DataFile | None:
        """The file that the points are of, if they are of one."""
        return next((held for held in self.dataset.settings.values() if isinstance(held, DataFile)), None)

    @property
    def kept_networks(self) -> int:
        """The number of networks that a run keeps for its pictures, at most."""
        return min(self.frames, self.epochs + 1)

    def needs(self, frames: int | None = None) -> memory.Needs:
        """Return the memory that a run needs that keeps as many frames, by default those of the config."""
        size = self.size
        return memory.needs(
            kinds={*(one.name for one in self.activations), *self._other_layers},
            widths=[size.features, *self.hidden, size.classes],
            points=size.points,
            test_points=size.test_points,
            batch=self.batch_size or size.points,
            moments=memory.OF_MOMENTUM * bool(self.momentum) if self.optimizer.name == "sgd" else memory.OF_ADAM,
            itemsize=8 if self.dtype == "float64" else 4,
            frames=self.kept_networks if frames is None else frames,
        )

    @property
    def title(self) -> str:
        """The experiment in two words, such as "ReLU + SGD"."""
        activation = [self.activation] if isinstance(self.activation, Choice) else self.activation
        titles = dict.fromkeys(one.part.title for one in activation)
        return f"{', '.join(titles)} + {self.optimizer.part.title}"

    def resolved(self) -> dict[str, Any]:
        """Return every field that applies, defaults filled in, as plain values that read back as this config."""
        return self.model_dump(exclude_none=True)


def size_of(dataset: Choice) -> Size:
    """Return how many features, classes and points a data set has. Raises InputError for one that cannot be made."""
    known = dataset.part.facts.get("size")
    if known is not None:
        size: Size = known(**dataset.settings)
        return size
    from autodiff.experiment.data.making import measured  # NumPy comes with it, which a wrong config does not need

    return measured(dataset.part, dataset.settings)


def _refuse(message: str, setting: str | None = None) -> NoReturn:
    """Raise the error of a value that contradicts another. setting: of the part that the field names."""
    raise PydanticCustomError("contradiction", "{message}", {"message": message, "setting": setting})
