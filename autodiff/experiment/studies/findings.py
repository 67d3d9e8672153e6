"""What the seeds of a study say: the spread of every setting, and each pair of settings seed by seed."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from autodiff.experiment.config.names import without_common_settings
from autodiff.experiment.runs.run import Outcome
from autodiff.experiment.studies.settings import Measure, Setting, measures, settings_of
from autodiff.experiment.studies.statistics import Comparison, Summary, compare, summary
from autodiff.experiment.studies.words import milestone_in_words, score_in_words

MOST_IN_PAIRS = 5  # settings; of more, each is compared with the best alone
FEWEST_FOR_A_CLAIM = 6  # seeds: of fewer, chance alone gives all to one side in over 5 % of cases
TOLD = ("epochs_to_0.95", "accuracy")  # measures by which pairs are told apart in words


@dataclass(frozen=True)
class Pair:
    """Two settings beside each other, by measure, over the seeds that both have."""

    one: Setting
    other: Setting
    comparisons: dict[str, Comparison]


class Findings:
    """What the seeds of a study say."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self.outcomes = tuple(outcomes)
        self.settings = settings_of(outcomes)
        names = [setting.name for setting in self.settings]
        self.short = dict(zip(names, without_common_settings(names), strict=True))  # names for people
        self.measures = {measure.key: measure for measure in measures(outcomes)}
        self.spreads = [
            {key: summary(setting.values(measure)) for key, measure in self.measures.items()}
            for setting in self.settings
        ]
        self.ranked = sorted(range(len(self.settings)), key=self._rank)

    @property
    def several(self) -> bool:
        """Whether any setting has several seeds."""
        return any(len(setting.seeds) > 1 for setting in self.settings)

    @property
    def titles(self) -> list[str]:
        """What the settings are called: their configs in two words, or their names where that tells them apart."""
        titles = [setting.config.title for setting in self.settings]
        return titles if len(set(titles)) == len(titles) else list(self.short.values())

    @property
    def points(self) -> str:
        """The points that the runs are compared on: held-out, or those of training."""
        return "held-out" if "held-out" in self.measures["accuracy"].label else "training"

    @property
    def best(self) -> Setting:
        """The setting with the highest median of the final accuracy; of equals, with the lower loss."""
        return self.settings[self.ranked[0]]

    def spread(self, setting: Setting) -> dict[str, Summary]:
        """Return the spread of a setting by measure."""
        return self.spreads[self.settings.index(setting)]

    @cached_property
    def pairs(self) -> list[Pair]:
        """Return all pairs of settings, or those with the best one where there are many settings."""
        if len(self.settings) <= MOST_IN_PAIRS:
            chosen = list(combinations(self.settings, 2))
        else:
            chosen = [(self.best, setting) for setting in self.settings if setting is not self.best]
        return [pair for one, other in chosen if (pair := _pair(one, other, self.measures))]

    def sentences(self) -> list[str]:
        """Return what can be said of each pair, a line each; of many settings, it would be too much to read."""
        if len(self.settings) > MOST_IN_PAIRS:
            return []
        return [line for pair in self.pairs for line in self._told(pair)]

    def sentence_of_the_best(self) -> str:
        """Return which setting is the best, and whether the next one can be told from it."""
        if len(self.settings) == 1:
            return ""
        first, second = (self.settings[i] for i in self.ranked[:2])
        label = self.measures["accuracy"].label
        best, following = self.spread(first)["accuracy"], self.spread(second)["accuracy"]
        if math.isinf(best.median):
            return "no setting is the best: of each, half of the runs or more diverged"
        kind = "" if best.interval is None or following.interval is None else "median "
        text = f"best by {kind}{label}: {self.short[first.name]}, {best.median:.2%}"
        reached = "diverged" if math.isinf(following.median) else f"{following.median:.2%}"
        next_one = f"{self.short[second.name]}, {reached}"
        if best.interval and following.interval and following.interval[1] >= best.interval[0]:
            return f"{text}; but its interval overlaps that of {next_one}"
        return f"{text}, before {next_one}"

    @property
    def caution(self) -> str:
        """Return how far the intervals and the sentences can be trusted."""
        fewest = min(len(setting.seeds) for setting in self.settings)
        if fewest < FEWEST_FOR_A_CLAIM:
            return f"fewer than {FEWEST_FOR_A_CLAIM} seeds: the intervals are too narrow, and no difference is claimed"
        return (
            "in brackets: 95 % intervals; where there is no difference, a sentence claims one in at most 5 % of cases"
        )

    def as_json(self) -> dict[str, Any]:
        """Return all numbers as plain values: null for what is infinite, such as the epochs to what never came."""
        return {
            "measures": {key: measure.label for key, measure in self.measures.items()},
            "settings": [
                {
                    "name": setting.name,
                    "seeds": list(setting.seeds),
                    "statuses": Counter(outcome.status for outcome in setting.outcomes),
                    "config": {k: v for k, v in setting.config.resolved().items() if k != "seed"},
                    **{key: _plain(asdict(spread)) for key, spread in spreads.items()},
                }
                for setting, spreads in zip(self.settings, self.spreads, strict=True)
            ],
            "pairs": [
                {
                    "settings": [pair.one.name, pair.other.name],
                    **{key: _plain(asdict(comparison)) for key, comparison in pair.comparisons.items()},
                    "in_words": self._told(pair),
                }
                for pair in self.pairs
            ],
        }

    def _rank(self, index: int) -> tuple[float, float]:
        spread = self.spreads[index]
        return -spread["accuracy"].median, spread["loss"].median

    def _told(self, pair: Pair) -> list[str]:
        lines = []
        one, other = self.short[pair.one.name], self.short[pair.other.name]
        for key in TOLD:
            comparison, label = pair.comparisons[key], self.measures[key].label
            if key.startswith("epochs_to"):
                threshold = label.removeprefix("epochs to ")
                lines.append(milestone_in_words(comparison, one, other, threshold))
            else:
                lines.append(score_in_words(comparison, one, other, label, in_points=True))
        return lines


def _pair(one: Setting, other: Setting, measures: dict[str, Measure]) -> Pair | None:
    """Return two settings beside each other; nothing if no seed is common to them."""
    seeds = set(one.seeds) & set(other.seeds)
    if not seeds:
        return None
    return Pair(
        one,
        other,
        {
            key: compare(
                one.values(measure, seeds),
                other.values(measure, seeds),
                smaller_is_better=measure.smaller_is_better,
            )
            for key, measure in measures.items()
        },
    )


def _plain(value: Any) -> Any:
    """Return nested values as JSON has them."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
