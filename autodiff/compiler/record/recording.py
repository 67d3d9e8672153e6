"""One recorded run of a step: arrays are replaced by recorded ones, the step runs, and the arrays are put back."""

import gc
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import _lru_cache_wrapper, partial
from traceback import walk_tb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.record.arguments import Entries, Signature, objects_among
from autodiff.compiler.record.branches import Branches
from autodiff.compiler.record.environment import (
    Environment,
    Walk,
    beginning_of,
    end_of,
    explore,
    is_number,
    is_of_optimizer,
    is_state,
    within,
)
from autodiff.compiler.record.errors import STANDARD, CaptureError, line_of, refused
from autodiff.compiler.record.growing import Appended, Growing
from autodiff.compiler.record.kinds import is_constant, type_name
from autodiff.compiler.record.matching import is_input
from autodiff.compiler.record.opened import closed, contents, opened, opened_in, opened_like
from autodiff.compiler.record.randomness import RandomStates
from autodiff.compiler.record.recorder import GeneratorStandIn, Recorder, active, current_errstate, recorded_in
from autodiff.compiler.record.shadows import put_in, take_out
from autodiff.compiler.record.slot import (
    WITHIN,
    Absence,
    BatchSlot,
    Identity,
    KeptTensorSlot,
    Slot,
    TensorSlot,
    is_gone,
    present,
)
from autodiff.compiler.record.stand_in import StandIn
from autodiff.compiler.record.trace import Function, Keywords, Positional, Trace, Value
from autodiff.graph import Node
from autodiff.tensor import Tensor, wrap
from autodiff.trees import flatten, mapped

STAND_INS = (StandIn, Growing)
"""What stands for an array, and for a list that the step appends to."""
SWITCHED = (bool, str, type(None))
"""What a step may put in the place of another of these."""


@dataclass(slots=True)
class Held:
    """A place that the step reads or changes: what stood there before it, and what after.

    A Value for an array or a number that was recorded; anything else as it is. Of `tensor.grad`, that of its array.
    """

    slot: Slot
    before: Any
    after: Any = None

    def is_kept_in_kind(self) -> bool:
        """Return whether what the step leaves here is of the shape and dtype of what it found."""
        kinds = [(one.form, one.shape, one.dtype) for one in (self.before, self.after) if isinstance(one, Value)]
        return len(kinds) == 2 and kinds[0] == kinds[1]

    def holds_like(self, part: Any) -> bool:
        """Return whether an array like the one described is there now; of anything else, that there is none."""
        if is_gone(self.slot):
            return False
        now = self.slot.get()
        if isinstance(now, Tensor):
            now = now._data
        if isinstance(part, Value) and part.form == "array":
            return isinstance(now, np.ndarray) and (now.shape, now.dtype) == (part.shape, part.dtype)
        return not isinstance(now, np.ndarray)


@dataclass(slots=True)
class Recording:
    """One recorded run: the calls, the places it worked on, and what it returned."""

    trace: Trace
    environment: Environment
    held: list[Held] = field(default_factory=list)
    gradients: list[Held] = field(default_factory=list)
    errstate: tuple[str, ...] = ()
    branches: Branches = field(default_factory=lambda: Branches([], []))
    result: Any = None
    changes: list[str] = field(default_factory=list)  # what the step changed besides, in words
    counters: set[Identity] = field(default_factory=set)  # the places that it changed, and a replay can follow
    watched: list[tuple[NDArray[Any], bytes, str]] = field(default_factory=list)  # arrays whose contents decide
    asks_layout: bool = False  # whether it matters how the arguments lie in memory

    def begins_with_these(self) -> bool:
        """Return whether the arrays and gradients that are in place are like those that this run began with."""
        return all(held.holds_like(held.before) for held in [*self.held, *self.gradients])

    def ends_with_these(self) -> bool:
        """Return whether they are like those that it left."""
        return all(held.holds_like(held.after) for held in [*self.held, *self.gradients])

    def has_switches(self) -> bool:
        """Return whether the step put a constant in the place of another: a call after it begins elsewhere."""
        return not all(isinstance(held.before, Value) for held in self.held)

    def is_settled(self) -> bool:
        """Return whether the step left everything as it found it, but for the contents of arrays."""
        kept = all((held.before is None) is (held.after is None) for held in self.gradients)
        kept &= all(held.is_kept_in_kind() for held in self.held)
        return kept and not self.changes and not self.counters


