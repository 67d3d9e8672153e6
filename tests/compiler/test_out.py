"""`out=`, by its name, at its place or as one of several; and functions that write into their first argument."""

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.comparing import check_calls, each_exactness

X = np.linspace(-1.0, 1.0, 6).reshape(3, 2)

INTO = {
    "np.sum": lambda x, out: np.sum(x, axis=0, out=out),
    "np.sum by place": lambda x, out: np.sum(x, 0, None, out),
    "np.sum by place, with keepdims": lambda x, out: np.sum(x, 0, None, out[None], True),
    "the method sum": lambda x, out: x.sum(axis=0, out=out),
    "the method mean by place": lambda x, out: x.mean(0, None, out),
    "np.prod": lambda x, out: np.prod(x, axis=0, out=out),
    "np.max": lambda x, out: np.max(x, axis=0, out=out),
    "np.min": lambda x, out: np.min(x, axis=0, out=out),
    "np.var": lambda x, out: np.var(x, axis=0, out=out),
    "np.std": lambda x, out: np.std(x, axis=0, out=out),
    "np.nansum": lambda x, out: np.nansum(x, axis=0, out=out),
    "np.nanmean": lambda x, out: np.nanmean(x, axis=0, out=out),
    "np.nanmax": lambda x, out: np.nanmax(x, axis=0, out=out),
    "np.nanvar": lambda x, out: np.nanvar(x, axis=0, out=out),
    "np.nanmedian": lambda x, out: np.nanmedian(x, axis=0, out=out),
    "np.median": lambda x, out: np.median(x, axis=0, out=out),
    "np.percentile": lambda x, out: np.percentile(x, 30, axis=0, out=out),
    "np.quantile": lambda x, out: np.quantile(x, 0.3, axis=0, out=out),
    "np.ptp": lambda x, out: np.ptp(x, axis=0, out=out),
    "np.take": lambda x, out: np.take(x, 1, axis=0, out=out),
    "np.take by place": lambda x, out: np.take(x, 1, 0, out),
    "np.choose": lambda x, out: np.choose(np.array([0, 1]), [x[0], x[1]], out=out),
    "np.choose by place": lambda x, out: np.choose(np.array([0, 1]), [x[0], x[1]], out),
    "np.dot": lambda x, out: np.dot(np.ones(3), x, out=out),
    "np.dot by place": lambda x, out: np.dot(np.ones(3), x, out),
    "np.matmul": lambda x, out: np.matmul(np.ones(3), x, out=out),
    "np.einsum": lambda x, out: np.einsum("ij->j", x, out=out),
    "np.einsum of two": lambda x, out: np.einsum("ij,ij->j", x, x, out=out, optimize=True),
    "np.add": lambda x, out: np.add(x[0], x[1], out=out),
    "np.add by place": lambda x, out: np.add(x[0], x[1], out),
    "np.add, one of a tuple": lambda x, out: np.add(x[0], x[1], out=(out,)),
    "np.add, where": lambda x, out: np.add(x[0], 1, out=out, where=x[0] > 0),
    "np.add.reduce by place": lambda x, out: np.add.reduce(x, 0, None, out),
    "np.add.accumulate": lambda x, out: np.add.accumulate(x[0], out=out),
    "np.add.reduceat": lambda x, out: np.add.reduceat(x[0], [0, 1], out=out),
    "np.add.at": lambda x, out: np.add.at(out, [0, 0], x[0]),
    "np.clip by place": lambda x, out: np.clip(x[0], -0.5, 0.5, out),
    "np.round": lambda x, out: np.round(x[0], 1, out=out),
    "np.round by place": lambda x, out: np.round(x[0], 1, out),
    "np.fix by place": lambda x, out: np.fix(x[0], out),
    "np.concatenate": lambda x, out: np.concatenate([x[0, :1], x[1, :1]], out=out),
    "np.concatenate by place": lambda x, out: np.concatenate([x[0, :1], x[1, :1]], 0, out),
    "np.stack": lambda x, out: np.stack([x[0, 0], x[1, 1]], out=out),
    "np.cumsum by place": lambda x, out: np.cumsum(x[0], 0, None, out),
    "np.cumprod": lambda x, out: np.cumprod(x[0], out=out),
    "np.outer": lambda x, out: np.outer(x[0, :1], x[1], out=out[None]),
    "np.argmax by place": lambda x, out: x.argmax(0, np.zeros(2, np.intp)),
    "np.modf, both": lambda x, out: np.modf(x[0], out=(out, np.zeros_like(out))),
    "np.modf, the first": lambda x, out: np.modf(x[0], out=(out, None)),
    "np.modf, the second": lambda x, out: np.modf(x[0], out=(None, out)),
    "np.frexp": lambda x, out: np.frexp(x[0], out=(out, None))[0],
    "np.divmod by place": lambda x, out: np.divmod(x[0], 2.0, out),
    "np.copyto": lambda x, out: np.copyto(out, x[0]),
    "np.copyto by name": lambda x, out: np.copyto(src=x[0], dst=out),
    "np.put by name": lambda x, out: np.put(ind=[0], v=x[0, 0], a=out),
    "np.putmask": lambda x, out: np.putmask(out, [True, False], x[0]),
    "np.put_along_axis by name": lambda x, out: np.put_along_axis(
        indices=np.array([0]), values=x[0, :1], axis=0, arr=out
    ),
    "np.fill_diagonal by name": lambda x, out: np.fill_diagonal(val=x[0, 0], a=out[None]),
}


@each_exactness
@pytest.mark.parametrize("where", ["held", "made"])
@pytest.mark.parametrize("function", INTO.values(), ids=INTO)
def test_what_is_written_into_a_given_array_is_there_in_every_call(function, where, exact):
    def build(wrap):
        held = np.zeros(2)

        def step(x):
            out = held if where == "held" else np.zeros(2)
            result = function(x, out)
            return out * 1, 0.0 if result is None else result

        captured = wrap(step)
        return lambda i: captured(X + 0.1 * i)

    check_calls(build, exact, calls=7)


DRAWS = {
    "random": lambda rng, out: rng.random(out=out),
    "random by place": lambda rng, out: rng.random(4, np.float64, out),
    "standard_normal": lambda rng, out: rng.standard_normal(out=out),
    "standard_exponential": lambda rng, out: rng.standard_exponential(out=out),
    "standard_gamma": lambda rng, out: rng.standard_gamma(2.0, out=out),
    "standard_gamma by place": lambda rng, out: rng.standard_gamma(2.0, None, np.float64, out),
    "permuted": lambda rng, out: rng.permuted(out, out=out),
    "shuffle": lambda rng, out: rng.shuffle(out),
    "shuffle by name": lambda rng, out: rng.shuffle(axis=0, x=out),
}


@pytest.mark.parametrize("where", ["held", "made"])
@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_what_a_generator_draws_into_a_given_array_is_there_in_every_call(draw, where):
    def build(wrap):
        rng, held = np.random.default_rng(3), np.arange(4.0)

        def step(x):
            out = held if where == "held" else np.arange(4.0)
            draw(rng, out)
            return out * x

        captured = wrap(step)
        return lambda i: captured(float(i))

    check_calls(build, calls=7)


def test_an_argument_is_an_out_too():
    step = ad.capture(lambda x, out: np.sum(x, 0, None, out) * 2)
    out = np.zeros(2)
    for i in range(7):
        np.testing.assert_array_equal(step(X + i, out), 2 * np.sum(X + i, axis=0))
        np.testing.assert_array_equal(out, np.sum(X + i, axis=0))
