"""Medians of slices, ratios of them, and how far they can be trusted."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Interval(NamedTuple):
    """A value and the bounds that hold it in 95 of 100 measurements."""

    value: float
    low: float
    high: float


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of all lie, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def median(slices: Sequence[float], draws: int = 400) -> Interval:
    """The median of slices with bounds by resampling them."""
    chance = random.Random(1)
    drawn = [statistics.median(chance.choices(slices, k=len(slices))) for _ in range(draws)]
    return Interval(statistics.median(slices), percentile(drawn, 0.025), percentile(drawn, 0.975))


def ratio(above: Sequence[float], below: Sequence[float], draws: int = 400) -> Interval:
    """The quotient of the medians of slices that were taken in turn: both are resampled by the same rounds, so that a drift of the
    machine, which hits all in a round, is in neither bound."""
    rounds = range(min(len(above), len(below)))
    chance = random.Random(1)
    drawn = []
    for _ in range(draws):
        chosen = chance.choices(rounds, k=len(rounds))
        drawn.append(statistics.median(above[r] for r in chosen) / statistics.median(below[r] for r in chosen))
    return Interval(statistics.median(above) / statistics.median(below), percentile(drawn, 0.025), percentile(drawn, 0.975))


def geometric_mean(values: Sequence[float]) -> float:
    return math.exp(statistics.fmean(math.log(v) for v in values)) if values else math.nan
