"""Heads on the features of a window (section 2.6 and the authors' code)."""

from __future__ import annotations

from torch import Tensor, nn

from engine.methods.cbramod.dropout import Dropout
from engine.methods.cbramod.model import WIDTH

WINDOW = 512  # features of a window in a sequence
HEADS, HIDDEN = 4, 2048  # of the layer over a sequence


def head(
    name: str, *, channels: int, patches: int, outputs: int, dropout: float, sequence: int = 1
) -> nn.Sequential:
    """(B, C, S, D) -> (B, outputs). To `sleep` the B windows are whole sequences, one after the
    other, of `sequence` windows each."""
    everything = channels * patches * WIDTH
    if name == "avg_pool":
        return nn.Sequential(Mean(), nn.Linear(WIDTH, outputs))
    if name == "time_pool":
        return nn.Sequential(MeanOverTime(), nn.Linear(channels * WIDTH, outputs))
    if name == "one_layer":
        return nn.Sequential(nn.Flatten(), nn.Linear(everything, outputs))
    if name == "two_layer":
        layers = [nn.Linear(everything, WIDTH), nn.ELU(), Dropout(dropout)]
        return nn.Sequential(nn.Flatten(), *layers, nn.Linear(WIDTH, outputs))
    if name == "all_patch":
        layers = [nn.Linear(everything, patches * WIDTH), nn.ELU(), Dropout(dropout)]
        layers += [nn.Linear(patches * WIDTH, WIDTH), nn.ELU(), Dropout(dropout)]
        return nn.Sequential(nn.Flatten(), *layers, nn.Linear(WIDTH, outputs))
    if name == "sleep":
        window = [nn.Linear(everything, WINDOW), nn.GELU()]
        along = Along(sequence, dropout)
        return nn.Sequential(nn.Flatten(), *window, along, nn.Linear(WINDOW, outputs))
    raise ValueError(f"no head is called {name!r}")


def halves(head: nn.Sequential) -> tuple[nn.Sequential, nn.Sequential]:
    """What a head makes of each window alone, and then of whole sequences; mostly nothing more."""
    mixes = [place for place, layer in enumerate(head) if isinstance(layer, Along)]
    at = mixes[0] if mixes else len(head)
    return head[:at], head[at:]


class Mean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(1, 2))


class MeanOverTime(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=2).flatten(1)


class Along(nn.Module):
    """(B, W) -> (B, W): each window hears the others of its sequence, through one pre-norm layer.
    It has no positions, as in the official code: an order among the neighbours is not seen."""

    def __init__(self, sequence: int, dropout: float):
        super().__init__()
        self.sequence = sequence
        self.layer = nn.TransformerEncoderLayer(
            WINDOW, HEADS, HIDDEN, dropout, activation="gelu", batch_first=True, norm_first=True
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.view(-1, self.sequence, WINDOW)).flatten(0, 1)