@dataclass(slots=True)
class Replaced:
    """A place, what was there, and what is there while a step is recorded."""

    slot: Slot
    original: Any
    stand_in: Any = None


def record(
    function: Function, args: Positional, keywords: Keywords, changing: set[Identity], leaves: list[Any] | None = None
) -> Recording:
    """Run a function once on the arguments, and return everything that it computed on the way.

    changing: the places of Python numbers that are not the same in every call. leaves: where the parts of the arguments
        will be in later calls, by which it may branch.
    """
    objects = objects_among(Signature(function).names, args, keywords)
    environment = explore(function, changing, objects)
    recorder = Recorder()
    recording = Recording(recorder.trace, environment, errstate=current_errstate())
    replacements: list[Replaced] = []
    random_states = RandomStates(environment)
    tensors = {id(slot.owner) for slot in environment.arrays}  # that the step finds, and may hand out as they are
    given_containers: list[tuple[Any, dict[Any, Any]]] = []  # with what they held
    logs = {id(slot.get()): Growing(slot.get(), slot.name) for slot in environment.growing}

    def concrete(part: Any) -> Any:
        return part if id(part) in tensors else concrete_output(part)

    try:
        put_in(environment, recorder)
        batches = [(slot, Slot.get(slot)) for slot, _ in environment.fixed if isinstance(slot, BatchSlot)]
        states = {slot.identity: Slot.get(slot) for slot in environment.arrays if isinstance(slot, TensorSlot)}
        replace_contents(recording, recorder, replacements, logs)
        stand_in = partial(stand_for_argument, recorder=recorder)
        recorded_args, recorded_keywords = mapped(args, stand_in), mapped(keywords, stand_in)
        inputs = inputs_in((recorded_args, recorded_keywords))
        recorder.trace.inputs = [value_of(part) for part in inputs]
        given, given_keywords = closed((recorded_args, recorded_keywords))
        entries = Entries((given, given_keywords), {one.kind for one in opened_in((args, keywords))})
        given_containers += entries.containers
        active.recorder = recorder
        result = run(function, given, given_keywords, concrete)
        if recorder.raised is not None:
            raise recorder.raised
        recording.watched = recorder.watched
        environment.contents += recorder.watched
        if [value_of(part) for part in inputs] != recorder.trace.inputs:
            raise CaptureError(
                "the step gives a Tensor among its arguments another array, by t[i] = v or t.data = v, which a replay "
                "would not hand back; return the new Tensor, or pass an array and write into that"
            )
        entries.check()
        reached = {id(slot.owner) for slot, _ in environment.fixed}
        result = with_opened(result, reached)
        recorder.settle_types(recorded_in(result))
        check_containers(batches)
        for cached in caches_of(environment):
            raise CaptureError(
                f"{cached.__name__} keeps what it returns, by functools.lru_cache, which a replay would not; call it "
                "before the step, and have the step hold what it returns in a variable, or take it as an argument"
            )
        note_after(recording, states)
        written = note_written(recording)

        def symbolic(tree: Any) -> Any:
            return mapped(tree, lambda part: part if id(part) in tensors else symbolic_output(part, recorder))

        recorder.trace.outputs = symbolic(result)
        recorder.trace.appended = [
            Appended(log.target, log.name, symbolic(with_opened(part, reached)))
            for log in logs.values()
            for part in log.added
        ]
        recorder.check_copies(values_left(recording))
    except CaptureError as error:
        replaced = {one.slot.name for one in recording.held if value_of(present(one.slot)) is not one.before}
        if words := words_for_writes(recorder.trace, replaced):
            raise CaptureError(f"{error}{words}") from error
        raise
    finally:
        active.recorder = None
        recorder.open = False
        interrupt: KeyboardInterrupt | None = None
        while True:  # the user may interrupt this too
            try:
                take_out(recorder)
                for cached in caches_of(environment):
                    cached.cache_clear()
                put_all_back(function, changing, objects, replacements)
                put_entries_back(given_containers)
                for log in logs.values():
                    while log.added:
                        log.target.append(with_concrete(log.added.pop(0), concrete))
                break
            except KeyboardInterrupt as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt
    random_states.check(function)
    grown = environment.grown()
    recording.counters |= {end_of(one) if beginning_of(one) in changing else beginning_of(one) for one in grown}
    before = {id(slot): value for slot, value in environment.fixed}
    recording.counters |= {slot.identity for slot in written if can_be_followed(slot)}
    for slot, words in environment.changes(grown):
        if slot is not None and can_be_followed(slot):
            recording.counters.add(slot.identity)
        elif slot in written:
            continue
        elif slot is not None and is_switch(slot, before[id(slot)]):
            recording.held.append(Held(slot, before[id(slot)], slot.get()))
        else:
            recording.changes.append(words)
    numbers = [(one.slot, one.before) for one in recording.held if one.before in recorder.counted]
    for i, value in enumerate(recorder.trace.inputs):
        if value in recorder.counted:
            numbers.append((Slot(leaves, i, "item", f"argument {i}"), value))
    recording.branches = Branches(recorder.branches, numbers)
    recorder.check_shared_memory()
    check_no_stand_ins(result)
    recording.asks_layout = recorder.asks_layout
    recording.result = with_concrete(result, concrete)
    return recording


