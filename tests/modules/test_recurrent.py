import numpy as np
import pytest

import autodiff as ad
from tests.compiler.comparing import check, each_exactness

KINDS = {"RNN": ad.RNN, "GRU": ad.GRU, "LSTM": ad.LSTM}
each_kind = pytest.mark.parametrize("kind", KINDS)
X = np.random.default_rng(5).normal(size=(9, 4, 3)).astype(np.float32)


def rng():
    return np.random.default_rng(0)


def test_an_rnn_is_its_formula():
    layer = ad.RNN(3, 5, rng=rng(), dtype=np.float64)
    w, u, b, c = (one.data for one in layer.parameters())
    hidden, expected = np.zeros((4, 5)), []
    for x in X.astype(np.float64):
        hidden = np.tanh(x @ w.T + b + hidden @ u.T + c)
        expected.append(hidden)
    output, state = layer(X.astype(np.float64))
    np.testing.assert_allclose(output.data, expected, rtol=1e-12)
    np.testing.assert_allclose(state.data[0], hidden, rtol=1e-12)


@each_kind
def test_a_sequence_in_two_parts_is_one_sequence(kind):
    layer = KINDS[kind](3, 5, num_layers=2, rng=rng())
    whole, last = layer(X)
    first, state = layer(X[:4])
    second, again = layer(X[4:], state)
    np.testing.assert_allclose(np.concatenate([first.data, second.data]), whole.data, rtol=1e-5, atol=1e-6)
    for one, other in zip(*[states if kind == "LSTM" else (states,) for states in (last, again)], strict=True):
        np.testing.assert_allclose(one.data, other.data, rtol=1e-5, atol=1e-6)


@each_kind
def test_backwards_is_forwards_on_what_is_turned_round(kind):
    both = KINDS[kind](3, 5, bidirectional=True, rng=rng())
    one = KINDS[kind](3, 5, rng=rng())
    for end, half in [("", slice(5)), ("_reverse", slice(5, None))]:
        names = {name: value for name, value in both.state_dict().items() if name.endswith(f"l0{end}")}
        one.load_state_dict({name.removesuffix("_reverse"): value for name, value in names.items()})
        turned = X[::-1] if end else X
        expected = one(turned)[0].data[::-1] if end else one(turned)[0].data
        np.testing.assert_allclose(both(X)[0].data[..., half], expected, rtol=1e-5, atol=1e-6)


@each_kind
def test_single_precision_stays_so_forwards_and_backwards(kind):
    layer = KINDS[kind](3, 5, rng=rng())
    output, _ = layer(X)
    np.sum(output**2).backward()
    assert {output.dtype, *[one.grad.dtype for one in layer.parameters()]} == {np.dtype(np.float32)}


@each_kind
@each_exactness
def test_a_captured_step_is_the_eager_one(kind, exact):
    def run(way):
        layer = KINDS[kind](3, 5, num_layers=2, rng=rng())
        optimizer = ad.SGD(layer.parameters(), learning_rate=0.1, momentum=0.9)

        @way
        def step(x):
            loss = np.mean((layer(x)[0] - 0.5) ** 2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return [*[step(X) for _ in range(7)], *[one.data for one in layer.parameters()]]

    check(run, exact)


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"GRU takes an input of shape \(length, samples, 3\).*, found \(9, 4, 2\)"):
        ad.GRU(3, 5)(X[..., :2])
    with pytest.raises(ValueError, match=r"of one step at least, found \(0, 4, 3\)"):
        ad.GRU(3, 5)(X[:0])
    with pytest.raises(ValueError, match=r"GRU takes a state of shape \(1, 4, 5\), found \(1, 3, 5\)"):
        ad.GRU(3, 5)(X, np.zeros((1, 3, 5)))
    with pytest.raises(ValueError, match=r"LSTM takes a pair of states of shape \(1, 5\), found \(1, 5\)"):
        ad.LSTM(3, 5)(X[:, 0], (np.zeros((1, 5)),))
    with pytest.raises(ValueError, match="LSTM: num_layers must be 1 or more, found 0"):
        ad.LSTM(3, 5, num_layers=0)
    with pytest.raises(ValueError, match="nonlinearity must be 'tanh' or 'relu', found 'gelu'"):
        ad.RNN(3, 5, nonlinearity="gelu")
    with pytest.raises(TypeError, match="LSTM: rng must be a generator"):
        ad.LSTM(3, 5, rng=0)


def test_the_text_of_a_layer_shows_its_sizes():
    assert repr(ad.GRU(3, 5)) == "GRU(3, 5)"
    assert repr(ad.LSTM(3, 5, 2, bidirectional=True)) == "LSTM(3, 5, num_layers=2, bidirectional=True)"


@each_kind
def test_dropout_is_between_the_layers_and_in_training_alone(kind):
    plain, dropping = (KINDS[kind](3, 5, 2, dropout=p, rng=rng()) for p in (0.0, 0.5))
    assert not np.allclose(dropping(X)[0].data, plain(X)[0].data)
    np.testing.assert_array_equal(dropping.eval()(X)[0].data, plain(X)[0].data)
    one_layer = KINDS[kind](3, 5, dropout=0.5, rng=rng())
    np.testing.assert_array_equal(one_layer(X)[0].data, one_layer.eval()(X)[0].data)
