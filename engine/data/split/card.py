"""The card of the kind split. Light: no numpy."""

from engine.data.kind import Fact, Kind

KIND = Kind(
    slug="split",
    title="Split",
    summary="Which nodes of a graph are for training, for validation and for testing.",
    suffixes=(".json",),
    formats=(
        'JSON with three lists of node numbers: {"idx_train": […], "idx_val": […], '
        '"idx_test": […]}; train, val and test do as well',
    ),
    facts=(
        Fact("train", "Training nodes"),
        Fact("val", "Validation nodes"),
        Fact("test", "Test nodes"),
        Fact("max_index", "Largest node number"),
        Fact("keys", "Named in the file"),
    ),
)
