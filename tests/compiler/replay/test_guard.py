"""The guard: what is changed outside of a step is noticed wherever it is, and what is not changed is no trouble."""

import sys
import types

import numpy as np
import pytest

import autodiff as ad

X = np.arange(3.0)


def trained(function, calls=7):
    step = ad.capture(function)
    for i in range(calls):
        np.testing.assert_array_equal(step(X * i), function(X * i))
    return step


class Holder:
    kind = "plain"

    def __init__(self):
        self.scale = 2.0
        self.name = "name"
        self.array = np.ones(3)
        self.parts = [1.0, "part", np.ones(3)]
        self.table = {"number": 3.0, "text": "a", 5: 6.0, (1, 2): 7.0}
        self.pair = (1.0, "b")
        self.flag = True

    def read(self, x):
        return x * self.scale + self.array


class Slotted:
    __slots__ = ("other", "scale")

    def __init__(self):
        self.scale, self.other = 2.0, np.ones(3)


PLACES = {
    "an attribute": (lambda h: h.scale, lambda h, v: setattr(h, "scale", v), 2.0, 5.0),
    "an attribute of text": (lambda h: h.name, lambda h, v: setattr(h, "name", v), "name", "other"),
    "a flag": (lambda h: h.flag, lambda h, v: setattr(h, "flag", v), True, False),
    "an item of a list": (lambda h: h.parts[0], lambda h, v: h.parts.__setitem__(0, v), 1.0, 5.0),
    "an item of a dict": (lambda h: h.table["number"], lambda h, v: h.table.__setitem__("number", v), 3.0, 5.0),
    "an item by a number": (lambda h: h.table[5], lambda h, v: h.table.__setitem__(5, v), 6.0, 5.0),
    "an item by a tuple": (lambda h: h.table[1, 2], lambda h, v: h.table.__setitem__((1, 2), v), 7.0, 5.0),
    "an attribute of the class": (lambda h: h.kind, lambda h, v: setattr(type(h), "kind", v), "plain", "fancy"),
}


@pytest.fixture
def holder():
    kind = Holder.kind
    yield Holder()
    Holder.kind = kind


def reading(holder, read):
    def function(x):
        value = read(holder)
        return x * value if isinstance(value, float) else x * len(str(value))

    return function


@pytest.mark.parametrize(("read", "write", "before", "after"), PLACES.values(), ids=PLACES)
def test_a_change_of_any_place_is_noticed(holder, read, write, before, after):
    step = trained(reading(holder, read))
    assert step.current.guard.unchanged()
    write(holder, after)
    assert not step.current.guard.unchanged()
    np.testing.assert_array_equal(step(X), step.function(X))


@pytest.mark.parametrize(("read", "write", "before", "after"), PLACES.values(), ids=PLACES)
def test_an_equal_value_is_no_change(holder, read, write, before, after):
    function = reading(holder, read)
    step = trained(function)
    write(holder, again(before))
    np.testing.assert_array_equal(step(X), function(X))


def again(value):
    """Return an equal object that is not the same, where there is one."""
    if isinstance(value, bool):
        return value
    return float(repr(value)) if isinstance(value, float) else "".join([*value])


@pytest.mark.parametrize(("before", "after"), [(2.0, 2), (2.0, np.float64(2)), (True, 1), (0.0, None)], ids=str)
def test_an_equal_value_of_another_type_is_a_change(holder, before, after):
    holder.scale = before
    step = trained(lambda x: x * holder.scale)
    holder.scale = after
    assert not step.current.guard.unchanged()
    if after is None:
        with pytest.raises(TypeError):
            step(X)
        return
    np.testing.assert_array_equal(step(X), step.function(X))


def test_a_value_that_is_put_back_is_no_change(holder):
    step = trained(lambda x: x * holder.scale)
    holder.scale = 7.0
    holder.scale = 2.0
    np.testing.assert_array_equal(step(X), X * 2)


def test_a_variable_of_the_closure():
    scale = 2.0

    def function(x):
        return x * scale

    step = trained(function)
    scale = float("2")
    np.testing.assert_array_equal(step(X), X * 2)
    scale = 3.0
    assert not step.current.guard.unchanged()
    np.testing.assert_array_equal(step(X), step.function(X))


