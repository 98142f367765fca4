"""Adapters and merged networks as the ecosystem reads them, and back.

An adapter is a folder of PEFT, whose keys are those of the network without our classifier around
it: `AutoModel` or `AutoModelForCausalLM`. A classifier's head goes with it as PEFT's
`modules_to_save`: give the network a linear layer `head` before the adapter is loaded, since PEFT
leaves it out without a word where there is none. A merged network is a folder of transformers, with
`head.weight` and `head.bias` among its tensors.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, PeftModel, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.data.model.io import load
from engine.models.adapters import ONE, adapted, inner_of, merge
from engine.models.backbone import Backbone, from_weights
from engine.models.classifier import Classifier
from engine.models.linear import Turned, written
from engine.models.quiet import quiet

ADAPTER = "adapter_model.safetensors"
WHOLE = "model.safetensors"
HEAD = "head"
START = "base_model.model."  # before the keys of PEFT
ONE_FILE = "1TB"  # transformers splits what is larger


def export_adapter(
    model: nn.Module, folder: Path, *, base: str = "", classes: Sequence[str] = ()
) -> None:
    """Write `adapter_config.json` and `adapter_model.safetensors` into a folder.

    `base` says which network it is for. PiSSA and LoRA-GA, which changed the network's weights,
    are written as a LoRA of twice the rank on the unchanged ones: s(BA − B₀A₀).
    """
    inner: Any = inner_of(model)
    config = copy.deepcopy(inner.peft_config[ONE])
    tensors = get_peft_model_state_dict(inner, save_embedding_layers=False)  # else asks the hub
    for each in adapted(model):
        if each.first is not None:
            a, b = each.first
            key = f"{START}{each.name}.lora"
            tensors[f"{key}_A.weight"] = torch.cat([each.a, a])
            tensors[f"{key}_B.weight"] = torch.cat([each.b, -b], dim=1)
            config.r = 2 * len(a)
            config.lora_alpha, config.use_rslora = each.scaling * config.r, False
    config.fan_in_fan_out = any(isinstance(each.base, Turned) for each in adapted(model))
    config.base_model_name_or_path = base
    config.task_type = "CAUSAL_LM"
    if isinstance(model, Classifier):
        config.task_type = "FEATURE_EXTRACTION"
        config.modules_to_save = [HEAD]
        tensors |= {f"{START}{HEAD}.{key}": one for key, one in model.head.state_dict().items()}
    folder.mkdir(parents=True, exist_ok=True)
    config.inference_mode = True
    config.target_modules = sorted(config.target_modules)  # PEFT's set has an order of the process
    config.save_pretrained(str(folder))
    _save(tensors, folder / ADAPTER, classes)


def export_merged(
    model: nn.Module, folder: Path, *, tokenizer: Any = None, classes: Sequence[str] = ()
) -> None:
    """Write the network with its effective weights, and its tokenizer, as a folder of
    transformers."""
    plain = merge(model) if adapted(model) else model
    inner: Any = inner_of(plain)
    with quiet():
        inner.save_pretrained(folder, state_dict=written(inner), max_shard_size=ONE_FILE)
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)
    if isinstance(plain, Classifier):
        heads = {f"{HEAD}.{key}": one for key, one in plain.head.state_dict().items()}
        # Copies: what `load_file` gives lies in the file that is about to be written.
        tensors = {key: one.clone() for key, one in load_file(folder / WHOLE).items()}
        _save(tensors | heads, folder / WHOLE, classes)


def reload_adapter(folder: Path, backbone: Backbone) -> nn.Module:
    """A network of the same kind with the adapter that a folder holds, read by PEFT."""
    tensors = load_file(folder / ADAPTER)
    weight = tensors.get(f"{START}{HEAD}.weight")
    if weight is None:
        return _read(backbone.model, folder).eval()
    model = Classifier(backbone, len(weight), seed=0)
    model.model.head = nn.Linear(backbone.width, len(weight)).to(backbone.model.device)
    model.model = _read(model.model, folder)
    network = model.model.get_base_model()
    model.head.load_state_dict(network.head.modules_to_save[ONE].state_dict())
    del network.head
    return model.eval()


def reload_merged(folder: Path, *, device: str = "cpu") -> nn.Module:
    """The network of a merged folder, read as an upload is."""
    weights = load(folder)
    head = {
        key.removeprefix(f"{HEAD}."): one
        for key, one in weights.tensors.items()
        if key.startswith(f"{HEAD}.")
    }
    backbone = from_weights(weights, headless=bool(head), device=device)
    if not head:
        return backbone.model
    model = Classifier(backbone, len(head["weight"]), seed=0)
    model.head.load_state_dict(head)
    return model.eval()


@torch.no_grad()
def difference(
    model: nn.Module,
    other: nn.Module,
    batch: Mapping[str, Tensor],
    dtype: torch.dtype = torch.float64,
) -> float:
    """The largest difference of a logit of two networks on one batch, at the tokens that its mask
    shows.

    Computed in double precision on copies: it tells weights apart, not orders of summation.
    """
    here, there = (_logits(copy.deepcopy(one).to(dtype).eval(), batch) for one in (model, other))
    return (here - there).abs().max().item()


def _read(network: nn.Module, folder: Path) -> PeftModel:
    config = PeftConfig.from_pretrained(str(folder))
    config.fan_in_fan_out = False  # layers that GPT-2 keeps transposed are turned here
    with quiet():
        return PeftModel.from_pretrained(network, folder, config=config)


def _logits(model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    floats = next(model.parameters()).dtype
    batch = {key: one.to(floats) if one.is_floating_point() else one for key, one in batch.items()}
    if isinstance(model, Classifier):
        return model(**batch)
    seen = batch["attention_mask"]
    return model(input_ids=batch["input_ids"], attention_mask=seen).logits[seen.bool()]


def _save(tensors: Mapping[str, Tensor], path: Path, classes: Sequence[str]) -> None:
    plain = {key: one.detach().cpu().contiguous() for key, one in tensors.items()}
    notes = {"format": "pt", **({"classes": json.dumps(list(classes))} if classes else {})}
    save_file(plain, path, metadata=notes)
