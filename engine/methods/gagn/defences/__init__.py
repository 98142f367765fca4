"""The defences of the field, trained beside GAgN as its baselines and as targets of attacks."""

from engine.methods.gagn.defences.fit import Fit, Trained
from engine.methods.gagn.defences.ground import Ground
from engine.methods.gagn.defences.training import (
    DEFENCES,
    begin,
    best,
    refuse_too_large,
    train,
    trained,
    units,
)
from engine.methods.gagn.defences.unit import Unit

__all__ = [
    "DEFENCES",
    "Fit",
    "Ground",
    "Trained",
    "Unit",
    "begin",
    "best",
    "refuse_too_large",
    "train",
    "trained",
    "units",
]
