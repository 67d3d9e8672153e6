"""The compiler: from a recorded step to a program that runs."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from autodiff.capture.blocks import Loop, cut_into_blocks
from autodiff.capture.code import Compiled, generate
from autodiff.capture.kernels import (
    choose_by_bits,
    drop_copies,
    fill_extrema,
    scatter_by_constant,
    take_by_constant,
    widen_masks,
)
from autodiff.capture.lower import lower
from autodiff.capture.parts import place_parts, separate_gradients, update_parts
from autodiff.capture.products import fold_bias, store_few_columns, transpose_outputs
from autodiff.capture.program import Pass, Program, program_of
from autodiff.capture.recording import Recording
from autodiff.capture.simplify import (
    drop_dead_calls,
    drop_needless_views,
    fold_constants,
    share_common_calls,
    share_constants,
)
from autodiff.capture.versions import rename_changed

SIMPLIFY: tuple[Pass, ...] = (
    drop_dead_calls,
    rename_changed,
    share_constants,
    fold_constants,
    drop_needless_views,
    share_common_calls,
    lower,
    fold_constants,
    drop_copies,
    drop_dead_calls,
    scatter_by_constant,
)
ROUNDING: tuple[Pass, ...] = (fold_bias, drop_dead_calls, cut_into_blocks)
"""Passes after which the program rounds differently, as are these: left out of exact programs."""
ROUNDING_IN_BLOCKS: tuple[Pass, ...] = (transpose_outputs, store_few_columns)
KERNELS: tuple[Pass, ...] = (
    take_by_constant,
    fill_extrema,
    widen_masks,
    choose_by_bits,
    update_parts,
    place_parts,
    drop_dead_calls,
)


def compile_recording(
    recording: Recording, exact: bool, unsteady: AbstractSet[int] = frozenset()
) -> tuple[Program, Compiled]:
    """Return the program of a recorded step, and the function that runs it; see `program_of`."""
    program = program_of(recording, exact, unsteady)
    for change in SIMPLIFY if exact else (*SIMPLIFY, *ROUNDING):
        change(program)
    for part in parts_of(program):
        for change in KERNELS if exact else (*ROUNDING_IN_BLOCKS, *KERNELS):
            change(part)
    separate_gradients(program)
    return program, generate(program)


def parts_of(program: Program) -> Iterator[Program]:
    """Yield a program and the bodies of its loops."""
    yield from (call.function.body for call in program.calls if isinstance(call.function, Loop))
    yield program
