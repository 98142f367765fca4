"""How flat the minimum is that a variant found: measured alike for all of them.

Everything is asked of the merged network, on the same fixed rows and with the same draws, so that
what differs between variants is where they stand and nothing else. LoRA's own space (A, B) is cut
beside the full one: what is flat there may be sharp here, which is the paper's point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from engine.core.seed import numpy_stream
from engine.core.standing import Standing, once
from engine.methods.flat_lora import hessian, landscape
from engine.methods.flat_lora.budget import budget
from engine.methods.flat_lora.perturbation import Perturbation
from engine.methods.flat_lora.pristine import Copies
from engine.methods.flat_lora.sharpness import (
    SEED,
    Merged,
    Sharpness,
    e_sharpness,
    sharpness_under,
)
from engine.methods.flat_lora.spectra import spectrum
from engine.methods.flat_lora.tasks import Examples, Probe, answered

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.flat_lora.case import Case
    from engine.methods.flat_lora.training import Training
    from engine.methods.flat_lora.tuning import Tuned

FIXED = 0  # rows that are looked at, and directions, are the same for every seed of a group
LIVE_ROWS, LIVE_DRAWS = 32, 4
DIRECTIONS = 5  # of a line, for its band
TRACES = 8  # draws of the trace
MET = 0.25  # residual over eigenvalue, above which it wasn't found
CURVED = 16  # rows at most that curvature is measured on: their whole graph is held
CHECKED = 3  # points of a plane that are worked out again


def fixed(case: Case, part: str, rows: int) -> Examples:
    return case.parts[part].some(rows, numpy_stream(FIXED, f"flat_lora/probe/{part}"))


class Watch:
    """Looks at a variant while it trains. `copies` are those of its frozen weights."""

    def __init__(self, run: Run, case: Case, work: Tuned, copies: Copies | None):
        self.run, self.case, self.work = run, case, work
        self.probe = Probe(case.task, fixed(case, "train", LIVE_ROWS))
        self.noise = None
        if work.layers and work.variant.adapter != "dora":  # DoRA divides by the noisy row's length
            apart = torch.float32 if copies is None else None  # looks alone take the memory
            self.noise = Perturbation(work.layers, seed=SEED, copies=copies, cast=apart)

    def look(self, training: Training) -> dict[str, float | None]:
        """Clean loss, and sharpness at each σ, on a few training rows."""
        told: dict[str, float | None] = {}
        plain = self.work.plain() if self.noise is None else None
        for sigma in self.run.params.sigmas:
            found = self._sharpness(plain, sigma, range(LIVE_DRAWS))
            told |= {"clean_loss": found.clean, f"sharpness.{percent(sigma)}": found.mean}
        if training.perturbation is not None:
            told["drift"] = training.perturbation.drift()
        return told

    def _sharpness(
        self, plain: torch.nn.Module | None, sigma: float, draws: Sequence[int]
    ) -> Sharpness:
        if plain is not None:
            weights = self.work.weights(plain)
            return e_sharpness(weights, lambda: self.probe.loss(plain), sigma, draws)
        return sharpness_under(self.noise, lambda: self.probe.loss(self.work.model), sigma, draws)

    def validate(self) -> dict[str, float | None]:
        task, dev = self.case.task, self.case.parts["dev"]
        answers = answered(task, self.work.model, dev, self.run.stop_here)
        return {f"dev_{key}": value for key, value in task.scores(dev.labels, answers).items()}


def measure(run: Run, case: Case, work: Tuned, standing: Standing) -> dict[str, Any]:
    """All that is asked for: E-sharpness, curvature, landscapes, spectra and the noise's budget,
    with their numbers for the summary."""
    name, params = work.variant.name, run.params
    plain = work.plain()
    plain.requires_grad_(False)
    weights = work.weights(plain)

    def unit(key: str, made: Callable[[], Any]) -> Any:
        return once(run, standing, f"{name}.{key}", made)

    found: dict[str, Any] = {"sharpness": {}, "hessian": None, "landscapes": {}}
    for part in ("train", "test"):
        probe = Probe(case.task, fixed(case, part, params.probe))
        for sigma in params.sigmas:
            key = f"sharpness.{part}.{percent(sigma)}"
            run.phase(f"{name}: E-sharpness of {part} at σ = {sigma:g}", total=params.draws + 1)
            found["sharpness"][f"{part}.{percent(sigma)}"] = unit(
                key, lambda probe=probe, sigma=sigma: _sharpness(run, probe, plain, weights, sigma)
            )
    if params.hessian:
        found["hessian"] = unit("hessian", lambda: _curvature(run, case, work, plain, weights))
    probe = Probe(case.task, fixed(case, "train", params.probe))
    for kind in params.landscape:
        found["landscapes"][kind] = {
            "full": _cut(run, standing, f"{name}.{kind}.full", kind, weights, probe, plain)
        }
        if work.layers:
            factors = [tensor for layer in work.layers for tensor in (layer.a, layer.b)]
            found["landscapes"][kind]["lora"] = _cut(
                run, standing, f"{name}.{kind}.lora", kind, factors, probe, work.model
            )
    found["spectra"] = [
        {"name": one.name, "values": list(one.values), "relative": one.relative}
        for one in map(spectrum, work.layers)
    ]
    found["budget"] = (
        unit("budget", lambda: _budget(run, case, work, weights)) if work.layers else []
    )
    found["summary"] = _summary(params.sigmas[-1], found)
    return found


def percent(sigma: float) -> str:
    """σ as a part of a key: at30 is 0.3."""
    return "at" + f"{100 * sigma:g}".replace(".", "_")


def _summary(last: float, found: dict[str, Any]) -> dict[str, float | None]:
    """The headline is of test rows at the last σ."""
    summary: dict[str, float | None] = {}
    for key, one in found["sharpness"].items():
        summary[f"e_sharpness.{key}"] = one["mean"]
    headline = found["sharpness"][f"test.{percent(last)}"]
    summary |= {"e_sharpness": headline["mean"], "e_sharpness_error": headline["error"]}
    if found["hessian"]:
        summary |= {
            "top_eigenvalue": found["hessian"]["top"],
            "top_eigenvalue_residual": found["hessian"]["residual"],
            "trace": found["hessian"]["trace"],
            "trace_error": found["hessian"]["trace_error"],
        }
    return summary


def _sharpness(
    run: Run, probe: Probe, plain: torch.nn.Module, weights: list[Tensor], sigma: float
) -> dict[str, Any]:
    def loss() -> float:
        run.stop_here()
        value = probe.loss(plain)
        run.advance()
        return value

    found = e_sharpness(weights, loss, sigma, range(run.params.draws))
    return {
        "sigma": sigma,
        "clean": found.clean,
        "mean": found.mean,
        "error": found.se,
        "values": found.values,
    }


def _curvature(
    run: Run, case: Case, work: Tuned, plain: torch.nn.Module, weights: list[Tensor]
) -> dict[str, Any]:
    """Over the merged weights of the adapted layers, of the mean loss of a few training rows."""
    examples = fixed(case, "train", min(CURVED, run.params.probe))
    (batch,) = (batch for _, batch in examples.batches(CURVED))
    run.phase(f"{work.variant.name}: curvature", total=hessian.ITERATIONS + TRACES)
    with hessian.products(lambda: case.task.objective(plain, batch), weights) as product:

        def counted(vector: Sequence[Tensor]) -> list[Tensor]:
            run.stop_here()
            run.advance()
            return product(vector)

        top = hessian.top_eigenvalue(counted, weights, seed=FIXED)
        trace = hessian.trace(counted, weights, seed=FIXED, probes=TRACES)
    if not top.residual <= MET * abs(top.value):  # nan is not met either
        run.message(
            f"{work.variant.name}: the top eigenvalue was not met in {len(top.history)} steps of "
            f"Lanczos iteration: {top.value:.4g}, residual {top.residual:.4g}; a larger one, of "
            "either sign, may be there", "warning",
        )  # fmt: skip
    return {
        "rows": len(examples),
        "top": top.value,
        "history": list(top.history),
        "residual": top.residual,
        "trace": trace.mean,
        "trace_error": trace.se,
    }


def _cut(
    run: Run,
    standing: Standing,
    name: str,
    kind: str,
    weights: list[Tensor],
    probe: Probe,
    model: torch.nn.Module,
) -> dict[str, Any]:
    """A line or a plane, point by point: a resumed job goes on with the next one."""
    places = np.linspace(-run.params.reach, run.params.reach, run.params.grid)

    def loss() -> float:
        return probe.loss(model)

    def points(start: int) -> Iterator[float]:
        if kind == "line":
            return landscape.line_points(weights, loss, places, range(DIRECTIONS), start=start)
        return landscape.plane_points(weights, loss, places, places, seed=FIXED, start=start)

    def made() -> dict[str, Any]:
        total = len(places) * (DIRECTIONS if kind == "line" else len(places))
        known = list(standing["unit"]["points"]) if standing["unit"] else []
        run.phase(name.replace(".", ": ", 1).replace(".", " of "), total=total, done=len(known))
        for value in points(len(known)):
            known.append(value)
            run.advance()
            if run.checkpoint_due():
                standing["unit"] = {"points": known}
                run.checkpoint(standing, step=standing["step"])
        grid = np.reshape(known, (-1, len(places)))
        again = None
        if kind == "plane":
            again = landscape.recheck(
                grid, weights, loss, places, places, seed=FIXED, points=CHECKED
            )
            run.verify(f"{name}: points of the plane worked out again", 0, again, 1e-5)
        return {"at": places, "loss": grid, "rechecked": again}

    return once(run, standing, name, made)


def _budget(run: Run, case: Case, work: Tuned, weights: Sequence[Tensor]) -> list[dict[str, Any]]:
    """Of each merged weight under a noise of the last σ, as E-sharpness lays it on, with the inputs
    that a few rows bring to it."""
    probe = fixed(case, "train", 16)
    inputs: dict[int, Tensor] = {}

    def keep(index: int) -> Callable[[Any, tuple[Tensor, ...]], None]:
        def hook(_: Any, given: tuple[Tensor, ...]) -> None:
            inputs[index] = given[0].detach().flatten(0, -2)

        return hook

    hooks = [
        layer.layer.register_forward_pre_hook(keep(index))
        for index, layer in enumerate(work.layers)
    ]
    try:
        answered(case.task, work.model, probe)
    finally:
        for hook in hooks:
            hook.remove()
    merged = [Merged(weight, one.name) for weight, one in zip(weights, work.layers, strict=True)]
    perturbation = Perturbation(merged, seed=SEED)
    sigma = run.params.sigmas[-1]
    rows = []
    for index in range(len(work.layers)):
        one = budget(perturbation, index, sigma, 0, inputs[index].float())
        rows.append({
            "name": one.name, "weight": one.weight, "noise": one.noise, "expected": one.expected,
            "counts": one.counts.tolist(), "edges": one.edges.tolist(), "inflation": one.inflation,
        })  # fmt: skip
    return rows
