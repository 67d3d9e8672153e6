"""Sample inputs for every function that has a derivative rule; gradcheck and the tests run over them."""

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.registry import full_name
from autodiff.samples import elementwise, functional, indexing, linalg, reductions, sequences, shaping, windows
from autodiff.samples.builders import Maker, Sample

SAMPLES: dict[Callable[..., Any], Maker] = {
    **elementwise.SAMPLES,
    **reductions.SAMPLES,
    **linalg.SAMPLES,
    **shaping.SAMPLES,
    **sequences.SAMPLES,
    **indexing.SAMPLES,
    **functional.SAMPLES,
    **windows.SAMPLES,
}


def samples_of(function: Callable[..., Any]) -> list[Sample]:
    """Return the samples of a registered function, the same at every call; none if it has none."""
    if function not in SAMPLES:
        return []
    return SAMPLES[function](np.random.default_rng(zlib.crc32(full_name(function).encode())))