def caches_of(environment: Environment) -> list[Any]:
    """Return the functions that the step reaches which keep, by functools.lru_cache or cache, what was recorded."""
    owners = {id(slot.owner): slot.owner for slot, _ in environment.fixed}.values()
    cached = [owner for owner in owners if isinstance(owner, _lru_cache_wrapper)]
    return [one for one in cached if any(map(is_recorded, flatten(gc.get_referents(one))))]


def values_left(recording: Recording) -> list[Value]:
    """Return the Values in what a step returned, appended and left in places."""
    afters = [held.after for held in [*recording.held, *recording.gradients]]
    tree = [recording.trace.outputs, *(one.part for one in recording.trace.appended), *afters]
    leaves = [part.value if isinstance(part, TensorOutput) else part for part in flatten(tree)]
    return [part for part in leaves if isinstance(part, Value)]


def words_for_writes(trace: Trace, replaced: AbstractSet[str] = frozenset()) -> str:
    """Return what a call has changed before it is refused, for a message; nothing if it has not.

    replaced: the names of the places where it has put something else, besides the arrays that it has written into.
    """
    written = {target.storage for call in trace.calls for target in call.written if target.storage.kind == "held"}
    names = sorted({storage.name for storage in written if storage.name} | replaced)
    if not names:
        return ""
    others = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f". This call has changed {names[0]}{others} already, as the parameters of an update: it is not undone"


def run(function: Function, args: Positional, keywords: Keywords, concrete: Callable[[Any], Any]) -> Any:
    """Call a function; raise what was refused in it, though the function or NumPy may have caught that.

    concrete: makes an array of a recorded one; errors leave with these.
    """
    refused.error = None
    try:
        result = function(*args, **keywords)
    except CaptureError:
        raise
    except Exception as error:
        hold_arrays(error, lambda part: concrete(part) if is_recorded(part) else part)
        if refused.error is not None:
            raise refused.error from error
        text = "" if any(isinstance(part, Tensor) for part in flatten(error.args)) else str(error)
        if any(kind.__name__ in text for kind in STAND_INS) or is_about_stand_in(error):
            raise CaptureError(
                f"{line_of(error)} gives a recorded array to a function that cannot take it ({error}), or a list that "
                "the step appends to; call a function of NumPy's or log.append(value), or leave it outside of the step"
            ) from error
        raise
    if refused.error is not None:
        raise refused.error
    return result