def test_a_variable_of_the_closure_that_is_gone():
    scale = 2.0

    def function(x):
        return x * scale  # noqa: F821

    step = trained(function)
    del scale
    with pytest.raises(NameError):
        step(X)


GLOBAL = 2.0


def test_a_global_variable(monkeypatch):
    step = trained(lambda x: x * GLOBAL)
    monkeypatch.setattr(sys.modules[__name__], "GLOBAL", 3.0)
    np.testing.assert_array_equal(step(X), step.function(X))


def test_a_variable_of_a_module():
    module = types.ModuleType("settings_of_a_test")
    module.scale = 2.0
    module.unused = 1
    step = trained(lambda x: x * module.scale)
    module.unused = 2
    np.testing.assert_array_equal(step(X), X * 2)
    module.scale = 3.0
    assert not step.current.guard.unchanged()
    np.testing.assert_array_equal(step(X), step.function(X))


def test_attributes_in_slots():
    slotted = Slotted()
    step = trained(lambda x: x * slotted.scale + slotted.other)
    slotted.scale = float("2")
    np.testing.assert_array_equal(step(X), X * 2 + 1)
    slotted.scale = 3.0
    np.testing.assert_array_equal(step(X), step.function(X))


def test_another_array_is_noticed_and_other_contents_are_followed(holder):
    step = trained(holder.read)
    holder.array[...] = 5
    np.testing.assert_array_equal(step(X), X * 2 + 5)
    holder.array = np.full(3, 5.0)
    np.testing.assert_array_equal(step(X), step.function(X))


@pytest.mark.parametrize("change", [lambda h: h.parts.append(1), lambda h: h.parts.pop(), lambda h: h.table.clear(),
                                    lambda h: setattr(h, "more", 1), lambda h: delattr(h, "name"),
                                    lambda h: h.table.update(more=1)])  # fmt: skip
def test_more_or_fewer_entries_are_noticed(holder, change):
    step = trained(lambda x: x * holder.scale + len(holder.parts) + len(holder.table))
    change(holder)
    assert not step.current.guard.unchanged()
    np.testing.assert_array_equal(step(X), step.function(X))


def test_another_dict_of_attributes_is_noticed(holder):
    step = trained(lambda x: x * holder.scale)
    holder.__dict__ = dict(vars(holder))
    np.testing.assert_array_equal(step(X), X * 2)
    holder.__dict__ = vars(holder) | {"scale": 3.0}
    assert not step.current.guard.unchanged()
    np.testing.assert_array_equal(step(X), X * 3)


def test_a_property_that_its_class_gets_comes_before_an_attribute(holder):
    step = trained(lambda x: x * holder.scale)
    type(holder).scale = property(lambda self: 3.0)
    try:
        assert not step.current.guard.unchanged()
        np.testing.assert_array_equal(step(X), X * 3)
    finally:
        del type(holder).scale


def test_another_tuple_is_noticed(holder):
    step = trained(lambda x: x * holder.pair[0])
    holder.pair = (2.0, "b")
    np.testing.assert_array_equal(step(X), step.function(X))


def test_another_method_or_class_is_noticed(holder):
    class Other(Holder):
        pass

    step = trained(holder.read)
    holder.__class__ = Other
    assert not step.current.guard.unchanged()
    np.testing.assert_array_equal(step(X), step.function(X))


def test_another_default_is_noticed():
    def inner(x, scale=2.0):
        return x * scale

    step = trained(lambda x: inner(x))
    inner.__defaults__ = (3.0,)
    np.testing.assert_array_equal(step(X), step.function(X))


def test_another_generator_is_noticed(holder):
    holder.rng = np.random.default_rng(0)
    step = ad.capture(lambda x: x + holder.rng.random(3))
    for _ in range(7):
        step(X)
    holder.rng = np.random.default_rng(1)
    np.testing.assert_array_equal(step(X), X + np.random.default_rng(1).random(3))


def test_attributes_of_any_name(holder):
    vars(holder).update({"lambda": 2.0, "two words": 3.0, "0": np.ones(3), "class": "text", "é": 1.0})
    step = trained(lambda x: x * getattr(holder, "lambda") + getattr(holder, "0"))
    setattr(holder, "two words", 4.0)
    assert not step.current.guard.unchanged()
    np.testing.assert_array_equal(step(X), step.function(X))


