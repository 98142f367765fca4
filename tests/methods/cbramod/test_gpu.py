"""What a job asks of a GPU, as far as a CPU can show it."""

from __future__ import annotations

import pytest
import torch

from engine.core.errors import UserError
from engine.methods.cbramod.finetune import Classifier, Tuning
from engine.methods.cbramod.goal import settled
from engine.methods.cbramod.model import CBraMod, Shape
from engine.methods.cbramod.pretrain import Pretraining


def windows() -> torch.Tensor:
    return 0.1 * torch.randn(4, 3, 2, 200, generator=torch.Generator().manual_seed(0))


def network() -> CBraMod:
    torch.manual_seed(0)
    return CBraMod(Shape(layers=2, dropout=0.1))


def test_bfloat16_learns_what_float32_does_and_keeps_its_weights():
    losses = {}
    mask = torch.rand(4, 3, 2, generator=torch.Generator().manual_seed(1)) < 0.5
    for precision in ("fp32", "bf16"):
        model = network()
        model.start_fast()
        work = Pretraining(model, lr=1e-3, weight_decay=0.05, steps=10, precision=precision)
        torch.manual_seed(2)
        losses[precision] = [work.step(windows(), mask)[0] for _ in range(10)]
        assert all(value.dtype == torch.float32 for value in model.parameters())
    assert losses["bf16"] != losses["fp32"]
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.05)


def test_bfloat16_tunes_a_head_too():
    y = torch.tensor([0, 1, 0, 1])
    losses = {}
    for precision in ("fp32", "bf16"):
        sizes = {"channels": 3, "patches": 2, "outputs": 1, "dropout": 0.1}
        model = Classifier(network(), "time_pool", **sizes)
        rates = {"lr": 1e-4, "lr_head": 1e-3, "weight_decay": 0.05, "steps": 3}
        work = Tuning(model, settled(2), **rates, precision=precision)
        torch.manual_seed(2)
        losses[precision] = [work.step(windows(), y) for _ in range(3)]
    assert losses["bf16"] != losses["fp32"]
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.1)


def test_compiled_blocks_compute_the_same_and_keep_the_official_keys():
    plain, compiled = network().eval(), network().eval()
    compiled.encoder.compile(backend="aot_eager")
    assert list(compiled.state_dict()) == list(plain.state_dict())
    x = windows().requires_grad_()
    torch.testing.assert_close(compiled(x), plain(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("asked", [{"precision": "bf16"}, {"compiled": True}])
def test_a_job_on_the_cpu_refuses_what_is_for_a_gpu(attempt, asked):
    with pytest.raises(UserError, match="expected a GPU") as fault:
        attempt("job", **asked)
    assert fault.value.where == next(iter(asked))
