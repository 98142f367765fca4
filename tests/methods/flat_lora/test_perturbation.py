"""Flat-LoRA's noise: its law, its schedule, its way back, its gradient, its numbers."""

from __future__ import annotations

import math

import pytest
import torch

from engine.methods.flat_lora.perturbation import Perturbation, row_norms, sigma
from engine.methods.flat_lora.pristine import kept
from tests.methods.flat_lora.layers import layer

SIGMA = 0.3


def noise_of(perturbation: Perturbation, step: int, sigma: float = SIGMA) -> list[torch.Tensor]:
    before = [one.weight.clone() for one in perturbation.layers]
    with perturbation.applied(sigma, step):
        pairs = zip(perturbation.layers, before, strict=True)
        return [one.weight - weight for one, weight in pairs]


def test_the_norm_of_a_merged_row_needs_no_merged_weight():
    one = layer(64, 100)
    torch.testing.assert_close(row_norms(one), one.merged().norm(dim=1))
    one.b.zero_()
    torch.testing.assert_close(row_norms(one), one.weight.norm(dim=1))


def test_the_norm_of_a_row_that_its_adapter_cancels_is_no_nan():
    one = layer(8, 16, rank=8)
    one.weight.copy_(-one.scaling * one.b @ one.a)
    assert row_norms(one).max() < 1e-2


def test_the_noise_has_the_papers_law():
    """Over 2,000 draws of 64×100: every row's deviation is σ‖W'_i‖/√n, its norm σ‖W'_i‖."""
    one = layer(64, 100)
    merged = one.merged().norm(dim=1)
    perturbation = Perturbation([one], seed=1, master=True)
    noise = torch.stack([noise_of(perturbation, step)[0] for step in range(2000)])
    expected = SIGMA * merged / math.sqrt(100)
    assert (noise.std(dim=(0, 2)) / expected - 1).abs().max() < 0.02
    assert (noise.mean(dim=(0, 2)) / expected).abs().max() < 5 / math.sqrt(200_000)
    ratio = noise.square().sum(2).mean(0) / merged**2
    assert (ratio / SIGMA**2 - 1).abs().max() < 0.02


def test_entries_are_normal_to_the_tails():
    one = layer(384, 384)
    perturbation = Perturbation([one], seed=2, master=True)
    scale = SIGMA * row_norms(one) / math.sqrt(384)
    numbers = torch.cat([(noise_of(perturbation, k)[0] / scale[:, None]).flatten() for k in (0, 1)])
    for limit in (0.5, 1, 2, 3, 4):
        share = math.erfc(limit / math.sqrt(2))
        deviation = math.sqrt(share * (1 - share) / len(numbers))
        assert abs(float((numbers.abs() > limit).double().mean()) - share) < 4 * deviation


def test_entries_do_not_go_together():
    """Neither across rows and columns of a layer, nor across layers, nor across steps."""
    layers = [layer(48, 96, seed=seed) for seed in (0, 1)]
    perturbation = Perturbation(layers, seed=3, master=True)
    draws = [torch.cat(noise_of(perturbation, step)) for step in range(400)]
    noise = torch.stack(draws) / torch.stack(draws).std(dim=(0, 2), keepdim=True)
    rows = noise.transpose(1, 2).reshape(-1, 96)  # a sample per step and column
    columns = noise.reshape(-1, 96)
    for sample in (rows, columns):
        correlation = torch.corrcoef(sample.T) - torch.eye(96)
        assert correlation.abs().max() < 5.5 / math.sqrt(len(sample))
    across_steps = (noise[1:] * noise[:-1]).mean()
    assert abs(float(across_steps)) < 4 / math.sqrt(noise[1:].numel())


@pytest.mark.parametrize("n", [16, 384, 1536])
def test_the_variance_of_outputs_grows_by_one_plus_sigma_squared(n):
    """On N(0, 1) inputs and whatever the width: that is what the 1/√n is for."""
    one = layer(256, n)
    inputs = torch.randn(256, n, generator=torch.Generator().manual_seed(5))
    perturbation = Perturbation([one], seed=4, master=True)
    merged = one.merged()
    clean = merged.square().sum(1)
    noisy = torch.stack(
        [
            ((merged + noise_of(perturbation, k, 0.5)[0]) @ inputs.T).square().mean(1)
            for k in range(60)
        ]
    )
    exact = (merged @ inputs.T).square().mean(1) / clean  # these inputs, not all
    inflation = (noisy.mean(0) / clean - exact).mean() + 1
    assert inflation == pytest.approx(1 + 0.5**2, rel=0.02)


