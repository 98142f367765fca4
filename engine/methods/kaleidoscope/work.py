"""The units of work that a job is cut into: a fold's networks, a baseline, a trial of the hardware.

Each has a seed of its own, so that what one gives does not depend on which came before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from engine.core.standing import Standing
from engine.methods.kaleidoscope import metrics
from engine.methods.kaleidoscope.baselines import forest
from engine.methods.kaleidoscope.case import Case, Part
from engine.methods.kaleidoscope.families import FAMILIES, Family
from engine.methods.kaleidoscope.families.autoencoder import Autoencoder
from engine.methods.kaleidoscope.train import SETTINGS, Settings, fit

if TYPE_CHECKING:
    from engine.core.run import Run

STRIDE = 1000  # more than there are folds
FLOAT, PTQ, QAT = "float", "ptq", "qat"
TRAINED = (FLOAT, PTQ, QAT)


def settings_of(name: str, params: Any) -> Settings:
    chosen = SETTINGS.get(name, Settings())
    return chosen if params.epochs is None else replace(chosen, epochs=params.epochs)


def trained(
    run: Run, standing: Standing, case: Case, part: Part, *, name: str, data: np.ndarray
) -> dict[str, Any]:
    """A family on a fold, three times: answers (n_test,) of a classifier, scores and thresholds of
    a detector, and the weights."""
    params, settings = run.params, settings_of(name, run.params)
    run.phase(f"train {name}, fold {part.name}", total=settings.epochs)

    def told(phase: str, epoch: int, loss: float) -> None:
        run.log(standing["step"], **{"train.loss": loss})
        standing["step"] += 1
        run.advance()

    labels = None if case.detects else case.samples.labels[part.train]
    found = fit(
        name,
        data[part.train],
        labels,
        case.learnt,
        seed=seed(run, part),
        settings=settings,
        encoding=encoding_of(params),
        told=told,
        tick=run.stop_here,
    )
    families = dict(zip(TRAINED, (found.floating, found.rounded, found.aware), strict=True))
    test = torch.from_numpy(data[part.test])
    made: dict[str, Any] = {
        "answers": {key: answers(one, test) for key, one in families.items()},
        "weights": {key: one.state_dict() for key, one in families.items()},
        "thresholds": {
            key: one.threshold for key, one in families.items() if isinstance(one, Autoencoder)
        },
    }
    values = scores(case, part, made["answers"][QAT], made["thresholds"].get(QAT))
    run.log(standing["step"], **{"train.val_accuracy": values["accuracy"]})
    standing["step"] += 1
    return made


def answers(family: Family, data: Tensor) -> np.ndarray:
    """(n,) classes, or a detector's scores."""
    with torch.no_grad():
        if isinstance(family, Autoencoder):
            return family.scores(data).numpy()
        return family(data).argmax(dim=1).numpy()


def integers(family: Family, data: np.ndarray) -> np.ndarray:
    """(n, classes) logits, or (n, 1) scores, as training has them in integers."""
    with torch.no_grad():
        rows = torch.from_numpy(data.copy())
        found = family.scores(rows) if isinstance(family, Autoencoder) else family.signal(rows)
    values = found if isinstance(found, Tensor) else found.values
    return values.numpy().reshape(len(data), -1)


def scores(
    case: Case, part: Part, found: np.ndarray, threshold: int | None = None
) -> dict[str, float]:
    """Accuracy and macro-F1 of a fold, and a detector's AUROC."""
    labels = case.samples.labels[part.test]
    if not case.detects:
        return metrics.classification(labels, found)
    above = found > (0.5 if threshold is None else threshold)
    told = metrics.classification(labels, above.astype(np.int64))
    return {**told, "auroc": metrics.auroc(labels == 1, found)}


def restored(name: str, made: dict[str, Any], which: str, case: Case, params: Any) -> Family:
    """One of the three networks again, settled."""
    family = FAMILIES[name](case.learnt, encoding=encoding_of(params)).double()
    family.load_state_dict(made["weights"][which])
    if isinstance(family, Autoencoder):
        family.threshold = int(made["thresholds"][which])
    return family.settled(integer=which != FLOAT)


def forested(run: Run, case: Case, part: Part) -> np.ndarray:
    """(n_test,) answers of a forest; of a detector's case the probability of an anomaly.

    The forest has to see anomalies, of which few captures have any: then it trains on every second
    one and on the fold's normal flows, and is an upper bound, no rival (brief, A5).
    """
    run.phase(f"random forest, fold {part.name}")
    run.stop_here()
    data, labels = case.samples.data, case.samples.labels
    place = run.seed
    if not case.detects:
        model = forest.fit(data[part.train], labels[part.train], seed=place)
        return forest.answers(model, data[part.test])
    anomalies = part.test[labels[part.test] == 1]
    model = _bound(data, labels, np.concatenate([part.train, anomalies[::2]]), place)
    other = _bound(data, labels, np.concatenate([part.train, anomalies[1::2]]), place)
    found = model.predict_proba(data[part.test])[:, 1]
    seen = np.isin(part.test, anomalies[::2])  # each anomaly is judged by the forest without it
    found[seen] = other.predict_proba(data[part.test[seen]])[:, 1]
    return found


def _bound(data: np.ndarray, labels: np.ndarray, rows: np.ndarray, seed: int) -> Any:
    return forest.fit(data[rows], labels[rows], seed=seed)


def encoding_of(params: Any) -> str | None:
    return None if params.encoding == "own" else params.encoding


def seed(run: Run, part: Part) -> int:
    """Of a fold's networks; with the job's seed 0 the fold's number, as tests/verify has it."""
    return run.seed * STRIDE + part.number
