"""What a variant is worth: scores on rows that it never saw, and the job's summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.methods.flat_lora.tasks import EVALUATION, Classes, answered
from engine.methods.flat_lora.tuning import Start, Tuned, built
from engine.methods.flat_lora.variants import FLAT, Variant

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.flat_lora.case import Case

COMPARED = ("accuracy", "mcc", "f1", "test_loss", "perplexity", "e_sharpness")
BINS = 10  # of a calibration


def before(run: Run, case: Case, variant: Variant, start: Start) -> dict[str, float]:
    """The test loss that a decoder starts from; a head starts from chance, which tells nothing."""
    if isinstance(case.task, Classes):
        return {}
    model = built(run, case, variant, start).model
    return {"loss_before": answered(case.task, model, case.parts["test"], run.stop_here).loss}


def judge(run: Run, case: Case, work: Tuned) -> dict[str, Any]:
    """The test rows, once, by the trained model, and validation beside them."""
    found: dict[str, Any] = {}
    for part in ("dev", "test"):
        examples = case.parts[part]
        run.phase(f"{work.variant.name}: {part}", total=-(-len(examples) // EVALUATION))

        def tick() -> None:
            run.advance()
            run.stop_here()

        answers = answered(case.task, work.model, examples, tick)
        found[part] = case.task.scores(examples.labels, answers)
        if part == "test":
            found["losses"] = answers.losses
            if isinstance(case.task, Classes):
                found["probabilities"] = answers.probabilities
    return found


def conclude(
    run: Run, case: Case, variants: list[Variant], found: dict[str, dict[str, Any]]
) -> dict[str, float | None]:
    """The summary: each variant's numbers, and by how much the first is ahead of each other."""
    summary: dict[str, float | None] = {}
    for name, one in found.items():
        scores = one["answers"]["test"] | {
            f"dev_{key}": value for key, value in one["answers"]["dev"].items()
        }
        scores |= one["training"]["summary"] | one["summary"]
        summary |= {f"{name}.{key}": value for key, value in scores.items()}
    first = variants[0].name
    for other in variants[1:]:
        for key in COMPARED:
            ours, theirs = summary.get(f"{first}.{key}"), summary.get(f"{other.name}.{key}")
            if ours is not None and theirs is not None:
                summary[f"difference.{other.name}.{key}"] = ours - theirs
    summary["overhead_ratio"] = overhead(found)
    return summary


def overhead(found: dict[str, dict[str, Any]]) -> float | None:
    """What its noise costs Flat-LoRA: a step over the same step without the time for noise.

    Of one training, since two that ran one after the other differ by what else the machine did
    meanwhile; `benchmarks/flat_lora.py` has them take turns. None without Flat-LoRA.
    """
    if FLAT not in found:
        return None
    told = found[FLAT]["training"]["summary"]
    rest = told["train_seconds"] - told["noise_seconds"]
    return told["train_seconds"] / rest if rest else None


def confusion(labels: np.ndarray, probabilities: np.ndarray) -> list[list[int]]:
    """How many rows of a class (row) were answered as which (column)."""
    classes = probabilities.shape[1]
    pairs = labels * classes + probabilities.argmax(axis=1)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes).tolist()


def calibration(labels: np.ndarray, probabilities: np.ndarray) -> list[dict[str, float]]:
    """Per bin of confidence: rows, mean confidence, share that is right."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        {
            "rows": int(here.sum()),
            "confidence": float(confidence[here].mean()),
            "accuracy": float(right[here].mean()),
        }
        for here in (place == number for number in range(BINS))
        if here.any()
    ]
