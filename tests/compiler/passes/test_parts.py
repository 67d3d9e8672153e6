"""Parts of joint arrays: optimizers join small parameters, and a program changes and computes them in their places."""

import operator

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812


def followed(build, calls, exact=True):
    """Capture what `build` makes, compare every call with a second one that runs as it is, and return the captured."""
    one, other = build(), build()
    step, eager = ad.capture(one, exact=exact), other
    for args in calls:
        for found, expected in zip(step(*args), eager(*args), strict=True):
            np.testing.assert_allclose(found, expected, rtol=0 if exact else 1e-10, atol=0 if exact else 1e-12)
            assert found.dtype == expected.dtype
    assert step.program.exact is exact
    return step


def drawn(*shapes, count=9):
    rng = np.random.default_rng(1)
    return [tuple(rng.normal(size=shape) for shape in shapes) for _ in range(count)]


def joining(change):
    """Return what builds a function that joins two arrays, changes them by sines, and returns copies of them."""

    def build():
        a, b = np.arange(4.0).reshape(2, 2), np.arange(4.0) + 10

        def function(*args):
            change(a, b, np.concatenate([a, b], axis=None), *map(np.sin, args))
            return a + 0.0, b + 0.0

        return function

    return build


def joins(step):
    return [call for call in step.program.calls if call.function is np.concatenate]


def updates(step, function=np.subtract):
    return [call for call in step.program.calls if call.function is function and call.written]


def names(step):
    return [call.function.__name__ for call in step.program.calls if not call.is_view]


def put_back(a, b, new):
    a[...] = new[0:4].reshape(2, 2)
    b[...] = new[4:8].reshape(4)


# update_parts


def test_parts_are_changed_in_their_places():
    step = followed(joining(lambda a, b, flat, d: put_back(a, b, flat - d)), drawn((8,)))
    assert not joins(step)
    assert operator.setitem not in [call.function for call in step.program.calls]
    assert [call.written[0].shape for call in updates(step)] == [(2, 2), (4,)]
    assert [call.args[1].shape for call in updates(step)] == [(2, 2), (4,)]


def test_parts_are_changed_by_a_number():
    step = followed(joining(lambda a, b, flat, d: put_back(a, b, flat * np.sum(d))), drawn((3,)))
    assert not joins(step)
    assert len(updates(step, np.multiply)) == 2


def change_in_place(a, b, flat, d):
    flat -= d
    put_back(a, b, flat)


def test_a_change_in_place_of_the_joint_array_is_made_part_by_part():
    assert not joins(followed(joining(change_in_place), drawn((8,))))


def network(rng):
    layers = [ad.Linear(2, 5, rng=rng, dtype=np.float64), ad.Tanh(), ad.Linear(5, 3, rng=rng, dtype=np.float64)]
    return ad.Sequential(*layers)


@pytest.mark.parametrize(("optimizer", "decay"), [(ad.Adam, 0), (ad.Adam, 0.01), (ad.AdamW, 0.01)])
@pytest.mark.parametrize("exact", [False, True])
def test_optimizers_change_parameters_by_slices(optimizer, decay, exact):
    def build():
        rng = np.random.default_rng(0)
        model = network(rng)
        moves = optimizer(model.parameters(), 0.05, weight_decay=decay)
        labels = np.array([0, 1, 2, 0])

        def step(x):
            loss = F.cross_entropy(model(x), labels)
            moves.zero_grad()
            loss.backward()
            moves.step()
            return [loss.data, *(p.data + 0.0 for p in model.parameters())]

        return step

    step = followed(build, drawn((4, 2)), exact)
    if not decay:
        assert not joins(step)
        assert operator.setitem not in [call.function for call in step.program.calls]


UNLIKE = {
    "crosswise": lambda a, b, flat, d: put_back(a, b, (flat - d)[[4, 5, 6, 7, 0, 1, 2, 3]]),
    "other change": lambda a, b, flat, d: put_back(a, b, d - flat),
    "two changes": lambda a, b, flat, d: put_back(a, b, (flat - d) * 2),
    "with itself": lambda a, b, flat, d: put_back(a, b, flat * flat * 0.1 + d),
    "only one": lambda a, b, flat, d: operator.setitem(a, ..., (flat - d)[:4].reshape(2, 2)),
}


@pytest.mark.parametrize("change", UNLIKE.values(), ids=UNLIKE)
def test_what_is_no_change_of_each_part_gives_what_it_gives_eagerly(change):
    followed(joining(change), drawn((8,)))


def put_into(a, b, first, second):
    a[...] = first
    b[...] = second


