"""Labels out of names: of the folders that captures lie in, or of the captures."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import numpy as np

from engine.data.traffic.matching import labels_of
from engine.data.traffic.traffic import Flows, Labels

OF_FOLDERS, OF_FILES = "names of folders", "names of files"  # sources of labels
MAX_CLASSES = 32  # of names of files; where there are more, they tell captures apart, not classes
_NUMBER = re.compile(r"[\s_.\-(]*\d+\)?$")


def named_labels(flows: Flows, captures: tuple[str, ...]) -> dict[str, Labels]:
    """By folders, else by files; none where these would not make two classes."""
    folders = [PurePosixPath(name).parent.name for name in captures]
    if len({*folders} - {""}) > 1:
        return {"folder": _labels("folder", OF_FOLDERS, folders, flows)}
    files = [class_of(name) for name in captures]
    if 1 < len(set(files)) <= MAX_CLASSES:
        return {"file": _labels("file", OF_FILES, files, flows)}
    return {}


def class_of(name: str) -> str:
    """The stem of a capture's name without a number at its end: http_02.pcap is of http."""
    stem = PurePosixPath(name).stem
    return _NUMBER.sub("", stem) or stem


def _labels(name: str, source: str, names: list[str], flows: Flows) -> Labels:
    return labels_of(name, source, np.array(names)[flows.capture])
