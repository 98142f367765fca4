"""The real images, in place. Counts and means are those that come with the files."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from engine.data.images import io

pytestmark = pytest.mark.realdata

CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MNIST = {
    "train": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    "test": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
}


def test_mnist_out_of_its_own_files(shared_data, tmp_path):
    with zipfile.ZipFile(tmp_path / "mnist.zip", "w") as archive:
        for path in sorted((shared_data / "images").glob("*ubyte.gz")):
            archive.write(path, path.name)
    found = io.load(tmp_path / "mnist.zip")
    assert found.pixels.shape == (70_000, 28, 28, 1)
    for part, counts in MNIST.items():
        assert np.bincount(found.labels[found.parts[part]]).tolist() == counts
    assert found.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert found.labels[found.parts["test"]][:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    train = found.pixels[found.parts["train"]]
    assert abs(train.mean() / 255 - 0.1307) < 1e-4
    assert abs(train.std() / 255 - 0.3081) < 1e-4


def test_a_pack_of_cifar_10(shared_data):
    found = io.load(shared_data / "images/cifar10_train_1.npz")
    assert found.pixels.shape == (10_000, 32, 32, 3)
    assert found.classes == CIFAR
    assert np.bincount(found.labels).tolist() == [1000] * 10
    means = found.pixels.mean(axis=(0, 1, 2)) / 255
    np.testing.assert_allclose(means, [0.4913, 0.4821, 0.4465], atol=0.01)


def test_the_folders_of_cifar_10(shared_data):
    found = io.load(shared_data / "images/cifar10_imagefolder_sample.zip")
    assert found.classes == CIFAR
    counts = {part: np.bincount(found.labels[rows]).tolist() for part, rows in found.parts.items()}
    assert counts == {"train": [40] * 10, "test": [10] * 10}
    assert found.pixels.shape == (500, 32, 32, 3)
