"""The card of the kind eeg. Light: no numpy."""

from engine.data.kind import Fact, Kind

KIND = Kind(
    slug="eeg",
    title="EEG",
    summary="Recordings of scalp EEG, with what was noted in them; or windows cut out of such.",
    suffixes=(
        ".edf",
        ".bdf",
        ".gdf",
        ".fif",
        ".set",
        ".vhdr",
        ".mat",
        ".npz",
        ".zip",
        ".csv",
        ".tsv",
    ),
    formats=(
        "EDF, EDF+, BDF, GDF: one file is one recording; notes in the file are read",
        "FIF as of MNE, also when split into parts",
        "EEGLAB .set, by itself or with its .fdt (MATLAB 5 to 7.2)",
        "BrainVision: .vhdr with its .eeg and .vmrk, in a zip",
        "CSV or TSV of numbers, a row per sample, with a first column time in seconds",
        "zip or folder of such recordings, a BIDS tree too, with tables beside them: "
        "labels.csv of file and label, participants.tsv, *_events.tsv",
        "npz or MATLAB 5 .mat of windows: x (windows, channels, samples) in microvolt, sfreq, "
        "ch_names; y and subject if known",
    ),
    facts=(
        Fact("recordings", "Recordings"),
        Fact("windows", "Windows cut before the upload"),
        Fact("subjects", "Subjects"),
        Fact("hours", "Length", "h"),
        Fact("channels", "EEG channels common to all"),
        Fact("channel_names", "Their names"),
        Fact("sfreq", "Sampling rates", "Hz"),
        Fact("annotations", "Annotations"),
        Fact("annotation_kinds", "Kinds of annotations"),
        Fact("labels", "Has labels of two classes or more, or numbers"),
        Fact("classes", "Classes"),
        Fact("label_source", "Labels come from"),
        Fact("tables", "Tables beside the recordings"),
    ),
)