def hold_arrays(error: BaseException | None, change: Callable[[Any], Any]) -> None:
    """Change what is held by an error, and by those that it came from."""
    while error is not None:
        error.args = mapped(error.args, change)
        vars(error).update(mapped(vars(error), change))
        error = error.__cause__ or error.__context__


def is_about_stand_in(error: Exception) -> bool:
    """Return whether a function of Python's did not take an object, and had a stand-in in its hands at that time."""
    *_, (frame, _) = walk_tb(error.__traceback__)
    if not isinstance(error, TypeError) or not frame.f_code.co_filename.startswith(STANDARD):
        return False
    return any(type(value) in STAND_INS for value in frame.f_locals.values())


def replace_contents(
    recording: Recording, recorder: Recorder, replacements: list[Replaced], logs: dict[int, Growing]
) -> None:
    """Put recorded arrays, numbers and generators in the places of those that the function reaches."""
    environment = recording.environment

    def replace(slot: Slot, stand_in: Any) -> None:
        outermost = slot
        while outermost.access in WITHIN and isinstance(outermost.owner.get(), tuple):
            outermost = outermost.owner
        replacements.append(Replaced(outermost, Slot.get(outermost)))  # first, for the user may interrupt this
        try:
            slot.set(stand_in)
        except Exception:
            replacements.pop()
            raise CaptureError(
                f"{slot.name} is in a place that cannot be changed, so that its use cannot be recorded; pass it as an "
                "argument, or hold it in a variable, an attribute, a list or a dict"
            ) from None
        replacements[-1].stand_in = Slot.get(outermost)

    for slot in environment.growing:
        replace(slot, logs[id(slot.get())])
    for slot in environment.gradient_arrays:
        replace(slot, recorder.record_array(slot.get(), "held", slot.name))
    arrays = [(slot, recorder.record_array(slot.get(), "held", slot.name)) for slot in environment.arrays]
    numbers = [(slot, recorder.record_number(slot.get(), slot.name, is_counter=True)) for slot in environment.numbers]
    for slot, stand_in in arrays + numbers:
        if isinstance(slot, TensorSlot):  # the Tensor itself, which may be in other places too, without its graph
            tensor = Slot.get(slot)
            replace(Slot(tensor, "_data", "attribute", slot.name), stand_in)
            replace(Slot(tensor, "node", "attribute", slot.name), None)
        else:
            replace(slot, stand_in)
        recording.held.append(Held(slot, stand_in.value))
    recording.gradients += [Held(slot, value_of(slot.get())) for slot in environment.gradients]
    for slot in environment.generators:
        if slot.access != "constant":  # an argument
            replace(slot, recorder.record_generator(slot.get()))


def can_be_followed(slot: Slot) -> bool:
    """Return whether a step may put a number or a Tensor of its own in a place."""
    if is_gone(slot) or slot.access in ("constant", "class", "builtin"):
        return False
    return is_number(slot.get()) or (is_state(slot.get()) and not is_of_optimizer(slot))


def check_containers(batches: list[tuple[BatchSlot, Any]]) -> None:
    """Raise CaptureError if a step has put another list or dict in the place of one: a replay writes into that."""
    for slot, before in batches:
        if not isinstance(before, tuple) and present(Slot(slot.owner, slot.key, slot.access, slot.name)) is not before:
            raise CaptureError(
                f"the step changes what a replay would leave as it is: {slot.name} is another {type(before).__name__} "
                "than it was; put a tuple there, or change what is in it"
            )


def is_switch(slot: Slot, before: Any) -> bool:
    """Return whether a step has put a constant in the place of another, as model.eval() does: a replay does too."""
    if is_gone(slot) or slot.access not in ("attribute", "item", "cell") or isinstance(slot.owner, Absence | Tensor):
        return False
    return isinstance(before, SWITCHED) and isinstance(slot.get(), SWITCHED)


