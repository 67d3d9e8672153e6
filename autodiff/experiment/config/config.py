"""What an experiment is: the fields of a config, what each may hold, and which contradict each other."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from autodiff.experiment.config import memory

# The limits protect the machine: a slip of the keyboard is answered at once, not by an hour of swapping.
MOST_POINTS = 100_000
MOST_EPOCHS = 1_000_000
MOST_FRAMES = 1_000
WIDEST = 4_096
DEEPEST = 32
MOST_BYTES = 2 * 1024**3

ADAPTIVE = ("adam", "adamw")


def _whole(value: Any) -> Any:
    """Take 1e4 for 10000 where a whole number is wanted."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]
Width = Annotated[Whole, Field(ge=1, le=WIDEST)]


class _Fields(BaseModel):
    """Fields that are checked strictly; each one's description completes the sentence "must be ..."."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Dataset(_Fields):
    """The points that are classified."""

    name: Literal["spiral"] = Field(default="spiral", description="spiral")
    classes: Whole = Field(default=3, ge=2, le=7, description="a whole number from 2 to 7 (there are seven colours)")
    points_per_class: Whole = Field(
        default=100,
        ge=2,
        le=MOST_POINTS,
        description=f"a whole number from 2 to {MOST_POINTS:,} (the limit protects this machine's memory)",
    )
    test_points_per_class: Whole = Field(
        default=100,
        ge=0,
        le=MOST_POINTS,
        description=f"a whole number from 0 (none are held out) to {MOST_POINTS:,} (the limit protects this machine's "
        "memory)",
    )
    noise: float = Field(
        default=0.2, ge=0, le=10, description="a number from 0 to 10 (the angle's deviation, in radians)"
    )

    @property
    def points(self) -> int:
        """The number of points of all classes together."""
        return self.classes * self.points_per_class

    @property
    def test_points(self) -> int:
        """The number of held-out points of all classes together."""
        return self.classes * self.test_points_per_class

    @field_validator("points_per_class", "test_points_per_class")
    @classmethod
    def _few_enough(cls, points_per_class: int, info: ValidationInfo) -> int:
        points = points_per_class * info.data.get("classes", 1)
        if points > MOST_POINTS:
            _refuse(f"makes {points:,} points in all; at most {MOST_POINTS:,} are allowed, for this machine's memory")
        return points_per_class


class Config(_Fields):
    """One experiment: a network, how it is trained, and on what."""

    activation: Literal["relu", "sigmoid", "tanh"] = Field(description="one of relu, sigmoid, tanh")
    optimizer: Literal["sgd", "adam", "adamw"] = Field(description="one of sgd, adam, adamw")
    learning_rate: float = Field(gt=0, description="a positive number")
    epochs: Whole = Field(
        ge=1,
        le=MOST_EPOCHS,
        description=f"a whole number from 1 to {MOST_EPOCHS:,} (the log of more would outgrow its use)",
    )
    momentum: float = Field(default=0.0, ge=0, lt=1, description="a number from 0 up to, but below, 1")
    weight_decay: float = Field(default=0.0, ge=0, description="0 or a positive number")
    seed: Whole = Field(default=0, ge=0, lt=2**64, description="a whole number from 0 to 2^64 - 1")
    dtype: Literal["float32", "float64"] = Field(default="float32", description="float32 or float64")
    frames: Whole = Field(
        default=60, ge=2, le=MOST_FRAMES, description=f"a whole number from 2 to {MOST_FRAMES:,} (each one is drawn)"
    )
    style: Literal["soft", "crisp"] = Field(default="soft", description="soft or crisp")
    dataset: Dataset = Field(
        default=Dataset(),
        description="fields of its own, such as {name: spiral, classes: 3, points_per_class: 100, noise: 0.2}",
    )
    batch_size: Whole | None = Field(default=None, ge=1, description="a whole number of points, 1 or more")
    hidden: list[Width] = Field(
        default=[100],
        max_length=DEEPEST,
        description=f"a list of up to {DEEPEST} layer widths from 1 to {WIDEST:,}, such as [100] or [64, 64]",
    )

    @field_validator("momentum")
    @classmethod
    def _belongs_to_sgd(cls, momentum: float, info: ValidationInfo) -> float:
        optimizer = info.data.get("optimizer")
        if optimizer in ADAPTIVE:
            advice = "remove momentum, as with --set momentum=null, or choose sgd"
            _refuse(f"is for optimizer sgd; {optimizer} keeps its own moments ({advice})")
        return momentum

    @field_validator("batch_size")
    @classmethod
    def _at_most_all_points(cls, batch_size: int | None, info: ValidationInfo) -> int | None:
        dataset = info.data.get("dataset")
        if batch_size is not None and dataset is not None and batch_size > dataset.points:
            _refuse(f"must be at most {dataset.points:,}, the number of points, found {batch_size} (or leave it out)")
        return batch_size

    @field_validator("hidden")
    @classmethod
    def _fits_in_memory(cls, hidden: list[int], info: ValidationInfo) -> list[int]:
        if not {"activation", "optimizer", "epochs", "dataset", "batch_size", "dtype", "frames"} <= info.data.keys():
            return hidden  # one of these is reported already
        given = cls.model_construct(**info.data, hidden=hidden)
        needed = memory.together([given.needs()])
        if needed > MOST_BYTES:
            _refuse(
                f"would need about {memory.gigabytes(needed)} with {given.dataset.points:,} points and "
                f"{given.kept_networks} frames; at most {memory.gigabytes(MOST_BYTES)} are allowed (take narrower "
                "layers, fewer points or frames, or smaller batches with batch_size)"
            )
        return hidden

    @property
    def kept_networks(self) -> int:
        """The number of networks that a run keeps for its pictures, at most."""
        return min(self.frames, self.epochs + 1)

    def needs(self, frames: int | None = None) -> memory.Needs:
        """Return the memory that a run needs that keeps as many frames, by default those of the config."""
        points = self.dataset.points
        return memory.needs(
            activation=self.activation,
            widths=[2, *self.hidden, self.dataset.classes],
            points=points,
            test_points=self.dataset.test_points,
            batch=self.batch_size or points,
            moments=memory.OF_ADAM if self.optimizer in ADAPTIVE else memory.OF_MOMENTUM * (self.momentum > 0),
            itemsize=8 if self.dtype == "float64" else 4,
            frames=self.kept_networks if frames is None else frames,
        )

    @property
    def title(self) -> str:
        """The experiment in two words, such as "ReLU + SGD"."""
        return f"{_ACTIVATION_NAMES[self.activation]} + {_OPTIMIZER_NAMES[self.optimizer]}"

    def resolved(self) -> dict[str, Any]:
        """Return every field that applies, defaults filled in, as plain values that read back as this config."""
        left_out = {"momentum"} if self.optimizer in ADAPTIVE else set()
        return self.model_dump(exclude=left_out, exclude_none=True)


_ACTIVATION_NAMES = {"relu": "ReLU", "sigmoid": "Sigmoid", "tanh": "Tanh"}
_OPTIMIZER_NAMES = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}


def _refuse(message: str) -> None:
    raise PydanticCustomError("contradiction", "{message}", {"message": message})
