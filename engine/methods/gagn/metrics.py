"""What GAgN's numbers mean: of the agents, of a baseline, and of either in a cell of the arena."""

from __future__ import annotations

from dataclasses import replace

from engine.core.method import Metric

# Of whatever was trained and tested: the agents, one of their readouts, or a baseline.
_ACCURACIES = (
    Metric("evasion.test_accuracy", "Test accuracy by evasion", better="higher"),
    Metric("test_accuracy", "Test accuracy", better="higher", headline=True),
    Metric("val_accuracy", "Validation accuracy", better="higher", headline=True),
    Metric("train_accuracy", "Training accuracy", better="higher"),
    Metric("targets_accuracy", "Accuracy on the targets", better="higher"),
)
_AGENTS = (
    *_ACCURACIES,
    Metric("edges_removed", "Edges removed", "edges"),
    Metric("filter_auc", "AUC of the filter", better="higher"),
    Metric("filter_precision", "Precision of the filter", better="higher"),
    Metric("filter_recall", "Recall of the filter", better="higher"),
    Metric("confidence_auc", "AUC of the confidence on held-out edges", better="higher"),
    Metric("cosine_auc", "AUC of plain cosine on held-out edges", better="higher"),
    Metric("degree_error", "Error of the inferred log degree", better="lower"),
    Metric("degree_error_constant", "Error of the best constant", better="lower"),
    Metric("attention.entropy", "Entropy of attention, as a share of uniform"),
    Metric("messages", "Messages", "messages"),
    Metric("bytes", "Bytes sent", "B"),
)
_LOSS = Metric("*.loss", "Loss over the agents", better="lower")
_BASELINE = (
    *_ACCURACIES,
    Metric("loss", "Training loss", better="lower"),
    Metric("threshold", "Similarity threshold"),
    Metric("seconds", "Time", "s", better="lower"),
)
_WORST = (
    Metric("worst.test_accuracy", "Worst test accuracy", better="higher"),
    Metric("worst.targets_accuracy", "Worst accuracy on the targets", better="higher"),
    Metric("worst.evasion.test_accuracy", "Worst test accuracy by evasion", better="higher"),
)
_ATTACK = (
    Metric("loss", "Loss that an attack raises", better="higher"),
    Metric("surrogate_accuracy", "Nodes aimed at that keep their class", better="lower"),
    Metric("flips", "Flips made", "flips"),
    Metric("mass", "Relaxed flips in all", "flips"),
    Metric("candidates", "Pairs that may flip", "pairs"),
    Metric("removed", "Edges that DICE removed", "edges"),
    Metric("score", "Metattack's score of its flip"),
    Metric("margin", "Margin of Nettack's target", better="lower"),
)


def _family(place: str, of: str, metrics: tuple[Metric, ...]) -> tuple[Metric, ...]:
    return tuple(
        replace(one, key=f"{place}.{one.key}", title=f"{one.title}{of}", headline=False)
        for one in metrics
    )


_BASELINES = _family("baseline.*", " of a baseline", _BASELINE)

# The first family that fits a key has it, so the narrow ones come first.
METRICS = (
    *_AGENTS,
    replace(_WORST[0], headline=True),
    *_WORST[1:],
    *_family("cell.*", " in a cell", (*_BASELINES, *_AGENTS, _LOSS)),
    *_family("baseline.*", " of a baseline", _WORST),
    *_BASELINES,
    *_family("attack.*", "", _ATTACK),
    *_family("*", " of a readout", _ACCURACIES),
    _LOSS,
)
