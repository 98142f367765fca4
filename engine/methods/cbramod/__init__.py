"""CBraMod: a criss-cross transformer for EEG, pre-trained by reconstructing masked patches."""
