"""A variant from its start to its last step: the model, the loop, and looks on the way."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.core.errors import UserError
from engine.core.seed import entropy, numpy_stream
from engine.core.standing import Standing
from engine.core.units import counted
from engine.methods.flat_lora.cost import Peak
from engine.methods.flat_lora.flatness import Watch
from engine.methods.flat_lora.params import ends
from engine.methods.flat_lora.pristine import kept
from engine.methods.flat_lora.tasks import Batch, Classes, Examples, Task
from engine.methods.flat_lora.training import Training, rate_of
from engine.methods.flat_lora.variants import Variant
from engine.models.adapters import (
    TAKEN,
    Adapted,
    adapt,
    adapted,
    merge,
    refuse_rank,
    started,
    targets,
)
from engine.models.classifier import Classifier

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.flat_lora.case import Case

Start = Mapping[str, tuple[Tensor, Tensor]]  # A and B of each layer
GRADIENTS = 8  # batches that LoRA-GA starts from
DRIFT = 1e-5  # of a row's length, in its sum
RISE = 1.2  # of the loss, that is worth a warning


@dataclass(frozen=True, eq=False)
class Tuned:
    """A variant's model as it trains. `names` are the layers that adapters sit on or would."""

    variant: Variant
    task: Task
    model: nn.Module
    layers: Sequence[Adapted]  # none where no adapter trains
    names: tuple[str, ...]

    @property
    def trained(self) -> list[Tensor]:
        return [tensor for tensor in self.model.parameters() if tensor.requires_grad]

    def plain(self) -> nn.Module:
        """The network without adapters, their weights merged: a copy."""
        return merge(self.model) if self.layers else copy.deepcopy(self.model)

    def weights(self, plain: nn.Module) -> list[Tensor]:
        """The adapted layers' weights [m, n] in a plain network, in the order of `names`."""
        inner = plain.model if isinstance(plain, Classifier) else plain
        return [inner.get_submodule(name).weight for name in self.names]


def refuse(run: Run, case: Case, variants: Sequence[Variant]) -> None:
    """UserError for what no network of this job can be adapted by, before the first one trains."""
    params = run.params
    model = _backed(run, case)
    names = _chosen(targets(model), params.targets)
    for variant in variants:
        if variant.trains == "adapters":
            refuse_rank(model, kind=variant.adapter, rank=params.rank, targets=names)


def starts(run: Run, case: Case, variant: Variant) -> Start:
    """What `built` takes, wherever the job goes on or is asked; empty of most variants."""
    return started(built(run, case, variant).model) if variant.adapter in TAKEN else {}


def built(
    run: Run,
    case: Case,
    variant: Variant,
    start: Start | None = None,
    trained: Sequence[Tensor] | None = None,
) -> Tuned:
    """The variant at its start, or with the tensors that it trained."""
    params = run.params
    model = _backed(run, case)
    _set_dropout(model, params.dropout)
    model.requires_grad_(variant.trains == "all")
    names = _chosen(targets(model), params.targets)
    layers: Sequence[Adapted] = ()
    if variant.trains == "adapters":
        gradients = None
        if variant.adapter == "loraga" and not start:
            gradients = _first_gradients(run, case, model, names)
        model = adapt(
            model, kind=variant.adapter, rank=params.rank, alpha=params.alpha,
            seed=entropy(run.seed, "adapter"), targets=names, gradients=gradients, starts=start,
        )  # fmt: skip
        layers = adapted(model)
    if isinstance(model, Classifier):
        model.head.requires_grad_(True)
    work = Tuned(variant, case.task, model, layers, tuple(names))
    if trained is not None:
        with torch.no_grad():
            for tensor, value in zip(work.trained, trained, strict=True):
                tensor.copy_(value)
    return work


def _backed(run: Run, case: Case) -> nn.Module:
    """The backbone, with a fresh head where classes are told apart."""
    backbone = case.backbone()
    if not isinstance(case.task, Classes):
        return backbone.model
    return Classifier(backbone, len(case.task.names), entropy(run.seed, "head"))


