"""Tiny networks and tokenizers for tests: transformers' own classes, of a few thousand numbers.

python -m tests.models.making FOLDER    # tiny.zip, and texts.csv that it can tell apart
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from torch import Tensor
from transformers import CONFIG_MAPPING, AutoModel, AutoModelForCausalLM

from engine.data.model.weights import Weights
from engine.models.backbone import Backbone, from_weights

WORDS = ("the", "a", "man", "woman", "cat", "dog", "sees", "eats", "likes", "red", "big", "small",
         "food", "ball")  # fmt: skip
SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
           "bos_token": "<s>", "eos_token": "</s>"}  # fmt: skip
VOCABULARY = {word: at for at, word in enumerate([*SPECIAL.values(), *WORDS])}
SIZES: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 40},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64},
    "vit": {"image_size": 8, "patch_size": 4},
    "deit": {"image_size": 8, "patch_size": 4},
    "dinov2": {"image_size": 8, "patch_size": 4, "mlp_ratio": 2},
    "opt": {"ffn_dim": 64, "word_embed_proj_dim": 32},
    "albert": {"embedding_size": 16},
    "electra": {"embedding_size": 16},
    "gemma": {"head_dim": 16},
}
COMMON = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
          "num_key_value_heads": 2, "intermediate_size": 64, "max_position_embeddings": 40,
          "vocab_size": len(VOCABULARY), "pad_token_id": 0, "bos_token_id": 4,
          "eos_token_id": 5}  # fmt: skip


def config(kind: str, **changes: Any) -> dict[str, Any]:
    """config.json of a tiny network of this model_type."""
    known = {**COMMON, **SIZES.get(kind, {}), **changes}
    return {"model_type": kind, **known}


def network(kind: str, *, causal: bool = False, seed: int = 0, **changes: Any) -> torch.nn.Module:
    made = CONFIG_MAPPING[kind].from_dict(config(kind, **changes))
    torch.manual_seed(seed)
    return (AutoModelForCausalLM if causal else AutoModel).from_config(made).eval()


def tokenizer_files() -> dict[str, bytes]:
    """Words alone; encoders' special tokens around one text or two."""
    made = Tokenizer(WordLevel(VOCABULARY, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    made.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", VOCABULARY["[CLS]"]), ("[SEP]", VOCABULARY["[SEP]"])],
    )
    return {
        "tokenizer.json": made.to_str().encode(),
        "special_tokens_map.json": json.dumps(SPECIAL).encode(),
    }


def weights(kind: str, *, causal: bool = False, seed: int = 0, **changes: Any) -> Weights:
    tensors: dict[str, Tensor] = dict(
        network(kind, causal=causal, seed=seed, **changes).state_dict()
    )
    said = config(kind, **changes)
    return Weights(f"tiny-{kind}", "safetensors", tensors, said, files=tokenizer_files())


def tiny_bert(seed: int = 0) -> Backbone:
    """Two layers of 32, with a tokenizer of twenty words."""
    return from_weights(weights("bert", seed=seed))


def tiny_llama(seed: int = 0) -> Backbone:
    return from_weights(weights("llama", causal=True, seed=seed, tie_word_embeddings=True))


def folder(path: Path, found: Weights) -> Path:
    """As an upload."""
    path.mkdir(parents=True)
    unique = {key: tensor.clone() for key, tensor in found.tensors.items()}
    save_file(unique, path / "model.safetensors")
    (path / "config.json").write_text(json.dumps(found.config))
    for name, raw in found.files.items():
        (path / name).write_bytes(raw)
    return path


def texts(path: Path, rows: int = 120) -> Path:
    """Sentences of the vocabulary, by whether cats outnumber dogs."""
    draw = random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        file.write("sentence,label\n")
        for _ in range(rows):
            words = [draw.choice(WORDS) for _ in range(draw.randint(4, 10))]
            label = "cats" if words.count("cat") > words.count("dog") else "dogs"
            file.write(f"{' '.join(words)},{label}\n")
    return path


if __name__ == "__main__":
    target = Path(sys.argv[1])
    texts(target / "texts.csv")
    shutil.make_archive(str(target / "tiny"), "zip", folder(target / "tiny", weights("bert")))
