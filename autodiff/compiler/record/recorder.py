"""The recorder: runs every call on the arrays themselves, and writes down what was called on which."""

import inspect
import operator
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.record.branches import DECIDING, Branch, depends_on_types, may_change_type
from autodiff.compiler.record.errors import CaptureError, expression_here, here, refusal
from autodiff.compiler.record.sharing import share_memory
from autodiff.compiler.record.stand_in import StandIn
from autodiff.compiler.record.trace import Call, Function, Keywords, Kind, Positional, Storage, Trace, Value
from autodiff.registry import full_name
from autodiff.saved import owner_of
from autodiff.trees import flatten, mapped


class Active(threading.local):
    """The recorder that is at work in the running thread."""

    recorder: "Recorder | None" = None


active = Active()

STATIC = {np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj, np.common_type}
"""Functions of what is known without a look at the contents."""

WRITING: dict[Callable[..., Any], str] = {
    np.copyto: "dst", np.put: "a", np.place: "arr", np.putmask: "a", np.fill_diagonal: "a", np.put_along_axis: "arr",
}  # fmt: skip
"""Functions that write into their first argument, and its name; besides the `at` of ufuncs."""

AS_FLOATS = "give min() and max() floats alone, as 1.0 for 1, and ** a float; or compute it outside, and pass it"
DECIDE = "a replay would repeat what the recorded call did; pass what is decided as an argument, as a bool or an int"

TEXT = {np.array2string, np.array_repr, np.array_str}

SHAPED_BY_VALUES = {
    np.nonzero, np.flatnonzero, np.argwhere, np.compress, np.extract, np.unique, np.unique_all, np.unique_counts,
    np.unique_inverse, np.unique_values, np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d, np.trim_zeros,
}  # fmt: skip


