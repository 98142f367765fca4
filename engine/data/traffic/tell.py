"""What a check says of traffic: lines of a report, and the facts that inputs ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.core.units import counted, duration
from engine.data.kind import Report
from engine.data.traffic.decode import REASONS
from engine.data.traffic.labels import LabelTable, plain
from engine.data.traffic.named import OF_FILES, OF_FOLDERS
from engine.data.traffic.traffic import Labels, Traffic

NAMES = (OF_FOLDERS, OF_FILES)
FEW = 8  # names of a list that a line shows


def facts(found: Traffic | LabelTable) -> dict[str, Any]:
    if isinstance(found, LabelTable):
        return _facts_of_table(found)
    labels = list(found.labels.values())
    return {
        "traffic": True,
        "captures": len(found.captures),
        "packets": len(found.packets),
        "flows": len(found.flows),
        "payload_flows": int(found.flows.with_payload.sum()),
        "seconds": round(sum(capture.seconds for capture in found.captures), 3),
        "links": sorted(found.links),
        "labels": any(len(one.classes) > 1 for one in labels),
        "label_columns": [one.name for one in labels],
        "classes": [len(one.classes) for one in labels],
        "label_source": labels[0].source if labels else "none",
        "labelled_flows": [int((one.codes >= 0).sum()) for one in labels],
    }


def _facts_of_table(table: LabelTable) -> dict[str, Any]:
    columns = [[row[name] for row in table.rows if row[name]] for name in table.columns.labels]
    classes = [len(set(texts)) for texts in columns]
    return {
        **dict.fromkeys(("captures", "packets", "flows", "payload_flows", "seconds"), 0),
        "traffic": False,
        "links": [],
        "labels": any(count > 1 for count in classes),
        "label_columns": list(table.columns.labels),
        "classes": classes,
        "label_source": table.name,
        "labelled_flows": [len(texts) for texts in columns],
    }


def tell_table(table: LabelTable, report: Report) -> None:
    """How a table of labels was understood."""
    columns = table.columns
    by = [columns.capture] if columns.capture else []
    by += [columns.l4] if columns.l4 else []
    by += columns.ends.values() if columns.ends else []
    left_out = f"; not read: {listed(columns.left_out)}" if columns.left_out else ""
    report.ok(
        table.name,
        f"{counted(len(table.rows), 'row')}, by {listed(by)}; labels in "
        f"{listed(columns.labels)}{left_out}",
    )


def tell(found: Traffic, report: Report) -> None:
    """The whole upload, then what is no flow, then each way to label."""
    flows = found.flows
    payload = int(flows.with_payload.sum())
    links = ", ".join(f"{name} ({count:,})" for name, count in found.links.most_common())
    report.ok(
        "captures",
        f"{counted(len(found.captures), 'capture')}, {counted(len(found.packets), 'packet')}, "
        f"{counted(len(flows), 'flow')}, {payload:,} of them with payload; "
        f"{duration(sum(capture.seconds for capture in found.captures))}; {links}",
    )
    for reason, count in found.skipped.most_common():
        report.ok("captures", f"{counted(count, 'packet')} of no flow: {REASONS[reason]}")
    cut = int(((found.packets.payload_length > 0) & (found.packets.kept == 0)).sum())
    if cut:
        report.warn(
            "captures",
            f"{counted(cut, 'packet')} whose payload was not captured; they count in the flow's "
            "size and give no bytes",
        )
    paused = [capture.name for capture in found.captures if capture.pauses]
    if paused:
        report.warn(
            "captures",
            f"{counted(len(paused), 'capture')} with pauses of over an hour, which are left out of "
            f"the length: {listed(paused)}",
        )
    if not payload:
        report.warn("captures", "no flow has payload: methods that read it have nothing to read")
    if not found.labels:
        report.warn(
            "labels",
            "no table, and no names of folders or files that make two classes; methods that learn "
            "classes do not take it",
        )
    for labels in found.labels.values():
        tell_labels(labels, found, report)


def tell_labels(labels: Labels, found: Traffic, report: Report) -> None:
    """The classes of one way to label, and whether they can be split by capture."""
    where = labels.source if labels.source in NAMES else f"{labels.source}, {plain(labels.name)}"
    payload = found.flows.with_payload
    counts = sorted(labels.counts(payload).items(), key=lambda pair: -pair[1])
    if not counts:
        report.warn(where, "no flow has a label; it is of no use")
        return
    report.ok(
        where,
        f"{counted(len(counts), 'class')}, flows with payload: "
        f"{listed([f'{name} {count:,}' for name, count in counts])}",
    )
    if len(counts) == 1:
        report.warn(where, "a single class; methods that learn classes do not take it")
    rare = [name for name, spread in labels.captures(found.flows).items() if spread < 2]
    if rare:
        report.warn(
            where,
            f"{counted(len(rare), 'class')} in one capture alone, which cannot be on both sides of "
            f"a split by capture: {listed(rare)}",
        )


def listed(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    shown = ", ".join(plain(name) for name in names[:FEW])
    return f"{shown} and {len(names) - FEW:,} more" if len(names) > FEW else shown
