"""Every format as it is meant to be: samples, names, notes and places, beside what MNE reads."""

from __future__ import annotations

import io as bytes_io

import edfio
import mne
import numpy as np
import pytest
from scipy.io import savemat

from engine.data.eeg import io
from engine.data.eeg.recording import Annotation, Recordings
from tests.engine.data.eeg import signals
from tests.engine.data.making import folder_of, npz, report_on, said, zip_of

STEP = 2000 / 65535  # microvolt between two values of the EDFs made by hand


def loaded(path) -> Recordings:
    report = report_on(io, path)
    assert not said(report, "error")
    assert io.sniff(path)
    return io.load(path)


def only(path):
    found = loaded(path)
    assert len(found.recordings) == 1
    return found.recordings[0]


def write(path, content: bytes | str):
    return folder_of(path.parent, {path.name: content}) / path.name


def test_an_edf_is_read_to_half_a_step(tmp_path):
    one = only(write(tmp_path / "S001R04.edf", signals.edf()))
    assert (one.name, one.file, one.subject) == ("S001R04", "S001R04.edf", "S001")
    assert (one.sfreq, one.samples, one.seconds) == (200, 800, 4)
    assert one.channels == ("EEG Fp1", "EEG Fp2", "EEG C3")
    assert one.kinds == ("eeg",) * 3
    assert one.read().dtype == np.float32
    np.testing.assert_allclose(one.read(), signals.noise(), atol=STEP / 2 + 1e-4)


def test_channels_are_asked_for_by_either_name_and_in_any_order(tmp_path):
    one = only(write(tmp_path / "a.edf", signals.edf()))
    np.testing.assert_array_equal(one.read(["C3", "EEG Fp1"]), one.read()[[2, 0]])
    with pytest.raises(Exception, match=r"a\.edf: no channel 'Cz'"):
        one.read(["Cz"])


def test_an_edf_plus_is_read_as_mne_reads_it(tmp_path):
    notes = [edfio.EdfAnnotation(0.5, 1.25, "T1 links, ü"), edfio.EdfAnnotation(2, None, "T2")]
    written = [
        edfio.EdfSignal(row, 200, label=label, physical_dimension=unit, physical_range=(-500, 500))
        for row, label, unit in zip(
            signals.noise(3, std=50).astype(float),
            ("EEG Fp1", "Fc5.", "ECG ECG"),
            ("uV", "uV", "mV"),
            strict=True,
        )
    ]
    edfio.Edf(written, annotations=notes).write(tmp_path / "a.edf")
    one = only(tmp_path / "a.edf")
    peer = mne.io.read_raw_edf(tmp_path / "a.edf", verbose="ERROR")
    np.testing.assert_allclose(one.read(), peer.get_data() * 1e6, rtol=1e-5, atol=1e-4)
    assert one.channels == tuple(peer.ch_names)
    assert one.kinds == ("eeg", "eeg", "ecg")
    assert one.annotations == (Annotation(0.5, 1.25, "T1 links, ü"), Annotation(2, 0, "T2"))


def test_a_bdf_of_three_bytes_is_read_as_mne_reads_it(tmp_path):
    row = signals.noise(1, std=100)[0].astype(float)
    row[:2] = 262143, -262144
    written = [edfio.BdfSignal(row, 200, label="Cz", physical_dimension="uV")]
    edfio.Bdf(written).write(tmp_path / "a.bdf")
    one = only(tmp_path / "a.bdf")
    peer = mne.io.read_raw_bdf(tmp_path / "a.bdf", verbose="ERROR").get_data() * 1e6
    np.testing.assert_allclose(one.read(), peer, rtol=1e-5, atol=1e-3)


def test_channels_of_another_rate_are_resampled_to_the_highest(tmp_path):
    times = np.arange(800) / 200
    fast, slow = np.sin(2 * np.pi * 3 * times) * 50, np.sin(2 * np.pi * 3 * times[::2]) * 50
    rows = np.zeros((2, 800))
    rows[0], rows[1, :400] = fast, slow
    raw = signals.edf(rows, each=(200, 100))
    path = write(tmp_path / "a.edf", raw)
    one = only(path)
    assert (one.sfreq, one.samples) == (200, 800)
    wave = one.read()
    np.testing.assert_allclose(wave[0], fast, atol=STEP)
    np.testing.assert_allclose(wave[1, 50:-50], fast[50:-50], atol=0.5)
    warnings = said(report_on(io, path), "warning")
    assert "channels at 100, 200 Hz: resampled to the highest, 'EEG Fp2' the first of 1" in warnings