@pytest.mark.parametrize("key", [-1, 2.5, None, "a'b\n", b"x", True], ids=repr)
def test_items_of_any_key(holder, key):
    holder.table[key] = 2.0
    step = trained(lambda x: x * holder.table[key])
    holder.table[key] = float("2")
    np.testing.assert_array_equal(step(X), X * 2)
    holder.table[key] = 3.0
    np.testing.assert_array_equal(step(X), step.function(X))


def test_a_gradient_that_the_step_reads_may_not_be_gone():
    tensor = ad.Tensor(np.ones(3), requires_grad=True)

    def function(x):
        np.sum(tensor * x).backward()
        return tensor.grad

    tensor.grad = ad.Tensor(np.ones(3))
    step = ad.capture(function)
    for _ in range(7):
        step(X)
    tensor.grad = ad.Tensor(np.full(3, 5.0))
    np.testing.assert_array_equal(step(X).data, X + 5)
    tensor.grad = None
    assert not step.current.guard.unchanged()
    np.testing.assert_array_equal(step(X).data, X)
    np.testing.assert_array_equal(step(X).data, 2 * X)


def test_nothing_is_amiss_in_a_step_that_reaches_nothing():
    step = trained(lambda x: x * 2)
    assert step.current.guard.unchanged() is True
    assert [*step.current.guard.changes()] == []
    assert step.current.guard.changed_arrays() == []


def test_arrays_that_were_computed_on_are_watched():
    scale = np.arange(1.0, 4.0)
    step = trained(lambda x: x * np.exp(scale))
    assert step.current.guard.changed_arrays() == []
    scale[0] = 9
    assert step.current.guard.changed_arrays()[0] is scale
    np.testing.assert_array_equal(step(X), X * np.exp(scale))
    assert step.current.guard.changed_arrays() == []


def test_arguments_that_share_memory_with_what_the_step_writes():
    state, other = np.ones(3), np.ones(3)

    def function(x):
        state[...] = state + x
        return state + other

    step = ad.capture(function)
    for i in range(7):
        step(X * i)
    step(other)  # which is not written into
    with pytest.raises(ad.CaptureError, match="shares its memory"):
        step(state)
    with pytest.raises(ad.CaptureError, match="shares its memory"):
        step(state[::-1])


def test_a_change_is_noticed_again_and_again(holder):
    step = trained(lambda x: x * holder.scale)
    holder.scale = 3.0
    for _ in range(3):
        np.testing.assert_array_equal(step(X), X * 3)
    holder.scale = 2.0
    np.testing.assert_array_equal(step(X), X * 2)


def test_an_array_that_gets_another_shape_where_it_is_is_noticed():
    scale = np.arange(3.0)
    step = trained(lambda x: x * scale)
    scale.resize((1, 3), refcheck=False)
    assert not step.current.guard.unchanged()
    np.testing.assert_array_equal(step(X), step.function(X), strict=True)


def test_arguments_that_share_memory_which_is_only_read():
    step = ad.capture(lambda x, y: x * 2 + y)
    for i in range(8):
        both = np.frombuffer(bytearray(np.arange(4.0) + i))
        np.testing.assert_array_equal(step(both[1:], both[:3]), both[1:] * 2 + both[:3])


def test_a_batch_that_is_a_part_of_what_the_step_writes_is_read_after_the_write(holder):
    state = np.zeros(3)

    @ad.capture
    def step():
        state[...] = state + 1
        return holder.array * 2

    for i in range(12):
        holder.array = np.full(3, float(i))
        np.testing.assert_array_equal(step(), np.full(3, 2.0 * i))
    assert step.current.guard.followed
    holder.array = np.frombuffer(state.data)
    try:
        found = step()
    except ad.CaptureError as error:
        assert "memory" in str(error)  # noqa: PT017
        return
    np.testing.assert_array_equal(found, state * 2)


def test_a_batch_that_cannot_be_written_to_is_noticed_before_the_step_writes(holder):
    state = np.zeros(3)

    @ad.capture
    def step():
        state[...] = state + 1
        holder.array[...] = holder.array * 2
        state[...] = state + 1

    for i in range(12):
        holder.array = np.full(3, float(i))
        step()
    assert step.current.guard.followed
    holder.array = np.ones(3)
    holder.array.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        step()
    np.testing.assert_array_equal(state, np.full(3, 25.0))
