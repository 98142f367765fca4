"""What a network is, by the names of its tensors or by its configuration.

Only names are looked at: whether shapes fit is for the method that takes the weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from engine.core.errors import UserError

T = TypeVar("T")

# What stands before each name where a network was saved from within another one: data-parallel
# training, a compiled module, a classifier around a backbone.
PREFIXES = ("module.", "_orig_mod.", "backbone.")
MARKS = {
    "cbramod": (
        "patch_embedding.mask_encoding",
        "patch_embedding.spectral_proj.0.weight",
        "encoder.layers.0.self_attn_s.in_proj_weight",
        "encoder.layers.0.self_attn_t.in_proj_weight",
    ),
}
# What `engine/models` builds from a configuration by transformers' own code, by its model_type.
ENCODERS = (
    "bert", "roberta", "xlm-roberta", "camembert", "distilbert", "mpnet", "electra", "albert",
    "deberta-v2", "modernbert",
)  # fmt: skip
DECODERS = (
    "llama", "gpt2", "gpt_neox", "qwen2", "qwen3", "mistral", "opt", "phi", "gemma", "smollm3",
)  # fmt: skip
VISION = ("vit", "deit", "dinov2")
MODEL_TYPES = ENCODERS + DECODERS + VISION
# These count positions from behind the number of the padding token.
SHIFTED = ("roberta", "xlm-roberta", "camembert", "mpnet")
# These are told which of two texts a token is of.
TYPED = ("bert", "electra", "albert", "deberta-v2")
HEAD = re.compile(r"(^|\.)classifier\.")
BLOCK = re.compile(r"(^|\.)(layers?|blocks?|h)\.(\d{1,5})\.")
NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")
# Linear layers outside of blocks, of families whose embedding is of another width.
BETWEEN = re.compile(
    r"(^|\.)(embeddings_project|embedding_hidden_mapping_in|project_in|project_out)$"
)
SORTS = 200  # of linear layers by their names: more are no network's that can be built
# Files that are known by their content: a hint for people, never a condition.
KNOWN = {
    ("0792cb808c14e6b7a2bb2ce1dff379bc47bc54c49a779825bdfeb33bf8157178", 19_775_842): (
        "has the size and hash of the authors' CBraMod weights, as a public project quotes them"
    ),
}


def bare(key: str) -> str:
    """The name without prefixes."""
    while found := next((prefix for prefix in PREFIXES if key.startswith(prefix)), None):
        key = key.removeprefix(found)
    return key


def stripped(tensors: Mapping[str, T], where: str) -> dict[str, T]:
    """By bare names; refuses two that become one."""
    found: dict[str, T] = {}
    origin: dict[str, str] = {}
    for key, value in tensors.items():
        name = bare(key)
        if name in found:
            both = f"{origin[name][:80]!a} and {key[:80]!a}"
            raise UserError(where, f"{both} are both {name[:80]!a}; expected it once")
        found[name], origin[name] = value, key
    return found


def architecture(keys: Iterable[str], config: Mapping[str, Any] | None) -> str:
    """Our word for a family whose tensors these are, else what the configuration says; "" where
    nobody does."""
    names = {bare(key) for key in keys}
    for family, marks in MARKS.items():
        if names.issuperset(marks):
            return family
    return _configured(config or {})


def _configured(config: Mapping[str, Any]) -> str:
    listed = config.get("architectures")
    said = listed[0] if isinstance(listed, list) and listed else config.get("model_type")
    return said if isinstance(said, str) and re.fullmatch(r"[\w.-]{1,80}", said) else ""


def family_of(config: Mapping[str, Any] | None) -> str:
    """ "encoder", "decoder" or "vision" of what `engine/models` can build; "" of all else."""
    kind = (config or {}).get("model_type")
    families = {"encoder": ENCODERS, "decoder": DECODERS, "vision": VISION}
    return next((family for family, kinds in families.items() if kind in kinds), "")


def blocks(keys: Iterable[str]) -> int:
    """How many blocks the longest stack has; 0 where names count none."""
    numbers = (int(found[3]) for key in keys if (found := BLOCK.search(key)))
    return max(numbers, default=-1) + 1


def has_head(keys: Iterable[str]) -> bool:
    return any(HEAD.search(key) for key in keys)


def linear(
    shapes: Mapping[str, tuple[int, ...]], config: Mapping[str, Any] | None
) -> dict[str, list[int]]:
    """The linear layers within a network that `engine/models` can build: [how many, outputs,
    inputs] by name, in which `*` stands for a block's number. Heads, embeddings and layers behind
    the class token are none."""
    if not family_of(config):
        return {}
    turned = (config or {}).get("model_type") == "gpt2"  # written [inputs, outputs]
    found: dict[str, list[int]] = {}
    for key, shape in shapes.items():
        name = key.removesuffix(".weight")
        inside = NUMBER.search(name) and not HEAD.search(name)
        if name == key or len(shape) != 2 or not (inside or BETWEEN.search(name)):
            continue
        outputs, inputs = reversed(shape) if turned else shape
        one = found.setdefault(NUMBER.sub("*", name), [0, outputs, inputs])
        one[0] += 1
    return found if len(found) <= SORTS else {}
