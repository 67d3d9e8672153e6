"""What `adrun gradcheck` shows: the derivative rules, or a config's whole network, against central differences."""

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import functional as F  # noqa: N812 (the name by which the field knows it)
from autodiff import gradcheck
from autodiff.experiment.config.choice import Choice, fields_of
from autodiff.experiment.config.config import Config
from autodiff.experiment.data.making import sample
from autodiff.experiment.errors import InputError
from autodiff.experiment.register import KINDS, Part
from autodiff.experiment.training.network import build_activation, build_layer, build_model
from autodiff.gradcheck import Order

MOST_PARAMETERS = 20_000  # every one of them moves twice
POINTS = 30

ORDERS: dict[int | None, tuple[Order, ...]] = {None: (1, 2), 1: (1,), 2: (2,)}  # what --order, absent or given, checks


@dataclass(frozen=True)
class Check:
    """How one derivative did: its largest error is relative to the largest element of the gradient."""

    name: str
    argument: str
    order: Order
    largest_error: float
    passed: bool
    message: str


def check_rules(names: Sequence[str], orders: Sequence[Order]) -> list[Check]:
    """Check the named rules, all if none is named. Raises InputError for names that are no rule's."""
    wanted = _full_names(names) if names else None
    return [
        Check(report.name, report.argument, report.order, report.largest_error, report.passed, report.message)
        for report in gradcheck.check_rules(wanted, orders)
    ]


def check_named(names: Sequence[str], orders: Sequence[Order], *, own: bool = False) -> list[Check]:
    """Check rules, and activations and layers of one's own, by their names; all if none is named.

    own: whether all are those of one's own. Raises InputError for names that are neither's.
    """
    known = [part for kind in ("activation", "layer") for part in KINDS[kind].parts.values()]
    parts = {part.name: part for part in known if not part.is_adruns}
    if own and not names:
        if not parts:
            raise InputError(["gradcheck: the code registers no activation and no layer, which have derivatives"])
        names = list(parts)
    checks = [check for name in names if name in parts for check in check_part(parts[name], orders)]
    rules = [name for name in names if name not in parts]
    return [*checks, *(check_rules(rules, orders) if rules or not names else [])]


def check_part(part: Part, orders: Sequence[Order]) -> list[Check]:
    """Check an activation or a layer, with the settings that it has by default, on a few points in float64."""
    rng = np.random.default_rng(0)
    choice = Choice(part.kind, part.name, fields_of(part)().model_dump())
    if part.kind == "activation":
        module = build_activation(choice, np.dtype(np.float64))
    else:
        module = build_layer(choice, 3, 4, rng, np.dtype(np.float64), "glorot")
    state = module.state_dict()
    slots = [owner_of(module, name) for name in state]

    def output(x: Any, *values: Any) -> Any:
        for (owner, name), value in zip(slots, values, strict=True):
            setattr(owner, name, value)
        return module(x)

    arguments = [rng.normal(size=(5, 3)), *(values.astype(np.float64) for values in state.values())]
    checks = []
    for order in orders:
        found = gradcheck.check_gradient(output, arguments, order=order)
        for name, one in zip(["x", *state], found, strict=False):  # in second order the weights of the output come last
            checks.append(Check(part.name, name, order, one.error, one.passed, "" if one.passed else _message(one)))
    return checks


def owner_of(module: ad.Module, name: str) -> tuple[ad.Module, str]:
    """Return the module within another that holds a parameter, and how it calls it."""
    for within, child in module.named_children():
        if name.startswith(f"{within}."):
            return owner_of(child, name.removeprefix(f"{within}."))
    return module, name


def _message(one: gradcheck.Comparison) -> str:
    return f"at {one.index} found {one.found:.9g}, expected {one.expected:.9g}"


