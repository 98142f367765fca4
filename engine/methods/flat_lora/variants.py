"""What can be trained beside what: Flat-LoRA, LoRA and its relatives, and the two ends. Light."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Trains = Literal["adapters", "head", "all"]


@dataclass(frozen=True)
class Variant:
    """One way of fine-tuning. All variants of a job see the same batches from the same start."""

    name: str
    title: str
    description: str
    trains: Trains = "adapters"
    adapter: str = ""  # one of engine.models.adapters.KINDS, where adapters train
    flat: bool = False  # noise on the merged weight in every step (paper)
    sam: bool = False  # the worst nearby (A, B) in every step, by a second backward
    plus: bool = False  # B learns faster than A


FLAT = "flat"
LORA = Variant("lora", "LoRA", "B·A of low rank beside each frozen weight.", adapter="lora")
VARIANTS = {
    variant.name: variant
    for variant in (
        LORA,
        Variant("rslora", "rsLoRA", "LoRA scaled by α/√r instead of α/r.", adapter="rslora"),
        Variant("dora", "DoRA", "LoRA on the direction of each row; its length trains apart.",
                adapter="dora"),
        Variant("pissa", "PiSSA", "LoRA that starts from the largest singular directions of W.",
                adapter="pissa"),
        Variant("loraga", "LoRA-GA", "LoRA that starts from the gradient's singular directions.",
                adapter="loraga"),
        Variant("lora_plus", "LoRA+", "LoRA with a larger step size for B than for A.",
                adapter="lora", plus=True),
        Variant("sam", "LoRA-SAM", "LoRA at the worst (A, B) nearby: two backward passes a step.",
                adapter="lora", sam=True),
        Variant("full", "Full fine-tuning", "Every weight trains.", trains="all"),
        Variant("head", "Head only", "The pre-trained network stays as it is.", trains="head"),
    )
}  # fmt: skip
ON = tuple(name for name, one in VARIANTS.items() if one.adapter and not one.sam)


def chosen(names: list[str], on: str) -> list[Variant]:
    """The variants of these names, in this order; Flat-LoRA is the variant `on` with noise."""
    return [flat(on) if name == FLAT else VARIANTS[name] for name in names]


def flat(on: str) -> Variant:
    """Flat-LoRA composes with any variant whose adapters leave the weight W frozen."""
    below = VARIANTS[on]
    title = "Flat-LoRA" if on == LORA.name else f"Flat-LoRA on {below.title}"
    what = "Noise on the merged weights in every step, as much as the schedule says."
    return replace(below, name=FLAT, title=title, description=what, flat=True)
