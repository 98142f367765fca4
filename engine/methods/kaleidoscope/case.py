"""What a job learns: samples of the captures, and the folds that train and judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import UserError
from engine.data.traffic.matching import labelled
from engine.data.traffic.traffic import Labels, Traffic
from engine.methods.kaleidoscope.families import FAMILIES, Family
from engine.methods.kaleidoscope.folds import folds, normal_folds, rare
from engine.methods.kaleidoscope.isa import CLASSES
from engine.methods.kaleidoscope.samples import Samples, samples

if TYPE_CHECKING:
    from engine.core.run import Run

NORMAL, ANOMALOUS = "normal", "anomalous"


@dataclass(frozen=True, eq=False)
class Part:
    """A fold: its number, and places of samples that train, and that test."""

    number: int
    train: np.ndarray
    test: np.ndarray
    name: str  # repeat.fold, from 1


@dataclass(frozen=True, eq=False)
class Case:
    """`detects`: an autoencoder, whose classes are NORMAL and ANOMALOUS; it trains on normal
    samples alone."""

    traffic: Traffic
    labels: Labels
    samples: Samples
    parts: tuple[Part, ...]
    detects: bool

    @property
    def shared(self) -> int:
        """Captures on both sides of a split, over all folds."""
        captures = self.samples.captures
        return sum(
            len(np.intersect1d(captures[part.train], captures[part.test])) for part in self.parts
        )

    @property
    def learnt(self) -> tuple[str, ...]:
        """The classes that a network answers."""
        return () if self.detects else self.samples.classes


def case_of(run: Run) -> Case:
    """The case of a job's inputs. Raises UserError for what cannot be learnt or judged."""
    traffic = traffic_of(run.inputs)
    for notice in traffic.notices:  # before a refusal, of which they may tell the reason
        run.message(f"{notice.where}: {notice.text}", level="warning")
    return build(traffic, run.params)


def traffic_of(inputs: Any) -> Traffic:
    """The captures of a job, with the labels that were given beside them. Raises UserError where
    none were, and the captures' own table is broken."""
    found, table = inputs["captures"], inputs["labels"]
    if table is not None:
        return labelled(found, table)
    for line in found.label_faults:
        raise UserError(f"input captures: {line.where}", f"{line.text}; or give input labels")
    return found


def build(traffic: Traffic, params: Any) -> Case:
    kind = FAMILIES[params.model]
    if params.model == "autoencoder":
        return _detection(traffic, params, kind)
    labels = _restricted(chosen(traffic, params.label), params.classes)
    known = samples(
        traffic,
        labels,
        reads=kind.reads,
        inputs=kind.inputs,
        cap=params.cap or None,
        distinct=params.distinct,
    )
    if len(known.classes) > CLASSES:
        raise UserError(
            "label", f"{len(known.classes)} classes in {labels.name!r}; expected {CLASSES} at "
            "most, as many logits as a core has"
        )  # fmt: skip
    parts = [
        Part(repeat * params.folds + number, train, test, f"{repeat + 1}.{number + 1}")
        for repeat in range(params.repeats)
        for number, (train, test) in enumerate(
            folds(known.labels, known.captures, state=repeat, count=params.folds)
        )
    ]
    return Case(traffic, labels, known, tuple(parts), detects=False)


def reading(case: Case, kind: type[Family]) -> np.ndarray:
    """uint8 (n, inputs): the case's samples as another family reads them."""
    return replaced(case, kind).data


def replaced(case: Case, kind: type[Family]) -> Samples:
    """The samples of the same flows, in the same order, as another family reads them."""
    from engine.methods.kaleidoscope.samples import read

    data = read(case.traffic.flows, kind.reads, kind.inputs)[case.samples.flows]
    return replace(case.samples, data=data)


