"""Sentences about two configs with the same seeds. Each follows from the numbers of a `Comparison` alone."""

from collections.abc import Callable

from autodiff.experiment.studies.statistics import Comparison, Interval


def milestone_in_words(comparison: Comparison, a: str, b: str, threshold: str) -> str:
    """Say which config reaches a threshold, such as "95 %", sooner. The numbers are epochs, inf for never."""
    if comparison.infinite == (comparison.seeds, comparison.seeds):
        where = "the one seed" if comparison.seeds == 1 else f"any of {comparison.seeds} seeds"
        return f"neither {a} nor {b} reaches {threshold} in {where}"
    if comparison.verdict.outcome == "cannot tell":
        return _undecided(comparison, a, b, f"epochs to {threshold}")
    winner, loser = _ordered(comparison, a, b)
    text = f"{winner} reaches {threshold} sooner than {loser} in {_share(comparison)}"
    if comparison.ratio and comparison.ratio.value < float("inf"):
        value, interval = comparison.ratio.value, comparison.ratio.interval
        decimals = 2 if value < 2 else 1 if value < 100 else 0
        times: Callable[[float], str] = lambda number: f"{number:,.{decimals}f}"
        text += f", {times(value)} times sooner{_interval(interval, times)}"
    return text + _infinite(comparison, a, b, "; {name} never does", "; {name} does not reach it in {share}")


def score_in_words(comparison: Comparison, a: str, b: str, score: str, *, in_points: bool = False) -> str:
    """Say which config has the better score, such as "final held-out accuracy", and by how much.

    That of a run which diverged is infinite. in_points: the scores are from 0 to 1, and differences are told in
    percentage points.
    """
    if comparison.infinite == (comparison.seeds, comparison.seeds):
        return f"both {a} and {b} diverge in {_every(comparison.seeds)}"
    if comparison.verdict.outcome == "cannot tell":
        return _undecided(comparison, a, b, score)
    winner, loser = _ordered(comparison, a, b)
    text = f"{winner} has a {'lower' if comparison.smaller_is_better else 'higher'} {score} than {loser}"
    text += f" in {_share(comparison)}"
    value, interval = abs(comparison.difference.value), comparison.difference.interval
    if value < float("inf"):
        amount: Callable[[float], str] = lambda number: f"{100 * number:.2f}" if in_points else f"{number:.3g}"
        text += f", by {amount(value)}{' percentage points' if in_points else ''}{_interval(interval, amount)}"
    return text + _infinite(comparison, a, b, "; {name} diverges in all of them", "; {name} diverges in {share}")


def _undecided(comparison: Comparison, a: str, b: str, what: str) -> str:
    seeds = comparison.seeds
    if seeds == 1:
        return f"{a} and {b}: one seed, no spread, no difference in {what} can be told"
    if comparison.ties == seeds:
        return f"{a} and {b}: no difference in {what}: the same in {_every(seeds)}"
    return f"{a} and {b}: no difference in {what} can be told with {seeds} seeds"


def _every(seeds: int) -> str:
    return "the one seed" if seeds == 1 else "both seeds" if seeds == 2 else f"all {seeds} seeds"


def _ordered(comparison: Comparison, a: str, b: str) -> tuple[str, str]:
    return (a, b) if comparison.verdict.outcome == "better" else (b, a)


def _share(comparison: Comparison) -> str:
    ties = comparison.ties
    told = "" if ties == 0 else " (1 tie)" if ties == 1 else f" ({ties} ties)"
    return f"{max(comparison.better, comparison.worse)} of {comparison.seeds} seeds{told}"


def _interval(interval: Interval | None, written: Callable[[float], str]) -> str:
    """Return an interval of numbers of one sign, without the sign."""
    if interval is None:
        return ""
    lower, upper = sorted(map(abs, interval))
    return f" (95 % interval {written(lower)} {'or more' if upper == float('inf') else f'to {written(upper)}'})"


def _infinite(comparison: Comparison, a: str, b: str, in_all: str, in_some: str) -> str:
    """Say in how many seeds the numbers of A and B are infinite, if they are."""
    seeds = comparison.seeds
    return "".join(
        (in_all if count == seeds else in_some).format(name=name, share=f"{count} of {seeds} seeds")
        for name, count in zip((a, b), comparison.infinite, strict=True)
        if count
    )
