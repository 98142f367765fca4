"""EEGNet-8,2 (Lawhern et al., 2018) for 200 Hz: 8 filters in time, 2 in space for each of them.

Its first three layers are linear but for the batch normalisation between them, and that needs only
each filter's mean and variance. So they are not computed in their order, which would keep 8 C time
courses per window: here space comes first, time by Fourier transform, and the variance from the
power spectrum. The numbers are the same (a test says so), the time on a CPU a sixth.
"""

from __future__ import annotations

import torch
from scipy.fft import next_fast_len
from torch import Tensor, nn
from torch.nn import functional as F

from engine.core.errors import UserError
from engine.methods.cbramod.baselines.network import Network

FILTERS, DEPTH = 8, 2
KERNEL = 100  # half a second
SEPARABLE = 16
POOLS = (4, 8)


class EegNet(Network):
    # The paper's dropout across subjects first.
    grid = (
        {"rate": 1e-3, "dropout": 0.25},
        {"rate": 1e-3, "dropout": 0.5},
        {"rate": 3e-3, "dropout": 0.5},
    )

    def __init__(self, channels: int, times: int, outputs: int, *, dropout: float):
        super().__init__()
        if times < KERNEL:
            raise UserError("baselines", f"eegnet needs windows of {KERNEL} samples, not {times}")
        wide = FILTERS * DEPTH
        self.first = FilterBank(channels)
        self.norm = nn.BatchNorm1d(wide)
        self.in_time = nn.Conv1d(wide, wide, SEPARABLE, groups=wide, bias=False)
        self.across = nn.Conv1d(wide, wide, 1, bias=False)
        self.last_norm = nn.BatchNorm1d(wide)
        self.dropout = nn.Dropout(dropout)
        self.answer = nn.Linear(wide * (times // POOLS[0] // POOLS[1]), outputs)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.elu(self.norm(self.first(x)))  # (B, 16, T)
        hidden = self.dropout(F.avg_pool1d(hidden, POOLS[0]))
        hidden = self.across(self.in_time(same(hidden, SEPARABLE)))
        hidden = F.elu(self.last_norm(hidden))
        hidden = self.dropout(F.avg_pool1d(hidden, POOLS[1]))  # (B, 16, T // 32)
        return self.answer(hidden.flatten(1))

    @torch.no_grad()
    def limit(self) -> None:
        self.first.spatial.weight.renorm_(2, 0, 1.0)
        self.answer.weight.renorm_(2, 0, 0.25)


class FilterBank(nn.Module):
    """(B, C, T) -> (B, 16, T): `temporal`, `norm` and `spatial` one after the other."""

    def __init__(self, channels: int):
        super().__init__()
        wide = FILTERS * DEPTH
        self.temporal = nn.Conv2d(1, FILTERS, (1, KERNEL), bias=False)  # same length
        self.norm = nn.BatchNorm2d(FILTERS)
        self.spatial = nn.Conv2d(FILTERS, wide, (channels, 1), groups=FILTERS, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        times = x.shape[-1]
        length = next_fast_len(times + KERNEL - 1, real=True)  # no end reaches the other
        spectrum = torch.fft.rfft(x, length)  # (B, C, F)
        response = torch.fft.rfft(self.temporal.weight[:, 0, 0].flip(-1), length)  # (8, F)
        scale, shift = self._normalising(x, spectrum, response, length)

        patterns = self.spatial.weight[:, 0, :, 0]  # (16, C)
        mixed = torch.matmul(patterns.to(spectrum.dtype), spectrum)  # (B, 16, F)
        filtered = torch.fft.irfft(mixed * response.repeat_interleave(DEPTH, 0), length)
        ahead = KERNEL // 2  # where a filter of this length begins in `same`
        filtered = filtered[..., ahead : ahead + times]
        constant = shift.repeat_interleave(DEPTH) * patterns.sum(dim=1)
        return filtered * scale.repeat_interleave(DEPTH)[:, None] + constant[:, None]

    def _normalising(
        self, x: Tensor, spectrum: Tensor, response: Tensor, length: int
    ) -> tuple[Tensor, Tensor]:
        """(8,) and (8,): normalised = filtered · scale + shift."""
        norm = self.norm
        if self.training:
            mean, variance = self._moments(x, spectrum, response, length)
            count = x.numel()
            with torch.no_grad():  # as BatchNorm2d keeps them
                norm.running_mean.lerp_(mean, norm.momentum)
                norm.running_var.lerp_(variance * count / (count - 1), norm.momentum)
        else:
            mean, variance = norm.running_mean, norm.running_var
        scale = norm.weight * (variance + norm.eps).rsqrt()
        return scale, norm.bias - mean * scale

    def _moments(
        self, x: Tensor, spectrum: Tensor, response: Tensor, length: int
    ) -> tuple[Tensor, Tensor]:
        """Mean and variance (8,) of the filtered windows, (8, B · C · T) numbers never computed.

        By Parseval the energy of the whole convolution is in its spectrum. It is K - 1 samples
        longer than the window; what sticks out at the ends is computed and taken off.
        """
        kernels = self.temporal.weight[:, 0, 0]  # (8, K)
        power = spectrum.real.square().sum((0, 1)) + spectrum.imag.square().sum((0, 1))  # (F,)
        twice = torch.full_like(power, 2.0)  # rfft leaves out the negative frequencies
        twice[0] = 1.0
        if length % 2 == 0:
            twice[-1] = 1.0
        gain = response.real.square() + response.imag.square()  # (8, F)
        energy, total = gain @ (power * twice) / length, x.sum() * kernels.sum(dim=1)
        before, after = KERNEL // 2, KERNEL - 1 - KERNEL // 2
        early = F.pad(kernels, (0, before - 1)).unfold(-1, before, 1)[:, -before:]
        late = F.pad(kernels, (after - 1, 0)).unfold(-1, after, 1)[:, :after]
        for end, rows in ((x[..., :before], early), (x[..., -after:], late)):
            end = end.flatten(0, 1)  # (B · C, E); rows (8, E, E) make of it what sticks out there
            energy = energy - ((rows @ (end.T @ end)) * rows).sum((1, 2))
            total = total - (rows @ end.sum(dim=0)).sum(dim=1)
        mean = total / x.numel()
        return mean, energy / x.numel() - mean.square()


def same(x: Tensor, kernel: int) -> Tensor:
    """Padded so that a convolution keeps the length; of an even kernel the longer end is behind."""
    return F.pad(x, ((kernel - 1) // 2, kernel // 2))