def tuned(
    run: Run, case: Case, variant: Variant, start: Start, standing: Standing
) -> dict[str, Any]:
    """The loop. Batches, their order, head and A are the same for every variant of a seed."""
    params, name = run.params, variant.name
    work = built(run, case, variant, start)
    copies = kept([layer.weight for layer in work.layers], run.folder)
    watch = Watch(run, case, work, copies)
    train = case.parts["train"]
    per_epoch = -(-len(train) // params.batch)
    steps = params.epochs * per_epoch
    steps = min(steps, params.max_steps) if params.max_steps else steps
    training = Training(
        work.model, work.layers, variant, params, case.task,
        steps=steps, seed=entropy(run.seed, "noise"), workers=run.threads, copies=copies,
    )  # fmt: skip
    spent: dict[str, Any] = {"seconds": 0.0, "noise": 0.0, "peak": 0, "losses": []}
    if standing["unit"] is not None:
        training.restore(standing["unit"]["training"])
        spent |= standing["unit"]["spent"]
    peak = Peak(torch.device(run.device), spent["peak"])
    run.phase(f"{name}: train", total=steps, done=training.done)
    order: list[np.ndarray] | None = None
    while training.done < steps:
        epoch, place = divmod(training.done, per_epoch)
        if order is None or place == 0:
            order = train.epoch(params.batch, numpy_stream(run.seed, f"order/{epoch}"))
        _train_mode(work.model, params.dropout)
        step = training.step(_cut(train, order[place], params))
        spent["seconds"] += step["seconds"]
        spent["noise"] += step.get("seconds.noise", 0.0)
        told: dict[str, float | None] = dict(step)
        work.model.eval()
        last = training.done == steps
        if params.look_every and (training.done % params.look_every == 0 or last):
            training.assert_clean()
            told |= watch.look(training)
        if last or training.done % per_epoch == 0:
            training.assert_clean()
            told |= watch.validate()
            training.refuse("validation loss", told["dev_test_loss"], training.done)
        run.log(training.done, **{f"{name}.{key}": value for key, value in told.items()})
        spent["losses"].append(step["loss"])
        standing["step"] += 1
        run.advance()
        if run.checkpoint_due():
            spent["peak"] = peak.bytes()
            standing["unit"] = {"training": training.state(), "spent": spent}
            run.checkpoint(standing, step=standing["step"])
    training.assert_clean()
    drift = None if training.perturbation is None else training.perturbation.drift()
    if drift is not None:
        run.verify(f"{name}: the frozen weights are where they were", 0, drift, DRIFT)
    _warn_of_rise(run, variant, spent["losses"])
    return {
        "trained": [tensor.detach().cpu().clone() for tensor in work.trained],
        "summary": {
            "train_seconds": spent["seconds"],
            "noise_seconds": spent["noise"],
            "trained": sum(tensor.numel() for tensor in work.trained),
            "steps": steps,
            "drift": drift,
            "peak_bytes": peak.bytes(),
        },
    }


def _warn_of_rise(run: Run, variant: Variant, losses: Sequence[float]) -> None:
    """A loss that is finite and higher than it was is no error, and nobody's aim. Of a few steps
    nothing is said: their batches differ by as much."""
    part = len(losses) // 5
    if part < 2:
        return
    first, last = (float(np.mean(some)) for some in (losses[:part], losses[-part:]))
    if last > RISE * first:
        rate = rate_of(variant)
        run.message(
            f"{variant.name} did not learn: the loss rose from {first:.4g} to {last:.4g}, mean of "
            f"the first and of the last {counted(part, 'step')}; a smaller {rate} than "
            f"{getattr(run.params, rate):g} may help", "warning",
        )  # fmt: skip


def _cut(train: Examples, places: np.ndarray, params: Any) -> list[Batch]:
    """A batch in as many parts as there are accumulated, none of them empty."""
    parts = np.array_split(places, min(params.accumulate, len(places)))
    return [train.make(part) for part in parts]


def _first_gradients(
    run: Run, case: Case, model: nn.Module, names: Sequence[str]
) -> dict[str, Tensor]:
    """Of the loss by the weights of the layers, over the first batches (LoRA-GA)."""
    inner = model.model if isinstance(model, Classifier) else model
    weights = {name: inner.get_submodule(name).weight for name in names}
    train = case.parts["train"]
    order = train.epoch(run.params.batch, numpy_stream(run.seed, "order/0"))[:GRADIENTS]
    found = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    for weight in weights.values():
        weight.requires_grad_(True)
    for places in order:
        loss = case.task.objective(model, train.make(places)) / len(order)
        for name, grad in zip(
            weights, torch.autograd.grad(loss, list(weights.values())), strict=True
        ):
            found[name] += grad
    for weight in weights.values():
        weight.requires_grad_(False)
    return found


def _chosen(names: list[str], wanted: list[str]) -> list[str]:
    """Layers whose names end so; all where nothing is asked for."""
    if not wanted:
        return names
    for end in wanted:
        if not any(ends(name, end) for name in names):
            last = sorted({name.rpartition(".")[2] for name in names})
            raise UserError("targets", f"no linear layer ends in {end[:60]!a}; expected one of "
                            f"{', '.join(last)}")  # fmt: skip
    return [name for name in names if any(ends(name, end) for end in wanted)]


def _set_dropout(model: nn.Module, share: float) -> None:
    """Of modules, and of what attention is told as a number: decoders like Llama have no other."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = share
        for name, value in vars(module).items():
            if "dropout" in name and isinstance(value, float):
                setattr(module, name, share)


def _train_mode(model: nn.Module, share: float) -> None:
    """Without dropout nothing differs between the modes but what transformers might hide there."""
    model.train(share > 0)
