"""What all fields of a config have in common: they are checked strictly, and described in words."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Fields(BaseModel):
    """Fields that are checked strictly; each one's description completes the sentence "must be ..."."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def whole(value: Any) -> Any:
    """Take 1e4 for 10000 where a whole number is wanted."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(whole)]
