"""What the tutorial of torch.compile shows, in the spelling of this engine.

https://docs.pytorch.org/tutorials/intermediate/torch_compile_tutorial.html
"""

import numpy as np

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from tests.compiler.comparing import check_calls, each_exactness
from tests.compiler.refusing import refused

RNG = np.random.default_rng(3)


def batch(i, *shape):
    return np.random.default_rng(i).normal(size=shape)


def foo(x, y):
    a = np.sin(x)
    b = np.cos(y)
    return a + b


@each_exactness
def test_a_function(exact):
    def build(wrap):
        step = wrap(foo)
        return lambda i: step(batch(i, 3, 3), batch(i + 100, 3, 3))

    check_calls(build, exact)


def test_a_decorated_function():
    @ad.capture
    def opt_foo2(x, y):
        a = np.sin(x)
        b = np.cos(y)
        return a + b

    for i in range(8):
        x, y = batch(i, 10, 10), batch(i + 100, 10, 10)
        np.testing.assert_allclose(opt_foo2(x, y), np.sin(x) + np.cos(y))


class MyModule(ad.Module):
    def __init__(self):
        self.lin = ad.Linear(3, 3, rng=np.random.default_rng(1), dtype=np.float64)

    def forward(self, x):
        return F.relu(self.lin(x))


def test_a_module():
    model = MyModule()
    step = ad.capture(model.__call__)
    for i in range(8):
        x = batch(i, 3, 3)
        np.testing.assert_allclose(step(x).data, np.maximum(x @ model.lin.weight.data.T + model.lin.bias.data, 0))


def outer_function(x, y):
    def inner_function(z):
        return np.sin(z) * y

    return foo(inner_function(x), y)


@each_exactness
def test_nested_functions(exact):
    def build(wrap):
        step = wrap(outer_function)
        return lambda i: step(batch(i, 3, 3), batch(i + 100, 3, 3))

    check_calls(build, exact)


@each_exactness
def test_a_training_step(exact):
    def build(wrap):
        rng = np.random.default_rng(2)
        model = ad.Sequential(
            ad.Linear(4, 16, rng=rng, dtype=np.float64), ad.ReLU(), ad.Linear(16, 3, rng=rng, dtype=np.float64)
        )
        optimizer = ad.Adam(model.parameters(), learning_rate=0.01)

        def train(data, labels):
            optimizer.zero_grad()
            prediction = model(data)
            loss = F.cross_entropy(prediction, labels)
            loss.backward()
            optimizer.step()
            return loss

        step = wrap(train)

        def call(i):
            loss = step(batch(i, 16, 4), np.random.default_rng(i).integers(0, 3, 16))
            return loss, [p.data for p in model.parameters()]

        return call

    check_calls(build, exact, calls=20)


def test_a_branch_on_what_is_computed_is_refused_with_what_to_write_instead():
    def bar(a, b):
        x = a / (np.abs(a) + 1)
        if np.sum(b) < 0:
            b = b * -1
        return x * b

    def advised(a, b):
        x = a / (np.abs(a) + 1)
        return x * np.where(np.sum(b) < 0, b * -1, b)

    message = refused(ad.capture(lambda a: bar(a, a)), "branch")
    assert "np.where" in message
    assert "test_torch_tutorial.py" in message
    step = ad.capture(advised)
    for i in range(8):
        a, b = batch(i, 10), batch(i + 100, 10)
        np.testing.assert_allclose(step(a, b), bar(a, b))
