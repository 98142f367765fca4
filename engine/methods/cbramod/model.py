"""CBraMod's network: a patch encoder, a positional convolution, and criss-cross blocks.

Shapes: B windows, C channels, S patches of a second, P = 200 samples, D = 200 features.
A value is a microvolt / 100. C and S are free; nothing here knows an electrode's name, so what
a channel means is its place in the order. Parameters carry the official names, so a state dict
of this module is an official checkpoint. Source: CBraMod, section 2, and the authors' code for
what the paper leaves open (kernel sizes, norms, initial weights).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.methods.cbramod import inference
from engine.methods.cbramod.attention import Attention
from engine.methods.cbramod.dropout import Dropout

PATCH = 200  # samples, one second at 200 Hz
WIDTH = 200  # features of a patch: 25 filters x 8 steps
HIDDEN = 800
HEADS = 8  # half of them attend over channels, half over patches
FILTERS, GROUPS = 25, 5
BINS = PATCH // 2 + 1
KERNEL = (19, 7)  # of the positional convolution, along channels and along patches


@dataclass(frozen=True)
class Shape:
    layers: int
    dropout: float = 0.1


PRESETS = {"small": Shape(layers=2, dropout=0.0), "base": Shape(layers=12)}


class PatchEncoder(nn.Module):
    """(B, C, S, P) -> (B, C, S, D): each patch by its waveform and by its spectrum (2.1, 2.2)."""

    def __init__(self, dropout: float):
        super().__init__()
        self.mask_encoding = nn.Parameter(torch.zeros(PATCH), requires_grad=False)
        self.positional_encoding = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH, KERNEL, padding=(9, 3), groups=WIDTH)
        )
        self.proj_in = nn.Sequential(
            nn.Conv2d(1, FILTERS, (1, 49), stride=(1, 25), padding=(0, 24)),
            nn.GroupNorm(GROUPS, FILTERS),
            nn.GELU(),
            nn.Conv2d(FILTERS, FILTERS, (1, 3), padding=(0, 1)),
            nn.GroupNorm(GROUPS, FILTERS),
            nn.GELU(),
            nn.Conv2d(FILTERS, FILTERS, (1, 3), padding=(0, 1)),
            nn.GroupNorm(GROUPS, FILTERS),
            nn.GELU(),
        )
        self.spectral_proj = nn.Sequential(nn.Linear(BINS, WIDTH), Dropout(dropout))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """`mask` (B, C, S), true where a patch is hidden: its samples never enter."""
        if mask is not None:
            x = torch.where(mask[..., None], self.mask_encoding, x)
        patches = self.waveform(x) + self.spectrum(x)
        return patches + self.position(patches)

    def waveform(self, x: Tensor) -> Tensor:
        """Convolutions along time. The norms' statistics run over the whole window, so what
        a patch becomes depends on all of its window, hidden patches (as the token) included."""
        windows, channels, patches, _ = x.shape
        steps = self.proj_in(x.reshape(windows, 1, channels * patches, PATCH))
        return steps.transpose(1, 2).reshape(windows, channels, patches, WIDTH)

    def spectrum(self, x: Tensor) -> Tensor:
        """Magnitudes, neither logarithms nor normalised: the way in for absolute amplitude."""
        magnitudes = torch.fft.rfft(x.float(), dim=-1, norm="forward").abs()
        return self.spectral_proj(magnitudes.to(self.spectral_proj[0].weight.dtype))

    def position(self, patches: Tensor) -> Tensor:
        """ACPE (2.3): a depth-wise convolution over (channel, patch), asymmetric, conditional
        on what is there."""
        grid = self.positional_encoding(patches.permute(0, 3, 1, 2))
        return grid.permute(0, 2, 3, 1)


class Block(nn.Module):
    """A criss-cross block (2.4): one half of the features attends over the channels of its
    moment, the other over the moments of its channel."""

    def __init__(self, dropout: float):
        super().__init__()
        half, heads = WIDTH // 2, HEADS // 2
        self.self_attn_s = Attention(half, heads, dropout)
        self.self_attn_t = Attention(half, heads, dropout)
        self.linear1 = nn.Linear(WIDTH, HIDDEN)
        self.linear2 = nn.Linear(HIDDEN, WIDTH)
        self.norm1 = nn.LayerNorm(WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.criss_cross(self.norm1(x)))
        hidden = self.dropout(F.gelu(self.linear1(self.norm2(x))))
        return x + self.dropout(self.linear2(hidden))

    def criss_cross(self, x: Tensor) -> Tensor:
        over_channels, over_patches = x.chunk(2, dim=-1)
        across = self.self_attn_s(over_channels.transpose(1, 2)).transpose(1, 2)
        return torch.cat((across, self.self_attn_t(over_patches)), dim=-1)

    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Who hears whom in this block: (B, S, heads, C, C) over channels, (B, C, heads, S, S)
        over moments."""
        over_channels, over_patches = self.norm1(x).chunk(2, dim=-1)
        spatial = self.self_attn_s.maps(over_channels.transpose(1, 2))
        return spatial, self.self_attn_t.maps(over_patches)


class Encoder(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.layers = nn.ModuleList(Block(shape.dropout) for _ in range(shape.layers))

    def forward(self, x: Tensor) -> Tensor:
        kept = self.training or torch.is_grad_enabled()
        if x.device.type == "cpu" and not (kept or torch.is_autocast_enabled("cpu")):
            return inference.through(self.layers, x)
        for layer in self.layers:
            x = layer(x)
        return x


class CBraMod(nn.Module):
    """The whole network with its reconstruction layer. No norm follows the last block."""

    def __init__(self, shape: Shape = PRESETS["base"]):
        super().__init__()
        self.patch_embedding = PatchEncoder(shape.dropout)
        self.encoder = Encoder(shape)
        self.proj_out = nn.Sequential(nn.Linear(WIDTH, PATCH))
        self.apply(_initialised)

    def features(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, C, S, P) -> (B, C, S, D)."""
        return self.encoder(self.patch_embedding(x, mask))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """The reconstructed patches, (B, C, S, P)."""
        return self.proj_out(self.features(x, mask))

    @torch.no_grad()
    def start_fast(self) -> None:
        """Ours: begin near zero instead of far above the signal's own variance, which the
        official weights take tens of steps to come down from."""
        weight, bias = self.proj_out.parameters()
        weight.mul_(0.02)
        bias.zero_()


def _initialised(module: nn.Module) -> None:
    """The official initial weights: linear ones normal with variance 2 / fan-out, the fused
    projections of attention Xavier's. Ours: the official blocks start as copies of one another
    in their fused projections and biases; here each draws its own."""
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=math.sqrt(2 / module.out_features))


def masked_error(reconstruction: Tensor, x: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error over the samples of hidden patches only (eq. 12)."""
    return F.mse_loss(reconstruction[mask], x[mask])
