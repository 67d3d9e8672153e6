"""The compiler: from a recorded step to a program that runs."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from autodiff.compiler.passes.blocks import Loop, cut_into_blocks
from autodiff.compiler.passes.kernels import (
    drop_copies,
    fill_extrema,
    scatter_by_constant,
    take_by_constant,
    widen_masks,
)
from autodiff.compiler.passes.lower import lower
from autodiff.compiler.passes.parts import place_parts, separate_gradients, update_parts
from autodiff.compiler.passes.products import fold_bias, store_few_columns, transpose_outputs
from autodiff.compiler.passes.program import Pass, Program, program_of
from autodiff.compiler.passes.renaming import rename_changed
from autodiff.compiler.passes.simplify import (
    drop_dead_calls,
    drop_needless_views,
    fold_constants,
    share_common_calls,
    share_constants,
)
from autodiff.compiler.record.recording import Recording
from autodiff.compiler.replay.code import Compiled, generate

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
KERNELS: tuple[Pass, ...] = (take_by_constant, fill_extrema, widen_masks, update_parts, place_parts, drop_dead_calls)


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
