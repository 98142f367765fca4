"""Each layout of images gives the pixels, the class and the part that it says."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from engine.data.images import io
from engine.data.images.images import Images
from engine.data.kind import check, kind
from tests.engine.data.images.files import encoded, idx, pixels
from tests.engine.data.making import folder_of, npz, report_on, said, zip_of


def by_part(found: Images) -> dict[str, list[tuple[str, int]]]:
    """Of each part the classes and the first number of each image."""
    return {
        part: [(found.classes[found.labels[at]], int(found.pixels[at, 0, 0, 0])) for at in rows]
        for part, rows in found.parts.items()
    }


@pytest.mark.parametrize("make", [zip_of, folder_of])
@pytest.mark.parametrize("root", ["", "set/"])
@pytest.mark.parametrize(
    "words",
    [("train", "val", "test"), ("Training", "valid", "testing"), ("x_train", "dev", "test_x")],
)
def test_folders_are_classes_in_folders_of_parts(tmp_path, make, root, words):
    images = pixels(6)
    names = [f"{words[0]}/cat/1", f"{words[0]}/dog/2", f"{words[0]}/cat/3", f"{words[1]}/dog/1"]
    names += [f"{words[2]}/cat/1", f"{words[2]}/dog/2"]
    files = {f"{root}{name}.png": encoded(image) for name, image in zip(names, images, strict=True)}
    found = io.load(make(tmp_path / "t.zip", {**files, f"{root}README.md": "about"}))
    first = [int(image[0, 0, 0]) for image in images]
    assert by_part(found) == {
        "train": [("cat", first[0]), ("cat", first[2]), ("dog", first[1])],
        "dev": [("dog", first[3])],
        "test": [("cat", first[4]), ("dog", first[5])],
    }
    assert found.pixels.shape == (6, 6, 6, 3)
    assert (found.pixels.dtype, found.labels.dtype) == (np.uint8, np.int64)


def test_folders_without_parts_are_train_and_numbers_are_ordered_as_numbers(tmp_path):
    images, labels = pixels(3), ("10", "9", "2")
    files = {f"{label}/a.png": encoded(image) for label, image in zip(labels, images, strict=True)}
    found = io.load(zip_of(tmp_path / "t.zip", files))
    assert (found.classes, list(found.parts)) == (("2", "9", "10"), ["train"])


def test_png_is_read_without_loss_and_jpeg_as_it_is(tmp_path):
    flat = np.full((6, 6, 3), (200, 100, 50), np.uint8)
    files = {"a/1.png": encoded(pixels(1)[0]), "b/2.jpeg": encoded(flat, "JPEG", quality=95)}
    found = io.load(zip_of(tmp_path / "t.zip", files))
    np.testing.assert_array_equal(found.pixels[0], pixels(1)[0])
    assert np.abs(found.pixels[1].astype(int) - flat).max() <= 4


def test_grey_stays_grey_unless_an_image_has_colour(tmp_path):
    grey, colour = pixels(2, channels=1), pixels(1)
    files = {"a/1.png": encoded(grey[0]), "a/2.png": encoded(grey[1])}
    found = io.load(zip_of(tmp_path / "grey.zip", files))
    np.testing.assert_array_equal(found.pixels, grey)
    found = io.load(zip_of(tmp_path / "both.zip", {**files, "b/3.png": encoded(colour[0])}))
    np.testing.assert_array_equal(found.pixels[:2], np.repeat(grey, 3, axis=3))
    np.testing.assert_array_equal(found.pixels[2], colour[0])


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("LA", 1), ("P", 3), ("RGBA", 3)])
def test_other_modes_become_grey_or_colour(tmp_path, mode, channels):
    image = encoded(pixels(1)[0], mode=mode)
    path = zip_of(tmp_path / "t.zip", {"a/1.png": image, "b/2.png": image})
    assert io.load(path).pixels.shape == (2, 6, 6, channels)
    told = said(report_on(io, path), "warning")
    assert ("2 images with transparency, which is dropped" in told) == (mode in ("LA", "RGBA"))


@pytest.mark.parametrize(
    ("x", "y"), [("x", "y"), ("images", "labels"), ("pixels", "label"), ("data", "targets")]
)
def test_arrays_of_an_npz(tmp_path, x, y):
    images, labels = pixels(4), np.array([3, 1, 3, 0])
    found = io.load(npz(tmp_path / "t.npz", {x: images, y: labels}))
    np.testing.assert_array_equal(found.pixels, images)
    assert (found.classes, found.labels.tolist()) == (("0", "1", "3"), [2, 1, 2, 0])
    names = np.array(["a", "b", "c", "d"])
    found = io.load(
        npz(tmp_path / "t.npz", {x: images, y: labels.astype(np.uint8), "classes": names})
    )
    assert (found.classes, found.labels.tolist()) == (("a", "b", "c", "d"), [3, 1, 3, 0])
    assert found.labels.dtype == np.int64


@pytest.mark.parametrize("form", ["x_{}|y_{}", "{}_images|{}_labels", "x_{0}|{0}_labels"])
def test_arrays_of_parts(tmp_path, form):
    arrays = {}
    for at, part in enumerate(("test", "val", "train")):
        x, y = (name.format(part) for name in form.split("|"))
        arrays |= {x: pixels(2, seed=at), y: np.array([[0], [1]])}
    found = io.load(npz(tmp_path / "t.npz", arrays))
    assert {part: rows.tolist() for part, rows in found.parts.items()} == {
        "train": [0, 1],
        "dev": [2, 3],
        "test": [4, 5],
    }
    np.testing.assert_array_equal(found.pixels[4:], pixels(2, seed=0))


def test_grey_arrays_without_channels_and_labels_of_words(tmp_path):
    grey = pixels(3, channels=1)[..., 0]
    found = io.load(npz(tmp_path / "t.npz", {"x": grey, "y": np.array(["b", "a", "b"])}))
    assert (found.pixels.shape, found.classes) == ((3, 6, 6, 1), ("a", "b"))


def test_files_back_to_back(tmp_path):
    files = [encoded(image, "JPEG") for image in pixels(3)]
    arrays = {
        "jpeg": np.frombuffer(b"".join(files), np.uint8),
        "offset": np.cumsum([0, *map(len, files)]).astype(np.uint32),
        "y": np.array([1, 0, 1], np.uint8),
        "classes": np.array(["cat", "dog"]),
    }
    found = io.load(npz(tmp_path / "t.npz", arrays))
    alone = io.load(folder_of(tmp_path / "f", {f"a/{at}.jpg": raw for at, raw in enumerate(files)}))
    np.testing.assert_array_equal(found.pixels, alone.pixels)
    assert (found.classes, found.labels.tolist()) == (("cat", "dog"), [1, 0, 1])


@pytest.mark.parametrize("make", [zip_of, folder_of])
@pytest.mark.parametrize("packed", [False, True])
def test_idx_files_in_pairs(tmp_path, make, packed):
    files = {}
    for at, name in enumerate(("t10k", "train")):
        images = pixels(3, channels=1, seed=at)[..., 0]
        files[f"mnist/{name}-images-idx3-ubyte"] = idx(images)
        files[f"mnist/{name}-labels-idx1-ubyte"] = idx(np.array([7, 0, 7]))
    if packed:
        files = {f"{name}.gz": gzip.compress(raw) for name, raw in files.items()}
    found = io.load(make(tmp_path / "t.zip", {**files, "README": "about"}))
    np.testing.assert_array_equal(found.pixels[:3], pixels(3, channels=1, seed=1))
    assert (found.classes, found.labels.tolist()) == (("0", "7"), [1, 0, 1] * 2)
    assert {part: rows.tolist() for part, rows in found.parts.items()} == {
        "train": [0, 1, 2],
        "test": [3, 4, 5],
    }


def test_a_check_answers_with_every_fact_and_a_sheet(tmp_path):
    images = pixels(5)
    arrays = {"x_train": images[:4], "y_train": np.array([0, 1, 0, 1])}
    arrays |= {"x_test": images[4:], "y_test": np.array([1])}
    answer = check(kind("images"), npz(tmp_path / "t.npz", arrays))
    assert answer["ok"]
    assert {*answer["facts"]} == {fact.key for fact in kind("images").facts}
    assert answer["facts"]["train"] == 4
    sheet, bars = (one["figure"] for one in answer["preview"]["figures"])
    assert sheet["data"][0]["text"] == ["image 0", "image 2", "image 1", "image 3", "image 4"]
    assert [trace["y"] for trace in bars["data"]] == [[2, 2], [0, 1]]
    assert answer["preview"]["tables"][0]["rows"] == [["0", 2, 0], ["1", 2, 1]]


@pytest.mark.parametrize(("side", "channels"), [(6, 3), (6, 1), (100, 3), (100, 1)])
def test_the_sheet_has_each_image_at_its_place(tmp_path, side, channels):
    import base64
    import io as streams

    from PIL import Image

    images = np.zeros((3, side, side, channels), np.uint8)
    images += np.array([50, 150, 250], np.uint8)[:, None, None, None]
    path = npz(tmp_path / "t.npz", {"x": images, "y": np.array([0, 1, 1])})
    (drawn,) = io.preview(path)["figures"][0]["figure"]["layout"]["images"]
    raw = base64.b64decode(drawn["source"].removeprefix("data:image/png;base64,"))
    sheet = np.asarray(Image.open(streams.BytesIO(raw)))
    tile = min(side, 48) + 1
    assert sheet.shape == (2 * tile, 10 * tile, 4)
    corners = [sheet[0, 0], sheet[tile, 0], sheet[tile, tile], sheet[0, tile]]
    assert [tuple(corner.tolist()) for corner in corners] == [
        (50, 50, 50, 255),
        (150, 150, 150, 255),
        (250, 250, 250, 255),
        (0, 0, 0, 0),
    ]
