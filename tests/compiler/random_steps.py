"""Random training steps: the source of a program that makes a network, a step on it, and the calls of that step.

`source(seed)` is Python that defines `left()`, which returns all that the step works on by its name, and `events`: what
happens one after the other, calls of the step and changes between them. It expects `capture` and `repeat` to be there.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

ACTIVATIONS = ("np.tanh", "F.relu", "F.sigmoid", "F.softplus", "F.gelu", "F.silu", "F.elu", "np.sin", "F.leaky_relu")
LAYERS = ("ad.Tanh()", "ad.ReLU()", "ad.Sigmoid()", "ad.GELU()", "ad.SiLU()", "ad.LayerNorm(5, dtype=dtype)")
OPTIMIZERS = (
    "ad.SGD({}, 0.1)",
    "ad.SGD({}, 0.05, momentum=0.9)",
    "ad.SGD({}, 0.05, momentum=0.9, nesterov=True, weight_decay=0.01)",
    "ad.Adam({}, 0.01)",
    "ad.Adam({}, 0.02, weight_decay=0.1)",
    "ad.AdamW({}, 0.01)",
    "ad.NAdam({}, 0.01)",
    "ad.Adagrad({}, 0.05, learning_rate_decay=0.1)",
    "ad.RMSprop({}, 0.01)",
    "ad.RMSprop({}, 0.01, momentum=0.9, centered=True)",
)
BY_SIGN = ("ad.Lion({}, 0.01)", "ad.Lion({}, 0.01, weight_decay=0.1)")
"""Optimizers that make much of rounding, in steps that are captured exactly."""
SCHEDULES = (
    "ad.StepLR({}, step_size=3, gamma=0.5)",
    "ad.ExponentialLR({}, gamma=0.9)",
    "ad.CosineAnnealingLR({}, steps=30)",
    "ad.LinearLR({}, total_iters=8)",
    "ad.StepLR({}, step_size=4, gamma=0.5, warmup=3)",
)


@dataclass
class Argument:
    """An argument of the step. value: what a call passes, by the random numbers, the call's number and its rows."""

    name: str
    value: Callable[[int, int], str]
    by_name: bool = False


