"""The attacks on a graph's structure, by name. This module is light: an attack is imported when
it is asked for.

An attack is made of a `Victim`, a budget in flips of undirected edges and a random stream. It
works in `total` steps; `step()` returns the numbers of one, `flips` is what it has decided so far,
and `state()` and `restore()` carry it through a checkpoint: the same seed gives the same flips,
interrupted or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from engine.core.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from engine.methods.gagn.attacks.victim import Attack, Victim

TITLES = {
    "random": "Random flips",
    "dice": "DICE",
    "metattack": "Metattack",
    "pgd": "PGD",
    "prbcd": "PGD on random blocks (PRBCD)",
    "nettack": "Nettack",
    "fga": "FGA",
    "adaptive": "PRBCD through",
    "aware": "PRBCD past the filter of",
}
TARGETED = ("nettack", "fga")  # their budget is per target; None means the target's degree + 2
ADAPTIVE = ("adaptive", "aware")  # made against one trained model each
BLOCKS = ("prbcd", *ADAPTIVE)  # they weigh a random block of pairs
RELAXED = ("pgd", *BLOCKS)  # gradient steps on flips that are made to some degree

_PLACES = {
    "random": ("random_flips", "RandomFlips"),
    "dice": ("dice", "Dice"),
    "metattack": ("metattack", "Metattack"),
    "pgd": ("pgd", "Pgd"),
    "prbcd": ("prbcd", "Prbcd"),
    "nettack": ("nettack", "Nettack"),
    "fga": ("fga", "Fga"),
    "adaptive": ("adaptive", "Adaptive"),
    "aware": ("adaptive", "Adaptive"),
}


def attack(
    name: str, victim: Victim, budget: int | None, *, rng: np.random.Generator, **options: Any
) -> Attack:
    """The attack of that name, ready to step."""
    refuse_too_large([name], victim.nodes)
    return _kind(name)(victim, budget, rng=rng, **options)


def refuse_too_large(names: Iterable[str], nodes: int) -> None:
    """Dense attacks take so many nodes; asked before anything is computed."""
    for name in names:
        most = _kind(name).most
        if most is not None and nodes > most:
            raise UserError(
                "attack",
                f"{name} holds N × N matrices and takes graphs of at most {most} nodes; this one "
                f"has {nodes}: choose prbcd, dice or random",
            )


def _kind(name: str) -> Any:
    if name not in _PLACES:
        raise UserError("attack", f"expected one of {', '.join(_PLACES)}; got {name!r}")
    module, kind = _PLACES[name]
    return getattr(import_module(f"{__name__}.{module}"), kind)
