"""Places that a step reaches by two ways: each has one stand-in, so that both ways see the same."""

import types

import numpy as np

import autodiff as ad
from tests.compiler.comparing import check
from tests.compiler.refusing import refused

SHARED = np.arange(3.0)
HISTORY = {"mean": np.zeros(3)}


def scaled(x):
    return x * SHARED


def shifted(x):
    return x + SHARED


def test_a_global_array_named_by_two_functions():
    def run(capture):
        function = capture(lambda x: scaled(x) - shifted(x))
        return [function(np.full(3, float(i))) for i in range(8)]

    check(run, exact=True)


def test_an_array_of_the_closure_named_by_two_functions():
    def run(capture):
        total = np.zeros(3)

        def add(x):
            total[...] += x

        @capture
        def function(x):
            add(x)
            return total * 2

        return [*(function(np.full(3, float(i))) for i in range(8)), total]

    check(run, exact=True)


def test_an_array_of_the_closure_replaced_by_one_function_and_read_by_another():
    def run(capture):
        total = np.zeros(3)

        def add(x):
            nonlocal total
            total = total + x

        @capture
        def function(x):
            add(x)
            return total * 2

        return [*(function(np.full(3, float(i))) for i in range(8)), total]

    check(run, exact=True)


def test_a_number_of_the_closure_counted_by_one_function_and_read_by_another():
    def run(capture):
        count = 0

        def advance():
            nonlocal count
            count += 1

        @capture
        def function(x):
            advance()
            return x / count

        return [*(function(np.ones(3)) for _ in range(9)), count]

    check(run, exact=True)


def test_a_generator_of_the_closure_drawn_from_by_two_functions():
    def run(capture):
        rng = np.random.default_rng(0)

        def noise():
            return rng.normal(size=3)

        @capture
        def function(x):
            return x + noise() * rng.uniform(size=3)

        return [*(function(np.ones(3)) for _ in range(8)), rng.normal()]

    check(run, exact=True)


def test_a_variable_of_a_module_that_is_a_global_of_a_function_in_it():
    def run(capture):
        module = types.ModuleType("users_settings")
        exec("import numpy as np\ntable = np.arange(3.0)\n\ndef helper(x):\n    return x * table\n", vars(module))
        function = capture(lambda x: module.helper(x) + module.table)
        return [function(np.full(3, float(i))) for i in range(8)]

    check(run, exact=True)


def test_an_attribute_that_is_reached_through_the_dict_of_its_object_as_well():
    def run(capture):
        class Holder:
            pass

        holder = Holder()
        holder.scale, holder.count = np.arange(3.0), 0
        attributes = vars(holder)

        @capture
        def function(x):
            holder.count += 1
            return x * holder.scale + attributes["scale"] * attributes["count"]

        return [*(function(np.full(3, float(i))) for i in range(8)), holder.count]

    check(run, exact=True)


def test_a_dict_reached_through_the_globals_and_a_default():
    def run(capture):
        HISTORY["mean"][...] = 0

        def update(x, history=HISTORY):
            history["mean"] = history["mean"] * 0.9 + x

        @capture
        def function(x):
            update(x)
            return HISTORY["mean"] * 2

        return [*(function(np.full(3, float(i))) for i in range(8)), HISTORY["mean"].copy()]

    check(run, exact=True)


def test_a_gradient_that_two_tensors_share_is_refused():
    first, second = (ad.Tensor(np.ones(3), requires_grad=True) for _ in range(2))
    first.grad = second.grad = ad.Tensor(np.arange(3.0))
    function = ad.capture(lambda x: first.grad * x + second.grad)
    refused(function, r"(first|second)\.grad .* shares the memory .* (first|second)\.grad", argument=np.ones(3))
    np.testing.assert_array_equal(first.grad.data, np.arange(3.0))


def test_a_gradient_that_a_variable_names_as_well_is_refused_in_words_of_the_users():
    weight = ad.Tensor(np.ones(3), requires_grad=True)
    shared = weight.grad = ad.Tensor(np.arange(3.0))
    refused(
        ad.capture(lambda x: weight.grad * x - shared),
        r"weight\.grad .* shares the memory .* shared",
        argument=np.ones(3),
    )
    np.testing.assert_array_equal(weight.grad.data, np.arange(3.0))
