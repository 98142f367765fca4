"""Heads and fine-tuning by closed forms, and batches that go on in the middle."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.methods.cbramod.batches import Batches
from engine.methods.cbramod.finetune import Classifier, Tuning, answers
from engine.methods.cbramod.goal import Classes, Goal, settled
from engine.methods.cbramod.heads import halves, head
from engine.methods.cbramod.model import CBraMod, Shape


def classifier(name: str = "avg_pool", *, outputs: int = 1, frozen: bool = False) -> Classifier:
    torch.manual_seed(0)
    backbone = CBraMod(Shape(layers=1))
    return Classifier(
        backbone, name, channels=3, patches=2, outputs=outputs, dropout=0.1, frozen=frozen
    )


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("avg_pool", 200 * 5 + 5),
        ("time_pool", 600 * 5 + 5),
        ("one_layer", 1200 * 5 + 5),
        ("two_layer", 1200 * 200 + 200 + 200 * 5 + 5),
        ("sleep", 1200 * 512 + 512 + 12 * 512**2 + 13 * 512 + 512 * 5 + 5),
        ("all_patch", 1200 * 400 + 400 + 400 * 200 + 200 + 200 * 5 + 5),
    ],
)
def test_heads_have_the_weights_of_the_paper(name, count):
    made = head(name, channels=3, patches=2, outputs=5, dropout=0.1)
    assert made(torch.zeros(4, 3, 2, 200)).shape == (4, 5)
    assert sum(value.numel() for value in made.parameters()) == count


@pytest.mark.parametrize(("name", "left"), [("two_layer", 0), ("sleep", 2)])
def test_a_heads_halves_make_the_whole(name, left):
    torch.manual_seed(0)
    whole = head(name, channels=3, patches=2, outputs=5, dropout=0.0, sequence=4).eval()
    alone, together = halves(whole)
    assert len(together) == left
    x = torch.randn(8, 3, 2, 200)
    with torch.no_grad():
        each = torch.cat([alone(one) for one in x.split(1)])
        torch.testing.assert_close(together(each), whole(x))
        other = torch.cat([x[:3], torch.randn(1, 3, 2, 200), x[4:]])
        heard = (whole(other) - whole(x)).abs().amax(1) > 0
    assert heard.tolist() == ([False] * 3 + [True] + [False] * 4 if not left else
                              [True] * 4 + [False] * 4)  # fmt: skip


def data(classes: int, n: int = 24) -> tuple[torch.Tensor, torch.Tensor]:
    """Classes differ in amplitude."""
    draws = torch.Generator().manual_seed(1)
    y = torch.arange(n) % classes
    x = 0.1 * torch.randn(n, 3, 2, 200, generator=draws) * (1 + 3 * y[:, None, None, None])
    return x, y


def tuning(model: Classifier, goal: Goal, steps: int = 40) -> Tuning:
    return Tuning(model, goal, lr=1e-3, lr_head=1e-2, weight_decay=0.05, steps=steps)


def alone(n: int) -> np.ndarray:
    """Rows of one window each."""
    return np.arange(n)[:, None]


@pytest.mark.parametrize("classes", [2, 3])
def test_it_learns_amplitudes_and_keeps_its_best_epoch(classes):
    goal = settled(classes)
    model, (x, y) = classifier(outputs=goal.outputs), data(classes)
    work = tuning(model, goal)
    for _ in range(40):
        work.step(x, y)
    found = work.judge(x, alone(24), y.numpy())
    assert found["balanced_accuracy"] > 0.9
    got = answers(work.finish(), goal, x, alone(24))
    assert got.shape == (24, classes)
    np.testing.assert_allclose(got.sum(1), 1)
    best = {name: value.clone() for name, value in work.best["model"].items()}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    work.judge(x, alone(24), y.numpy())
    assert work.best["epoch"] == 1
    assert all(torch.equal(best[name], value) for name, value in work.finish().state_dict().items())


def test_a_frozen_network_does_not_change_nor_drop_anything():
    model, (x, y) = classifier(frozen=True), data(2)
    before = {name: value.clone() for name, value in model.backbone.state_dict().items()}
    work, taken = tuning(model, settled(2)), model.taken(x)
    torch.testing.assert_close(taken, model.backbone.features(x))
    for _ in range(5):
        work.step(taken, y)
    assert not any(module.training for module in model.backbone.modules())
    assert all(
        torch.equal(before[key], value) for key, value in model.backbone.state_dict().items()
    )
    assert len(work.optimizer.param_groups) == 1


def test_the_binary_loss_is_the_weighted_mean_of_cross_entropies():
    goal = Classes(2, torch.tensor([1.0, 3.0]))
    logits, y = torch.tensor([[0.3], [-1.2], [2.0]]), torch.tensor([0, 1, 1])
    p = torch.sigmoid(logits[:, 0])
    each = -torch.log(torch.where(y == 1, p, 1 - p))
    expected = (each * torch.tensor([1.0, 3.0, 3.0])).sum() / 7
    assert goal.loss(logits, y).item() == pytest.approx(expected.item(), rel=1e-6)


def test_batches_show_every_window_once_an_epoch_and_go_on_in_the_middle():
    draws = torch.Generator().manual_seed(0)
    whole = Batches(10, 3, draws)
    assert whole.steps == 3
    epoch = torch.cat([whole.take() for _ in range(3)])
    assert whole.epoch_done
    assert len(epoch.unique()) == 9
    first = whole.take()
    state, stream = whole.state(), draws.get_state()
    rest = [whole.take() for _ in range(5)]
    again = Batches(10, 3, torch.Generator())
    again.restore(state)
    again.draws.set_state(stream)
    assert all(
        torch.equal(a, b) for a, b in zip(rest, (again.take() for _ in range(5)), strict=True)
    )
    assert not set(first.tolist()) & set(rest[0].tolist())
    assert Batches(2, 8, draws).steps == 1