BACK = {
    "turned places": lambda a, b, new: put_into(a.T, b, new[:4].reshape(2, 2), new[4:]),
    "backwards": lambda a, b, new: put_into(a, b, new[::-1][:4].reshape(2, 2), new[::-1][4:]),
    "flipped": lambda a, b, new: put_into(a, b, np.flip(new)[:4].reshape(2, 2), new[4:]),
    "rows": lambda a, b, new: put_into(a, b, new[:2], new[4:]),
    "by a tuple": lambda a, b, new: put_into(a, b, new[:4,].reshape(2, 2), new[4:,]),
    "with an axis more": lambda a, b, new: put_into(a, b, new[:4].reshape(1, 2, 2), new[4:].reshape(1, 4)),
    "changed once more": lambda a, b, new: put_into(a, b, new[:4].reshape(2, 2), np.sin(new)[4:]),
    "written into": lambda a, b, new: (operator.setitem(new, 1, 7.0), put_back(a, b, new)),
}


@pytest.mark.parametrize("back", BACK.values(), ids=BACK)
def test_parts_that_are_put_back_otherwise_are_what_they_are_eagerly(back):
    followed(joining(lambda a, b, flat, d: back(a, b, flat - d)), drawn((8,)))


@pytest.mark.parametrize("back", [lambda new: new, np.flip], ids=["as it is", "flipped"])
def test_a_joint_array_of_one_part(back):
    def change(a, b, flat, d):
        b[...] = back(np.concatenate([b], axis=None) - d)

    followed(joining(change), drawn((4,)))


def test_a_joint_array_that_is_written_into_before_it_is_changed():
    def change(a, b, flat, d):
        flat[1] = 7
        put_back(a, b, flat - d)

    followed(joining(change), drawn((8,)))


@pytest.mark.parametrize("which", [0, 1], ids=["joined", "changed"])
def test_a_joint_array_that_is_returned_too(which):
    def build():
        a, b = np.arange(4.0).reshape(2, 2), np.arange(4.0)

        def function(d):
            flat = np.concatenate([a, b], axis=None)
            new = flat - np.sin(d)
            put_back(a, b, new)
            return (flat, new)[which], a + 0.0, b + 0.0

        return function

    followed(build, drawn((8,)))


def test_parts_that_change_their_places_do():
    def change(a, b, flat, d):
        new = flat - d
        a[...] = new[4:].reshape(2, 2)
        b[...] = new[:4]

    followed(joining(change), drawn((8,)))


def test_parts_that_are_put_back_turned_are_turned():
    def change(a, b, flat, d):
        new = flat - d
        a[...] = new[:4].reshape(2, 2).T
        b[...] = new[:3:-1]

    followed(joining(change), drawn((8,)))


def test_a_part_of_one_number_everywhere_is_that():
    """Which shows when the caller changes the array itself between the calls."""
    a, b = np.zeros(4), np.arange(4.0)

    def function(d):
        new = np.concatenate([a, b], axis=None) - np.sin(d)
        a[...] = new[:1]
        b[...] = new[4:]
        return a + 0.0

    step = ad.capture(function)
    for (d,) in drawn((8,)):
        step(d)
    a[...] = np.arange(4.0)
    np.testing.assert_array_equal(step(np.ones(8)), np.full(4, 0 - np.sin(1.0)))


def test_a_joint_array_that_is_multiplied_by_itself():
    followed(joining(lambda a, b, flat: put_back(a, b, flat * flat)), [()] * 8, exact=False)


def test_a_product_of_vectors_is_no_change_of_each_part():
    def change(a, b, flat, d):
        new = np.matmul(flat, d)
        a[...] = new
        b[...] = new

    followed(joining(change), [(np.ones(8) * 0.1,)] * 8)


def test_a_call_of_two_results_is_no_change_of_each_part():
    followed(joining(lambda a, b, flat, d: put_back(a, b, np.divmod(flat, d)[0])), [(np.full(8, 0.9),)] * 8)


def test_a_change_that_is_written_into_before_the_parts_are_put_back():
    def build():
        a, b, velocity = np.arange(4.0).reshape(2, 2), np.arange(4.0), np.ones(8)

        def function(d):
            new = np.concatenate([a, b], axis=None) - velocity
            velocity[...] = velocity * 0.5 + d
            put_back(a, b, new)
            return a + 0.0, b + 0.0, velocity + 0.0

        return function

    followed(build, drawn((8,)))


def test_a_part_that_is_written_into_before_it_is_put_back():
    def change(a, b, flat, d):
        new = flat - d
        a[0] = 100
        b[...] = b + a[0, 0]
        put_back(a, b, new)

    followed(joining(change), drawn((8,)))


def test_a_part_that_is_written_into_after_it_was_put_back():
    def change(a, b, flat, d):
        put_back(a, b, flat - d)
        a[0] = 100

    followed(joining(change), drawn((8,)))


def test_a_part_that_is_read_in_between_is_what_it_was():
    def build():
        a, b = np.arange(4.0).reshape(2, 2), np.arange(4.0)

        def function(d):
            new = np.concatenate([a, b], axis=None) - np.sin(d)
            first = np.exp(a).reshape(-1) + b
            a[...] = new[:4].reshape(2, 2)
            second = np.exp(a).reshape(-1) + b
            b[...] = new[4:]
            return first, second, np.exp(a).reshape(-1) + b

        return function

    followed(build, drawn((8,)))