def test_the_schedule_rises_along_a_cosine():
    assert sigma(0.05, 0, 100) == 0
    assert sigma(0.05, 50, 100) == pytest.approx(0.025)
    assert sigma(0.05, 100, 100) == pytest.approx(0.05)
    rising = [sigma(0.05, t, 100) for t in range(101)]
    assert rising == sorted(rising)


@pytest.mark.parametrize(("t", "total"), [(-1, 10), (11, 10), (0, 0)])
def test_the_schedule_knows_no_time_outside_the_training(t, total):
    with pytest.raises(ValueError, match="micro-batches"):
        sigma(0.05, t, total)


def test_one_noise_lies_on_the_weight_through_all_of_a_step():
    one = layer(16, 24)
    perturbation = Perturbation([one], seed=5)
    with perturbation.applied(SIGMA, 7):
        first = one.weight.clone()
        one.b.add_(1)  # an optimiser that ran too early: the noise goes off as it came
        assert torch.equal(one.weight, first)
    torch.testing.assert_close(one.weight, layer(16, 24).weight, rtol=0, atol=1e-6)


def test_without_sigma_nothing_happens():
    one = layer(16, 24)
    perturbation = Perturbation([one], seed=6)
    with perturbation.applied(0.0, 0):
        assert not perturbation.on
        assert torch.equal(one.weight, layer(16, 24).weight)


def test_after_500_steps_the_weight_is_where_it_was():
    one, start = layer(48, 64), layer(48, 64).weight
    perturbation = Perturbation([one], seed=7)
    for step in range(500):
        with perturbation.applied(SIGMA, step):
            assert perturbation.on
    assert not perturbation.on
    assert (one.weight - start).abs().max() <= 5e-6 * start.abs().max()
    assert perturbation.drift() <= 1e-5


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("where", ["memory", "file"])
def test_a_copy_gives_the_weight_back_bit_by_bit(dtype, where, tmp_path):
    layers = [layer(48, 64, seed=seed, dtype=dtype) for seed in range(3)]
    copies = kept([one.weight for one in layers], tmp_path) if where == "file" else None
    perturbation = Perturbation(layers, seed=8, master=copies is None, copies=copies)
    for step in range(50):
        with perturbation.applied(SIGMA, step):
            assert not torch.equal(layers[0].weight, layer(48, 64, dtype=dtype).weight)
    for seed, one in enumerate(layers):
        assert torch.equal(one.weight, layer(48, 64, seed=seed, dtype=dtype).weight)
    assert perturbation.drift() == 0
    assert not list(tmp_path.iterdir())  # the file has no name, so nothing of it is left


def test_a_file_gives_a_turned_weight_back(tmp_path):
    """As GPT-2's, which lies as inputs × outputs: a view of it is outputs × inputs."""
    one = layer(12, 20)
    one.weight = one.weight.T.contiguous().T
    perturbation = Perturbation([one], seed=9, copies=kept([one.weight], tmp_path))
    with perturbation.applied(SIGMA, 1):
        pass
    assert torch.equal(one.weight, layer(12, 20).weight)


def test_weights_elsewhere_than_in_main_memory_have_no_file(tmp_path):
    assert kept([torch.empty(3, 4), torch.empty(3, 4, device="meta")], tmp_path) is None


def test_low_precision_sees_the_rounded_sum():
    one = layer(32, 40, dtype=torch.bfloat16)
    wide = layer(32, 40, dtype=torch.bfloat16)
    wide.weight = wide.weight.float()
    perturbed = Perturbation([one], seed=10).applied(SIGMA, 3)
    exact = Perturbation([wide], seed=10).applied(SIGMA, 3)
    with perturbed, exact:
        torch.testing.assert_close(one.weight, wide.weight.bfloat16(), rtol=2**-7, atol=0)
        assert (one.weight == wide.weight.bfloat16()).float().mean() > 0.999


