"""Low-rank adapters W + sBA on the linear layers of a network, through PEFT.

PEFT brings the layers, their merge and the file format; what depends on chance or on a
decomposition is set here, from a generator of its own.

lora     Hu and others 2022: A Kaiming-uniform (a = √5), B = 0, s = α/r
rslora   Kalajdzievski 2023: the same with s = α/√r
dora     Liu and others 2024: rows of W + sBA scaled to a trained magnitude, first that of W's rows
pissa    Meng and others 2024: the r largest singular values of W are the adapter, W the rest
loraga   Wang and others 2024: A and B out of the singular vectors of the gradient; W gives way
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from torch.nn import Parameter

from engine.core.errors import UserError
from engine.models.classifier import Classifier
from engine.models.quiet import quiet

KINDS = ("lora", "rslora", "dora", "pissa", "loraga")
TAKEN = ("pissa", "loraga")  # kinds that begin at an A and B which are taken out of W
GAMMA = 16.0  # LoRA-GA's γ, as in its authors' code
ONE = "default"  # PEFT's name for the only adapter


@dataclass(frozen=True)
class Adapted:
    """One adapted linear layer."""

    name: str
    layer: Any  # PEFT's layer around the linear one

    @property
    def base(self) -> nn.Linear:
        """The layer that is adapted."""
        return self.layer.get_base_layer()

    @property
    def weight(self) -> Parameter:
        """The frozen W [m, n]."""
        return self.base.weight

    @property
    def a(self) -> Parameter:
        """[r, n]"""
        return self.layer.lora_A[ONE].weight

    @property
    def b(self) -> Parameter:
        """[m, r]"""
        return self.layer.lora_B[ONE].weight

    @property
    def magnitude(self) -> Parameter | None:
        """DoRA's norms of the rows [m], which are trained; None of other kinds."""
        if ONE not in self.layer.lora_magnitude_vector:
            return None
        return self.layer.lora_magnitude_vector[ONE].weight

    @property
    def first(self) -> tuple[Tensor, Tensor] | None:
        """A and B as they began where they were taken out of W (PiSSA, LoRA-GA); else None."""
        if not hasattr(self.layer, "first_a"):
            return None
        return self.layer.first_a, self.layer.first_b

    @property
    def scaling(self) -> float:
        """s"""
        return self.layer.scaling[ONE]

    @torch.no_grad()
    def merged(self) -> Tensor:
        """The effective weight [m, n]: W + sBA, of DoRA with its rows scaled to their magnitude."""
        whole = torch.addmm(self.weight, self.b, self.a, alpha=self.scaling)
        if self.magnitude is None:
            return whole
        return whole * (self.magnitude / whole.norm(dim=1)).unsqueeze(1)


def targets(model: nn.Module) -> list[str]:
    """The names of all linear layers within the network, without heads and output layers."""
    inner = inner_of(model)
    output = getattr(inner, "get_output_embeddings", lambda: None)()
    return [
        name
        for name, module in inner.named_modules()
        if isinstance(module, nn.Linear) and module is not output
    ]


every_linear = targets  # within `adapt` the word means those that were chosen


def adapt(
    model: nn.Module,
    *,
    kind: str,
    rank: int,
    alpha: float,
    seed: int,
    targets: Sequence[str] | None = None,
    gradients: Mapping[str, Tensor] | None = None,
    starts: Mapping[str, tuple[Tensor, Tensor]] | None = None,
) -> nn.Module:
    """The same network with adapters, which alone (beside a classifier's head) ask for gradients.

    `targets` are names as `targets(model)` lists them (all by default), `gradients` those of the
    loss by the weights of these layers [m, n], which LoRA-GA alone needs. A classifier is adapted
    in place and returned; a decoder is returned as PEFT's model around it. A depends on `seed` and
    on the order of the layers alone. `starts`, as `started` tells them, are what kinds of `TAKEN`
    begin at: the signs of singular vectors, and so the rest of W, are another machine's choice.
    """
    there = every_linear(model)
    chosen = there if targets is None else list(targets)
    if kind not in KINDS:
        raise UserError("kind", f"one of {', '.join(KINDS)}, got {kind!r}")
    strange = sorted(set(chosen) - set(there))
    if strange or not chosen:
        raise UserError("targets", f"linear layers of the network, as {there[0]}; got "
                        f"{', '.join(strange[:4]) or 'none'}")  # fmt: skip
    refuse_rank(model, kind=kind, rank=rank, targets=chosen)
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        target_modules=chosen,
        lora_dropout=0.0,
        use_rslora=kind in ("rslora", "loraga"),
        use_dora=kind == "dora",
    )
    with torch.random.fork_rng(devices=[]), quiet():  # what PEFT draws is replaced below
        wrapped = get_peft_model(inner_of(model), config)
    generator = torch.Generator().manual_seed(seed)
    for each in adapted(wrapped):
        if kind not in TAKEN:
            _draw(each, generator)
        elif starts:
            _give_way(each, *starts[each.name])
        elif kind == "pissa":
            _give_way(each, *_principal(each))
        else:
            _give_way(each, *_along(each, _gradient(each, gradients)))
    if isinstance(model, Classifier):
        model.model = wrapped
        return model
    return wrapped


