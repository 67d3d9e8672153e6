"""Runs random steps as they are and captured, and compares what each call leaves.

`python -m tests.compiler.random_runs 0 1000` runs the programs of these seeds and prints which went wrong, and which
were refused and why.
"""

import collections
import linecache
import random
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from typing import Any

import numpy as np

import autodiff as ad
from tests.compiler.random_steps import source

DEFECT = "does not do what the function does"
REFUSED_AT_MOST = 0.02
"""The share of programs that may be refused."""


@dataclass
class Outcome:
    """How a program went. refused: the words of a refusal. fault: what is wrong, nothing if all is well."""

    seed: int
    calls: int = 0
    refused: str = ""
    fault: str = ""

    def __str__(self) -> str:
        return f"seed {self.seed}, event {self.calls}: {self.fault or self.refused or 'equal'}\n{source(self.seed)}"


class Program:
    """One run of a program: what it reaches, and what happens in it."""

    def __init__(self, seed: int, captured: bool, text: str | None = None) -> None:
        text = source(seed) if text is None else text
        file = f"<random step {seed}>"
        linecache.cache[file] = (len(text), None, text.splitlines(True), file)
        self.names: dict[str, Any] = {"__name__": "random_step"}
        self.names["capture"] = ad.capture if captured else lambda step, **settings: step
        self.names["repeat"] = repeat_captured if captured else repeat
        exec(compile(text, file, "exec"), self.names)
        self.events = self.names["events"]
        self.left = self.names["left"]
        code, cells = self.left.__code__, self.left.__closure__ or ()
        self.cells = dict(zip(code.co_freevars, cells, strict=True))

    def state(self) -> dict[str, Any]:
        """Return all that the step works on, copied."""
        return {name: copied(value) for name, value in self.left().items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Put everything back, in place where that can be."""
        for name, value in self.left().items():
            new = restored(value, state[name])
            if name in self.cells:
                self.cells[name].cell_contents = new
            else:
                self.names[name] = new

    def run(self, kind: str, event: Any) -> tuple[Any, BaseException | None]:
        """Run an event. Return its result, copied, and the error that it raised."""
        try:
            with np.errstate(all="ignore"):
                return copied(event()), None
        except Exception as error:
            return None, error


def repeat(step: Any, count: int, batches: Any) -> Any:
    """Return what steps return, stacked."""
    results = [step(*args) for args in (batches if batches is not None else [()] * count)]
    return stacked(results)


def repeat_captured(step: Any, count: int, batches: Any) -> Any:
    return step.repeat(count, batches) if hasattr(step, "repeat") else repeat(step, count, batches)


def stacked(results: list[Any]) -> Any:
    """Return results of one structure as one, with an axis of their number in front of each array and number."""
    first = results[0]
    if isinstance(first, list | tuple):
        return type(first)(stacked(list(parts)) for parts in zip(*results, strict=True))
    if isinstance(first, dict):
        return {name: stacked([one[name] for one in results]) for name in first}
    if isinstance(first, ad.Tensor):
        return ad.Tensor(np.stack([one.data for one in results]))
    if isinstance(first, np.ndarray | np.generic | int | float):
        return np.stack(results)
    return first


# States


def copied(value: Any) -> Any:
    """Return a value as lists, dicts and copies of arrays."""
    if isinstance(value, ad.Tensor):
        return {"data": copied(value.data), "grad": None if value.grad is None else copied(value.grad.data)}
    if isinstance(value, ad.Optimizer):
        return {"state": copied(value.state_dict())}
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    if isinstance(value, np.ndarray):
        assert type(value) is np.ndarray, f"a {type(value).__name__} is left"
        return value.copy()
    if isinstance(value, dict):
        return {name: copied(part) for name, part in value.items()}
    if isinstance(value, list | tuple | collections.deque):
        return [copied(part) for part in value]
    if callable(value) and not isinstance(value, ad.Module):
        return None
    if hasattr(value, "__dict__"):
        return {name: copied(part) for name, part in vars(value).items()}
    assert value is None or isinstance(value, int | float | str | np.generic | np.dtype), f"a {type(value)} is left"
    assert type(value).__module__ in ("builtins", "numpy"), f"a {type(value).__name__} is left"
    return value


def restored(value: Any, state: Any) -> Any:
    """Return a value with a state put back: itself where it can be changed."""
    if isinstance(value, ad.Tensor) and isinstance(state, dict):
        value.data[...] = state["data"]
        value.grad = None if state["grad"] is None else ad.Tensor(state["grad"].copy())
        return value
    if isinstance(value, ad.Optimizer):
        value.load_state_dict(state["state"])
        return value
    if isinstance(value, np.random.Generator):
        value.bit_generator.state = state
        return value
    if isinstance(value, np.ndarray) and isinstance(state, np.ndarray) and value.shape == state.shape:
        value[...] = state
        return value
    if isinstance(value, dict):
        now = {name: restored(value.get(name), part) for name, part in state.items()}
        value.clear()
        value.update(now)
        return value
    if isinstance(value, list | collections.deque) and isinstance(state, list):
        now = [restored(value[i] if i < len(value) else None, part) for i, part in enumerate(state)]
        value.clear()
        value.extend(now)
        return value
    if isinstance(value, tuple):
        return tuple(restored(part, old) for part, old in zip(value, state, strict=True))
    if callable(value) and not isinstance(value, ad.Module):
        return value
    if hasattr(value, "__dict__") and isinstance(state, dict):
        for name in vars(value).keys() - state.keys():
            delattr(value, name)
        for name, part in state.items():
            new = restored(vars(value).get(name), part)
            if new is not vars(value).get(name):
                setattr(value, name, new)
        return value
    if isinstance(state, dict) and state.keys() == {"data", "grad"}:
        return ad.Tensor(state["data"].copy())
    return state.copy() if isinstance(state, np.ndarray) else state


def difference(expected: Any, found: Any, before: Any, exact: bool, name: str = "") -> str:
    """Return in words where two states differ by more than they may; nothing if they agree.

    before: the state before the call: what a call changes may be off by a little of what it changed by.
    """
    if type(expected) is not type(found):
        return f"{name} is a {type(found).__name__} and should be a {type(expected).__name__}"
    if isinstance(expected, dict):
        if expected.keys() != found.keys():
            return f"{name} has {sorted(found, key=str)} and should have {sorted(expected, key=str)}"
        pairs = [(f"{name}.{key}", expected[key], found[key], sub(before, key)) for key in expected]
    elif isinstance(expected, list):
        if len(expected) != len(found):
            return f"{name} has {len(found)} entries and should have {len(expected)}"
        pairs = [(f"{name}[{i}]", one, found[i], sub(before, i)) for i, one in enumerate(expected)]
    else:
        return differing_leaves(expected, found, before, exact, name)
    return next((words for key, one, two, was in pairs if (words := difference(one, two, was, exact, key))), "")


def sub(before: Any, key: Any) -> Any:
    """Return a part of a state, None if there is none."""
    try:
        return before[key]
    except (KeyError, IndexError, TypeError):
        return None


def differing_leaves(expected: Any, found: Any, before: Any, exact: bool, name: str) -> str:
    if not isinstance(expected, np.ndarray | np.generic | float):
        return "" if expected == found else f"{name} is {found!r} and should be {expected!r}"
    one, two = np.asarray(expected), np.asarray(found)
    if (one.shape, one.dtype) != (two.shape, two.dtype):
        return f"{name} is {two.dtype}{two.shape} and should be {one.dtype}{one.shape}"
    if one.tobytes() == two.tobytes():
        return ""
    if exact or one.dtype.kind != "f":
        if one.dtype.kind == "f" and one[~np.isnan(one)].tobytes() == two[~np.isnan(two)].tobytes():
            return "" if np.array_equal(np.isnan(one), np.isnan(two)) else f"{name} is not a number elsewhere"
        return f"{name} is {short(two)} and should be {short(one)}, to the bit"
    was = np.asarray(before) if np.shape(before) == one.shape and before is not None else np.zeros(one.shape)
    if was.dtype.kind not in "fiu":
        was = np.zeros(one.shape)
    moved = np.max(np.abs(one - was), initial=0)
    size = np.max(np.abs(one), initial=0)
    allowed = 1e-6 * moved + 1e-9 * size if one.dtype == np.float64 else 1e-2 * moved + 1e-4 * size
    same = (np.abs(one - two) <= allowed) | (np.isnan(one) & np.isnan(two)) | (one == two)
    return "" if np.all(same) else f"{name} is {short(two)} and should be {short(one)}, and moved by {moved:.3g}"


def short(array: Any) -> str:
    return " ".join(np.array2string(array, precision=8, threshold=8, edgeitems=3).split())


# Runs


def outcome(seed: int, text: str | None = None) -> Outcome:
    """Run a program both ways and compare."""
    found = Outcome(seed)
    try:
        compare(seed, found, text)
    except Exception:
        found.fault = traceback.format_exc()
    return found


def compare(seed: int, found: Outcome, text: str | None) -> None:
    """Run a program both ways, event by event, and note where it ends or what is wrong."""
    eager, captured = Program(seed, False, text), Program(seed, True, text)
    exact = "exact=True" in (source(seed) if text is None else text)
    before = eager.state()
    for (kind, event), (_, other) in zip(eager.events, captured.events, strict=True):
        found.calls += 1
        if kind.startswith("interrupt"):
            error = interrupted(captured, other, int(kind.split()[1]))
            if error is not None and not isinstance(error, KeyboardInterrupt):
                if isinstance(error, ad.CaptureError):
                    found.refused = str(error)
                else:
                    found.fault = "interrupted, raised " + "".join(traceback.format_exception(error))
                return
            captured.state()  # raises if a stand-in is left
            captured.restore(before)
            if words := difference(before, captured.state(), None, True):
                found.fault = f"not restored after an interrupt: {words}"
                return
            continue
        expected, raised = eager.run(kind, event)
        result, error = captured.run(kind, other)
        after, left = eager.state(), captured.state()
        if isinstance(error, ad.CaptureError):
            found.refused = str(error)
            if DEFECT in found.refused:
                found.fault = f"caught by the check: {found.refused}"
            elif not tells(error) and difference(after, left, before, exact):
                words = difference(arrays_in(before), arrays_in(left), None, exact)
                found.fault = words and f"refused halfway, and does not tell: {found.refused}\n{words}"
            return
        if type(error) is not type(raised):
            words = "".join(traceback.format_exception(error)) if error is not None else "no error"
            found.fault = f"raised {words}, and should raise {raised!r}"
            return
        words = difference(after, left, before, exact, "state") or difference(expected, result, None, exact, "result")
        if words:
            found.fault = f"{words}{' after ' + repr(raised) if raised is not None else ''}"
            return
        before = after


def arrays_in(state: Any) -> Any:
    """Return the arrays in a state, without gradients: what a refusal has to tell of, if it has changed."""
    if isinstance(state, dict):
        return {name: arrays_in(part) for name, part in state.items() if name != "grad"}
    if isinstance(state, list):
        return [arrays_in(part) for part in state]
    return state if isinstance(state, np.ndarray) else None


def tells(error: BaseException) -> bool:
    """Return whether a refusal tells that the call has changed something already."""
    return "has changed" in " ".join([str(error), *getattr(error, "__notes__", [])])


def interrupted(program: Program, event: Any, line: int) -> BaseException | None:
    """Run an event, with Ctrl-C when it comes to its nth line of Python. Return what it raised."""
    left = line

    def trace(frame: Any, kind: str, argument: Any) -> Any:
        nonlocal left
        left -= kind == "line"
        if left == 0:
            left = -1
            sys.settrace(None)
            signal.raise_signal(signal.SIGINT)
        return trace if left > 0 else None

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    with np.errstate(all="ignore"):  # is left when nobody interrupts any more, so that it is left whole
        sys.settrace(trace)
        try:
            event()
        except KeyboardInterrupt as error:
            return error
        except Exception as error:
            return error
        finally:
            sys.settrace(None)
            signal.signal(signal.SIGINT, handler)
    return None


def main(first: int, last: int) -> int:
    """Run the programs of some seeds and print what was found; return 1 if any went wrong, or too many were refused."""
    refused, wrong, calls = collections.Counter[str](), [], 0
    for seed in range(first, last):
        found = outcome(seed)
        calls += found.calls
        if found.fault:
            wrong.append(seed)
            print(f"WRONG {seed} event {found.calls}: {found.fault[-1500:]}\n", flush=True)
        elif found.refused:
            refused[" ".join(found.refused.split(": ", 1)[-1].split()[:14])] += 1
            print(f"refused {seed}: {found.refused}", flush=True)
    count = last - first
    print(f"{count} programs, {calls} events, wrong {len(wrong)}, refused {sum(refused.values()) / count:.1%}")
    print(f"{time.process_time():.0f} s of CPU")
    for words, times in refused.most_common():
        print(times, words)
    return int(bool(wrong) or sum(refused.values()) > REFUSED_AT_MOST * count)


if __name__ == "__main__":
    random.seed(0)
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
