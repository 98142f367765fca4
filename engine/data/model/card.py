"""The card of the kind model. Light: no numpy, no torch."""

from engine.data.kind import Fact, Kind

KIND = Kind(
    slug="model",
    title="Model",
    summary="Weights of a network: named tensors, and its configuration if there is one.",
    suffixes=(".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".zip"),
    formats=(
        "safetensors",
        "PyTorch .pth, .pt, .bin or .ckpt: a dict of tensors, as of "
        "torch.save(model.state_dict(), path); read without running anything in it",
        "zip or folder of a transformers model: config.json beside one .safetensors file, or "
        "beside several and their index; its tokenizer is read with it",
        "llama2.c's export of version 0: the .bin of a network, in a zip or folder with that of "
        "its tokenizer",
    ),
    facts=(
        Fact("format", "Format"),
        Fact("architecture", "Architecture"),
        Fact("family", "Family"),
        Fact("tokenizer", "Has a tokenizer"),
        Fact("layers", "Blocks"),
        Fact("head", "Has a head of a task"),
        Fact("tensors", "Tensors"),
        Fact("parameters", "Parameters"),
        Fact("bytes", "Size of the tensors", "bytes"),
        Fact("dtypes", "Types"),
        Fact("linear", "Linear layers: how many, outputs, inputs"),
        Fact("sha256", "SHA-256"),
    ),
)
