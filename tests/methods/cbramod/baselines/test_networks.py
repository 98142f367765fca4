"""EEGNet and ShallowConvNet: their layers against PyTorch's one by one, and their training."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from engine.core import checkpoint
from engine.core.errors import UserError
from engine.methods.cbramod import metrics
from engine.methods.cbramod.baselines import train as training
from engine.methods.cbramod.baselines.eegnet import EegNet, FilterBank
from engine.methods.cbramod.baselines.shallow import ShallowConvNet
from engine.methods.cbramod.baselines.train import Training
from tests.methods.cbramod.baselines.sets import alphas, stream

BOTH = pytest.mark.parametrize("build", [EegNet, ShallowConvNet])
SHAPES = pytest.mark.parametrize(
    ("channels", "times", "classes"), [(20, 1000, 2), (1, 800, 4), (64, 801, 9), (3, 200, 2)]
)
SETTINGS = {"rate": 3e-3, "dropout": 0.25}


def weights(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@SHAPES
def test_weights_of_eegnet(channels, times, classes):
    """Temporal, norm, spatial; norm, depthwise, pointwise, norm; the answer and its bias."""
    first = 8 * 100 + 2 * 8 + 16 * channels
    second = 2 * 16 + 16 * 16 + 16 * 16 + 2 * 16
    last = (16 * (times // 32) + 1) * classes
    assert weights(EegNet(channels, times, classes, dropout=0.25)) == first + second + last


@SHAPES
def test_weights_of_shallow(channels, times, classes):
    """Temporal, spatial, norm; the answer and its bias. Pools of 75 every 15 after the filter."""
    pools = (times - 25 + 1 - 75) // 15 + 1
    expected = 40 * 25 + 40 * 40 * channels + 2 * 40 + (40 * pools + 1) * classes
    assert weights(ShallowConvNet(channels, times, classes, dropout=0.5)) == expected


@BOTH
@SHAPES
def test_every_weight_has_a_gradient_and_the_answer_its_shape(build, channels, times, classes):
    torch.manual_seed(0)
    network = build(channels, times, classes, dropout=0.25)
    logits = network(torch.randn(5, channels, times))
    assert logits.shape == (5, classes)
    F.cross_entropy(logits, torch.arange(5) % classes).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(("channels", "times"), [(1, 101), (20, 1000), (3, 100)])
def test_the_filter_bank_is_its_three_layers_one_after_the_other(channels, times):
    """Values, gradients and running statistics, while training and after."""
    torch.manual_seed(1)
    fast = FilterBank(channels)
    plain = copy.deepcopy(fast)
    x = torch.randn(6, channels, times).cumsum(dim=-1) * 0.1 + 0.3  # slow drifts and an offset

    def layers() -> torch.Tensor:
        filtered = plain.temporal(F.pad(x[:, None], (49, 50)))
        return plain.spatial(plain.norm(filtered))[:, :, 0]

    for _ in range(2):
        found, expected = fast(x), layers()
        torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)
        upstream = torch.randn_like(found)
        (found * upstream).sum().backward()
        (expected * upstream).sum().backward()
    for ours, theirs in zip(fast.parameters(), plain.parameters(), strict=True):
        assert (ours.grad - theirs.grad).abs().max() < 1e-5 * theirs.grad.abs().max()
    torch.testing.assert_close(fast.norm.running_var, plain.norm.running_var)
    torch.testing.assert_close(fast.norm.running_mean, plain.norm.running_mean)
    fast.eval()
    plain.eval()
    torch.testing.assert_close(fast(x), layers(), atol=2e-5, rtol=1e-4)


def test_the_two_convolutions_of_shallow_are_computed_as_one():
    torch.manual_seed(2)
    network = ShallowConvNet(5, 200, 2, dropout=0.5)
    x = torch.randn(3, 5, 200)
    expected = network.spatial(network.temporal(x[:, None]))[:, :, 0]
    torch.testing.assert_close(network.convolved(x), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("build", "least"), [(EegNet, 100), (ShallowConvNet, 99)])
def test_windows_too_short_for_the_filters_are_refused(build, least):
    build(2, least, 2, dropout=0.5)
    with pytest.raises(UserError, match=f"needs windows of {least} samples, not {least - 1}"):
        build(2, least - 1, 2, dropout=0.5)


def norms(weight: torch.Tensor) -> torch.Tensor:
    return weight.detach().flatten(1).norm(dim=1)


@BOTH
def test_weights_stay_within_their_norms_after_every_step(build):
    some = alphas(0, 128, times=200)
    fast = {"rate": 0.1, "dropout": 0.25}  # each step would leave them far behind
    going = Training(build, some, None, fast, generator=stream())
    network = going.network
    limits = {
        EegNet: lambda: [(network.first.spatial, 1.0), (network.answer, 0.25)],
        ShallowConvNet: lambda: [
            (network.temporal, 2.0),
            (network.spatial, 2.0),
            (network.answer, 0.5),
        ],
    }[build]()
    touched = []

    def look() -> None:
        for layer, most in limits:
            found = norms(layer.weight)
            assert (found <= most + 1e-5).all()
            touched.append((found > most - 1e-3).any())

    for _ in range(3):
        going.epoch(look)
    assert len(touched) == 3 * 2 * len(limits)
    assert any(touched)


@BOTH
def test_two_amplitudes_of_an_alpha_rhythm_are_learnt(build, monkeypatch):
    monkeypatch.setattr(training, "EPOCHS", 20)
    train, val, test = alphas(0, 240, times=200), alphas(1, 80, times=200), alphas(2, times=200)
    trained = training.fit(build, train, val, generator=stream(), grid=[SETTINGS])
    found = metrics.binary(test.y, trained.answers(test.x))
    assert found["balanced_accuracy"] > 0.95


@BOTH
def test_shuffled_labels_are_not(build, monkeypatch):
    """Over 300 test windows chance is 0.5 ± 0.03."""
    monkeypatch.setattr(training, "EPOCHS", 8)
    train, val = (alphas(seed, 120, times=200, shuffled=True) for seed in (0, 1))
    test = alphas(2, 300, times=200, shuffled=True)
    trained = training.fit(build, train, val, generator=stream(), grid=[SETTINGS])
    found = metrics.binary(test.y, trained.answers(test.x))
    assert found["balanced_accuracy"] == pytest.approx(0.5, abs=0.1)


def told_by(build, seed: int, epochs: int = 3) -> tuple[list[dict[str, float]], np.ndarray]:
    some = alphas(0, 96, times=200)
    going = Training(build, some, some, SETTINGS, generator=stream(seed))
    numbers = [going.epoch() for _ in range(epochs)]
    return numbers, going.trained().answers(some.x)


@BOTH
def test_the_seed_decides_bit_for_bit_and_nothing_else_does(build):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, same, other = told_by(build, 0), told_by(build, 0), told_by(build, 1)
    assert one[0] == same[0] != other[0]
    assert np.array_equal(one[1], same[1])
    assert torch.equal(torch.random.get_rng_state(), before)


@BOTH
def test_a_training_resumed_from_a_checkpoint_equals_an_undisturbed_one(build, tmp_path: Path):
    expected, probabilities = told_by(build, 0, epochs=5)
    some = alphas(0, 96, times=200)
    generator = stream()
    broken = Training(build, some, some, SETTINGS, generator=generator)
    numbers = [broken.epoch() for _ in range(3)]
    state = {"training": broken.state(), "stream": generator.get_state()}
    checkpoint.save(tmp_path / "1.safetensors", state)

    generator = stream(7)
    resumed = Training(build, some, some, SETTINGS, generator=generator)
    state = checkpoint.load(tmp_path / "1.safetensors")
    resumed.restore(state["training"])
    generator.set_state(state["stream"])
    numbers += [resumed.epoch() for _ in range(2)]
    assert numbers == expected
    assert np.array_equal(resumed.trained().answers(some.x), probabilities)


def test_the_best_epoch_on_validation_is_kept_and_patience_ends_it(monkeypatch):
    monkeypatch.setattr(training, "PATIENCE", 3)
    heard = []
    some, val = alphas(0, 96, times=200), alphas(1, 40, times=200, shuffled=True)
    trained = training.fit(
        EegNet,
        some,
        val,
        generator=stream(),
        grid=[SETTINGS],
        told=lambda settings, epoch, numbers: heard.append(numbers),
    )
    verdicts = [(one["val_balanced_accuracy"], -one["val_loss"]) for one in heard]
    best = verdicts.index(max(verdicts))
    assert len(heard) == best + 1 + 3
    found = metrics.answered(trained.answers(val.x))
    assert metrics.balanced_accuracy(val.y, found) == heard[best]["val_balanced_accuracy"]


def test_validation_chooses_of_the_grid_and_every_epoch_is_told(monkeypatch):
    monkeypatch.setattr(training, "EPOCHS", 4)
    grid = [{"rate": 1e-6, "dropout": 0.25}, {"rate": 1e-2, "dropout": 0.25}]
    heard = []
    trained = training.fit(
        ShallowConvNet,
        alphas(0, 128, times=200),
        alphas(1, 60, times=200),
        generator=stream(),
        grid=grid,
        told=lambda settings, epoch, numbers: heard.append((settings["rate"], epoch)),
    )
    assert trained.settings == grid[1]
    assert heard == [(rate, epoch) for rate in (1e-6, 1e-2) for epoch in (1, 2, 3, 4)]


def test_a_callback_that_raises_ends_the_training():
    def cancel() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.fit(EegNet, alphas(0, 70, times=200), None, generator=stream(), tick=cancel)


def test_the_scale_of_the_input_is_that_of_training():
    """In volt or in microvolt: the network sees the same."""
    some = alphas(0, 96, times=200)
    large = copy.deepcopy(some)
    large.x[:] *= 1024  # a power of two: exact
    found = []
    for given in (some, large):
        going = Training(EegNet, given, None, SETTINGS, generator=stream())
        going.epoch()
        found.append(going.trained().answers(given.x))
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)
