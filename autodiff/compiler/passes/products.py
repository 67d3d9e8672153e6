"""Kernels for the products of a layer, x @ weight.T + bias, with the bias and the transposition folded in.

Measured on float32, 300 samples, one thread (benchmarks/kernels.py):

    x @ w.T, then + b; 2 inputs, 100 outputs         16.3 us   adding a row to every row is not vectorised well
    [x 1] @ [w.T; b], copies of w and b included      6.2
    -z, as in the exp(-z) of a sigmoid                3.8
    -[w.T; b] instead, before the product             0.3
    h @ w.T, then + b, then .T.copy(); 3 outputs      9.2
    w @ h.T, then + b[:, None]                        6.2      made the way that softmax reads it

They round differently from the obvious calls, in the last digit, so that `exact` programs are made without them.
"""

import operator

import numpy as np

from autodiff.compiler.passes.lower import assign
from autodiff.compiler.passes.program import Program, is_array_call
from autodiff.compiler.passes.simplify import FOLDED_BYTES
from autodiff.compiler.passes.uses import Uses, is_contiguous, kept_array, made_array, view
from autodiff.compiler.record.trace import Call, Storage, Value

FEW = 8
"""Inputs or outputs of a layer that are few: BLAS spends its time on the other axis."""
UNPACKED = 1200
"""Elements of a product a @ b.T up to which OpenBLAS does without copying both factors."""


def is_product(call: Call | None) -> bool:
    """Return whether a call multiplies two matrices."""
    if call is None or call.function is not np.matmul or not is_array_call(call) or call.keywords:
        return False
    return all(isinstance(arg, Value) and len(arg.shape) == 2 for arg in call.args)


def fold_bias(program: Program) -> None:
    """Compute x @ w + b as [x 1] @ [w; b], where x has few columns and is known or an argument."""
    uses = Uses(program)
    widened: dict[Value, Value] = {}
    calls: list[Call] = []
    dropped: set[int] = set()
    for call in program.calls:
        found = product_and_bias(uses, call)
        if found is None or found[1].shape[1] > FEW or uses.writers[found[1].storage]:
            calls.append(call)
            continue
        maker, x, weight, bias = found
        columns = x.shape[1]
        if x not in widened:
            widened[x] = kept_array((x.shape[0], columns + 1), x.dtype)
            if x.array is not None and x.nbytes <= FOLDED_BYTES and x.storage not in program.unsteady:
                widened[x] = made_array(np.column_stack([x.array, np.ones(len(x.array), x.dtype)]))
                program.watch(x)
            else:
                calls += copied(widened[x], (slice(None), slice(0, columns)), x, call)
        joint = kept_array((columns + 1, weight.shape[1]), x.dtype)
        calls += copied(joint, slice(0, columns), weight, call)
        calls += copied(joint, columns, bias, call)
        dropped.add(id(maker))
        negative = negative_of(call, uses)
        if negative is not None:
            calls.append(call.derived(np.negative, (joint,), written=(joint,), out=joint))
            dropped.add(id(negative))
            call.results = negative.results
        call.function, call.args = np.matmul, (widened[x], joint)
        calls.append(call)
    program.calls = [call for call in calls if id(call) not in dropped]


def negative_of(call: Call, uses: Uses) -> Call | None:
    """Return the call that negates what another makes, if nobody else reads that, as in the exp(-x) of a sigmoid."""
    for reader in uses.readers[call.results[0].storage]:
        if reader.function is np.negative and is_array_call(reader) and not reader.keywords:
            return reader if uses.made_for(reader.args[0], reader) is call else None
    return None


def copied(whole: Value, index: object, part: Value, call: Call) -> list[Call]:
    """Return the calls that copy an array into a part of another."""
    opened, target = view(operator.getitem, whole, index)
    return [opened, call.derived(np.copyto, (target, part), written=(target,))]