def note_after(recording: Recording, states: dict[Identity, Tensor]) -> None:
    """Write down what stands in the places after the step. states: the Tensors that stood there before."""
    read = {value.storage for call in recording.trace.calls for value in call.operands()}
    for held in recording.held:
        if is_gone(held.slot):
            raise CaptureError(
                f"the step takes away what is in {held.slot.name}, or puts something else there, which a replay would "
                "not follow; leave an array of the same shape and dtype there"
            )
        slot = held.slot
        held.after = value_of(slot.get())
        if isinstance(slot, TensorSlot) and Slot.get(slot) is states[slot.identity]:
            held.slot = KeptTensorSlot(slot.owner, slot.key, slot.access, slot.name)
        if isinstance(held.slot, TensorSlot) and Slot.get(held.slot).requires_grad and held.before.storage in read:
            raise CaptureError(
                f"the step computes {held.slot.name} from what it was a call before, with its graph, which a replay "
                f"does not keep; put {held.slot.name.rpartition('.')[2]}.detach() there"
            )
    for held in recording.gradients:
        held.after = value_of(held.slot.get())


def note_written(recording: Recording) -> list[Slot]:
    """Return the places of fixed numbers where the step has put one that was recorded, which may equal that one.

    What a bool becomes is noted, for a replay to leave it there.
    """
    fixed = [one for one in recording.environment.fixed if isinstance(one[1], bool) or is_number(one[1])]
    pairs = [(slot, before, present(slot)) for slot, before in fixed]
    written = [(slot, before, now) for slot, before, now in pairs if type(now) is StandIn and now.value.form != "array"]
    for slot, before, now in written:
        if slot.access not in ("attribute", "item", "cell"):
            recording.changes.append(f"{slot.name} is written")
        elif isinstance(before, bool) and isinstance(now.concrete, bool):
            recording.held.append(Held(slot, before, now.value))
    return [slot for slot, *_ in written]


def put_all_back(function: Function, changing: set[Identity], objects: Any, replacements: list[Replaced]) -> None:
    """Put the arrays themselves in all places of stand-ins: it may be done again, from the beginning."""
    for one in reversed(replacements):
        put_back(one.slot, one.original, one.stand_in)
    after = Walk(function, changing, objects).found
    containers = [container for container, *_ in after.lengths + after.orders]
    if sum(map(put_keys_back, containers)):  # of all of them
        after = Walk(function, changing, objects).found
    for slot in [*after.arrays, *after.gradient_arrays, *after.numbers, *(slot for slot, _ in after.fixed)]:
        put_back(slot, None, None)


def put_entries_back(containers: list[tuple[Any, dict[Any, Any]]]) -> None:
    """Put what was in lists and dicts among the arguments back into those that hold something recorded."""
    for container, before in containers:
        if isinstance(container, list) and recorded_in(container):
            container[:] = before.values()
        elif isinstance(container, dict) and recorded_in([*container, *container.values()]):
            container.clear()
            container.update(before)


def put_keys_back(container: Any) -> bool:
    """Put the numbers themselves in place of those that are keys or members of a set; return whether there are any."""
    if not isinstance(container, dict | set) or not recorded_in([*container]):
        return False
    keys = [mapped(key, concrete_output) for key in container]
    held = dict(zip(keys, container.values(), strict=True)) if isinstance(container, dict) else keys
    container.clear()
    container.update(held)
    return True


def put_back(slot: Slot, original: Any, stand_in: Any) -> None:
    """Put the array itself in the place of what stood for it; tuples, graphs and generators as they were, if there."""
    if is_gone(slot):  # the step removed it
        return
    now = slot.get()
    if type(now) is Growing:
        slot.set(now.target)
    elif type(now) is StandIn:
        slot.set(np.asarray(now.concrete) if isinstance(slot.owner, Tensor) else now.concrete)
    elif type(now) is GeneratorStandIn:
        slot.set(now.generator)
    elif isinstance(original, tuple | Node) and now is stand_in:
        slot.set(original)


