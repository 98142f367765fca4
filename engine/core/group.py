"""Statistics of a group: the jobs of one method that differ only in their seed.

Light on purpose: the web pages use it too, so Student's t is computed here with `math`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

BASELINE = "baseline."
ROUNDING = 1e-13  # relative; what floating point makes of equal differences
Summary = Mapping[str, float | None]


def means(summaries: Sequence[Summary]) -> dict[str, float | None]:
    """The mean of each metric over the jobs that measured it; None where none did."""
    return {key: _mean(values) if values else None for key, values in _columns(summaries).items()}


def spread(summaries: Sequence[Summary]) -> dict[str, dict[str, float | int | None]]:
    """Per metric: how many seeds, their standard deviation, half of the 95 % interval."""
    return {
        key: {"n": len(values), "sd": _deviation(values), "ci95": half_interval(values)}
        for key, values in _columns(summaries).items()
    }


def paired(summaries: Sequence[Summary]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Method minus baseline, seed by seed, wherever both measured the same metric."""
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for key in _columns(summaries):
        if not key.startswith(BASELINE):
            continue
        name, _, metric = key.removeprefix(BASELINE).partition(".")
        differences = [
            ours - theirs
            for summary in summaries
            if (ours := summary.get(metric)) is not None
            and (theirs := summary.get(key)) is not None
        ]
        if differences:
            interval = half_interval(differences)
            about = {"n": len(differences), "mean": _mean(differences), "ci95": interval}
            found.setdefault(name, {})[metric] = about
    return found


def half_interval(values: Sequence[float]) -> float | None:
    """Half the width of the 95 % t-interval of the mean; None for fewer than two values."""
    deviation = _deviation(values)
    if deviation is None:
        return None
    return t_quantile(0.975, len(values) - 1) * deviation / math.sqrt(len(values))


def t_quantile(probability: float, freedom: int) -> float:
    """The point below which Student's t falls with `probability` (0.5 to 1, exclusive)."""
    low, high = 0.0, 1.0
    while t_below(high, freedom) < probability:
        low, high = high, high * 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if t_below(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return high


def t_below(t: float, freedom: int) -> float:
    """Student's distribution function for t ≥ 0, in its finite form for whole degrees."""
    angle = math.atan(t / math.sqrt(freedom))
    cosine, sine = math.cos(angle), math.sin(angle)
    if freedom % 2:  # odd: 2/π (θ + sin θ (cos θ + 2/3 cos³ θ + 2·4/(3·5) cos⁵ θ + …))
        term, total = cosine, 0.0
        for k in range(1, freedom, 2):
            total += term
            term *= cosine * cosine * (k + 1) / (k + 2)
        within = (angle + sine * total) * 2 / math.pi
    else:  # even: sin θ (1 + 1/2 cos² θ + 1·3/(2·4) cos⁴ θ + …)
        term, total = 1.0, 0.0
        for k in range(0, freedom, 2):
            total += term
            term *= cosine * cosine * (k + 1) / (k + 2)
        within = sine * total
    return 0.5 + within / 2


def _columns(summaries: Sequence[Summary]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for summary in summaries:
        for key, value in summary.items():
            column = found.setdefault(key, [])
            if value is not None:
                column.append(value)
    return found


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _deviation(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return None
    if max(values) - min(values) <= ROUNDING * max(map(abs, values)):
        return 0.0  # equal but for the last digit of a subtraction
    centre = _mean(values)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1))