def product_and_bias(uses: Uses, call: Call) -> tuple[Call, Value, Value, Value] | None:
    """Return the product, its factors and the bias that a call adds to its rows, if it does that and nothing else."""
    if call.function is not np.add or not is_array_call(call) or len(call.args) != 2:
        return None
    product, bias = call.args
    maker = uses.made_for(product, call)
    if maker is None or not is_product(maker) or not isinstance(bias, Value) or len(bias.shape) != 1:
        return None
    x, weight = maker.args
    if {weight.dtype, bias.dtype} != {x.dtype} or call.results[0].shape != product.shape:
        return None
    return (maker, x, weight, bias) if uses.is_next(maker, call) else None


def transpose_outputs(program: Program) -> None:
    """Compute a layer of few outputs as they are read: one row an output."""
    uses = Uses(program)
    calls: list[Call] = []
    columns_of: dict[Value, Value] = {}
    for call in program.calls:
        source = call.args[0] if call.function is assign else None
        layer = uses.base(source, np.transpose, np.reshape) if isinstance(source, Value) else None
        maker = uses.made_once(layer)
        found = product_and_bias(uses, maker) if maker is not None else None
        if maker is None or found is None or source is None or layer is None or not is_transposed(source, layer):
            calls.append(call)
            continue
        product, x, weight, bias = found
        (rows,) = call.results
        has_others = layer.storage in uses.at_end or uses.readers[layer.storage] != [call]
        others_can = not uses.writers[rows.storage] and not is_reshaped(program, layer)
        if layer.shape[1] > FEW or not uses.is_next(maker, call) or (has_others and not others_can):
            calls.append(call)
            continue
        if layer.size <= UNPACKED:
            opened = [
                view(np.transpose, weight),
                view(np.transpose, x),
                view(operator.getitem, bias, (slice(None), None)),
            ]
            calls = [one for one in calls if one is not product and one is not maker]
            calls += [made for made, _ in opened]
            calls.append(product.derived(np.matmul, (opened[0][1], opened[1][1]), [rows]))
            calls.append(maker.derived(np.add, (rows, opened[2][1]), written=(rows,), out=rows))
        else:
            opened_row = view(operator.getitem, bias, (slice(None), None))
            calls = [one for one in calls if one is not maker]
            moved, across = view(np.transpose, product.results[0])
            calls += [moved, opened_row[0]]
            calls.append(maker.derived(np.add, (across, opened_row[1]), [rows]))
        if has_others:  # they see the rows as columns, and so do views that were opened before
            opened_layer, columns = view(np.transpose, rows)
            early = [one for one in calls if one.is_view and layer in one.operands()]
            calls = [one for one in calls if one not in early]
            calls += [opened_layer, *early]
            columns_of[layer] = columns
    program.calls = calls
    program.substitute(columns_of)


def is_reshaped(program: Program, layer: Value) -> bool:
    """Return whether an array is looked at through views that its transposed copy would not have."""
    views = [call for call in program.calls if call.is_view and layer in call.operands()]
    return any(call.function not in (np.transpose, operator.getitem) for call in views)


def is_transposed(source: Value, layer: Value) -> bool:
    """Return whether a value is the transposed of another, which a product made, in rows."""
    return (source.shape, source.strides) == (layer.shape[::-1], layer.strides[::-1])


def store_few_columns(program: Program) -> None:
    """Store a transposed factor of few columns row by row, for products too large for OpenBLAS's direct way."""
    calls: list[Call] = []
    for call in program.calls:
        if is_product(call):
            left, right = call.args
            few = right.shape[1] <= FEW and left.shape[0] * right.shape[1] > UNPACKED
            if few and not is_contiguous(right):
                strides = right.shape[1] * right.dtype.itemsize, right.dtype.itemsize
                stored = Value(Storage("made"), "array", right.shape, right.dtype, strides)
                calls.append(call.derived(assign, (right,), [stored]))
                call.args = left, stored
        calls.append(call)
    program.calls = calls
