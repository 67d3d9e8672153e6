"""What settings of parts may hold. Each description completes the sentence "must be ..."."""

from typing import Annotated

from pydantic import Field

Positive = Annotated[float, Field(gt=0, description="a positive number")]
NotNegative = Annotated[float, Field(ge=0, description="0 or a positive number")]
BelowOne = Annotated[float, Field(ge=0, lt=1, description="a number from 0 up to, but below, 1")]