def refuse_rank(model: nn.Module, *, kind: str, rank: int, targets: Sequence[str]) -> None:
    """UserError where these layers are too small: r singular vectors of W begin PiSSA, 2r of the
    gradient LoRA-GA. Other kinds begin at any rank."""
    taken = {"pissa": 1, "loraga": 2}.get(kind)
    if taken is None:
        return
    inner = inner_of(model)
    shapes = {name: tuple(inner.get_submodule(name).weight.shape) for name in targets}
    name = min(shapes, key=lambda name: min(shapes[name]))
    most = min(shapes[name]) // taken
    if rank > most:
        rows, columns = shapes[name]
        raise UserError("rank", f"at most {most} for {kind}, which takes {taken}r singular vectors "
                        f"of {name} ({rows} x {columns}); got {rank}")  # fmt: skip


def started(model: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
    """A and B [r, n], [m, r] that were taken out of W, on the CPU, by the layers' names."""
    return {
        each.name: (each.first[0].cpu(), each.first[1].cpu())
        for each in adapted(model)
        if each.first is not None
    }


def adapted(model: nn.Module) -> list[Adapted]:
    """The adapted layers in the network's own order, which never changes."""
    inner = inner_of(model)
    plain = inner.get_base_model() if isinstance(inner, PeftModel) else inner
    return [
        Adapted(name, module)
        for name, module in plain.named_modules()
        if isinstance(module, LoraLayer)
    ]


def inner_of(model: nn.Module) -> nn.Module:
    """What adapters are put into: the network within a classifier, else the model itself."""
    return model.model if isinstance(model, Classifier) else model


def merge(model: nn.Module) -> nn.Module:
    """A plain network with the effective weights: a copy without adapters."""
    plain = copy.deepcopy(model)
    inner: Any = inner_of(plain)
    merged = inner.merge_and_unload()
    if not isinstance(plain, Classifier):
        return merged
    plain.model = merged
    return plain


@torch.no_grad()
def _draw(each: Adapted, generator: torch.Generator) -> None:
    fresh = torch.empty(each.a.shape)  # drawn on the CPU: the same numbers on every device
    each.a.copy_(nn.init.kaiming_uniform_(fresh, a=math.sqrt(5), generator=generator))
    each.b.zero_()


@torch.no_grad()
def _give_way(each: Adapted, a: Tensor, b: Tensor) -> None:
    """Begin at A and B, and take sBA out of W, so that the first step sees the same network.

    What they began with is kept: an export is against the weights as they were before.
    """
    each.a.copy_(a)
    each.b.copy_(b)
    each.weight.sub_(each.b @ each.a, alpha=each.scaling)
    each.layer.register_buffer("first_a", each.a.detach().clone(), persistent=False)
    each.layer.register_buffer("first_b", each.b.detach().clone(), persistent=False)


@torch.no_grad()
def _principal(each: Adapted) -> tuple[Tensor, Tensor]:
    """PiSSA, eq. 2 and 3, with the scaling s taken out: sBA is the best approximation of W."""
    left, values, right = torch.linalg.svd(each.weight, full_matrices=False)
    root = (values[: len(each.a)] / each.scaling).sqrt()
    return root[:, None] * right[: len(root)], left[:, : len(root)] * root


@torch.no_grad()
def _along(each: Adapted, gradient: Tensor) -> tuple[Tensor, Tensor]:
    """LoRA-GA: A the first r right singular vectors of the gradient, B the next r left ones, both
    times m^(1/4) / √γ (our reading of the paper; its scale does not depend on the gradient's)."""
    rank = len(each.a)
    left, _, right = torch.linalg.svd(gradient.to(each.weight.device), full_matrices=False)
    scale = len(each.b) ** 0.25 / math.sqrt(GAMMA)
    return scale * right[:rank], scale * left[:, rank : 2 * rank]


def _gradient(each: Adapted, gradients: Mapping[str, Tensor] | None) -> Tensor:
    found = (gradients or {}).get(each.name)
    if found is None or found.shape != each.weight.shape:
        raise UserError("gradients", f"LoRA-GA needs the gradient of {each.name}, "
                        f"{tuple(each.weight.shape)}")  # fmt: skip
    return found
