"""CBraMod's job: windows out of recordings, then pre-training, or fine-tuning fold by fold.

The network is in model.py, what it learns in pretrain.py and finetune.py, the units of work in
work.py. This file is the order of events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import UserError
from engine.core.standing import Standing, once, standing_of
from engine.methods.cbramod import export, inspector, lines, report, sequences, start
from engine.methods.cbramod.embedding import embed
from engine.methods.cbramod.judgement import Judgement, judge
from engine.methods.cbramod.model import CBraMod
from engine.methods.cbramod.pretrain import error
from engine.methods.cbramod.reconstruction import guessed, judged
from engine.methods.cbramod.split import Part, folds
from engine.methods.cbramod.windows import Windows, cut
from engine.methods.cbramod.work import (
    below,
    born,
    classifier,
    fitted,
    own_weights,
    pretrained,
    probe,
    quiet,
    tuned,
)

if TYPE_CHECKING:
    from engine.core.run import Run


def run(run: Run) -> dict[str, float | None]:
    found, params = run.inputs["recordings"], run.params
    run.phase("read", total=len(found.recordings) or None)
    tested = params.task == "finetune"
    refuse_without_gpu(run)
    rows = start.match(run)  # refused before an hour of recordings is read

    def tick() -> None:
        run.advance()
        run.stop_here()

    windows = cut(found, params, labelled=tested, tick=tick)
    if params.save_windows:
        export.refuse_large(windows)
    parts = folds(windows, params, rng=run.rng("folds"), tested=tested)
    report.describe(run, windows, parts)
    if rows is not None:
        start.tell(run, rows, windows, parts)
    refuse_before_training(run, windows, parts, tested=tested)
    x = torch.from_numpy(windows.scaled).to(run.device)
    standing = standing_of(run)
    if tested:
        return finetune(run, windows, x, parts, standing)
    return pretrain(run, windows, x, parts[0], standing)


def refuse_before_training(run: Run, windows: Windows, parts: list[Part], *, tested: bool) -> None:
    """What a fold would be refused for after others were trained."""
    if not any(np.ptp(windows.x[:, place], axis=1).any() for place in range(windows.x.shape[1])):
        raise UserError("recordings", "every channel of every window is flat; expected a signal")
    learns = not tested or (run.params.start == "pretrained" and run.inputs["weights"] is None)
    for part in parts:
        if tested:
            sequences.of(windows, part, run.params)
        if learns:
            quiet(run, windows, part)


def refuse_without_gpu(run: Run) -> None:
    """What the CPU would do more slowly than without it."""
    asked = {"precision": run.params.precision == "bf16", "compiled": run.params.compiled}
    for name, wanted in asked.items():
        if wanted and run.device == "cpu":
            raise UserError(name, "expected a GPU, and this job runs on the CPU")


def pretrain(
    run: Run, windows: Windows, x: Tensor, part: Part, standing: Standing
) -> dict[str, float | None]:
    train, val = quiet(run, windows, part)
    mask = probe(len(val), x)
    spread = lines.covariance(x[train])
    summary: dict[str, float | None] = {
        "line.zero": lines.zero(x[val], mask),
        "line.channel_mean": lines.channel_mean(x[val], mask),
        "line.gaussian": lines.gaussian(x[val], mask, spread),
    }
    shown = report.Probe(run, windows.channels, x[val], mask)
    found = once(
        run,
        standing,
        "pretrain",
        lambda: pretrained(run, "", x, train, val, mask, shown, standing),
    )
    model = born(run, "pretrain")
    model.load_state_dict(found["model"])
    verify(run, model, x[val], mask)
    errors = judged(guessed(model, x[val], mask), x[val], mask, spread)
    report.reconstruction(run, windows, errors)
    leave(run, windows, x, part, model, network=model.state_dict(), reconstruction=errors)
    return {"masked_mse": error(model, x[val], mask), **summary}


def finetune(
    run: Run,
    windows: Windows,
    x: Tensor,
    parts: list[Part],
    standing: Standing,
) -> dict[str, float | None]:
    params = run.params
    arms = [params.start]
    if params.scratch_beside and params.start != "scratch":
        arms.append("scratch")
    for part in parts:
        for arm in arms:
            name = f"fold.{part.name}.{arm}"
            kept = part is parts[-1] and arm == arms[0]  # of the others only the answers are

            def tune(part: Part = part, arm: str = arm, name: str = name) -> dict[str, Any]:
                weights = None
                if arm == "pretrained":
                    given = start.complete(run, born(run, name))
                    weights = given or own_weights(run, windows, x, part, standing)
                return tuned(run, name, windows, x, part, weights, standing)

            found = once(run, standing, name, tune)
            if not kept:
                found.pop("model", None)
        if part is not parts[-1]:
            standing["finished"].pop(f"fold.{part.name}.pretrain", None)
        for name in params.baselines:
            unit = f"fold.{part.name}.{name}"
            once(run, standing, unit, lambda part=part, name=name, unit=unit: fitted(
                run, name, unit, windows, part
            ))  # fmt: skip
    found = judge(windows, parts, [*arms, *params.baselines], standing["finished"])
    keep(run, windows, x, parts[-1], standing["finished"], found)
    return report.conclude(run, windows, parts, arms, found)


def keep(
    run: Run,
    windows: Windows,
    x: Tensor,
    part: Part,
    finished: dict[str, Any],
    found: Judgement,
) -> None:
    """The last fold's networks, and what they make of the windows."""
    weights = finished[f"fold.{part.name}.{found.models[0]}"]["model"]
    model = classifier(run, born(run, "kept"), windows, x)
    model.load_state_dict(weights)
    own = finished.get(f"fold.{part.name}.pretrain")
    network = own["model"] if own else start.reconstructing(run, born(run, "kept"))
    train, val = below(run, windows, part)
    errors = None
    if network is not None and len(train) and len(val):
        mask = probe(len(val), x)
        before = born(run, "kept")
        before.load_state_dict(network)
        spread = lines.covariance(x[train])
        errors = judged(guessed(before, x[val], mask), x[val], mask, spread)
    leave(
        run,
        windows,
        x,
        part,
        model.backbone,
        network=network,
        classifier=weights,
        reconstruction=errors,
        judgement=found,
    )


def leave(
    run: Run,
    windows: Windows,
    x: Tensor,
    part: Part,
    encoder: CBraMod,
    *,
    network: dict[str, Tensor] | None,
    classifier: dict[str, Tensor] | None = None,
    reconstruction: dict[str, Any] | None,
    judgement: Judgement | None = None,
) -> None:
    """What is there to take away, and what the inspector shows, as inspector.write has it. The
    windows are embedded by `encoder`."""
    report.save_weights(run, classifier or network, windows, part)
    embedding = embed(encoder, x)
    export.write(run, windows, part, embedding)
    inspector.write(
        run,
        windows,
        part,
        embedding,
        network=network,
        classifier=classifier,
        reconstruction=reconstruction,
        judgement=judgement,
    )


@torch.no_grad()
def verify(run: Run, model: CBraMod, x: Tensor, mask: Tensor) -> None:
    model.eval()
    some, some_mask = x[:2], mask[:2]
    other = torch.where(some_mask[..., None], some + 1, some)
    seen = (model(some, some_mask) - model(other, some_mask)).abs().max().item()
    run.verify("what is hidden does not reach the network", 0, seen, 0)
    pairs = zip(some.split(1), some_mask.split(1), strict=True)
    alone = torch.cat([model(window, hid) for window, hid in pairs])
    apart = (model(some, some_mask) - alone).abs().max().item()
    run.verify("a window alone is as in a batch", 0, apart, 5e-5)
