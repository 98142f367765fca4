"""CBraMod's twelve blocks against their bare matrix products and against torch's own attention.

Prints one line of JSON. One thread, float32, 8 windows of 19 channels and 30 s. The peer is the
form that the authors' code has: two `nn.MultiheadAttention` a block and torch's dropout, which in
evaluation takes torch's native fast path. The bare products are those of projections, attention and
feed-forward on contiguous operands, without biases, norms, softmax or copies: the floor.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.methods.cbramod.model import HIDDEN, PRESETS, WIDTH, Encoder

WINDOWS, CHANNELS, PATCHES = 8, 19, 30
HALF, HEADS, ROUNDS = WIDTH // 2, 4, 15
LAYERS = PRESETS["base"].layers


class Peer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.over_channels, self.over_patches = (
            nn.MultiheadAttention(HALF, HEADS, dropout=0.1, batch_first=True) for _ in range(2)
        )
        self.linear1, self.linear2 = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.dropout, self.dropout1, self.dropout2 = (nn.Dropout(0.1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        windows, channels, patches, _ = x.shape
        u = self.norm1(x)
        s = u[..., :HALF].transpose(1, 2).reshape(windows * patches, channels, HALF)
        t = u[..., HALF:].reshape(windows * channels, patches, HALF)
        s = self.over_channels(s, s, s, need_weights=False)[0]
        t = self.over_patches(t, t, t, need_weights=False)[0]
        s = s.view(windows, patches, channels, HALF).transpose(1, 2)
        x = x + self.dropout1(torch.cat((s, t.view(windows, channels, patches, HALF)), 3))
        hidden = self.dropout(F.gelu(self.linear1(self.norm2(x))))
        return x + self.dropout2(self.linear2(hidden))


def copied(ours: Encoder) -> nn.Sequential:
    """The peer with our weights."""
    peer = nn.Sequential(*(Peer() for _ in range(LAYERS)))
    names = {"self_attn_s": "over_channels", "self_attn_t": "over_patches"}
    for block, layer in zip(peer, ours.layers, strict=True):
        weights = layer.state_dict()
        for old, new in names.items():
            weights = {key.replace(old, new): value for key, value in weights.items()}
        block.load_state_dict(weights)
    return peer


def bare() -> Callable[[], None]:
    rows = WINDOWS * CHANNELS * PATCHES
    half, whole, hidden = (
        torch.randn(rows, HALF),
        torch.randn(rows, WIDTH),
        torch.randn(rows, HIDDEN),
    )
    fused, out = torch.randn(HALF, 3 * HALF), torch.randn(HALF, HALF)
    up, down = torch.randn(WIDTH, HIDDEN), torch.randn(HIDDEN, WIDTH)
    sets = []
    for batch, items in ((WINDOWS * PATCHES, CHANNELS), (WINDOWS * CHANNELS, PATCHES)):
        values = torch.randn(batch * HEADS, items, HALF // HEADS)
        sets.append((values, torch.randn(batch * HEADS, items, items)))

    def products() -> None:
        for _ in range(LAYERS):
            for values, shares in sets:
                half @ fused, values @ values.mT, shares @ values, half @ out
            whole @ up, hidden @ down

    return products


def forward(model: nn.Module, x: Tensor) -> Callable[[], None]:
    def once() -> None:
        with torch.no_grad():
            model(x)

    return once


def both(model: nn.Module, x: Tensor) -> Callable[[], None]:
    return lambda: model(x).sum().backward()


def spent(**works: Callable[[], None]) -> dict[str, list[float]]:
    """CPU seconds of each, round by round: they take turns, so that what slows one slows all."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            began = time.process_time()
            work()
            found[name].append(time.process_time() - began)
    return found


def ratio(some: list[float], others: list[float]) -> float:
    """The median of those of each round."""
    return round(median(a / b for a, b in zip(some, others, strict=True)), 3)


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    ours = Encoder(PRESETS["base"])
    peer, x = copied(ours), torch.randn(WINDOWS, CHANNELS, PATCHES, WIDTH)
    ours.eval(), peer.eval()
    with torch.no_grad():
        apart = (ours(x) - peer(x)).abs().max().item()
    way = spent(bare=bare(), ours=forward(ours, x), peer=forward(peer, x))
    ours.train(), peer.train()
    train = spent(ours=both(ours, x), peer=both(peer, x))
    line = {
        "benchmark": "cbramod",
        "forward_to_bare": ratio(way["ours"], way["bare"]),
        "forward_to_peer": ratio(way["ours"], way["peer"]),
        "both_ways_to_peer": ratio(train["ours"], train["peer"]),
        "least_seconds": {f"forward.{name}": round(min(times), 3) for name, times in way.items()}
        | {f"both.{name}": round(min(times), 3) for name, times in train.items()},
        "largest_difference": apart,
    }
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