def test_a_joint_array_that_is_returned_or_read_elsewhere():
    def build():
        a, b = np.arange(4.0).reshape(2, 2), np.arange(4.0)

        def function(d):
            flat = np.concatenate([a, b], axis=None)
            new = flat - d
            put_back(a, b, new)
            return flat, new, a + 0.0, np.sum(new)

        return function

    followed(build, drawn((8,)))


def test_a_part_of_integers_is_rounded_as_it_is_eagerly():
    def build():
        a, b = np.arange(4), np.arange(4.0)

        def function(d):
            new = np.concatenate([a, b], axis=None) - np.sin(d)
            a[...] = new[:4]
            b[...] = new[4:]
            return a + 0, b + 0

        return function

    followed(build, drawn((8,)))


def test_parts_of_two_dtypes():
    def build():
        a, b = np.arange(4, dtype=np.float32), np.arange(4.0)

        def function(d):
            new = np.concatenate([a, b], axis=None) - np.sin(d)
            a[...] = new[:4]
            b[...] = new[4:]
            return a + 0, b + 0

        return function

    followed(build, drawn((8,)))


def test_an_array_that_is_joined_twice():
    def build():
        a = np.arange(4.0)

        def function(d):
            new = np.concatenate([a, a], axis=None) - np.sin(d)
            a[...] = new[:4]
            a[...] = new[4:] + a
            return (a + 0,)

        return function

    followed(build, drawn((8,)))


def test_two_views_of_one_array():
    def build():
        a = np.arange(4.0)
        head = a[:3]

        def function(d):
            new = np.concatenate([a, head], axis=None) - np.sin(d)
            a[...] = new[:4]
            head[...] = new[4:]
            return a + 0, head + 0

        return function

    followed(build, drawn((7,)))


# place_parts


def joint(*parts):
    return np.concatenate(parts, axis=None)


def test_parts_are_computed_where_they_belong():
    step = followed(lambda: lambda x, y: (joint(np.sin(x), np.exp(y)) * 2,), drawn((2, 3), (4,)))
    assert names(step) == ["sin", "exp", "multiply"]


def test_parts_that_exist_before_are_copied():
    step = followed(lambda: lambda x, y: (joint(x, np.exp(y)) * 2,), drawn((2, 3), (4,)))
    assert sorted(names(step)) == ["copyto", "exp", "multiply"]


def test_parts_in_another_order_or_dtype_are_copied():
    def function(x, y):
        return joint(np.sin(x).T, np.exp(y)) * 2, joint(np.sin(y).astype(np.float32), y) * 2

    step = followed(lambda: function, drawn((2, 3), (4,)))
    assert not joins(step)


def test_parts_that_are_needed_elsewhere_are_what_they_are():
    def function(x, y):
        one, other = np.sin(x), np.exp(y)
        head = one[0]
        whole = joint(one, other, one)
        return whole * 2, one, np.cos(one).T, other[::-1], head, joint(other, whole, one)

    followed(lambda: function, drawn((2, 3), (4,)))


def test_a_joint_array_that_is_written_into_leaves_its_parts():
    def function(x, y):
        one, other = np.sin(x), np.exp(y)
        whole = joint(one, other)
        whole[2] = 7
        return whole, one, other

    step = followed(lambda: function, drawn((2, 3), (4,)))
    assert joins(step)


def test_a_joint_array_that_is_changed_in_place_leaves_its_parts():
    def function(x, y):
        one, other = np.sin(x), np.exp(y)
        whole = joint(one, other)
        whole *= 2
        whole += joint(one, other)
        return whole, one, other

    followed(lambda: function, drawn((2, 3), (4,)))


def test_parts_that_are_written_into_later_leave_the_joint_array():
    def function(x, y):
        one, other = np.sin(x), np.exp(y)
        whole = joint(one, other)
        one[0] = 7
        other *= 2
        return whole, one, other

    followed(lambda: function, drawn((2, 3), (4,)))


def test_joint_arrays_of_joint_arrays():
    def function(x, y):
        one = joint(np.sin(x), np.exp(y))
        two = joint(one, one, np.cos(one))
        return two, joint(two, one)

    followed(lambda: function, drawn((2, 3), (4,)))


def test_a_joint_array_along_an_axis_is_left_alone():
    step = followed(lambda: lambda x, y: (np.concatenate([np.sin(x), np.exp(y)], axis=0),), drawn((2, 3), (4, 3)))
    assert joins(step)


def test_gradients_that_are_joined_stay_those_of_their_parameters():
    def build():
        rng = np.random.default_rng(0)
        model = ad.Sequential(ad.Linear(2, 5, rng=rng, dtype=np.float64), ad.Tanh())
        optimizer = ad.Adam(model.parameters(), 0.05)

        def step(x):
            loss = F.mse(model(x), np.ones((4, 5)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return [loss.data]

        step.parameters = list(model.parameters())
        return step

    one, other = build(), build()
    step = ad.capture(one, exact=True)
    for (x,) in drawn((4, 2)):
        step(x)
        other(x)
        for found, expected in zip(one.parameters, other.parameters, strict=True):
            np.testing.assert_array_equal(found.grad.data, expected.grad.data)
