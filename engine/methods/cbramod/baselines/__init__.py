"""What a foundation model has to be better than: five baselines on the same windows and split.

    fit("band_power", train, val, generator=run.torch_rng("…")).answers(x)

Validation chooses a baseline's settings, as it chooses the method's; no test window is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import torch

from engine.methods.cbramod.baselines.labelled import Labelled, Trained

# Each in the module of its name, which is loaded when it is fitted: MNE alone takes a second.
PLAIN = ("majority", "band_power", "csp")
NETWORKS = {"eegnet": "EegNet", "shallow": "ShallowConvNet"}
BASELINES = (*PLAIN, *NETWORKS)

__all__ = ["BASELINES", "Labelled", "Trained", "fit"]


def fit(
    name: str,
    train: Labelled,
    val: Labelled | None,
    *,
    generator: torch.Generator,
    device: str = "cpu",
    told: Callable[..., None] | None = None,
    tick: Callable[[], None] | None = None,
) -> Trained:
    """The baseline of that name. Of the networks `told` hears each epoch (settings, epoch, numbers)
    and `tick` each batch; either may raise to cancel. `generator` is of the CPU."""
    module = import_module(f"{__name__}.{name}")
    if name in PLAIN:
        return module.fit(train, val)
    from engine.methods.cbramod.baselines import train as training

    nothing = training.nothing
    return training.fit(
        getattr(module, NETWORKS[name]),
        train,
        val,
        generator=generator,
        device=device,
        told=told or nothing,
        tick=tick or nothing,
    )
