"""Graphs in text: a file of edges, and beside it one of features and one of labels.

A file may carry an id column: a header says so, or names that are no numbers; for labels, a
second column. What the ids mean for the numbers of nodes is settled in `naming.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from engine.core.errors import UserError
from engine.data.archive import Member, Source, refuse_foreign
from engine.data.graph.build import FEW, Parts
from engine.data.graph.naming import names_of, number_nodes, resolve
from engine.data.graph.pairs import read_pairs
from engine.data.graph.rows import read_features, read_labels
from engine.data.kind import Report

ROLES = {
    "edges": r"edges?|edge_?list|links",
    "features": r"features?|feats?|attributes?|attrs?",
    "labels": r"labels?|classes|targets?",
}
_TEXT = (".csv", ".tsv", ".txt", ".dat", "")


@dataclass(frozen=True)
class Files:
    edges: Member
    features: Member | None
    labels: Member | None


def files_of(source: Source, report: Report) -> Files:
    """Which member plays which role, by its name alone."""
    alone = next(iter(source), None)
    if alone and (source.single or (len(source.members) == 1 and not role_of(alone.name))):
        return Files(alone, None, None)
    found: dict[str, list[Member]] = {role: [] for role in ROLES}
    others: list[Member] = []
    for member in source:
        role = role_of(member.name)
        (found[role] if role else others).append(member)
    if others:
        report.ok(source.name, f"not part of a graph, left out: {_listed(others)}")
    for role, members in found.items():
        if len(members) > 1:
            names = _listed(members)
            raise UserError(source.name, f"{len(members)} files of {role} ({names}); expected one")
    if not found["edges"]:
        for member in source:
            refuse_foreign(member.head(), member.name)
        raise UserError(
            source.name, "no file of edges; expected edges.csv (.tsv, .txt) or a name in .edge"
        )
    chosen = {role: members[0] if members else None for role, members in found.items()}
    return Files(**chosen)  # type: ignore[arg-type]


def _listed(members: list[Member]) -> str:
    names = ", ".join(member.name for member in members[:FEW])
    return names + (f" and {len(members) - FEW:,} more" if len(members) > FEW else "")


def role_of(name: str) -> str | None:
    """`edges.csv`, `cora_edges.txt`, `acm.edge`: the last word of the stem, or the suffix."""
    base = name.rsplit("/", 1)[-1].lower()
    stem, dot, suffix = base.rpartition(".")
    if not dot:
        stem, suffix = base, ""
    for role, words in ROLES.items():
        if re.fullmatch(words, suffix):
            return role
        if f".{suffix}".rstrip(".") in _TEXT and re.fullmatch(rf"(.*[._ -])?({words})", stem):
            return role
    return None


def read_text(source: Source, report: Report) -> Parts | None:
    files = files_of(source, report)
    features = read_features(files.features, report) if files.features else None
    labels = read_labels(files.labels, report) if files.labels else None
    if report.failed:
        return None
    ids = number_nodes(features, labels, report)
    pairs = read_pairs(files.edges, report, named=_named(ids))
    if pairs is None:
        return None
    edges, ids = resolve(pairs, ids, report=report)
    if report.failed:
        return None
    parts = Parts(len(ids), edges, names=names_of(ids))
    if features:
        parts.features, parts.features_where = features.values, features.where
    if labels:
        parts.labels, parts.labels_where = labels.values, labels.where
        parts.first_row = 0 if labels.ids is not None else labels.first_row
    return parts


def _named(ids: np.ndarray | None) -> bool | None:
    """Whether edges name nodes by text; None where the edges themselves must tell."""
    return None if ids is None else ids.dtype.kind != "i"
