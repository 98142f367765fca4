"""Questions that a finished CBraMod job answers at once, from the networks that it kept.

`window` hides, scales or reorders a window, `attention` and `occlusion` say what the network looks
at there, `trace` and `spectrum` show a recording as the network gets it. Nothing is trained again.
Of the job's recordings only the one that is asked for is read and filtered; the last few are kept.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from engine.core import checkpoint
from engine.core.errors import UserError
from engine.core.job import read_json
from engine.data.eeg.naming import standard_name
from engine.methods.cbramod import reconstruction, sequences, spectra
from engine.methods.cbramod.finetune import Classifier
from engine.methods.cbramod.goal import settled
from engine.methods.cbramod.heads import halves
from engine.methods.cbramod.inspector import MODEL, OVERVIEW, WINDOWS
from engine.methods.cbramod.model import CBraMod, Shape
from engine.methods.cbramod.questions import (
    AttentionParams,
    OcclusionParams,
    SpectrumParams,
    TraceParams,
    WindowParams,
)
from engine.methods.cbramod.shown import loud_spans, microvolts, rounded, thinned
from engine.methods.cbramod.windows import RATE, SCALE, continuous, pieces_of

if TYPE_CHECKING:
    from engine.core.job import Job

KEPT = 4  # recordings
PATCHES = 5_000  # at a time through the network


class WhatIf:
    def __init__(self, job: Job):
        stored = checkpoint.load(job.path(MODEL))
        overview = read_json(job.path(OVERVIEW))
        self.params, self.found = job.params, job.inputs["recordings"]
        self.channels: tuple[str, ...] = stored["channels"]
        self.gain: np.ndarray | None = stored["gain"]
        self.seconds: int = overview["seconds"]
        self.recordings: list[dict[str, Any]] = overview["recordings"]
        self.windows: dict[str, list[Any]] = read_json(job.path(WINDOWS))
        self.shape = Shape(layers=overview["layers"], dropout=0.0)
        self.network = self._network(stored["network"])
        self.goal = settled(len(stored["classes"]))
        self.classifier = self._classifier(stored["classifier"])
        self.signal = lru_cache(KEPT)(self._signal)
        self.sequence = lru_cache(KEPT)(self._sequence)

    @torch.no_grad()
    def window(self, params: WindowParams) -> dict[str, Any]:
        """What is guessed for hidden patches, and what the answer becomes."""
        given, mask = self._patches(params.window), self._hidden(params)
        x, order = given * params.scale, self._order(params)
        recording = self._recording(params.window)
        before, after = None, None
        if self.classifier is not None:
            features = self.classifier.backbone.features
            changed = reordered(features, x, mask, order)
            before, after = (
                np.atleast_1d(self._answers(params.window, some)[0])
                for some in (features(given), changed)
            )
        guess, error = None, None
        if self.network is not None:
            guess = reordered(self.network, x, mask, order)
            error = self._error(guess, x, mask)
        gain = self._gain(params.window)
        signal, sfreq = thinned(microvolts(x) / gain)
        return {
            "recording": recording["name"],
            "subject": recording["subject"],
            "start": self.windows["start"][params.window],
            "label": self.windows["label"][params.window],
            "sfreq": sfreq,
            "signal": signal,
            "hidden": mask[0].int(),
            "reconstruction": None if guess is None else thinned(microvolts(guess) / gain)[0],
            "error": error,
            "before": before,
            "after": after,
        }

    @torch.no_grad()
    def attention(self, params: AttentionParams) -> dict[str, Any]:
        """Who hears whom in a block, by each head: rows ask, columns are heard."""
        network = self.network if self.classifier is None else self.classifier.backbone
        blocks: Any = network.encoder.layers
        if params.layer >= len(blocks):
            raise UserError("layer", f"expected 0 to {len(blocks) - 1}, got {params.layer}")
        if params.second is not None:
            self._inside("second", [params.second])
        x = network.patch_embedding(self._patches(params.window))
        for block in blocks[: params.layer]:
            x = block(x)
        spatial, temporal = blocks[params.layer].maps(x)
        second, channel = params.second, None
        if params.channel is not None:
            (channel,) = self._places("channel", [params.channel])
        of_second = spatial[0].mean(0) if second is None else spatial[0, second]
        of_channel = temporal[0].mean(0) if channel is None else temporal[0, channel]
        return {"spatial": rounded(of_second, 6), "temporal": rounded(of_channel, 6)}

    @torch.no_grad()
    def occlusion(self, params: OcclusionParams) -> dict[str, Any]:
        """How the probability of the answer, or the number answered, changes where a channel or a
        second is hidden."""
        if self.classifier is None:
            raise UserError(
                "occlusion", "expected a job of fine-tuning: this network gives no answer"
            )
        x, channels = self._patches(params.window), len(self.channels)
        masks = torch.zeros(1 + channels + self.seconds, channels, self.seconds, dtype=torch.bool)
        places, seconds = torch.arange(channels), torch.arange(self.seconds)
        masks[1 + places, places] = True
        masks[1 + channels + seconds, :, seconds] = True
        features = self._features(x.expand(len(masks), -1, -1, -1), masks)
        found = self._answers(params.window, features)
        (answer,), (probability,) = self.goal.named(found[:1])
        towards = self.goal.towards(found, answer)
        change = towards[1:] - towards[0]
        return {
            "answer": answer,
            "probability": probability,
            "channels": rounded(change[:channels], 6),
            "seconds": rounded(change[channels:], 6),
        }

    def trace(self, params: TraceParams) -> dict[str, Any]:
        """A stretch of a recording after the job's filters, and what is too loud in it."""
        place = self._named(params.recording)
        signal = self.signal(params.recording)
        length = signal.shape[1] / RATE
        if params.start >= length:
            raise UserError("start", f"expected less than {length:g} s, got {params.start:g}")
        first = int(params.start * RATE)
        shown = signal[:, first : first + round(params.seconds * RATE)]
        start, seconds = first / RATE, shown.shape[1] / RATE
        thin, sfreq = thinned(shown)
        columns = (self.windows[name] for name in ("recording", "start", "label", "answer"))
        windows = [
            {"window": number, "start": at, "label": label, "answer": answer}
            for number, (of, at, label, answer) in enumerate(zip(*columns, strict=True))
            if of == place and start - self.seconds < at < start + seconds
        ]
        return {
            "start": start,
            "seconds": seconds,
            "sfreq": sfreq,
            "channels": self.channels,
            "signal": thin,
            "bad": loud_spans(shown, self.params.reject, start),
            "windows": windows,
        }

    def spectrum(self, params: SpectrumParams) -> dict[str, Any]:
        """Of a whole recording, by channel."""
        self._named(params.recording)
        hz, power = spectra.density(self.signal(params.recording), RATE)
        return {"hz": hz, "db": rounded(spectra.decibel(power), 2)}

    def _network(self, weights: dict[str, Tensor] | None) -> CBraMod | None:
        """The pre-trained one, with its reconstruction layer."""
        if weights is None:
            return None
        network = CBraMod(self.shape)
        network.load_state_dict(weights)
        return network.eval()

    def _classifier(self, weights: dict[str, Tensor] | None) -> Classifier | None:
        if weights is None:
            return None
        model = Classifier(
            CBraMod(self.shape),
            self.params.head,
            channels=len(self.channels),
            patches=self.seconds,
            outputs=self.goal.outputs,
            dropout=0.0,
            sequence=sequences.length(self.params),
        )
        model.load_state_dict(weights)
        return model.eval()

    def _signal(self, name: str) -> np.ndarray:
        return continuous(self.found, name, self.channels, self.params)

    def _recording(self, window: int) -> dict[str, Any]:
        count = len(self.windows["start"])
        if window >= count:
            raise UserError("window", f"expected 0 to {count - 1}, got {window}")
        return self.recordings[self.windows["recording"][window]]

    def _patches(self, window: int) -> Tensor:
        """(1, C, S, P), as the network takes it."""
        signal = self.signal(self._recording(window)["name"])
        found = pieces_of(signal, [self.windows["start"][window]], self.seconds)
        scaled = torch.from_numpy(found * self._gain(window) / np.float32(SCALE))
        return scaled.view(1, len(self.channels), self.seconds, RATE)

    def _gain(self, window: int) -> np.ndarray:
        """(C, 1) by which the network's channels are multiples of the recording's."""
        if self.gain is None:
            return np.ones((1, 1), np.float32)
        return np.asarray(self.gain, np.float32)[window][:, None]

    def _hidden(self, params: WindowParams) -> Tensor:
        """(1, C, S) true where a patch is hidden."""
        self._inside("seconds", params.seconds)
        rows = torch.zeros(len(self.channels), 1, dtype=torch.bool)
        rows[self._places("channels", params.channels)] = True
        columns = torch.zeros(1, self.seconds, dtype=torch.bool)
        columns[:, params.seconds] = True
        chosen = rows & columns if params.both else rows | columns
        chance = torch.rand(chosen.shape, generator=torch.Generator().manual_seed(params.draw))
        return (chosen | (chance < params.share))[None]

    def _order(self, params: WindowParams) -> Tensor:
        """(C,) which channel goes first through the network, and so on."""
        places = torch.arange(len(self.channels))
        if params.order == "reversed":
            return places.flip(0)
        if params.order == "shuffled":
            draws = torch.Generator().manual_seed(params.draw)
            return torch.randperm(len(places), generator=draws)
        return places

    def _features(self, x: Tensor, masks: Tensor) -> Tensor:
        """(n, C, S, D) of windows (n, C, S, P) of which some patches are hidden."""
        at_once = max(1, PATCHES // (masks.shape[1] * masks.shape[2]))
        pairs = zip(x.split(at_once), masks.split(at_once), strict=True)
        return torch.cat([self.classifier.backbone.features(some, hid) for some, hid in pairs])

    def _answers(self, window: int, features: Tensor) -> np.ndarray:
        """(n, …) to variants (n, C, S, D) of a window, each within its own unchanged sequence."""
        alone, together = halves(self.classifier.classifier)
        embedded, row = alone(features), self.sequence(window)
        every = [embedded if one is None else one.expand_as(embedded) for one in row]
        outputs = together(torch.stack(every, dim=1).flatten(0, 1))
        return self.goal.answers(outputs[row.index(None) :: len(row)])

    def _sequence(self, window: int) -> list[Tensor | None]:
        """The windows that are answered together with one, each (1, W) as the head has them before
        they hear one another; None at its own place."""
        recording, start = (np.array(self.windows[name]) for name in ("recording", "start"))
        length = sequences.length(self.params)
        rows = sequences.rows(recording, start, seconds=self.seconds, length=length).tolist()
        row = next(row for row in rows if window in row)
        alone, _ = halves(self.classifier.classifier)
        features = self.classifier.backbone.features
        return [None if other == window else alone(features(self._patches(other))) for other in row]

    def _error(self, guess: Tensor, x: Tensor, mask: Tensor) -> dict[str, Any] | None:
        if not mask.any():
            return None
        residual = guess - x
        return {
            "network": reconstruction.overall(residual, mask),
            "zero": reconstruction.overall(x, mask),
            "by_channel": reconstruction.by_channel(residual, mask),
            "by_band": {
                "names": list(spectra.BANDS),
                "network": reconstruction.by_band(residual, mask),
                "zero": reconstruction.by_band(x, mask),
            },
        }

    def _places(self, where: str, names: list[str]) -> list[int]:
        known = {name: place for place, name in enumerate(self.channels)}
        for name in names:
            if standard_name(name) not in known:
                told = ", ".join(self.channels[:12]) + (", …" if len(self.channels) > 12 else "")
                raise UserError(where, f"no channel is called {name!r}; there are: {told}")
        return [known[standard_name(name)] for name in names]

    def _inside(self, where: str, seconds: list[int]) -> None:
        for second in seconds:
            if not 0 <= second < self.seconds:
                raise UserError(where, f"expected 0 to {self.seconds - 1}, got {second}")

    def _named(self, name: str) -> int:
        names = [recording["name"] for recording in self.recordings]
        if name not in names:
            told = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
            raise UserError("recording", f"no window is of {name!r}; there are: {told}")
        return names.index(name)


def reordered(network: Any, x: Tensor, mask: Tensor, order: Tensor) -> Tensor:
    """What a network makes of channels in another order, in the order that they came in."""
    return network(x[:, order], mask[:, order])[:, order.argsort()]