def test_an_interrupted_edf_is_joined_and_its_notes_follow(tmp_path):
    begins = (0, 1, 5, 6)
    notes = [f"+{begin}\x14\x14\0".encode() for begin in begins]
    notes[2] += b"+5.5\x14late\x14\0"
    path = write(tmp_path / "a.edf", signals.edf(notes=tuple(notes), reserved="EDF+D"))
    assert only(path).annotations == (Annotation(2.5, 0, "late"),)
    assert "(EDF+D): 1 gap; what stands on both sides" in said(report_on(io, path), "warning")


def test_notes_count_from_the_first_sample_also_where_the_first_record_begins_later(tmp_path):
    notes = (
        b"+0.25\x14\x14\0+1.25\x14on\x14\0",
        *(f"+{n}.25\x14\x14\0".encode() for n in (1, 2, 3)),
    )
    path = write(tmp_path / "a.edf", signals.edf(notes=notes, reserved="EDF+C"))
    assert only(path).annotations == (Annotation(1, 0, "on"),)


@pytest.mark.parametrize("kind", ["IEEE_FLOAT_32", "INT_16", "INT_32"])
@pytest.mark.parametrize("vectorized", [False, True])
def test_brainvision_is_read_as_mne_reads_it(tmp_path, kind, vectorized):
    files = signals.brainvision(kind=kind, vectorized=vectorized, step="0.5")
    one = only(folder_of(tmp_path / "set", files))
    peer = mne.io.read_raw_brainvision(tmp_path / "set/rec.vhdr", verbose="ERROR")
    np.testing.assert_allclose(one.read(), peer.get_data() * 1e6, rtol=1e-5, atol=1e-3)
    assert (one.name, one.sfreq, one.channels) == ("rec", 200, ("Fp1", "Fp2", "C3"))
    assert one.annotations == (Annotation(1.0, 0.05, "S  1"),)


def test_the_coordinates_of_brainvision_are_those_that_mne_sees(tmp_path):
    places = "\n[Coordinates]\nCh1=1,-90,-72\nCh2=1,90,72\nCh3=1,-45,0\n"
    one = only(zip_of(tmp_path / "set.zip", signals.brainvision(more=places)))
    folder_of(tmp_path / "set", signals.brainvision(more=places))
    peer = mne.io.read_raw_brainvision(tmp_path / "set/rec.vhdr", verbose="ERROR")
    for name, spot in peer.get_montage().get_positions()["ch_pos"].items():
        np.testing.assert_allclose(one.positions[name], spot, atol=1e-6)


def test_eeglab_with_its_samples_inside_is_read_as_mne_reads_it(tmp_path):
    path = write(tmp_path / "rec.set", signals.eeglab())
    one = only(path)
    peer = mne.io.read_raw_eeglab(path, verbose="ERROR")
    np.testing.assert_allclose(one.read(), peer.get_data() * 1e6, rtol=1e-5)
    np.testing.assert_allclose(one.read(["C3"]), signals.noise()[[2]], rtol=1e-6)
    assert one.annotations == (Annotation(1, 0.1, "square"), Annotation(2, 0, "rt"))
    for name, spot in peer.get_montage().get_positions()["ch_pos"].items():
        np.testing.assert_allclose(one.positions[name], spot, atol=1e-6)


def test_eeglab_with_its_samples_beside_it_is_read(tmp_path):
    files = {
        "sub/rec.set": signals.eeglab(data="rec.fdt"),
        "sub/rec.fdt": signals.noise().T.astype("<f4").tobytes(),
    }
    one = only(zip_of(tmp_path / "rec.zip", files))
    assert one.name == "sub/rec"
    np.testing.assert_array_equal(one.read(), signals.noise())


def test_gdf_is_read_through_mne(tmp_path):
    one = only(write(tmp_path / "A01T.gdf", signals.gdf()))
    np.testing.assert_allclose(one.read(), signals.noise(), atol=STEP / 2 + 1e-4)
    assert (one.sfreq, one.samples, one.subject) == (200, 800, "A01")
    assert [(note.onset, note.text) for note in one.annotations] == [(1.0, "769")]


