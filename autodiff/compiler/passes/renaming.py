"""A pass that gives a new name to an array each time it is changed in place, so that the others need not look for that.

The memory that this would cost is won back when memory is laid out: results take the places of what they replace.
"""

from collections import defaultdict

import numpy as np

from autodiff.compiler.passes.program import Program, remap
from autodiff.compiler.record.trace import Call, Storage, Value


def rename_changed(program: Program) -> None:
    """Let `x op= y` on an intermediate array make a new one, which later calls read, unless a view shows the change."""
    present: dict[Value, Value] = {}
    views: dict[Storage, list[Value]] = defaultdict(list)
    opened: set[Value] = set()
    last = {value: i for i, call in enumerate(program.calls) for value in call.operands()}
    last |= dict.fromkeys(program.ends(), len(program.calls))
    for i, call in enumerate(program.calls):
        target = call.args[0] if is_in_place(call) else None
        remap(call, present)
        if call.is_view:
            for value in set(call.results).difference(call.operands()):
                views[value.storage].append(value)
                opened.add(value)
        elif target is not None and target not in opened and call.args[0].storage.kind == "made":
            before = call.args[0]
            if any(last.get(view, -1) > i for view in views[before.storage]):
                continue
            after = Value(Storage("made"), before.form, before.shape, before.dtype, before.strides)
            call.keywords, call.written, call.results = {}, (), [after]
            present[target] = after
    program.substitute_at_end(present)


def is_in_place(call: Call) -> bool:
    """Return whether a call is a ufunc that writes its result over its first argument."""
    is_ufunc = isinstance(call.function, np.ufunc) and call.keywords.keys() == {"out"}
    return is_ufunc and call.args[:1] == (call.keywords["out"],)
