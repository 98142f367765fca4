"""The units of work that a job is cut into: a pre-training, a fine-tuning, a baseline.

Each has random numbers of its own, so that what one gives does not depend on which came before,
and goes on in its middle after a resume.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import UserError
from engine.core.seed import torch_stream
from engine.core.standing import Standing, once
from engine.methods.cbramod import baselines, report, sequences, start
from engine.methods.cbramod.baselines import Labelled
from engine.methods.cbramod.batches import Batches
from engine.methods.cbramod.finetune import SMOOTHING, Classifier, Tuning, answers
from engine.methods.cbramod.goal import learnt, settled
from engine.methods.cbramod.model import CBraMod
from engine.methods.cbramod.pretrain import Pretraining, error, hidden
from engine.methods.cbramod.split import Part, units
from engine.methods.cbramod.windows import RATE, Windows

if TYPE_CHECKING:
    from engine.core.run import Run

LOOKS = 4  # at validation in an epoch of pre-training
SHOWN = 5  # names of subjects in a message


def own_weights(
    run: Run, windows: Windows, x: Tensor, part: Part, standing: Standing
) -> dict[str, Tensor]:
    """Weights that never saw a test subject of this fold."""
    train, val = quiet(run, windows, part)
    mask = probe(len(val), x)
    name = f"fold.{part.name}.pretrain"
    shown = report.Probe(run, windows.channels, x[val], mask)
    found = once(
        run,
        standing,
        name,
        lambda: pretrained(run, f"{name}.", x, train, val, mask, shown, standing),
    )
    return found["model"]


def pretrained(
    run: Run,
    prefix: str,
    x: Tensor,
    train: np.ndarray,
    val: np.ndarray,
    mask: Tensor,
    shown: report.Probe,
    standing: Standing,
) -> dict[str, Any]:
    """The weights of least masked error on validation."""
    params, unit = run.params, f"{prefix}pretrain"
    batches = Batches(len(train), params.pretrain_batch, run.torch_rng(f"{unit}.order"))
    steps = params.pretrain_epochs * batches.steps
    model = born(run, unit)
    if not start.fill(run, model) and params.fast_start:
        model.start_fast()
    work = Pretraining(
        model.to(run.device),
        lr=params.pretrain_lr,
        weight_decay=params.weight_decay,
        steps=steps,
        warmup=min(params.warmup, steps // 2),
        precision=params.precision,
    )
    best: dict[str, Any] = {"masked_mse": None, "model": None}
    if standing["unit"] is None:
        seed(run, unit)
    else:
        work.restore(standing["unit"]["work"])
        batches.restore(standing["unit"]["batches"])
        best = standing["unit"]["best"]
    where = prefix.removesuffix("pretrain.")
    run.phase(f"{where}pre-train", total=steps, done=work.done)
    look = max(1, batches.steps // LOOKS)
    draws = run.torch_rng(f"{unit}.masks")
    while work.done < steps:
        some = x[torch.from_numpy(train)[batches.take()]]
        rate = work.rate
        windows, channels, patches, _ = some.shape
        mask_now = hidden(windows, channels, patches, draws).to(run.device)
        loss, norm = work.step(some, mask_now)
        told = {"loss": loss, "lr": rate, "gradient_norm": norm}
        if work.done % look == 0 or work.done == steps:
            told["masked_mse"] = error(model, x[val], mask)
            if best["masked_mse"] is None or told["masked_mse"] < best["masked_mse"]:
                weights = {name: value.clone() for name, value in model.state_dict().items()}
                best = {"masked_mse": told["masked_mse"], "model": weights}
            shown.look(model, standing["step"])
        run.log(standing["step"], **{f"{prefix}{key}": value for key, value in told.items()})
        standing["step"] += 1
        run.advance()
        if run.checkpoint_due():
            standing["unit"] = {"work": work.state(), "batches": batches.state(), "best": best}
            run.checkpoint(standing, step=standing["step"])
    model.load_state_dict(best["model"])
    shown.draw(model, standing["step"])
    return best


def tuned(
    run: Run,
    name: str,
    windows: Windows,
    x: Tensor,
    part: Part,
    weights: dict[str, Tensor] | None,
    standing: Standing,
) -> dict[str, Any]:
    """Answers to the fold's test windows by the best epoch, and that epoch's validation."""
    params = run.params
    backbone = born(run, name)
    if weights is not None:
        backbone.load_state_dict(weights)
    with torch.random.fork_rng():
        seed(run, f"{name}.head")
        model = classifier(run, backbone, windows, x)
    train, val, test = sequences.of(windows, part, params)
    order, y = torch.from_numpy(train), torch.from_numpy(windows.y)
    at_once = max(1, params.batch // train.shape[1])
    batches = Batches(len(train), at_once, run.torch_rng(f"{name}.order"))
    steps = params.epochs * batches.steps
    classes = len(windows.classes)
    goal = learnt(windows.y[part.train], classes, balanced=params.balanced, smoothing=SMOOTHING)
    work = Tuning(
        model,
        goal,
        lr=params.lr,
        lr_head=params.lr_head,
        weight_decay=params.weight_decay,
        steps=steps,
        precision=params.precision,
    )
    if standing["unit"] is None:
        seed(run, name)
    else:
        work.restore(standing["unit"]["work"])
        batches.restore(standing["unit"]["batches"])
    taken = model.taken(x)
    run.phase(f"{name}: fine-tune", total=steps, done=work.done)
    while work.done < steps:
        some = order[batches.take()].flatten()
        told: dict[str, float | None] = {"loss": work.step(taken[some], y[some].to(run.device))}
        if batches.epoch_done:
            found = work.judge(taken, val, windows.y[part.val])
            told |= {f"val_{key}": value for key, value in found.items()}
        told = {f"{name}.{key}": value for key, value in told.items() if value is not None}
        run.log(standing["step"], **told)
        standing["step"] += 1
        run.advance()
        if run.checkpoint_due():
            standing["unit"] = {"work": work.state(), "batches": batches.state()}
            run.checkpoint(standing, step=standing["step"])
    model, goal = work.finish(), settled(classes)
    return {
        "epoch": work.best["epoch"] if work.best else params.epochs,
        "val": goal.scores(windows.y[part.val], answers(model, goal, taken, val)),
        "test": answers(model, goal, taken, test),
        "model": {key: value.clone() for key, value in model.state_dict().items()},
    }


def classifier(run: Run, backbone: CBraMod, windows: Windows, x: Tensor) -> Classifier:
    params = run.params
    return Classifier(
        backbone,
        params.head,
        channels=x.shape[1],
        patches=x.shape[2],
        outputs=settled(len(windows.classes)).outputs,
        dropout=start.shape(run).dropout,
        frozen=params.frozen,
        sequence=sequences.length(params),
    ).to(run.device)


def fitted(run: Run, name: str, unit: str, windows: Windows, part: Part) -> dict[str, Any]:
    """A baseline on the same fold. Not checkpointed inside: the longest takes minutes."""
    run.phase(f"{unit}: fit")
    val = labelled(windows, part.val)
    made = baselines.fit(
        name,
        labelled(windows, part.train),
        val,
        generator=torch_stream(run.seed, unit),
        device=run.device,
        tick=run.stop_here,
    )
    return {
        "val": val.goal.scores(val.y, made.answers(val.x)),
        "test": made.answers(windows.levelled(part.test)),
    }


def labelled(windows: Windows, places: np.ndarray) -> Labelled:
    return Labelled(windows.levelled(places), windows.y[places], float(RATE), len(windows.classes))


def below(run: Run, windows: Windows, part: Part) -> tuple[np.ndarray, np.ndarray]:
    """Training and validation windows of pre-training, without those that are rejected."""
    kept = np.ones(len(windows), bool)
    if run.params.reject:
        kept = ~windows.loud(run.params.reject)
    return part.train[kept[part.train]], part.val[kept[part.val]]


def quiet(run: Run, windows: Windows, part: Part) -> tuple[np.ndarray, np.ndarray]:
    """Those of `below`, of which there must be some."""
    train, val = below(run, windows, part)
    for name, places in (("train", train), ("validate", val)):
        if not len(places):
            side = part.train if name == "train" else part.val
            least = np.abs(windows.x[side]).max(axis=(1, 2)).min()
            names = np.unique(units(windows, run.params)[side]).tolist()
            whose = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
            raise UserError(
                "reject", f"fold {part.name}: no window of {whose} is left to {name} on below "
                f"{run.params.reject:g} µV, and the quietest reaches {least:.3g} µV; expected "
                "more, 0 for no limit, or a high-pass against drift"
            )  # fmt: skip
    return train, val


def probe(windows: int, x: Tensor) -> Tensor:
    """The mask by which validation is judged: the same in every job of as many windows. This seed
    hides something of the smallest sets too (tested)."""
    draws = torch.Generator().manual_seed(0)
    return hidden(windows, x.shape[1], x.shape[2], draws).to(x.device)


def born(run: Run, name: str) -> CBraMod:
    """A network with initial weights that depend on the seed and the unit alone."""
    with torch.random.fork_rng():
        seed(run, f"{name}.weights")
        model = CBraMod(start.shape(run)).to(run.device)
    if run.params.compiled:
        model.encoder.compile()
    return model


def seed(run: Run, name: str) -> None:
    """The global generators, from which dropout draws."""
    torch.manual_seed(torch_stream(run.seed, name).initial_seed())