def check_network(config: Config, orders: Sequence[Order]) -> list[Check]:
    """Check the loss of the config's network with respect to all its parameters, in float64, on a few points.

    Raises InputError for a network that would take minutes.
    """
    for_data, for_weights, _, for_held_out = (
        np.random.default_rng(stream) for stream in np.random.SeedSequence(config.seed).spawn(4)
    )
    data = config.dataset
    features, labels = sample(data.part, data.settings, for_data, for_held_out).points
    some = np.unique(np.linspace(0, len(labels) - 1, POINTS).astype(int))
    features, labels = features[some], labels[some]
    model = build_model(config.model_copy(update={"dtype": "float64"}), for_weights)
    count = sum(parameter.size for parameter in model.parameters())
    if count > MOST_PARAMETERS:
        limit = f"at most {MOST_PARAMETERS:,} can be moved one by one in reasonable time"
        raise InputError([f"gradcheck: this network has {count:,} parameters; {limit}"])

    def loss(*values: Any) -> Any:
        for (layer, name), value in zip(slots, values, strict=True):
            setattr(layer, name, value)
        return F.cross_entropy(model(features), labels)

    state = model.state_dict()
    slots = [owner_of(model, name) for name in state]
    for name in state:
        if name.endswith("bias"):  # biases of 0 would put the spiral's centre on the kink of every ReLU
            state[name] = for_weights.normal(scale=0.1, size=state[name].shape)
    checks = []
    for order in orders:
        with np.errstate(
            invalid="ignore"
        ):  # BLAS at times flags what it computed beside a small matrix; NaN would fail
            found = gradcheck.check_gradient(loss, list(state.values()), order=order)
        for name, comparison in zip(state, found, strict=False):  # in second order the weight of the loss comes last
            passed = comparison.passed
            checks.append(Check(name, "loss", order, comparison.error, passed, "" if passed else _message(comparison)))
    return checks


def as_json(checks: Sequence[Check]) -> dict[str, Any]:
    """Return the checks as plain values; an error that is not a number becomes None."""
    rows = [asdict(check) for check in checks]
    for row in rows:
        row["largest_error"] = row["largest_error"] if math.isfinite(row["largest_error"]) else None
    return {"passed": all(check.passed for check in checks), "tolerance": gradcheck.TOLERANCE, "checks": rows}


def as_table(checks: Sequence[Check]) -> str:
    """Return a line for each rule, or parameter, with its largest error in each order; then what failed, in words."""
    orders = sorted({check.order for check in checks})
    width = max(len(check.name) for check in checks)
    lines = ["  ".join(["largest error".ljust(width), *(f"order {order}" for order in orders)])]
    for name in dict.fromkeys(check.name for check in checks):
        own = [check for check in checks if check.name == name]
        errors = [f"{_worst(check.largest_error for check in own if check.order == order):7.1e}" for order in orders]
        lines.append("  ".join([name.ljust(width), *errors, "ok" if all(check.passed for check in own) else "FAILED"]))
    failed = [check for check in checks if not check.passed]
    lines += [f"{check.name} ({check.argument}), order {check.order}: {check.message}" for check in failed]
    allowed = f"an error of {gradcheck.TOLERANCE:g} is allowed"
    return "\n".join([*lines, f"{len(checks) - len(failed)} of {len(checks)} checks passed; {allowed}"])


def _worst(errors: Iterable[float]) -> float:
    """Return the largest error; NaN counts as larger than all."""
    return max(errors, key=lambda error: math.inf if math.isnan(error) else error, default=0.0)


def _full_names(names: Sequence[str]) -> list[str]:
    """Return the rules' full names; `exp` will do for `np.exp`."""
    known = gradcheck.rule_names()
    full = {name.removeprefix("np."): name for name in known} | {name: name for name in known}
    problems = []
    for name in names:
        if name not in full:
            nearest = difflib.get_close_matches(name, full, n=1)
            advice = f" (did you mean {nearest[0]}?)" if nearest else "; `adrun gradcheck` lists them all"
            problems.append(f"gradcheck: no derivative rule is named {name!r}{advice}")
    if problems:
        raise InputError(problems)
    return list(dict.fromkeys(full[name] for name in names))