def stand_for_argument(leaf: Any, recorder: Recorder) -> Any:
    """Return what the step is given for a part of its arguments."""
    if isinstance(leaf, Tensor):
        return wrap(recorder.record_array(leaf._data, "input", "argument"), None)  # type: ignore[arg-type]
    if isinstance(leaf, np.random.Generator):
        return recorder.record_generator(leaf)
    if isinstance(leaf, np.ndarray) and is_input(leaf):
        return recorder.record_array(leaf, "input", "argument")
    return recorder.record_number(leaf, "argument", is_counter=True) if is_input(leaf) else leaf


def with_opened(result: Any, reached: AbstractSet[int]) -> Any:
    """Return a result in which objects are opened that hold what was recorded, but for those that the step reaches."""

    def open_new(leaf: Any) -> Any:
        is_new = id(leaf) not in reached and contents(leaf) is not None
        return opened(leaf) if is_new and any(map(is_recorded, flatten(opened(leaf)))) else leaf

    return mapped(result, open_new)


def is_recorded(leaf: Any) -> bool:
    """Return whether this is what was recorded, or a Tensor around that."""
    return isinstance(value_of(leaf), Value)


def with_concrete(result: Any, concrete: Callable[[Any], Any]) -> Any:
    """Return what a step returned or appended, with each part in objects too as `concrete` makes it."""
    return closed(mapped(with_opened(result, frozenset()), concrete))


def check_no_stand_ins(result: Any) -> None:
    """Raise CaptureError if recorded arrays are in an object that the step returned, rather than in lists and dicts."""
    for leaf in flatten(result):
        if is_constant(leaf) or isinstance(leaf, np.ndarray | Tensor):
            continue
        found = within(leaf, "the result")
        for slot in [*found.arrays, *found.gradient_arrays, *(slot for slot, _ in found.fixed)]:
            if type(slot.get()) is StandIn and slot.access != "constant":
                raise CaptureError(
                    f"the step returns a {type_name(leaf)} that holds a recorded array, as {slot.name}, and a replay "
                    "would not make another; return a tuple, a list, a dict or a dataclass of arrays"
                )


def inputs_in(tree: Any) -> list[Any]:
    """Return the recorded parts of the arguments, in their order."""
    return [leaf for leaf in flatten(tree) if type(leaf) is StandIn or isinstance(leaf, Tensor)]


def value_of(part: Any) -> Any:
    """Return the Value of what is recorded, or of a Tensor's array; anything else as it is."""
    if type(part) is StandIn:
        return part.value
    return value_of(part._data) if isinstance(part, Tensor) else part


@dataclass(frozen=True, slots=True)
class TensorOutput:
    """Stands for a Tensor that a step returned, around an array that it computed."""

    value: Value


def symbolic_output(part: Any, recorder: Recorder) -> Any:
    """Return the Value of a part of what a step returned."""
    if isinstance(part, Tensor):
        return TensorOutput(recorder.symbolic(part._data))
    return part.value if type(part) is StandIn else original_of(part)


def detached(result: Any, outputs: Any) -> Any:
    """Return what an ordinary run returned as a replay returns it: copies, and Tensors without their graph.

    outputs: what a recorded run returned.
    """
    tree = opened_like(result, outputs)
    return closed(mapped(tree, lambda part: part if isinstance(part, Tensor) and not is_state(part) else copied(part)))


def concrete_output(part: Any) -> Any:
    """Return a part of what a step returned as a copy of the array itself; Tensors leave without their graph."""
    data: Any = part._data if isinstance(part, Tensor) else part
    array = data.concrete if type(data) is StandIn else original_of(data)
    return copied(wrap(np.asarray(array), None) if isinstance(part, Tensor) else array)


def original_of(part: Any) -> Any:
    """Return the random generator that a stand-in is for; anything else as it is."""
    return part.generator if type(part) is GeneratorStandIn else part


def copied(part: Any) -> Any:
    """Return a copy of an array, or of a Tensor without its graph; anything else as it is."""
    if isinstance(part, Tensor):
        return wrap(part._data.copy(order="K"), None)
    return part.copy(order="K") if isinstance(part, np.ndarray) else part
