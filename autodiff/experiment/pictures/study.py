"""What a study leaves for its pictures: the runs of each setting, one a seed."""

from dataclasses import dataclass

from .film import Curve


@dataclass(frozen=True)
class Setting:
    """The curves of the runs of one setting, one a seed; on held-out points too, or none for any seed.

    They may be of different lengths, and losses may be infinite or no number.
    """

    title: str
    training: tuple[Curve, ...]
    held_out: tuple[Curve, ...] = ()