@pytest.mark.parametrize("place", [{}, {"master": True}, {"workers": 2}])
def test_an_exception_takes_the_noise_along(place):
    layers = [layer(48, 64, seed=seed) for seed in range(3)]
    perturbation = Perturbation(layers, seed=11, **place)
    with pytest.raises(KeyboardInterrupt), perturbation.applied(SIGMA, 2):
        raise KeyboardInterrupt
    assert not perturbation.on
    for seed, one in enumerate(layers):
        torch.testing.assert_close(one.weight, layer(48, 64, seed=seed).weight, rtol=0, atol=1e-6)


@pytest.mark.parametrize("workers", [1, 2])
def test_noise_that_came_half_way_goes_as_far_back(workers, monkeypatch):
    layers = [layer(400, 384, seed=seed) for seed in range(3)]
    perturbation = Perturbation(layers, seed=12, workers=workers)
    whole, failed = Perturbation._noise, []

    def broken(self, index, step):
        for place, chunk in enumerate(whole(self, index, step)):
            if (index, place) == (1, 2) and not failed:
                failed.append(perturbation._rows[1])
                raise MemoryError
            yield chunk

    monkeypatch.setattr(Perturbation, "_noise", broken)
    with pytest.raises(MemoryError), perturbation.applied(SIGMA, 2):
        pytest.fail("the step ran under half a noise")
    assert failed == [128]
    assert not perturbation.on
    for seed, one in enumerate(layers):
        torch.testing.assert_close(one.weight, layer(400, 384, seed=seed).weight, rtol=0, atol=1e-6)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_layer_that_does_not_go_back_holds_no_other_up(workers, monkeypatch):
    layers = [layer(48, 64, seed=seed) for seed in range(3)]
    perturbation = Perturbation(layers, seed=15, master=True, workers=workers)
    whole = perturbation._copies.put_back

    def broken(index, weight):
        if index == 1:
            raise OSError("the copy cannot be read")
        whole(index, weight)

    monkeypatch.setattr(perturbation._copies, "put_back", broken)
    with pytest.raises(OSError, match="cannot be read"), perturbation.applied(SIGMA, 2):
        pass
    assert perturbation.on  # and nobody looks or saves
    back = [torch.equal(one.weight, layer(48, 64, seed=seed).weight)
            for seed, one in enumerate(layers)]  # fmt: skip
    assert back == [True, False, True]


def test_the_noise_of_a_step_comes_once_and_hides_nowhere():
    perturbation = Perturbation([layer(16, 24)], seed=13)
    with perturbation.applied(SIGMA, 1):
        with pytest.raises(RuntimeError, match="on already"), perturbation.applied(SIGMA, 1):
            pass
        assert perturbation.on
        with pytest.raises(RuntimeError, match="is on"):
            perturbation.drift()


def test_drift_sees_a_weight_that_moved():
    one = layer(16, 24)
    perturbation = Perturbation([one], seed=14)
    assert perturbation.drift() == 0
    one.weight[3, 5] += 1e-3
    assert perturbation.drift() == pytest.approx(1e-3 / float(one.weight[3].norm()), rel=1e-2)
    one.weight[4, 4] = float("nan")
    assert math.isnan(perturbation.drift())


def test_numbers_are_a_function_of_seed_and_step():
    """Whatever came before, however many threads; and of nothing else in the process."""
    torch.manual_seed(0)
    state = torch.get_rng_state()
    layers = [layer(200, 384, seed=seed) for seed in range(5)]
    one = Perturbation(layers, seed=15, master=True)
    earlier = noise_of(one, 3)
    expected = noise_of(one, 4)
    two = Perturbation(layers, seed=15, master=True, workers=2)
    assert all(map(torch.equal, expected, noise_of(two, 4)))
    assert not any(map(torch.equal, expected, earlier))
    other = Perturbation(layers, seed=16, master=True)
    assert not any(map(torch.equal, expected, noise_of(other, 4)))
    assert torch.equal(torch.get_rng_state(), state)


def test_no_two_streams_of_a_run_are_one():
    """torch's generator on CPUs takes 32 bits of a seed, a hash of which would collide."""
    layers = [layer(1, 16, seed=seed) for seed in range(36)]
    perturbation = Perturbation(layers, seed=17)
    firsts = {
        tuple(next(perturbation._noise(index, step))[1].flatten().tolist())
        for step in range(300)
        for index in range(36)
    }
    assert len(firsts) == 300 * 36