def test_fif_is_read_through_mne_with_its_places_and_notes(tmp_path):
    one = only(signals.fif(tmp_path, signals.noise()))
    np.testing.assert_allclose(one.read(), signals.noise(), rtol=1e-5, atol=1e-4)
    assert one.annotations == (Annotation(1.0, 0.5, "blink"),)
    assert set(one.positions) == {"Fp1", "Fp2", "C3"}
    assert one.positions["Fp1"][0] < 0 < one.positions["Fp1"][1]  # left and in front


def test_a_split_fif_is_one_recording(tmp_path):
    long = signals.noise(6, seconds=800)
    signals.fif(tmp_path / "set", long, split_size="2MB")
    names = sorted(path.name for path in (tmp_path / "set").iterdir())
    assert len(names) > 1
    packed = zip_of(
        tmp_path / "set.zip",
        {f"a/{name}": (tmp_path / "set" / name).read_bytes() for name in names},
    )
    for path in (tmp_path / "set", packed):
        one = only(path)
        np.testing.assert_allclose(one.read(["O2"]), long[[5]], rtol=1e-5, atol=1e-4)


def test_a_csv_with_a_column_of_time_is_read(tmp_path):
    one = only(write(tmp_path / "rec.csv", signals.table()))
    assert (one.sfreq, one.samples, one.channels) == (200, 800, ("Fp1", "Fp2", "C3"))
    np.testing.assert_allclose(one.read(), signals.noise(), rtol=1e-6)
    assert only(write(tmp_path / "b.csv", signals.table(first="sample 250 Hz"))).sfreq == 250
    milli = signals.table(sfreq=0.2, first="time (ms)")
    assert only(write(tmp_path / "c.csv", milli)).sfreq == 200


def test_windows_in_an_npz_are_read(tmp_path):
    cut = loaded(npz(tmp_path / "cut.npz", signals.cut())).cut
    assert cut.x.shape == (6, 3, 200)
    assert cut.x.dtype == np.float32
    assert cut.y.tolist() == [0, 1, 0, 1, 0, 1]
    assert cut.subject.tolist() == ["s0", "s0", "s1", "s1", "s2", "s2"]
    assert (cut.sfreq, cut.channels) == (200, ("Fp1", "Fp2", "C3"))


def test_windows_in_a_matlab_file_are_read(tmp_path):
    arrays = signals.cut(ch_names=np.array(["Fp1", "Fp2", "C3"], dtype=object))
    arrays["subject"] = arrays["subject"].astype(object)
    buffer = bytes_io.BytesIO()
    savemat(buffer, arrays, do_compression=True, oned_as="column")
    cut = loaded(write(tmp_path / "cut.mat", buffer.getvalue())).cut
    np.testing.assert_array_equal(cut.x, signals.cut()["x"])
    assert cut.y.tolist() == [0, 1, 0, 1, 0, 1]
    assert cut.subject.tolist() == ["s0", "s0", "s1", "s1", "s2", "s2"]
    assert cut.channels == ("Fp1", "Fp2", "C3")


def test_the_events_of_bids_are_notes_of_a_recording_without_its_own(tmp_path):
    files = {
        "dataset_description.json": "{}",
        "participants.tsv": "participant_id\tage\nsub-01\t20\n",
        "sub-01/eeg/sub-01_task-x_eeg.edf": signals.edf(),
        "sub-01/eeg/sub-01_task-x_events.tsv": (
            "onset\tduration\ttrial_type\n1.5\t0.5\tgo\n2\tn/a\tno\n"
        ),
    }
    found = loaded(zip_of(tmp_path / "bids.zip", files))
    one = found.recordings[0]
    assert one.annotations == (Annotation(1.5, 0.5, "go"), Annotation(2, 0, "no"))
    assert one.subject == "sub-01"
    assert found.tables["participants.tsv"] == ({"participant_id": "sub-01", "age": "20"},)


def test_a_block_at_a_time_is_the_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.data.eeg.edf.BLOCK", 2000)
    one = only(write(tmp_path / "a.edf", signals.edf()))
    blocks = list(one.blocks())
    assert len(blocks) > 1
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), one.read())


def test_nothing_stays_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    one = only(signals.fif(tmp_path / "set", signals.noise()))
    next(iter(one.blocks()))
    one.read()
    assert list((tmp_path / "tmp").iterdir()) == []
