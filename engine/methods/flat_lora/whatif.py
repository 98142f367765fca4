"""Questions that a finished job answers at once, from what its variants trained.

`change` shakes, rounds and prunes the merged weights of every variant and asks a fixed part of
the test rows again; `say` asks every variant about a text that is typed in.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from engine.core import checkpoint
from engine.core.errors import UserError
from engine.methods.flat_lora.export import STATE
from engine.methods.flat_lora.flatness import fixed
from engine.methods.flat_lora.params import ChangeParams, SayParams
from engine.methods.flat_lora.perturbation import Perturbation
from engine.methods.flat_lora.prepare import prepare
from engine.methods.flat_lora.rounding import pruned, rounded
from engine.methods.flat_lora.sharpness import SEED, Merged
from engine.methods.flat_lora.tasks import Answers, Classes
from engine.methods.flat_lora.tuning import built
from engine.methods.flat_lora.variants import chosen

if TYPE_CHECKING:
    from engine.core.job import Job

ROWS, FEWEST = 64, 32  # of test, and how few they may become so that an answer takes no longer
QUICK = 10e9  # products of a token and a weight: with the noise, less than a second on a core
TOGETHER = 8  # rows, of about the same length: what is padded is worked out for nothing


class WhatIf:
    def __init__(self, job: Job):
        asked: Any = SimpleNamespace(
            inputs=job.inputs, params=job.params, seed=job.seed, device="cpu", folder=job.folder,
            message=lambda *_: None,
        )  # fmt: skip
        self.case = prepare(asked)
        self.networks: dict[str, Network] = {}
        for variant in chosen(job.params.variants, job.params.flat_on):
            path = job.folder / STATE.format(variant.name)
            if not path.is_file():  # a running job has not come to it
                continue
            state = checkpoint.load(path)  # jobs of older days have no start
            work = built(asked, self.case, variant, state.get("start"), state["trained"])
            plain = work.plain().eval().requires_grad_(False)
            self.networks[variant.name] = Network(plain, work.weights(plain))
        if not self.networks:
            raise UserError("question", "no variant is trained yet")
        probe = fixed(self.case, "test", self._rows())
        self.rows, self.batches = len(probe), [batch for _, batch in probe.batches(TOGETHER)]

    def change(self, params: ChangeParams) -> dict[str, Any]:
        """Loss, and accuracy, on a few test rows, before and after; weights are pruned, then
        rounded, then shaken."""
        return {
            "rows": self.rows,
            "variants": {
                name: {"before": self._asked(one), "after": self._changed(one, params)}
                for name, one in self.networks.items()
            },
        }

    @torch.no_grad()
    def say(self, params: SayParams) -> dict[str, Any]:
        """Probabilities of the classes, or what a decoder goes on with, by the likeliest tokens."""
        if self.case.encode is None:
            raise UserError("text", "this job was trained on images")
        if not params.text.strip():
            raise UserError("text", "expected a text")
        if self.case.pairs and not params.text2:
            raise UserError("text2", "expected a second text: the job was trained on pairs")
        if params.text2 and not self.case.pairs:
            raise UserError("text2", "expected none: the job was trained on single texts")
        batch, cut = self.case.encode(params.text, params.text2)
        found: dict[str, Any] = {}
        for name, one in self.networks.items():
            if isinstance(self.case.task, Classes):
                shares = one.plain(**batch).softmax(1)[0]
                found[name] = dict(zip(self.case.task.names, shares.tolist(), strict=True))
            else:
                found[name] = self.case.written(one.plain, batch)
        return {"kind": self.case.kind, "cut": cut, "variants": found}

    def _rows(self) -> int:
        """How many test rows all networks read quickly."""
        weights = sum(weight.numel() for one in self.networks.values() for weight in one.weights)
        tokens = float(fixed(self.case, "test", ROWS).lengths.mean())
        return min(ROWS, max(FEWEST, int(QUICK / (weights * tokens))))

    def _asked(self, network: Network) -> dict[str, float | None]:
        if network.asked is None:
            network.asked = self._scores(network)
        return network.asked

    def _changed(self, network: Network, params: ChangeParams) -> dict[str, float | None]:
        if not params.sigma and not params.pruned and params.bits == 32:
            return self._asked(network)
        kept = [weight.clone() for weight in network.weights]
        try:
            for weight in network.weights:
                change(weight, params)
            merged = [Merged(weight) for weight in network.weights]
            noise = Perturbation(merged, seed=SEED, master=True)  # else it is drawn twice
            with noise.applied(params.sigma, params.draw):
                return self._scores(network)
        finally:
            for weight, copy in zip(network.weights, kept, strict=True):
                weight.copy_(copy)

    @torch.no_grad()
    def _scores(self, network: Network) -> dict[str, float | None]:
        """Of a task's scores those that are quick: scikit-learn's take seconds to load."""
        task = self.case.task
        found = [task.losses(network.plain, batch) for batch in self.batches]
        losses, counts = (torch.cat([one[place] for one in found]).numpy() for place in (0, 1))
        answers = Answers(losses, counts, None)
        if not isinstance(task, Classes):
            return task.scores(None, answers)
        right = [
            shares.argmax(1) == batch["labels"]
            for (_, _, shares), batch in zip(found, self.batches, strict=True)
        ]
        return {"accuracy": float(torch.cat(right).float().mean()), "test_loss": answers.loss}


class Network:
    """A merged network and the weights of its adapted layers."""

    def __init__(self, plain: nn.Module, weights: list[Tensor]):
        self.plain, self.weights = plain, weights
        self.asked: dict[str, float | None] | None = None


@torch.no_grad()
def change(weight: Tensor, params: ChangeParams) -> None:
    if params.pruned:
        weight.copy_(pruned(weight, params.pruned))
    if params.bits < 32:
        weight.copy_(rounded(weight, params.bits))
