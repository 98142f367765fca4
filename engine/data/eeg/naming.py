"""What channels, recordings and subjects are called: one name for one electrode.

The standard names are those of the 10-20 system and its extensions in capitals, FP1 and CZ, with
T7, T8, P7 and P8 for what was once T3, T4, T5 and T6.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from engine.data.kind import Report

LONGEST = 80  # letters of a channel's name
KINDS = ("eeg", "eog", "ecg", "emg", "stim", "resp", "misc")
RENAMED = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
_PREFIX = re.compile(r"(EEG|POL)[ _:]+(?=\S)", re.I)
_REFERENCE = re.compile(r"[-_ ](REF|LE|AR|AVG|AVE)$", re.I)
# Looked for in this order; a word of letters alone, or with a number behind it.
_WORDS = {
    "eog": r"[HVLR]?EOG[HVLRUD]?|LOC|ROC|E1|E2",
    "ecg": r"ECG|EKG",
    "emg": r"EMG|CHIN",
    "stim": r"STI|STIM|STATUS|TRIG|TRIGGER|TRIGGERS|MARKER|MARKERS|EVENT|EVENTS|DC TRIGGER",
    "resp": r"RESP|RESPIRATION|AIRFLOW|FLOW|THORAX|THORACIC|ABDOMEN|ABDOMINAL|CHEST|SNORE",
    "misc": r"SAO2|SPO2|OXSTAT|TEMP|GSR|EDA|PULSE|PLETH|PPG|HR|BP|LIGHT|SOUND|BURSTS|SUPPR"
    r"|ACC[XYZ]?|GYRO[XYZ]?|PHOTIC|IBI|ANNOTATIONS",
}
_KINDS = {
    kind: re.compile(rf"(^|[^A-Z])({words})([^A-Z]|$)", re.I) for kind, words in _WORDS.items()
}
_BIDS = re.compile(r"(?:^|[/_])(sub-[A-Za-z0-9]+)(?=[/_.]|$)")
_SUBJECT = re.compile(r"[^\W\d_]+\d+")
# Words that number recordings, not people: "S001/run1" is of S001, and so is "night1_S001".
_NO_SUBJECT = re.compile(
    r"(run|rec|recording|ses|session|trial|task|file|eeg|block|raw|part|segment|seg|epoch|set|scan"
    r"|visit|night|day|week|month|phase|stage|pre|post|baseline|test|retest|eyes|eo|ec|rest"
    r"|resting|cond|condition)\d",
    re.I,
)
_TIME = re.compile(r"t\d", re.I)  # a number of times, or a person: T1_S01 is of S01, T01 of T01
_LATER = re.compile(r"[_ .-]((?:s|sub|subj|subject|p|pat|patient|participant|vp|id)[_-]?\d+)", re.I)
# Names of public sets that number people and nights, or sessions, without anything between:
# Sleep-EDF's SC4001E0 and SC4002E0 are of one person, as are B0101T and B0102T of BCI-IV-2b.
_PUBLIC = re.compile(r"(SC4\d\d|ST7\d\d)\d[A-Z]\w|(B0\d)0\d[TE](?![A-Za-z0-9])")


def standard_name(channel: str) -> str:
    """`EEG Fp1-REF` and `Fp1.` are FP1; `T3` is T7; a derivation `EEG A2-A1` stays one."""
    name = _PREFIX.sub("", channel.strip()).replace(".", "")
    name = _REFERENCE.sub("", name).strip().upper()
    return RENAMED.get(name, name) or channel


def places_of(channels: Sequence[str]) -> dict[str, int]:
    """The place of each channel, by its own name and by the standard one. Of several that stand
    for one electrode the standard name is that of the one which is called so, else the first's."""
    known: dict[str, int] = {}
    for place, name in enumerate(channels):
        known.setdefault(standard_name(name), place)
    return known | {name: place for place, name in enumerate(channels)}


def kind_of(channel: str) -> str:
    """What a channel records, guessed by its name: eeg where nothing speaks against it, which the
    word EEG before another alone does not."""
    channel = _REFERENCE.sub("", _PREFIX.sub("", channel.strip()))
    return next((kind for kind, words in _KINDS.items() if words.search(channel)), "eeg")


def distinct(channels: Sequence[str]) -> tuple[str, ...]:
    """Names that come more than once are numbered, as MNE numbers them: C3-0, C3-1.

    Letters that cannot be seen are left out, and of a long name all but its beginning.
    """
    channels = [_visible(channel) for channel in channels]
    times, seen = Counter(channels), Counter()
    names = []
    for channel in channels:
        names.append(f"{channel}-{seen[channel]}" if times[channel] > 1 else channel)
        seen[channel] += 1
    return tuple(names)


def numbered(channels: Sequence[str], where: str, report: Report) -> tuple[str, ...]:
    """Distinct names, with a line about those that are there more than once."""
    twice = [channel for channel, times in Counter(channels).items() if times > 1]
    if twice:
        shown = ", ".join(ascii(channel) for channel in twice[:8])
        report.warn(where, f"channels of the same name are numbered, as C3-0 and C3-1: {shown}")
    return distinct(channels)


def _visible(name: str) -> str:
    seen = "".join(letter for letter in name if unicodedata.category(letter)[0] != "C")
    return seen.strip()[:LONGEST] or "?"


def subject_of(name: str) -> str:
    """Whose recording it is, or the name itself where it does not tell."""
    return named_subject(name) or name


def named_subject(name: str) -> str | None:
    """`sub-01` of a BIDS name, else `S001` of `S001R04` or of the folder; None where nothing in
    the name is like a person."""
    bids = _BIDS.search(name)
    if bids:
        return bids[1]
    folder, _, base = name.rpartition("/")
    public = _PUBLIC.match(base)
    if public:
        return public[1] or public[2]
    nobody, later = _NO_SUBJECT.match(base), _LATER.search(base)
    if later and (nobody or _TIME.match(base)):
        return later[1]
    if nobody:
        return (named_subject(folder) or folder) if folder else None
    leading = _SUBJECT.match(base)
    if leading:
        return leading[0]
    return named_subject(folder) if folder else None
