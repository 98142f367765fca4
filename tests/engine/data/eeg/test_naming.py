"""Names of channels, kinds and subjects as the field writes them."""

from __future__ import annotations

import pytest

from engine.data.eeg.naming import distinct, kind_of, standard_name, subject_of


@pytest.mark.parametrize(
    ("channel", "standard"),
    [
        ("EEG Fp1", "FP1"),
        ("EEG Fp1-REF", "FP1"),
        ("EEG T3-LE", "T7"),
        ("Fc5.", "FC5"),
        ("Cz..", "CZ"),
        ("T10.", "T10"),
        ("T3", "T7"),
        ("T4", "T8"),
        ("t5", "P7"),
        ("T6", "P8"),
        ("T7", "T7"),
        ("EEG A2-A1", "A2-A1"),
        ("EEG C3-A2", "C3-A2"),
        ("POL C3", "C3"),
        ("EEG 001", "001"),
        ("E12", "E12"),
        ("...", "..."),
        (" Oz ", "OZ"),
    ],
)
def test_channels_have_one_name_for_one_electrode(channel, standard):
    assert standard_name(channel) == standard


@pytest.mark.parametrize(
    ("channel", "kind"),
    [
        ("EEG Fp1", "eeg"),
        ("Cz", "eeg"),
        ("C3", "eeg"),
        ("ECG ECG", "ecg"),
        ("EKG1", "ecg"),
        ("EOG left", "eog"),
        ("HEOG", "eog"),
        ("EOG-left", "eog"),
        ("LOC", "eog"),
        ("EMG Chin", "emg"),
        ("STI 014", "stim"),
        ("Status", "stim"),
        ("Trigger", "stim"),
        ("Event marker", "stim"),
        ("Resp oro-nasal", "resp"),
        ("SaO2", "misc"),
        ("Temp rectal", "misc"),
        ("TP8", "eeg"),
        ("EEG Event", "stim"),
        ("EEG EKG1-REF", "ecg"),  # as the TUH sets call what is no EEG
        ("EEG LOC-REF", "eog"),
        ("EEG A2-A1", "eeg"),
        ("EEG Fp1-REF", "eeg"),
    ],
)
def test_what_a_channel_records_is_guessed_by_its_name(channel, kind):
    assert kind_of(channel) == kind


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("Subject00_1", "Subject00"),
        ("S001R04", "S001"),
        ("S001/S001R04", "S001"),
        ("chb01_03", "chb01"),
        ("A01T", "A01"),
        ("sub-01/ses-1/eeg/sub-01_ses-1_task-rest_eeg", "sub-01"),
        ("sub-ab7_task-x", "sub-ab7"),
        ("Müller2_rest", "Müller2"),
        ("rest", "rest"),
        ("S007/run1", "S007"),
        ("anna/run1", "anna"),
        ("S007/rest", "S007"),
        ("anna/rest", "anna/rest"),  # and not rest, of which bob has one too
        ("run1", "run1"),
        ("S00/visit1_a", "S00"),
        ("night1_S01", "S01"),
        ("eyes2_S00_a", "S00"),
        ("pre2_P03", "P03"),
        ("T1_S01", "S01"),
        ("T01_2", "T01"),
        ("S02/cond1_x3", "S02"),
        ("SC4001E0-PSG", "SC400"),  # Sleep-EDF: the second night is SC4002E0
        ("ST7242J0-PSG", "ST724"),
        ("B0102T", "B01"),  # BCI Competition IV 2b
        ("B0102Tango", "B0102"),
    ],
)
def test_a_recording_tells_whose_it_is(name, subject):
    assert subject_of(name) == subject


def test_names_that_come_twice_are_numbered_as_mne_does():
    assert distinct(["C3", "C4", "C3"]) == ("C3-0", "C4", "C3-1")
    assert distinct(["C3", "C4"]) == ("C3", "C4")