@dataclass
class Draft:
    """A program that is being written: `setup` before the step, and the lines of the step by their place in it.

    small: whether it has few calls and little in it, as most have, for the sake of the time. results: what the step
    returns. changes: what may be done between the calls. faults: bad arguments. kept: what the step reaches by its
    name; rebound: of these, what is assigned to.
    """

    rng: random.Random
    exact: bool
    small: bool
    setup: list[str] = field(default_factory=list)
    begin: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    end: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=lambda: ["loss"])
    arguments: list[Argument] = field(default_factory=list)
    changes: list[list[str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    rebound: list[str] = field(default_factory=list)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def pick(self, *choices):
        return self.rng.choice(choices)

    def keep(self, name: str, value: str, rebound: bool = False) -> str:
        """Make a variable that the step reaches, and return its name."""
        self.setup.append(f"{name} = {value}")
        self.kept.append(name)
        if rebound:
            self.rebound.append(name)
        return name


# Networks: each defines `predict(x)`, of three numbers for each of three numbers, and the list `parameters`


def sequential(draft: Draft) -> None:
    layers = ["ad.Linear(3, 5, rng=rng, dtype=dtype)", draft.pick(*LAYERS)]
    if draft.chance(0.1 if draft.small else 0.3):
        layers += ["ad.Linear(5, 5, rng=rng, dtype=dtype)", draft.pick(*LAYERS)]
    if draft.chance(0.2):
        layers.append("ad.Dropout(0.3, rng=np.random.default_rng(4))")
    if draft.chance(0.15):
        layers[0:1] = ["ad.Linear(3, 5, bias=False, rng=rng, dtype=dtype)", "ad.BatchNorm1d(5, dtype=dtype)"]
    draft.keep("model", f"ad.Sequential({', '.join([*layers, 'ad.Linear(5, 3, rng=rng, dtype=dtype)'])})")
    draft.setup += ["parameters = list(model.parameters())"]
    draft.setup += [draft.pick("predict = model", "predict = lambda x: model(x)", "def predict(x): return model(x)")]
    change_module(draft)


def own_module(draft: Draft) -> None:
    start = ["self.inner = ad.Linear(3, 5, rng=rng, dtype=dtype)", "self.outer = ad.Linear(5, 3, rng=rng, dtype=dtype)"]
    forward = [f"h = {draft.pick(*ACTIVATIONS)}(self.inner(x))"]
    if draft.chance(0.4):
        start.append("self.rng = np.random.default_rng(7)")
        forward += ["if self.training:", f"    h = F.dropout(h, {draft.pick(0.2, 0.5)}, self.rng)"]
    if draft.chance(0.4):
        values, update = draft.pick(
            ("np.zeros(5, dtype)", "self.mean[...] = 0.9 * self.mean + 0.1 * np.mean(h.data, axis=0)"),
            ("np.zeros(5, dtype)", "self.mean = 0.9 * self.mean + 0.1 * np.mean(h.data, axis=0)"),
            ("ad.Buffer(np.zeros(5, dtype))", "self.mean = 0.9 * self.mean + 0.1 * np.mean(h.detach(), axis=0)"),
            ("ad.Buffer(np.zeros(5, dtype))", "self.mean.data[...] += 0.1 * np.mean(h.data, axis=0)"),
            ("dtype(0)", "self.mean = 0.9 * self.mean + 0.1 * np.mean(h.data)"),
            ("np.float64(0)", "self.mean = 0.9 * self.mean + 0.1 * np.mean(h.data)"),
            ("0.0", "self.mean = 0.9 * self.mean + 0.1 * np.mean(h.data)"),
        )
        start.append(f"self.mean = {values}")
        forward += ["if self.training:", f"    {update}"]
        forward += draft.pick([], ["h = h - self.mean"], ["h = h - 0.1 * np.mean(self.mean)"])
    if draft.chance(0.25):
        start.append("self.calls = 0")
        forward += ["self.calls += 1"]
        forward += draft.pick(
            [], [f"if self.calls % {draft.pick(2, 3)} == 0:", "    h = h * 0.5"], ["h = h / self.calls"]
        )
    if draft.chance(0.2):
        start.append("self.h = None" if draft.chance(0.5) else "self.h = np.zeros(1, dtype)")
        forward.append(draft.pick("self.h = h.data", "self.h = h.detach()", "self.h = np.sum(h.data, axis=0)"))
    draft.setup += ["class Net(ad.Module):", "    def __init__(self):", *indented(start, 2)]
    draft.setup += ["    def forward(self, x):", *indented([*forward, "return self.outer(h)"], 2)]
    draft.keep("model", "Net()")
    draft.setup += ["parameters = list(model.parameters())"]
    draft.setup += [draft.pick("predict = model", "predict = lambda x: model.forward(x)")]
    change_module(draft)


def plain_parameters(draft: Draft) -> None:
    start = "rng.normal(size=({})).astype(dtype)"
    arrays = [f"ad.Parameter({start.format(shape)})" for shape in ("3, 5", "5", "5, 3")]
    kind = draft.pick("dict", "list", "object", "names")
    names = {
        "dict": ["weights['a']", "weights['b']", "weights['c']"],
        "list": ["weights[0]", "weights[1]", "weights[2]"],
        "object": ["weights.a", "weights.b", "weights.c"],
        "names": ["a", "b", "c"],
    }[kind]
    if kind == "dict":
        draft.keep("weights", f"{{'a': {arrays[0]}, 'b': {arrays[1]}, 'c': {arrays[2]}}}")
    elif kind == "list":
        draft.keep("weights", f"[{', '.join(arrays)}]")
    elif kind == "object":
        draft.keep("weights", f"SimpleNamespace(a={arrays[0]}, b={arrays[1]}, c={arrays[2]})")
    else:
        for name, array in zip(names, arrays, strict=True):
            draft.keep(name, array)
    draft.setup += [f"parameters = [{', '.join(names)}]", f"activation = {draft.pick(*ACTIVATIONS)}"]
    product = draft.pick("x @ {} + {}", "np.matmul(x, {}) + {}", "np.einsum('ij,jk->ik', x, {}) + {}")
    draft.setup += ["def layer(x):", f"    return activation({product.format(*names[:2])})"]
    draft.setup += ["def predict(x):", f"    return layer(x) @ {names[2]}"]
    one = draft.pick(*names)
    draft.changes += [[f"{one}.data = {one}.data * dtype(0.9)"], [f"{one}.data[...] *= dtype(0.9)"]]


def change_module(draft: Draft) -> None:
    """Note what people do with a module between the calls."""
    draft.changes += draft.pick(
        [["model.eval()"], ["model.train()"]],
        [["model.load_state_dict({name: value * dtype(0.9) for name, value in model.state_dict().items()})"]],
        [["for p in parameters:", "    p.data = p.data * dtype(0.9)"]],
        [["parameters[0].data[...] *= dtype(0.5)"]],
        [["with ad.no_grad():", "    model.eval()", "    model(draw(77, 4, 3))", "    model.train()"]],
    )


# Data: each makes `x` and `y` known in the step


def data(draft: Draft) -> None:
    labels = draft.chance(0.6)
    target = (
        (lambda seed, rows: f"classes({seed}, {rows})") if labels else (lambda seed, rows: f"draw({seed}, {rows}, 3)")
    )
    points = lambda seed, rows: f"draw({seed}, {rows}, 3)"
    kind = draft.pick(
        "arguments", "arguments", "arguments", "Tensor", "dict", "list", "held", "reassigned", "sampled", "attribute"
    )
    if kind in ("arguments", "Tensor"):
        wrapped = (lambda seed, rows: f"ad.Tensor({points(seed, rows)})") if kind == "Tensor" else points
        by_name = draft.chance(0.2)
        draft.arguments += [
            Argument("x", wrapped, by_name),
            Argument("y", lambda seed, rows: target(seed + 1, rows), by_name),
        ]
        bad = draft.pick("draw(5, 6, 4)", "draw(5, 6, 1, 2)", "None", "'text'", "draw(5, 5, 3)")
        draft.faults.append(bad)
    elif kind == "dict":
        draft.arguments.append(
            Argument("batch", lambda seed, rows: f"{{'x': {points(seed, rows)}, 'y': {target(seed + 1, rows)}}}")
        )
        draft.begin.append("x, y = batch['x'], batch['y']")
        draft.faults.append("{'x': draw(5, 6, 3)}")
    elif kind == "list":
        draft.arguments.append(
            Argument("batch", lambda seed, rows: f"[{points(seed, rows)}, {target(seed + 1, rows)}]")
        )
        draft.begin.append("x, y = batch")
        draft.faults.append("[draw(5, 6, 3)]")
    elif kind == "held":
        draft.keep("points", points(1, 12))
        draft.keep("targets", target(2, 12))
        draft.begin.append(
            draft.pick("x, y = points, targets", "x, y = points[2:8], targets[2:8]", "x, y = points[::2], targets[::2]")
        )
        draft.changes.append(["points[...] = draw(78, 12, 3)"])
    elif kind == "reassigned":
        draft.keep("points", points(1, 6), rebound=True)
        draft.keep("targets", target(2, 6), rebound=True)
        draft.begin.append("x, y = points, targets")
        draft.changes += [[f"points, targets = {points(seed, 6)}, {target(seed + 1, 6)}"] for seed in (31, 33, 35)]
    elif kind == "sampled":
        draft.keep("sampler", "np.random.default_rng(6)")
        draft.keep("points", points(1, 12))
        draft.keep("targets", target(2, 12))
        draft.begin += [
            draft.pick(
                "rows = sampler.integers(0, 12, 6)",
                "rows = sampler.permutation(12)[:6]",
                "rows = sampler.choice(12, 6)",
            )
        ]
        draft.begin.append("x, y = points[rows], targets[rows]")
        draft.changes.append(["sampler.random()"])
    else:
        draft.keep("loader", f"SimpleNamespace(x={points(1, 6)}, y={target(2, 6)})")
        draft.begin.append("x, y = loader.x, loader.y")
        draft.changes += [[f"loader.x, loader.y = {points(seed, 6)}, {target(seed + 1, 6)}"] for seed in (31, 33)]
    if labels:
        draft.losses.append(
            draft.pick(
                "loss = F.cross_entropy(out, y)",
                "loss = F.nll(F.log_softmax(out), y)",
                "loss = -np.mean(F.log_softmax(out)[np.arange(len(y)), y])",
                "loss = np.mean((out - np.eye(3, dtype=dtype)[y]) ** 2)",
                "loss = F.cross_entropy(out, y, reduction='sum') / len(y)",
            )
        )
        if kind == "arguments" and draft.chance(0.3):
            draft.faults[-1:] = (
                ["draw(5, 6, 3), y=np.full(6, 7)"] if draft.arguments[-1].by_name else ["draw(5, 6, 3), np.full(6, 7)"]
            )
    else:
        draft.losses.append(
            draft.pick(
                "loss = F.mse(out, y)",
                "loss = F.huber(out, y)",
                "loss = np.mean(np.abs(out - y))",
                "loss = np.sum((out - y) ** 2) / len(y)",
                "loss = F.binary_cross_entropy_with_logits(out, F.sigmoid(y))",
            )
        )


# What else is in a step


def scalar_argument(draft: Draft) -> None:
    draft.arguments.append(Argument("scale", lambda seed, rows: repr(0.5 + seed % 7), draft.chance(0.5)))
    draft.losses.append(draft.pick("loss = loss * scale", "loss = loss + scale * 1e-2 * np.sum(out ** 2)"))


def flag_argument(draft: Draft) -> None:
    values = draft.pick(("True", "False"), ("None", "0.5"), ("'sum'", "'mean'"), ("1", "2"), ("None", "draw(3, 3)"))
    draft.arguments.append(Argument("flag", lambda seed, rows: values[seed % 5 == 0], True))
    lines = {
        "True": ["if flag:", "    loss = loss * 2"],
        "None": ["if flag is not None:", "    loss = loss + np.mean(out * flag)"],
        "'sum'": ["loss = loss + 1e-2 * (np.sum(out ** 2) if flag == 'sum' else np.mean(out ** 2))"],
        "1": ["for _ in range(flag):", "    loss = loss * 0.7"],
    }[values[0]]
    draft.losses += lines


def whole_argument(draft: Draft) -> None:
    """A number that counts the calls, given as an argument."""
    draft.arguments.append(Argument("epoch", lambda seed, rows: f"float({seed})", True))
    draft.losses.append(
        draft.pick(
            "loss = loss / (1 + epoch)", "loss = loss * 0.9 ** epoch", "loss = loss * np.minimum(1.0, epoch / 5)"
        )
    )


def objects_as_arguments(draft: Draft) -> None:
    draft.arguments.append(Argument("network", lambda seed, rows: "predict", True))
    draft.hidden.append("out = out + 0.1 * network(x)")


def settings(draft: Draft) -> None:
    draft.keep("settings", draft.pick("{'decay': 0.01, 'name': 'l2'}", "SimpleNamespace(decay=0.01)"))
    decay = "settings['decay']" if "{" in draft.setup[-1] else "settings.decay"
    draft.losses.append(f"loss = loss + {decay} * sum(np.sum(p ** 2) for p in parameters)")
    draft.changes.append([f"{decay} = {draft.pick(0.02, 0.03, 0.05)}"])


def counter(draft: Draft) -> None:
    kind = draft.pick("name", "object", "dict", "list")
    name = {"name": "count", "object": "state.count", "dict": "state['count']", "list": "state[0]"}[kind]
    values = {"name": "0", "object": "SimpleNamespace(count=0)", "dict": "{'count': 0}", "list": "[0]"}[kind]
    draft.keep("count" if kind == "name" else "state", values, rebound=kind == "name")
    place = draft.pick(draft.begin, draft.end)
    place.append(f"{name} += 1")
    use = draft.pick(
        [],
        [f"if {name} % {draft.pick(2, 3, 5)} == 0:", "    loss = loss * 0.5"],
        [f"loss = loss / (1 + {name})"],
        [f"loss = loss * min(1.0, ({name} + 1) / 5)"],
        [f"loss = loss * (1 + math.cos({name}))"],
        [f"if {name} < {draft.pick(3, 9)}:", "    loss = loss * 0.1"],
        [f"loss = loss * 0.95 ** {name}"],
        [f"loss = loss * (0.5 if {name} > 6 else 1.0)"],
    )
    draft.losses += use
    draft.changes += draft.pick([], [[f"{name} = 0"]], [[f"{name} += 2"]])
    if draft.chance(0.3):
        draft.results.append(name)


def history(draft: Draft) -> None:
    draft.keep("history", draft.pick("[]", "{'loss': []}") if draft.chance(0.8) else "deque(maxlen=5)")
    target = "history['loss']" if "{" in draft.setup[-1] else "history"
    draft.end.append(
        f"{target}.append({draft.pick('loss', 'loss.data', 'loss.detach()', '(loss, out.data)', 'np.mean(out.data)')})"
    )
    draft.changes += draft.pick([], [[f"{target}.clear()"]])


def average(draft: Draft) -> None:
    """A mean that runs over the calls."""
    draft.keep("average", draft.pick("0.0", "np.float64(0)", "dtype(0)", "np.zeros((), dtype)", "None"), rebound=True)
    if draft.setup[-1].endswith("None"):
        draft.end.append("average = loss.detach() if average is None else 0.9 * average + 0.1 * loss.detach()")
    else:
        draft.end.append("average = 0.9 * average + 0.1 * loss.data")
    if draft.chance(0.5):
        draft.results.append("average")


def slow_copy(draft: Draft) -> None:
    draft.keep("slow", "[p.data.copy() for p in parameters]")
    draft.end += draft.pick(
        ["for one, p in zip(slow, parameters):", "    one[...] = 0.9 * one + 0.1 * p.data"],
        ["for one, p in zip(slow, parameters):", "    one *= 0.9", "    one += dtype(0.1) * p.data"],
        ["for one, p in zip(slow, parameters):", "    np.add(one, dtype(0.1) * (p.data - one), out=one)"],
        [
            "with ad.no_grad():",
            "    for i, p in enumerate(parameters):",
            "        slow[i] = 0.9 * slow[i] + 0.1 * p.data",
        ],
    )


def buffer_writes(draft: Draft) -> None:
    draft.keep("table", "np.zeros((8, 3), dtype)")
    draft.keep("row", "table[2]")
    draft.keep("rows", "table[4:]")
    draft.end += [
        draft.pick(
            "table[1] = out.data[0]",
            "row[...] += np.sum(out.data, axis=0)",
            "rows[1:3] = np.mean(out.data, axis=0)",
            "np.maximum(row, np.max(out.data, axis=0), out=row)",
            "table[...] = np.roll(table, 1, axis=0)",
            "table[1:] = table[:-1].copy()",
            "np.add.at(table, np.array([0, 0, 3]), np.mean(out.data, axis=0))",
            "np.copyto(rows, np.mean(out.data))",
        )
    ]
    if draft.chance(0.5):
        draft.hidden.append(
            f"out = out + 0.1 * {draft.pick('row', 'table[1]', 'np.mean(rows, axis=0)', 'table.sum(0)')}"
        )
    draft.changes += draft.pick([], [["table[...] = 0"]], [["row[...] = 1"]])


def own_arrays(draft: Draft) -> None:
    draft.hidden += draft.pick(
        ["z = np.zeros(out.shape, dtype)", "z[0] = 1", "z[:, 1] = 2", "out = out + z"],
        ["z = np.zeros_like(out.data)", "for i in range(2):", "    z[i] = out.data[i] * i", "out = out - 0.1 * z"],
        ["parts = [out[:, i] for i in range(3)]", "out = np.stack(parts[::-1], axis=1)"],
        ["out = np.concatenate([out[:, 1:], out[:, :1]], axis=1)"],
        ["out = np.where(out > 0, out, 0.5 * out)"],
        ["out = np.clip(out, -2, 2)"],
        [
            "left_half, right_half = out[:, :2], out[:, 2:]",
            "out = np.concatenate([left_half, right_half * 2], axis=-1)",
        ],
        ["out = out.reshape(-1, 3).T.T"],
        ["best = np.argmax(out, axis=1)", "out = out + 0.1 * np.eye(3, dtype=dtype)[best]"],
        ["order = np.argsort(out.data[0])", "out = out[:, order]"],
        ["out = out - np.max(out, axis=1, keepdims=True)"],
        ["out = out / (1 + np.sqrt(np.sum(out ** 2, axis=1, keepdims=True)))"],
    )


def noise(draft: Draft) -> None:
    draft.keep("noise", "np.random.default_rng(9)")
    draft.hidden.append(
        draft.pick(
            "out = out + 0.1 * noise.normal(size=out.shape).astype(dtype)",
            "out = F.dropout(out, 0.3, noise)",
            "out = out * noise.uniform(0.5, 1.5)",
            "out = out + 0.1 * noise.standard_normal(3, dtype=dtype)",
            "out = out[noise.permutation(3)] if False else out * (noise.random(3) > 0.3)",
        )
    )
    draft.changes += draft.pick(
        [], [["noise.random()"]], [["noise.bit_generator.state = np.random.default_rng(3).bit_generator.state"]]
    )


def refused_by_rule(draft: Draft) -> None:
    place = draft.pick(draft.hidden, draft.losses, draft.end)
    if place is draft.hidden:
        place.append(
            draft.pick("out = out * float(np.mean(out).data)", "out = out if np.sum(out.data) > 0 else out * 2")
        )
    else:
        place.append(draft.pick("float(loss.item())", "assert loss.data < 1e9", "str(loss)"))


def raises_by_argument(draft: Draft) -> None:
    draft.arguments.append(Argument("fault", lambda seed, rows: "None", True))
    place = draft.pick(draft.begin, draft.end)
    place += ["if fault is not None:", "    raise ValueError(fault)"]
    draft.faults.append("FAULT")


INGREDIENTS: tuple[tuple[float, Callable[[Draft], None]], ...] = (
    (0.25, scalar_argument),
    (0.15, flag_argument),
    (0.1, whole_argument),
    (0.08, objects_as_arguments),
    (0.2, settings),
    (0.25, counter),
    (0.2, history),
    (0.15, average),
    (0.15, slow_copy),
    (0.2, buffer_writes),
    (0.3, own_arrays),
    (0.15, noise),
    (0.08, raises_by_argument),
    (0.005, refused_by_rule),
)


# The update


def update(draft: Draft) -> list[str]:
    """Return the lines that compute gradients and move parameters."""
    chosen = draft.pick("one", "one", "one", "one", "two", "groups", "by hand", "transform", "accumulated")
    kinds = [*OPTIMIZERS, *BY_SIGN] if draft.exact else OPTIMIZERS
    lines = ["loss.backward()"]
    some = draft.pick("parameters", "parameters", "parameters", "parameters[:2]", "parameters[-2:]")
    if chosen == "by hand":
        zero = ["for p in parameters:", "    p.grad = None"]
        step = draft.pick(
            "p.data[...] -= dtype(0.05) * p.grad.data",
            "p.data -= dtype(0.05) * p.grad.data",
            "np.subtract(p.data, dtype(0.05) * p.grad.data, out=p.data)",
            "p.data = p.data - dtype(0.05) * p.grad.data",
        )
        return [*zero, *lines, "with ad.no_grad():", f"    for p in {some}:", f"        {step}"]
    if chosen == "transform":
        return [
            "for p in parameters:",
            "    p.grad = None",
            *lines,
            "penalty = ad.grad(lambda w: np.sum(np.tanh(w) ** 2))(parameters[0].data)",
            "parameters[0].data[...] -= dtype(0.01) * penalty",
            "for p in parameters[1:]:",
            "    p.data[...] -= dtype(0.05) * p.grad.data",
        ]
    draft.keep("optimizer", draft.pick(*kinds).format(some))
    if chosen == "groups":
        draft.setup[-1] = (
            f"optimizer = ad.ParameterGroups({draft.pick(*kinds).format('parameters[:1]')}, "
            f"{draft.pick(*kinds).format('parameters[1:]')})"
        )
    steps, names = ["optimizer.step()"], ["optimizer"]
    if chosen == "two":
        draft.setup[-1] = f"optimizer = {draft.pick(*kinds).format('parameters[:1]')}"
        draft.keep("second", draft.pick(*kinds).format("parameters[1:]"))
        steps, names = ["optimizer.step()", "second.step()"], ["optimizer", "second"]
    zero = [f"{name}.zero_grad()" for name in names]
    if chosen == "accumulated":
        lines = ["(loss * 0.5).backward()", "(np.mean(predict(x) ** 2) * 0.5).backward()"]
    if draft.chance(0.2):
        zero = ["for p in parameters:", "    p.grad = None"]
    elif draft.chance(0.06):
        zero = []  # gradients add up over the calls
    if draft.chance(0.2):
        lines.append(f"norm = ad.clip_grad_norm(parameters, {draft.pick(0.1, 1.0)})")
        draft.results += draft.pick([], ["norm"])
    if draft.chance(0.3):
        draft.keep("schedule", draft.pick(*SCHEDULES).format("optimizer"))
        if draft.chance(0.6):
            steps.append("schedule.step()")
        else:
            draft.changes += [["schedule.step()"]] * 3
    elif chosen != "groups":
        draft.changes += draft.pick([], [["optimizer.learning_rate *= 0.5"]], [["optimizer.learning_rate = 0.03"]])
    draft.changes += draft.pick(
        [], [], [["optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))"]], [["optimizer.zero_grad()"]]
    )
    if chosen == "one" and draft.chance(0.1):
        draft.arguments.append(Argument("by", lambda seed, rows: "optimizer", True))
        steps[0], zero = "by.step()", ["by.zero_grad()"]
    return [*zero, *lines, *steps] if draft.chance(0.7) else [*lines, *steps, *zero]


# The whole


def source(seed: int) -> str:
    """Return the program of a seed."""
    rng = random.Random(seed)
    draft = Draft(rng, exact=rng.random() < 0.5, small=rng.random() < 0.7)
    double = draft.chance(0.6)
    draft.setup += [f"dtype = np.float{64 if double else 32}", "rng = np.random.default_rng(3)"]
    draft.setup.append("draw = lambda seed, *shape: np.random.default_rng(seed).normal(size=shape).astype(dtype)")
    draft.setup.append("classes = lambda seed, rows: np.random.default_rng(seed).integers(0, 3, rows)")
    draft.pick(sequential, own_module, plain_parameters, *[plain_parameters] * draft.small)(draft)
    data(draft)
    if draft.chance(0.1):
        draft.setup.append("parameters[0].requires_grad = False")
        draft.setup.append("parameters = parameters[1:]")
    for share, ingredient in INGREDIENTS:
        if draft.chance(share * 0.5 if draft.small else share):
            ingredient(draft)
    body = [*draft.begin, "out = predict(x)", *draft.hidden, *draft.losses, *update(draft), *draft.end]
    body.append(f"return {result(draft)}")
    names = [argument.name for argument in draft.arguments]
    rebound = [name for name in draft.rebound if any(f"{name} =" in line or f"{name} +=" in line for line in body)]
    step = [f"SCOPE {', '.join(rebound)}", *body] if rebound else body
    nested = draft.chance(0.5)
    lines = [*draft.setup, f"def step({', '.join(names)}):", *indented(step, 1)]
    lines += [f"step = capture(step, exact={draft.exact}, programs=16, check_every={draft.pick(0, 0, None)})"]
    happening = events(draft)
    lines += [line for i, (kind, event) in enumerate(happening) for line in defined(draft, f"event_{i}", event)]
    lines.append(f"events = [{', '.join(f'({kind!r}, event_{i})' for i, (kind, _) in enumerate(happening))}]")
    lines.append(f"left = lambda: dict({', '.join(f'{name}={name}' for name in ['parameters', *draft.kept])})")
    scope = "nonlocal" if nested else "global"
    lines = [line.replace("SCOPE", scope) for line in lines]
    if nested:
        lines = ["def make():", *indented(lines, 1), "    return events, left, step", "events, left, step = make()"]
    imports = ["import copy, math", "from collections import deque", "from types import SimpleNamespace"]
    imports += ["import numpy as np", "import autodiff as ad", "from autodiff import functional as F"]
    return "\n".join([*imports, *lines, ""])


def defined(draft: Draft, name: str, body: list[str]) -> list[str]:
    """Return the definition of a function for something that happens."""
    rebound = [one for one in draft.rebound if any(one in line for line in body[:1])]
    return [f"def {name}():", *indented([f"SCOPE {', '.join(rebound)}"] if rebound else [], 1), *indented(body, 1)]


def result(draft: Draft) -> str:
    """Return what the step returns."""
    parts = draft.results + draft.pick(
        [], [], ["out"], ["out.data"], ["None"], ["'text'"], ["parameters[0].data.copy()"]
    )
    joined = ", ".join(parts)
    return draft.pick(
        joined,
        joined,
        f"[{joined}]",
        "{" + ", ".join(f"'{i}': {part}" for i, part in enumerate(parts)) + "}",
        f"({joined}, {{'more': [{parts[0]}]}})",
        "None",
    )


def events(draft: Draft) -> list[tuple[str, list[str]]]:
    """Return what happens, in lines: calls of the step, and now and then something between them."""
    sizes = (6,) if draft.small else draft.pick((6,), (6, 4))
    changing = draft.rng.sample(
        draft.changes, min(len(draft.changes), draft.pick(0, 0, 1) if draft.small else draft.pick(0, 1, 2))
    )
    if draft.chance(0.1):
        changing.append(["with ad.no_grad():", "    predict(draw(79, 5, 3))"])
    count = draft.rng.randint(12, 15) if draft.small else draft.rng.randint(15, 25)
    found: list[tuple[str, list[str]]] = []
    for i in range(count):
        if changing and i > 1 and draft.chance(0.25):
            found.append(("change", draft.pick(*changing)))
        rows = sizes[-1] if draft.chance(0.25) else sizes[0]
        if draft.faults and draft.chance(0.03):
            found.append(("call", [faulty(draft, i)]))
        elif draft.chance(0.03):
            found.append(
                (
                    f"interrupt {draft.rng.randint(1, draft.pick(40, 400, 2000))}",
                    [f"return step({passed(draft, i, rows)})"],
                )
            )
        elif i > 2 and draft.chance(0.06) and not any(argument.by_name for argument in draft.arguments):
            calls = [
                f"({passed(draft, i + k, rows)}{',' if draft.arguments else ''})"
                for k in range(draft.rng.randint(1, 5))
            ]
            batches = f"[{', '.join(calls)}]" if draft.arguments else "None"
            batches = f"iter({batches})" if draft.arguments and draft.chance(0.3) else batches
            found.append(("call", [f"return repeat(step, {len(calls)}, {batches})"]))
        else:
            found.append(("call", [f"return step({passed(draft, i, rows)})"]))
    return found


def passed(draft: Draft, i: int, rows: int) -> str:
    """Return the arguments of call i."""
    ordered = sorted(draft.arguments, key=lambda one: one.by_name)
    positional = [one for one in ordered if not one.by_name]
    in_order = positional == draft.arguments[: len(positional)]
    values = [(one, one.value(100 + i, rows)) for one in ordered]
    return ", ".join(f"{one.name}={value}" if one.by_name or not in_order else value for one, value in values)


def faulty(draft: Draft, i: int) -> str:
    """Return a call with a bad argument."""
    bad = draft.pick(*draft.faults)
    call = f"return step({passed(draft, i, 6)})"
    if bad == "FAULT":
        return call.replace("fault=None", "fault='bad'")
    first = draft.arguments[0]
    if ", " in bad and "np.full" in bad:
        return call.replace(f"classes({101 + i}, 6)", "np.full(6, 7)")
    return call.replace(first.value(100 + i, 6), bad, 1)


def indented(lines: list[str], depth: int) -> list[str]:
    return ["    " * depth + line for line in lines]
