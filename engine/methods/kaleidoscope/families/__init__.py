"""The families of networks, by the names that people choose them by."""

from __future__ import annotations

from engine.methods.kaleidoscope.families.attention import Attention
from engine.methods.kaleidoscope.families.autoencoder import Autoencoder
from engine.methods.kaleidoscope.families.base import Family
from engine.methods.kaleidoscope.families.convolution import CNN, TextCNN
from engine.methods.kaleidoscope.families.mlp import MLP, MLP64, EmbeddingMLP, TwoPath
from engine.methods.kaleidoscope.families.recurrent import GRU, RNN

FAMILIES: dict[str, type[Family]] = {
    "mlp": MLP,
    "mlp64": MLP64,
    "two_path": TwoPath,
    "cnn": CNN,
    "rnn": RNN,
    "autoencoder": Autoencoder,
    "embedding": EmbeddingMLP,
    "gru": GRU,
    "textcnn": TextCNN,
    "attention": Attention,
}

__all__ = ["FAMILIES", "Family"]