class Recorder:
    """Records the calls of one run of a step, in the thread that made it."""

    def __init__(self) -> None:
        self.trace = Trace()
        self.open = True
        self.thread = threading.get_ident()
        self.known: dict[int, tuple[NDArray[Any], Value]] = {}  # arrays that exist, by identity, and kept alive
        self.memory: dict[int, tuple[NDArray[Any], Storage]] = {}  # the same for the arrays that own the memory
        self.writes: Counter[Storage] = Counter()  # how often each memory was written into
        self.moving: dict[Storage, tuple[Storage, int]] = {}  # copies of parts at a place that is another in every
        # step: of which memory, and how often that had been written into
        self.inputs: list[tuple[NDArray[Any], Storage]] = []  # the arrays that own the arguments' memory
        self.raised: CaptureError | None = None  # what to say if the step catches what a call raised
        self.counted: set[Value] = set()  # numbers that can be told before a step, being computed from its counters
        self.counting: list[Call] = []  # the calls that compute them, since the latest branch
        self.branches: list[Branch] = []
        self.unsure: dict[Value, Call] = {}  # numbers that are ints for some values and floats for others

    # What is there before the first call

    def record_array(self, array: NDArray[Any], kind: Kind, name: str) -> StandIn:
        """Return what stands for an array that exists before the step."""
        return StandIn(self, self.value_of(array, kind, name), array)

    def record_number(self, number: Any, name: str, is_counter: bool = False) -> StandIn:
        """Return what stands for a number that may be another one in the next step, an argument or a counter."""
        value = describe(number, Storage("input", name))
        if is_counter and value.form == "number":
            self.counted.add(value)
        return StandIn(self, value, number)

    def value_of(self, array: NDArray[Any], kind: Kind, name: str = "") -> Value:
        """Return the Value of an array that exists before the step, the same one for the same array."""
        if kind == "input":  # the program copies arguments, so that each has memory of its own
            value = describe(array, Storage(kind, name))
            self.inputs.append((owner_of(array), value.storage))
            return value
        found = self.known.get(id(array))
        if found is not None and (kind == "held" or found[1].is_still(array)):
            return found[1]
        value = describe(array, self.storage_of(owner_of(array), kind, name))
        if value.storage.kind == "constant":  # a copy, for the step may go on to change what the recorder cannot see
            value.storage = Storage(kind, name, is_known=True)
            value.array, value.source = array.copy(order="K"), array
            value.strides = value.array.strides
        else:
            value.array = array
        self.known[id(array)] = array, value
        return value

    def storage_of(self, owner: NDArray[Any], kind: Kind, name: str) -> Storage:
        """Return the memory of an array that is no view: that of another one, where it lies in the same place."""
        if id(owner) not in self.memory:
            others = {storage for other, storage in self.memory.values() if share_memory(owner, other)}
            if len(others) > 1:
                raise CaptureError(
                    f"{' and '.join(sorted(storage.name for storage in others))} are parts of the memory of "
                    f"{name or 'an array'}, and not its views as far as NumPy knows; hold one of them, and take views"
                )
            self.memory[id(owner)] = owner, others.pop() if others else Storage(kind, name)
        return self.memory[id(owner)][1]

    # Calls

    def decide(self, number: StandIn, ask: Callable[[Any], Any]) -> Any:
        """Return what a number is asked for, and note that a replay is for this answer alone. Raises CaptureError
        for a number that is not known before a step.
        """
        self.check_open()
        if number.value not in self.counted:
            text = expression_here()
            raise refusal(f"{DECIDING[ask]} that depends on a number{f', `{text}`,' if text else ''}", DECIDE)
        answer = ask(number.concrete)
        self.branches.append(Branch(number.value, ask, answer, here().line, self.counting))
        self.counting = []
        return answer

    def settle_types(self, numbers: Iterable[StandIn]) -> None:
        """Note that the types of some numbers matter, where they have other ones for other values. Raises CaptureError
        for one that is not known before a step.
        """
        for number in numbers:
            made = self.unsure.get(number.value)
            if made is not None and number.value not in self.counted:
                name = name_of(made.function)
                raise refusal(f"{name}, an int for some values, a float for others,", AS_FLOATS, made.origin.line)
            if made is not None:
                self.decide(number, type)

    def operate(self, ufunc: np.ufunc, number: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
        """Record a binary operator: Python's own between Python numbers, NumPy's otherwise."""
        for one, count in ((left, right), (right, left)):
            repeats = ufunc is np.multiply and isinstance(one, str | list | tuple) and type(count) is StandIn
            if repeats and isinstance(count.concrete, int | np.integer):
                return one * operator.index(count)
        is_number = not any(isinstance(side, np.ndarray | np.generic | list | tuple) for side in (left, right))
        return self.call(number if is_number else ufunc, (left, right), {})

    def call(
        self, function: Function, args: Positional, keywords: Keywords, written: Positional = (), draws: bool = False
    ) -> Any:
        """Run a call on the arrays themselves, record it, and return what stands for its result."""
        self.check_open()
        args, keywords = with_named_out(function, args, keywords)
        args = mapped(args, made_an_array)
        if isinstance(keywords.get("out"), tuple) and len(keywords["out"]) > 1:
            return self.call_into(function, args, keywords)
        concrete_args, concrete_keywords = mapped((args, keywords), concrete)
        recorded = recorded_in((args, keywords))
        if function in STATIC:
            self.settle_types(recorded)
            return function(*concrete_args, **concrete_keywords)
        self.check_recordable(function, args, keywords)
        self.check_copies(part.value for part in recorded)
        out = keywords.get("out")
        if isinstance(out, tuple) and len(out) == 1:
            keywords = {**keywords, "out": out[0]}
        targets = [*written, *self.targets(function, args, keywords)]
        self.check_targets(function, targets)
        operands, named = mapped((args, keywords), self.symbolic)
        values = tuple(target.value for target in targets)
        made = Call(function, operands, named, [], values, draws=draws, errstate=current_errstate(), origin=here())
        try:
            result = function(*concrete_args, **concrete_keywords)
        except Exception as error:
            self.raised = CaptureError(
                f"{name_of(function)} at {made.origin.line} raised {type(error).__name__}, and the step caught that, "
                "which a replay would not do; see outside of the step whether it can be computed"
            )
            raise
        self.trace.calls.append(made)
        is_known = not draws and all(value.storage.is_known for value in made.operands())
        for target in made.written:
            target.storage.is_known &= is_known
            self.writes[target.storage] += 1
        is_counted = not draws and made.operands() and self.counted.issuperset(made.operands())
        known = [part for part in recorded if isinstance(part.concrete, np.ndarray)]
        stands = mapped(result, lambda part: self.stand_for(part, made, known, is_known))
        if made.is_view:  # a shape or an index that is the same in every step is no operand
            viewed = {value.storage for value in made.results}
            made.args, made.keywords = mapped((args, keywords), lambda part: self.symbolic(plain(part, viewed)))
        is_number = len(made.results) == 1 and made.results[0].form == "number"
        if is_counted and is_number:
            self.counted.add(made.results[0])
            self.counting.append(made)
        if is_number and may_change_type(made, self.unsure.keys()):
            self.unsure[made.results[0]] = made
        elif not is_number and depends_on_types(made, self.unsure.keys()):
            self.settle_types(recorded)
        return stands

    def call_into(self, function: Function, args: Positional, keywords: Keywords) -> Any:
        """Record a call with several results, and that those for which there is an `out` are copied there."""
        results = self.call(function, args, {key: value for key, value in keywords.items() if key != "out"})
        where = {"where": keywords["where"]} if "where" in keywords else {}
        pairs = [*zip(keywords["out"], results, strict=True)]
        for target, result in pairs:
            if target is not None:
                self.call(np.copyto, (target, result), where)
        return tuple(result if target is None else target for target, result in pairs)

    def stand_for(self, part: Any, made: Call, operands: list[StandIn], is_known: bool) -> Any:
        """Return what stands for a result of a call: a view of an argument's memory, or something new.

        A number that is the same in every step stands for itself.
        """
        if part is None or isinstance(part, np.dtype | type) or (isinstance(part, str) and is_known):
            return part
        if isinstance(part, np.ndarray):
            for operand in operands:
                if operand.concrete is part:
                    if operand.value not in made.written:
                        made.is_view = True
                        made.results.append(operand.value)
                    return operand
            owner = owner_of(part)
            for operand in operands:
                if owner_of(operand.concrete) is owner:  # in a place that a recorded number tells, it is a copy
                    made.is_view = all(value.form == "array" for value in made.operands())
                    storage = operand.value.storage if made.is_view else Storage("made")
                    if not made.is_view:
                        source = operand.value.storage
                        self.moving[storage] = self.moving.get(source, (source, self.writes[source]))
                    made.results.append(describe(part, storage))
                    return StandIn(self, made.results[-1], part)
            if part.dtype.hasobject:
                raise refusal(f"{name_of(made.function)}, which returned objects,", "compute with NumPy's functions")
        elif not isinstance(part, np.generic | bool | int | float) or isinstance(part, str | bytes):
            raise refusal(
                f"{name_of(made.function)}, which returned a {type(part).__name__},",
                "call it outside of the step, and pass what it returns as an argument",
            )
        made.results.append(describe(part, Storage("made", is_known=is_known)))
        return StandIn(self, made.results[-1], part) if isinstance(part, np.ndarray) or not is_known else part

    def targets(self, function: Function, args: Positional, keywords: Keywords) -> list[Any]:
        """Return the arrays that a call writes into."""
        if function in WRITING:
            return [args[0] if args else keywords[WRITING[function]]]
        if getattr(function, "__name__", "") == "at":
            return [args[0]]
        return [] if keywords.get("out") is None else [keywords["out"]]

    def symbolic(self, part: Any) -> Any:
        """Return the Value of an argument; what is no array is returned as it is."""
        if type(part) is StandIn:
            if part.recorder is not self:
                raise kept_from_earlier()
            return part.value
        if isinstance(part, np.ndarray):
            return self.value_of(part, "constant")
        return part

    # Refusals

    def check_open(self) -> None:
        """Raise CaptureError for a call after the recorded one has ended, or in another thread."""
        if not self.open:
            raise kept_from_earlier()
        if threading.get_ident() != self.thread:
            raise refusal("a call in another thread than the step's", "compute in the thread that calls the step")

    def check_targets(self, function: Function, targets: list[Any]) -> None:
        """Raise CaptureError for an array to write into that a replay would not have, or not as the step has it."""
        for target in targets:
            if not isinstance(target, StandIn):
                raise refusal(
                    f"{name_of(function)} into an array that the recorder does not know",
                    "make it with np.zeros in the step itself, or hold it where the function can reach it",
                )
            if target.value.storage in self.moving:
                raise refusal("writing into t[i] by a name of its own, where i is recorded,", "write t[i] = value")
            if target.value.storage.is_shown:
                raise refusal("writing into an array that was made an ordinary one before", "write before that")

    def check_copies(self, values: Iterable[Value]) -> None:
        """Raise CaptureError for a copy that stands for a view, if what it is a view of was written into since."""
        for value in values:
            source, writes = self.moving.get(value.storage, (value.storage, self.writes[value.storage]))
            if self.writes[source] != writes:
                raise refusal(
                    "t[i], where i is recorded, read after a write into t,",
                    "take t[i].copy(), or read before the write",
                )

    def check_shared_memory(self) -> None:
        """Raise CaptureError if an argument shares memory with something else, and the step writes into either."""
        written = {target.storage for call in self.trace.calls for target in call.written}
        for i, (owner, storage) in enumerate(self.inputs):
            places = [*self.inputs[:i], *self.memory.values()]
            others = [other for other_owner, other in places if share_memory(other_owner, owner)]
            if written & {storage, *others} and others:
                raise CaptureError(
                    f"an argument shares its memory with {name_of_other(others[0])}, and the step "
                    "writes into one of them; pass a copy, or let the function reach it instead"
                )

    def check_recordable(self, function: Function, args: Positional, keywords: Keywords) -> None:
        """Raise CaptureError for functions whose result a replay could not reproduce."""
        operands = recorded_in((args, keywords))
        if operands and all(part.value.storage.is_known for part in operands):
            return
        if function in TEXT:
            raise refusal("the text of a recorded array", "print what the step returns")
        arrays = [part for part in recorded_in(args[1:]) if part.value.form == "array"]
        masks = [part for part in arrays if part.dtype == bool and part.ndim and not part.value.storage.is_known]
        by_mask = function.__name__ == "getitem" and len(masks) > 0
        if by_mask or function in SHAPED_BY_VALUES or (function is np.where and len(args) + len(keywords) == 1):
            raise refusal(
                f"{'t[mask]' if by_mask else name_of(function)}, whose shape depends on the values,",
                "keep the shape and use np.where(mask, t, 0), or a product with the mask",
            )
        if function in (np.linalg.eig, np.linalg.eigvals) and any(part.dtype.kind == "f" for part in recorded_in(args)):
            raise refusal(
                f"{name_of(function)} of real numbers, whose dtype depends on the values,",
                "take it of t.astype(complex), or use np.linalg.eigh",
            )
        overwrites = any(keywords.get(name) for name in ("overwrite_input", "overwrite_a"))
        if overwrites or (function is np.nan_to_num and keywords.get("copy") is False):
            raise refusal(
                f"{name_of(function)} writing into its argument", "leave that option away, and write t[...] = result"
            )


def with_named_out(function: Function, args: Positional, keywords: Keywords) -> tuple[Positional, Keywords]:
    """Return the arguments of a call with its `out`, and what comes after it, by name; NumPy does so for ufuncs."""
    if isinstance(function, np.ufunc) or not any(isinstance(arg, np.ndarray) for arg in args[1:]):
        return args, keywords
    parameters = inspect.signature(function).parameters.values()
    names = [each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    place = names.index("out") if "out" in names else len(args)
    return args[:place], {**keywords, **dict(zip(names[place:], args[place:], strict=False))}


def name_of_other(storage: Storage) -> str:
    """Return the name of the memory that an argument lies in too."""
    return "another argument" if storage.kind == "input" else storage.name or "an array of the step"


def made_an_array(part: Any) -> Any:
    """Return what an object gives NumPy as its array: that may be a recorded one, which NumPy would not take."""
    kind = type(part)
    answers = hasattr(kind, "__array_ufunc__") or hasattr(kind, "__array_function__")  # for itself, as Tensors do
    return part.__array__() if hasattr(kind, "__array__") and not answers else part


def kept_from_earlier() -> CaptureError:
    """Return the error for what a step has left behind where it was not found, and uses later."""
    return CaptureError(
        f"{here().line} uses an array that was recorded by an earlier call and kept in a place out of the recorder's "
        "sight: return it from the step instead, and pass it in again"
    )


def current_errstate() -> tuple[str, ...]:
    """Return NumPy's handling of floating-point errors: of division by zero, overflow, underflow, invalid values."""
    return tuple(map(str, np.geterr().values()))


def describe(part: Any, storage: Storage) -> Value:
    """Return the Value of an array, a NumPy scalar or a Python number."""
    if isinstance(part, np.ndarray):
        return Value(storage, "array", part.shape, part.dtype, part.strides)
    if isinstance(part, np.generic):
        return Value(storage, "scalar", (), part.dtype, ())
    return Value(storage, "number", (), np.dtype(type(part)), ())


def concrete(part: Any) -> Any:
    """Return what a recorded array stands for, anything else as it is."""
    if type(part) is slice and StandIn in map(type, (part.start, part.stop, part.step)):
        raise refusal("a slice whose bounds are recorded", "take a fixed number of elements, with np.take of an index")
    return part.concrete if type(part) is StandIn else part


def plain(part: Any, viewed: set[Storage]) -> Any:
    """Return the array itself, if it is the same in every step, and the call does not return a view of it."""
    if type(part) is not StandIn or not part.value.storage.is_known or part.value.storage in viewed:
        return part
    return tuple(part.concrete.tolist()) if part.concrete.ndim == 1 and part.dtype.kind in "iu" else part


def recorded_in(tree: Any) -> list[StandIn]:
    """Return the recorded arrays in nested lists, tuples and dicts."""
    return [leaf for leaf in flatten(tree) if type(leaf) is StandIn]


def name_of(function: Function) -> str:
    """Return the name under which a user knows a function: np.add, np.add.reduce, operator.getitem."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"np.{owner.__name__}.{function.__name__}"
    return full_name(function)


class GeneratorStandIn(np.random.Generator):
    """A random number generator whose draws are recorded: it shares the state of the one that it stands for."""

    def __init__(self, recorder: Recorder, generator: np.random.Generator) -> None:
        super().__init__(generator.bit_generator)
        self.recorder = recorder
        self.generator = generator


def drawing(name: str) -> Callable[..., Any]:
    """Return a method that draws from the generator and records that."""

    def draw(self: GeneratorStandIn, *args: Any, **keywords: Any) -> Any:
        function = getattr(self.generator, name)
        written = (args[0] if args else keywords["x"],) if name == "shuffle" else ()
        return self.recorder.call(function, args, keywords, written, draws=True)

    return draw


for _name in dir(np.random.Generator):
    if not _name.startswith("_") and callable(getattr(np.random.Generator, _name)):
        setattr(GeneratorStandIn, _name, drawing(_name))
