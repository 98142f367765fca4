"""What a job works on: a task, its examples in three parts, and the backbone of all variants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from engine.core.errors import UserError
from engine.core.seed import entropy
from engine.core.units import counted
from engine.methods.flat_lora.params import BACKBONES
from engine.methods.flat_lora.tasks import Batch, Examples, Task
from engine.models import backbone as backbones
from engine.models.backbone import Backbone
from engine.models.vocabulary import trained

if TYPE_CHECKING:
    from engine.core.run import Run

VOCABULARY = 2000  # pieces of a tokenizer that is made here
WRITTEN = 40  # tokens that a decoder goes on with
HEAD = 32  # width of an attention head of a backbone from nothing


@dataclass(frozen=True, eq=False)
class Case:
    kind: str  # classify, causal, images
    task: Task
    parts: dict[str, Examples]  # train, dev, test
    backbone: Callable[[], Backbone]  # the same weights at each call
    # Of a part and a place in it: where it stands in the input, its text, a picture's address
    place: Callable[[str, int], str]
    told: Callable[[str, int], str]
    drawn: Callable[[str, int], str] | None = None
    # A text, and a second, as a batch of one, and whether it was cut
    encode: Callable[[str, str], tuple[Batch, bool]] | None = None
    tokenizer: Any = None  # of texts
    pairs: bool = False  # of texts

    @torch.no_grad()
    def written(self, model: Any, batch: Batch) -> str:
        """How a decoder goes on after a batch of one: the likeliest token, 40 times or until the
        end token."""
        ids, end, room = batch["input_ids"], self.tokenizer.eos_token_id, model.config
        start = ids.shape[1]
        for _ in range(min(WRITTEN, room.max_position_embeddings - start)):
            told = model(input_ids=ids).logits[:, -1].argmax(1, keepdim=True)
            if told.item() == end:
                break
            ids = torch.cat([ids, told], dim=1)
        return self.tokenizer.decode(ids[0, start:])


def fresh(run: Run, kind: str, texts: Callable[[], list[str]]) -> Callable[[], Backbone]:
    """How to get the backbone, anew at each call. `texts` are what a tokenizer is made from."""
    weights, params, device = run.inputs["model"], run.params, run.device
    if weights is not None:
        headless = kind == "classify"

        def make() -> Backbone:
            return backbones.from_weights(weights, headless=headless, device=device)

        made = make()
        if (made.family == "vision") != (kind == "images"):
            raise UserError("model", f"a {made.family}; expected one that reads "
                            f"{'images' if kind == 'images' else 'text'}")  # fmt: skip
        if kind == "causal" and made.family != "decoder":
            raise UserError("model", f"causal needs a decoder, and this is an {made.family}")
        if kind != "images" and made.tokenizer is None:
            raise UserError("model", "has no tokenizer; expected tokenizer.json beside the weights")
        if made.left_out:
            run.message(f"model: {counted(len(made.left_out), 'weight')} left out, as of another "
                        f"task's head: {', '.join(made.left_out)[:200]}", "warning")  # fmt: skip
        return make
    seed = entropy(run.seed, "backbone")
    chosen = BACKBONES[kind] if params.backbone == "auto" else params.backbone
    if chosen == "minilm":
        return lambda: backbones.minilm(device)
    from_nothing(run)
    tokenizer = trained(texts(), VOCABULARY)
    size = shape(run)
    return lambda: backbones.small_decoder(
        tokenizer, **size, max_length=params.max_length, seed=seed, device=device
    )


def shape(run: Run) -> dict[str, int]:
    """Of a backbone from nothing."""
    width = run.params.width
    return {"hidden": width, "layers": run.params.layers, "heads": width // HEAD}


def from_nothing(run: Run) -> None:
    run.message("the backbone starts from random weights: adapters alone learn little on it, "
                "variant full trains all of it", "warning")  # fmt: skip


def describe(
    run: Run, parts: dict[str, Examples], names: tuple[str, ...], cut: int, longest: int
) -> None:
    sizes = ", ".join(f"{len(examples)} {part}" for part, examples in parts.items())
    run.message(f"rows: {sizes}" + (f"; {len(names)} classes" if names else ""))
    if cut:
        run.message(f"{counted(cut, 'row')} cut at {longest} tokens", "warning")
