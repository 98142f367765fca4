"""Fine-tuning one variant: steps of Flat-LoRA, LoRA and its relatives.

The noise itself is in perturbation.py; here stands where in a step it comes and goes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from engine.core.errors import UserError
from engine.core.seed import entropy
from engine.methods.flat_lora.cost import Laps
from engine.methods.flat_lora.params import FlatLoraParams
from engine.methods.flat_lora.perturbation import Perturbation, sigma
from engine.methods.flat_lora.pristine import Copies
from engine.methods.flat_lora.tasks import Batch, Task
from engine.methods.flat_lora.variants import Variant
from engine.models.adapters import Adapted


class Training:
    """AdamW with a warm-up and a cosine to 0 over `steps` steps.

    With bf16 the network computes on casts of its weights, under noise on casts of W + ε; weights,
    gradients, moments and the loss stay in single precision.

    `step` takes a batch in parts: gradients add up over them, under one noise. What a checkpoint
    must carry is in `state()`: trained tensors, moments, and how many steps are `done`. `seed` is
    that of noise and dropout, `workers` the threads that draw noise, `copies` those of W.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Sequence[Adapted],
        variant: Variant,
        params: FlatLoraParams,
        task: Task,
        *,
        steps: int,
        seed: int,
        workers: int = 1,
        copies: Copies | None = None,
    ):
        self.model, self.layers, self.variant, self.params = model, layers, variant, params
        self.task, self.steps, self.done, self.seed = task, steps, 0, seed
        self._low = torch.bfloat16 if params.precision == "bf16" else None
        groups = list(_groups(model, layers, variant, params))
        self.trained = [tensor for group in groups for tensor in group["params"]]
        self._device = self.trained[0].device
        fused = self._device.type == "cuda"
        self.optimizer = torch.optim.AdamW(groups, weight_decay=params.weight_decay, fused=fused)
        self._rates = [group["lr"] for group in groups]
        self.perturbation = (
            Perturbation(layers, seed=seed, workers=workers, copies=copies, cast=self._low)
            if variant.flat and params.rho
            else None
        )

    def step(self, parts: Sequence[Batch]) -> dict[str, float]:
        """One step of the optimiser over a batch; returns what can be told of it.

        Raises UserError where the loss or the gradient is not finite.
        """
        laps = Laps(self._device)
        rate, sigma_now = self._begin(), self._sigma(len(parts))
        with self._noise(sigma_now, laps), self._masks():
            loss = self._gradients(parts, laps)
        if not self.done and not math.isfinite(loss):  # no step and no noise yet
            raise UserError("model", f"a loss of {loss} before anything was trained; expected a "
                            "finite one")  # fmt: skip
        self.refuse("loss", loss, self.done + 1)
        if self.variant.sam:
            with self._worst(), self._masks():
                self.optimizer.zero_grad(set_to_none=True)
                laps.end("optimizer")
                self.refuse("loss", self._gradients(parts, laps), self.done + 1)
        norms = {name: _norm(tensors) for name, tensors in self._sides().items()}
        self._clip()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.done += 1
        laps.end("optimizer")  # and all else of the step
        told = {"loss": loss, "lr": rate, **norms, "seconds": sum(laps.seconds.values())}
        told |= {f"seconds.{name}": value for name, value in laps.seconds.items()}
        if self.perturbation is not None:
            told["sigma"] = sigma_now
        return told

    def state(self) -> dict[str, Any]:
        self.assert_clean()
        return {
            "done": self.done,
            "trained": [tensor.detach().clone() for tensor in self.trained],
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.done = state["done"]
        with torch.no_grad():
            for tensor, value in zip(self.trained, state["trained"], strict=True):
                tensor.copy_(value)
        self.optimizer.load_state_dict(state["optimizer"])

    def assert_clean(self) -> None:
        """Weights are looked at and kept without noise, or not at all."""
        if self.perturbation is not None and self.perturbation.on:
            raise AssertionError("noise is on the weights: no evaluation, no checkpoint")

    def _begin(self) -> float:
        """Sets the step's rates; returns that which LoRA+ goes above and below."""
        share = warm_cosine(self.done, self.steps, warmup=self.params.warmup)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * share
        return getattr(self.params, rate_of(self.variant)) * share

    def _sigma(self, parts: int) -> float:
        """σ counts micro-batches, and holds over those of one step (paper's code)."""
        if self.perturbation is None:
            return 0.0
        return sigma(self.params.rho, self.done * parts, self.steps * parts)

    @contextmanager
    def _noise(self, level: float, laps: Laps) -> Iterator[None]:
        if self.perturbation is None:
            yield
            return
        with self.perturbation.applied(level, self.done):
            laps.end("noise")
            yield
        laps.end("noise")

    def _gradients(self, parts: Sequence[Batch], laps: Laps) -> float:
        """Adds up the gradients of the mean over all parts together; returns that mean."""
        counts = [self.task.count(batch) for batch in parts]
        total = 0.0
        for batch, count in zip(parts, counts, strict=True):
            if not count:  # a text of a single token, which nothing stands before
                continue
            with torch.autocast(self._device.type, self._low, enabled=self._low is not None):
                loss = self.task.objective(self.model, batch) * (count / sum(counts))
            laps.end("forward")
            loss.backward()
            total += loss.item()
            laps.end("backward")
        return total

    @contextmanager
    def _masks(self) -> Iterator[None]:
        """Dropout takes its numbers from torch's own generators. Within this block they begin at
        the step's seed, the same for all variants and for both passes of SAM; after it they are
        where they were."""
        with torch.random.fork_rng([self._device] if self._device.type == "cuda" else []):
            torch.manual_seed(entropy(self.seed, f"dropout/{self.done}"))
            yield

    def _clip(self) -> None:
        grads = [tensor.grad for tensor in self.trained if tensor.grad is not None]
        norm = nn.utils.get_total_norm(grads)
        self.refuse("gradient's norm", norm.item(), self.done + 1)
        if self.params.clip:
            nn.utils.clip_grads_with_norm_(self.trained, self.params.clip, norm)

    def refuse(self, what: str, value: float, step: int) -> None:
        """UserError where it isn't finite: before the optimiser steps by it, and while what was
        trained still is."""
        if not math.isfinite(value):
            name = rate_of(self.variant)
            noise = " or of rho" if self.variant.flat else ""
            raise UserError(name, f"a smaller value than {getattr(self.params, name):g}{noise}: "
                            f"variant {self.variant.name} diverged, the {what} of step "
                            f"{step} of {self.steps} is {value}")  # fmt: skip

    @contextmanager
    def _worst(self) -> Iterator[None]:
        """(A, B) moved by ρ·g/‖g‖, the norm over all of them together (SAM, within the adapters);
        back to the same bits at the end."""
        moved = [tensor for layer in self.layers for tensor in (layer.a, layer.b)]
        grads = [tensor.grad for tensor in moved]
        if any(grad is None for grad in grads):
            raise RuntimeError("an adapter has no gradient to be perturbed by")
        kept = [tensor.detach().clone() for tensor in moved]
        length = torch.linalg.vector_norm(torch.stack([grad.norm() for grad in grads]))
        scale = self.params.sam_rho / (length + 1e-12)
        try:
            with torch.no_grad():
                for tensor, grad in zip(moved, grads, strict=True):
                    tensor.add_(grad * scale)
            yield
        finally:
            with torch.no_grad():
                for tensor, value in zip(moved, kept, strict=True):
                    tensor.copy_(value)

    def _sides(self) -> dict[str, list[Tensor]]:
        if not self.layers or self.variant.trains != "adapters":
            return {"gradient_norm": self.trained}
        return {
            "gradient_norm.a": [layer.a for layer in self.layers],
            "gradient_norm.b": [layer.b for layer in self.layers],
        }


def warm_cosine(step: int, steps: int, *, warmup: float) -> float:
    """Share of the full step size: linear over the first `warmup` of the steps, then a cosine to 0.

    As the paper's, which is transformers', but that the first step is not of size 0: the w steps
    of the warm-up go from 1/(w + 1) to w/(w + 1) where there they go from 0 to (w − 1)/w.
    """
    warm = math.ceil(steps * warmup)
    if step < warm:
        return (step + 1) / (warm + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def rate_of(variant: Variant) -> str:
    """The parameter that is the variant's step size."""
    return "lr_full" if variant.trains == "all" else "lr"


def _groups(
    model: nn.Module, layers: Sequence[Adapted], variant: Variant, params: FlatLoraParams
) -> Iterable[dict[str, Any]]:
    """Trained tensors with their step sizes; A and B apart for LoRA+, what is neither at `lr`."""
    tensors = [tensor for tensor in model.parameters() if tensor.requires_grad]
    rate = getattr(params, rate_of(variant))
    if variant.plus:
        spread = math.sqrt(params.plus_ratio)
        slow, fast = [layer.a for layer in layers], [layer.b for layer in layers]
        yield {"params": slow, "lr": rate / spread}
        yield {"params": fast, "lr": rate * spread}
        apart = {id(tensor) for tensor in (*slow, *fast)}
        tensors = [tensor for tensor in tensors if id(tensor) not in apart]
    if tensors:  # of a decoder A and B are all
        yield {"params": tensors, "lr": rate}


def _norm(tensors: Sequence[Tensor]) -> float:
    norms = [tensor.grad.norm() for tensor in tensors if tensor.grad is not None]
    return torch.linalg.vector_norm(torch.stack(norms)).item() if norms else 0.0
