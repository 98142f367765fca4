"""CBraMod: a foundation model of EEG that reads channels and moments criss-cross."""
