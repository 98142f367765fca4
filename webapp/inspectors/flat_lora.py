"""Flat-LoRA's inspector: what trains, whether it is better, and how flat it stands.

The page is given addresses; its script fetches overview, flatness and answers when they are there,
and asks the job's child what noise, rounding or a text would bring. Until then the curves of the
training are live. Whether a variant is better than another is told here, over three seeds of the
job's group or more, and only where the 95 % interval of their paired difference excludes 0 and
every seed that is done has the number: one that overflowed is no reason to leave it out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from engine.core.group import half_interval
from engine.core.method import Method
from engine.core.units import counted
from webapp.artifacts.models import Artifact
from webapp.inspectors.framework import files
from webapp.jobs.models import ENDED, Job, State
from webapp.jobs.results import card_of

FILES = ("inspector/overview.json", "inspector/flatness.json", "inspector/answers.json")
EXPORTS = "export/"
COMPARED = ("accuracy", "mcc", "f1", "test_loss", "perplexity", "e_sharpness")
LIVE_DRAWS, LIVE_ROWS = 4, 32  # of E-sharpness while training, as the method's flatness.py has them
SEEDS = 3  # paired ones, before anything is claimed
NOTHING = "no difference shown"
Summary = Mapping[str, float | None]


@dataclass(frozen=True)
class Row:
    """The first variant against another in one metric, seed by seed."""

    key: str
    metric: str
    unit: str
    other: str
    ours: float  # means over the seeds
    theirs: float
    mean: float  # of the differences, ours minus theirs
    half: float | None  # of the 95 % t-interval; None for one seed
    better: int  # seeds in which the first is better, worse, equal
    worse: int
    equal: int
    told: str

    @property
    def seeds(self) -> int:
        return self.better + self.worse + self.equal

    @property
    def low(self) -> float | None:
        return None if self.half is None else self.mean - self.half

    @property
    def high(self) -> float | None:
        return None if self.half is None else self.mean + self.half


def page(job: Job) -> dict[str, Any]:
    card = card_of(job)
    variants = list(named(card, job.params))
    rows = list(compared(card, variants, summaries(job)))
    exports = Artifact.objects.filter(job=job, path__startswith=EXPORTS).select_related("blob")
    data = files(job, *FILES)
    data["variants"] = [{"name": name, "title": title} for name, title in variants]
    data["looked"] = f"{LIVE_DRAWS} draws, up to {LIVE_ROWS} fixed training rows"
    return {
        "ready": len(data["files"]) == len(FILES),
        "over": job.state in ENDED,
        "first": variants[0][1] if variants else "",
        "verdict": rows,
        "banner": f"{banner(variants[0][1], rows)}{uncounted(job)}" if rows else "",
        "meanings": list(meanings(rows, job.params)),
        "exports": exports.order_by("path"),
        "data": data,
    }


def named(card: Method | None, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The job's variants, name and title, in their order."""
    titles = {one.name: one.title for one in card.baselines} if card else {}
    on = params.get("flat_on", "lora")
    if card:
        titles["flat"] = card.title if on == "lora" else f"{card.title} on {titles[on]}"
    for name in params.get("variants", []):
        yield name, titles.get(name, name)


def at(params: Mapping[str, Any]) -> str:
    """The noise that E-sharpness is told of in one number."""
    sigmas = params.get("sigmas")
    return f"σ = {sigmas[-1]:g}" if sigmas else "the last σ"


def meanings(rows: Sequence[Row], params: Mapping[str, Any]) -> Iterator[str]:
    """What metrics of the verdict are, where a title alone does not say it."""
    keys = {row.key for row in rows}
    if "e_sharpness" in keys:
        yield (
            f"E-sharpness: {at(params)}, {params['draws']} draws, up to {params['probe']} fixed "
            "test rows."
        )
    if "f1" in keys:
        yield (
            "F1: of the second class where there are two, else the mean of the classes that test "
            "rows have."
        )


def summaries(job: Job) -> list[Summary]:
    """Of the jobs that differ from this one only in their seed, and of itself, if done."""
    if job.group is None:
        return [job.summary] if job.state == State.DONE else []
    done = job.group.jobs.filter(state=State.DONE)
    return list(done.order_by("seed", "pk").values_list("summary", flat=True))


def compared(
    card: Method | None, variants: Sequence[tuple[str, str]], found: Sequence[Summary]
) -> Iterator[Row]:
    """The first variant with each of the others, in every metric that both have."""
    if card is None or not variants:
        return
    first = variants[0][0]
    for key in COMPARED:
        metric = card.metric(f"{first}.{key}")
        if metric is None:
            continue
        for name, title in variants[1:]:
            pairs = [
                (ours, theirs)
                for summary in found
                if (ours := summary.get(f"{first}.{key}")) is not None
                and (theirs := summary.get(f"{name}.{key}")) is not None
            ]
            if not pairs:
                continue
            differences = [ours - theirs for ours, theirs in pairs]
            mean, half = fmean(differences), half_interval(differences)
            up = metric.better == "higher"
            signs = Counter(_word(one, up=up) for one in differences)
            lacking = len(found) - len(pairs)
            yield Row(
                key, metric.title, metric.unit, title,
                fmean(ours for ours, _ in pairs), fmean(theirs for _, theirs in pairs),
                mean, half, signs["better"], signs["worse"], signs["equal"],
                told(mean, half, len(pairs), lacking, up=up),
            )  # fmt: skip


def told(mean: float, half: float | None, seeds: int, lacking: int, *, up: bool) -> str:
    """better or worse only over enough seeds, all that are done, and where the interval excludes
    0; `up`: more is better. `lacking` are seeds that are done and have no number.

    Seeds that differ by the very same amount have an interval of no width, which tells nothing.
    """
    if half is None or seeds < SEEDS:
        return f"not shown: {_missing(seeds)}"
    if lacking:
        return f"not shown: {counted(lacking, 'seed')} without a number"
    return _word(mean, up=up) if abs(mean) > half > 0 else NOTHING


def _missing(seeds: int) -> str:
    return f"{counted(SEEDS - seeds, 'seed')} missing"


def _word(difference: float, *, up: bool) -> str:
    if difference == 0:
        return "equal"
    return "better" if (difference > 0) == up else "worse"


def uncounted(job: Job) -> str:
    """How many seeds of the group are not done, by their state, as a sentence to append."""
    if job.group is None:
        return ""
    others = job.group.jobs.exclude(state=State.DONE).order_by("state")
    states = Counter(others.values_list("state", flat=True))
    told = ", ".join(f"{count} {State(state).label.lower()}" for state, count in states.items())
    return f" Seeds that are not counted: {told}." if told else ""


def banner(first: str, rows: Sequence[Row]) -> str:
    """What is shown, in a sentence."""
    seeds = max(row.seeds for row in rows)
    if seeds < SEEDS:
        return (
            f"Over {counted(seeds, 'seed')} nothing is shown: {_missing(seeds)}. Run the job "
            f"under {SEEDS} seeds or more to compare its variants."
        )
    claims = []
    for word in ("better", "worse"):
        found: dict[str, list[str]] = {}
        for row in rows:
            if row.told == word:
                found.setdefault(row.other, []).append(row.metric)
        if found:
            others = (f"{other} ({', '.join(metrics)})" for other, metrics in found.items())
            claims.append(f"{word} than {', '.join(others)}")
    if not claims:
        return f"Over {seeds} seeds, no difference of {first} to another variant is shown."
    return f"Over {seeds} seeds, {first} is {'; '.join(claims)}. No other difference is shown."