def chosen(traffic: Traffic, name: str) -> Labels:
    """The labels of that name; without one, those of the fewest classes, two at least."""
    if name:
        if name not in traffic.labels:
            known = ", ".join(traffic.labels) or "none"
            raise UserError("label", f"no labels are called {name!r:.60}; there are: {known}")
        return traffic.labels[name]
    useful = [one for one in traffic.labels.values() if len(one.classes) > 1]
    if not useful:
        raise UserError(
            "labels",
            "expected two classes or more: a labels.csv beside the captures, the input labels, or "
            "folders or files named by class",
        )
    return min(useful, key=lambda one: len(one.classes))


def rare_classes(case: Case) -> list[str]:
    """Those of one capture only, which are never both trained on and tested."""
    if case.detects:
        return []
    codes = rare(case.samples.labels, case.samples.captures)
    return [case.samples.classes[code] for code in codes]


def _restricted(labels: Labels, classes: Sequence[str]) -> Labels:
    if not classes:
        return labels
    unknown = [name for name in classes if name not in labels.classes]
    if unknown:
        raise UserError("classes", f"no flow is labelled {unknown[0]!r:.60} in {labels.name!r}")
    kept = np.array([name in classes for name in labels.classes])
    codes = np.where(kept[labels.codes] & (labels.codes >= 0), labels.codes, -1)
    return replace(labels, codes=codes.astype(np.int32))


def _detection(traffic: Traffic, params: Any, kind: type[Family]) -> Case:
    """Normal flows in folds by capture; anomalies are tested in every fold, but for those of
    captures that it trains on."""
    labels = _anomalies(traffic, params)
    known = samples(
        traffic, labels, reads=kind.reads, inputs=kind.inputs, cap=None, distinct=params.distinct
    )
    if known.classes != (NORMAL, ANOMALOUS):
        raise UserError(
            "anomalous", f"expected normal and anomalous flows with payload, all are "
            f"{known.classes[0]}" + ("; classes keeps no others" if params.classes else "")
        )  # fmt: skip
    normal = np.flatnonzero(known.labels == 0)
    anomalies = np.flatnonzero(known.labels == 1)
    parts = []
    for repeat in range(params.repeats):
        split = normal_folds(known.captures[normal], state=repeat, count=params.folds)
        for number, (train, test) in enumerate(split):
            seen = np.isin(known.captures[anomalies], known.captures[normal[train]])
            both = np.concatenate([normal[test], anomalies[~seen]])
            if seen.all():
                raise UserError(
                    "anomalous", "expected anomalies in captures of their own: all of them share "
                    "one with normal flows that train"
                )  # fmt: skip
            at, name = repeat * params.folds + number, f"{repeat + 1}.{number + 1}"
            parts.append(Part(at, normal[train], both, name))
    return Case(traffic, labels, known, tuple(parts), detects=True)


def _anomalies(traffic: Traffic, params: Any) -> Labels:
    """NORMAL and ANOMALOUS, by the names of captures or classes."""
    captures = list(traffic.capture_names)
    plain = [PurePosixPath(name) for name in captures]
    named = {
        name: np.array([name in (full, path.name, path.stem)
                        for full, path in zip(captures, plain, strict=True)])
        for name in params.anomalous
    }  # fmt: skip
    labels = None
    if traffic.labels and (params.classes or params.label or not all(map(np.any, named.values()))):
        labels = chosen(traffic, params.label)
    anomalous = np.zeros(len(traffic.flows), bool)
    for name, which in named.items():
        if which.any():
            anomalous |= which[traffic.flows.capture]
        elif labels is not None and name in labels.classes:
            anomalous |= labels.codes == labels.classes.index(name)
        else:
            raise UserError("anomalous", f"no capture and no class is called {name!r:.60}")
    codes = anomalous.astype(np.int32)
    if params.classes:
        if labels is None:
            raise UserError("classes", "expected none: the captures have no labels")
        codes[_restricted(labels, params.classes).codes < 0] = -1
    return Labels("anomaly", "anomalous", (NORMAL, ANOMALOUS), codes)
