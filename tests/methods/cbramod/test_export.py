"""Windows out of a job and back."""

from __future__ import annotations

import json

import mne
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.core.errors import UserError
from engine.data.eeg import io
from engine.methods.cbramod import export
from engine.methods.cbramod.finetune import Classifier
from engine.methods.cbramod.model import PRESETS, CBraMod
from engine.methods.cbramod.params import CBraModParams
from engine.methods.cbramod.windows import cut
from tests.methods.cbramod import uploads


def made(folder, **values):
    upload = uploads.recordings(folder / "eeg.zip", channels=(*uploads.BACK, "X1"))
    uploads.job(folder / "job", upload, **values)
    settings = CBraModParams(**{**uploads.QUICK, **values})
    windows = cut(io.load(upload), settings, labelled=settings.task == "finetune",
                  tick=lambda: None)  # fmt: skip
    return folder / "job/export", windows


def test_cleaned_windows_are_read_back_by_mne(tmp_path):
    folder, windows = made(tmp_path, save_windows=True, reject=52.0)
    kept = np.flatnonzero(~windows.loud(52.0))
    assert 0 < len(kept) < len(windows)
    epochs = mne.read_epochs(folder / "windows-epo.fif", verbose="error")
    assert epochs.ch_names == list(windows.channels)
    assert epochs.info["sfreq"] == 200
    np.testing.assert_allclose(epochs.get_data() * 1e6, windows.x[kept], atol=1e-4, rtol=1e-6)
    assert epochs.event_id == {"rest": 1, "task": 2}
    assert (epochs.events[:, 2] - 1 == windows.y[kept]).all()
    told = [one for (one,) in epochs.get_annotations_per_epoch()]
    for at, (_, _, text) in zip(kept, told, strict=True):
        whose = (windows.subject[at], windows.recording[at], f"{windows.start[at]:.3f} s")
        assert text == " | ".join(whose)
    places = {channel["ch_name"]: channel["loc"][:3] for channel in epochs.info["chs"]}
    assert np.isfinite(places["O1"]).all()
    assert places["FP1"][1] > 0 > places["O1"][1]
    assert np.isnan(places["X1"]).all()


def test_windows_too_many_for_a_file_are_refused_before_anything_is_computed(monkeypatch, tmp_path):
    monkeypatch.setattr(export, "LARGEST", 1000)
    upload = uploads.recordings(tmp_path / "eeg.zip")
    with pytest.raises(UserError, match="save_windows"):
        uploads.job(tmp_path / "job", upload, save_windows=True)
    assert not (tmp_path / "job/export").exists()


def test_an_embedding_is_what_the_kept_network_makes_of_its_window(tmp_path):
    folder, windows = made(tmp_path)
    with np.load(folder / "embeddings.npz", allow_pickle=False) as file:
        found = dict(file)
    assert found["embedding"].shape == (len(windows), 200)
    assert found["embedding"].dtype == np.float32
    assert found["label"].tolist() == [windows.classes[y] for y in windows.y]
    assert found["subject"].tolist() == windows.subject.tolist()
    assert found["recording"].tolist() == windows.recording.tolist()
    assert found["start"].tolist() == windows.start.tolist()
    assert set(found["part"]) == {"train", "validation", "test"}
    for name in ("train", "validation"):
        ours, tests = (set(found["subject"][found["part"] == one]) for one in (name, "test"))
        assert not ours & tests
    assert not (folder / "windows-epo.fif").exists()
    model = Classifier(CBraMod(PRESETS["small"]), "time_pool", channels=7, patches=5, outputs=1,
                       dropout=0.0)  # fmt: skip
    model.load_state_dict(load_file(folder / "weights.safetensors"))
    with torch.no_grad():
        wanted = model.eval().backbone.features(torch.from_numpy(windows.scaled)).mean(dim=(1, 2))
    np.testing.assert_allclose(found["embedding"], wanted.numpy(), atol=1e-4)
    shown = json.loads((folder.parent / "inspector/windows.json").read_text())
    centred = found["embedding"] - found["embedding"].mean(axis=0)
    share = np.square(shown["x"]).sum() / np.square(centred).sum()
    assert share == pytest.approx(shown["explained"][0], abs=1e-3)


def test_without_labels_the_label_is_empty(tmp_path):
    folder, windows = made(tmp_path, task="pretrain", save_windows=True)
    with np.load(folder / "embeddings.npz", allow_pickle=False) as file:
        assert set(file["label"]) == {""}
        assert set(file["part"]) == {"train", "validation"}
    epochs = mne.read_epochs(folder / "windows-epo.fif", verbose="error")
    assert epochs.event_id == {"window": 1}
    assert len(epochs) == len(windows)


def test_classes_of_any_name_are_read_back(tmp_path):
    upload = uploads.recordings(tmp_path / "eeg.zip", parts=("a;b", "a,b", "é:1 日"))
    uploads.job(tmp_path / "job", upload, save_windows=True)
    epochs = mne.read_epochs(tmp_path / "job/export/windows-epo.fif", verbose="error")
    assert epochs.event_id == {"a,b-0": 1, "a,b-1": 2, "é:1 ?": 3}
    assert len(epochs) == 4 * 3 * 4
