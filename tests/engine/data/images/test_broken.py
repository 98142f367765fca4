"""What is wrong with images is told with the file, or the array and the image."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from engine.data.archive import Limits
from engine.data.images import images as bounds
from engine.data.images import io
from tests.engine.data.images.files import encoded, idx, pixels
from tests.engine.data.making import folder_of, npz, raw_npy, report_on, said, zip_of

GOOD = {"a/1.png": encoded(pixels(1)[0]), "b/2.png": encoded(pixels(1, seed=1)[0])}
ARRAYS = {"x": pixels(3), "y": np.array([0, 1, 0])}
FILES = [encoded(image, "JPEG") for image in pixels(2)]
PACK = {
    "jpeg": np.frombuffer(b"".join(FILES), np.uint8),
    "offset": np.cumsum([0, *map(len, FILES)]),
    "y": np.array([0, 1]),
    "classes": np.array(["cat", "dog"]),
}


def huge(width: int, height: int) -> bytes:
    """The beginning of a PNG that says a size of its own."""
    head = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    checked = b"\0\0\0\x0d" + head + zlib.crc32(head).to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + checked + b"\0\0\0\x08IDAT" + bytes(12)


FOLDERS = [
    ({"a/3.png": GOOD["a/1.png"][:-30]}, "a/3.png: truncated or damaged"),
    ({"a/3.jpg": encoded(pixels(1)[0], "JPEG")[:-20]}, "a/3.jpg: truncated or damaged"),
    ({"a/3.png": b"GIF89a" + bytes(90)}, "a/3.png: no JPEG or PNG, or a damaged one"),
    ({"a/3.png": b""}, "a/3.png: no JPEG or PNG, or a damaged one"),
    (
        {"a/3.png": encoded(pixels(1, side=7)[0])},
        "a/3.png: 7 x 7 pixels; expected 6 x 6, as a/1.png",
    ),
    ({"a/0.png": huge(1025, 6)}, "a/0.png: 1025 x 6 pixels; expected sides of 1 to 1,024"),
    ({"a/0.png": huge(1 << 20, 1 << 20)}, "a/0.png: truncated or damaged (Image size"),
    ({"a/3.png": encoded(np.zeros((6, 6), np.uint16))}, "a/3.png: pixels of type I;16; expected 8"),
    ({"3.png": GOOD["a/1.png"]}, "3.png: in no folder; expected a folder for each class"),
    (
        {"test/3.png": GOOD["a/1.png"]},
        "test/3.png: in the folder test alone; expected a folder for",
    ),
    ({"test/a/3.png": GOOD["a/1.png"]}, "a/1.png: in no folder of a part, where others are in"),
    ({"a/3.png": bytes((8 << 20) + 1)}, "a/3.png: 8,388,609 bytes; expected at most 8,388,608"),
]


@pytest.mark.parametrize(("files", "told"), FOLDERS)
def test_files_that_do_not_fit_are_named(tmp_path, files, told):
    path = folder_of(tmp_path / "t", GOOD | files)
    assert told in said(report_on(io, path), "error")


def test_every_broken_file_is_told(tmp_path):
    path = folder_of(tmp_path / "t", GOOD | {"a/3.png": b"x", "b/4.jpg": b"y"})
    told = said(report_on(io, path), "error").splitlines()
    assert [line.split(":")[0] for line in told] == ["a/3.png", "b/4.jpg"]


ARRAY_FAULTS = [
    ({"x": pixels(3)[:2]}, "y.npy: 3 labels; expected 2, one for each image"),
    ({"x": pixels(3) / 255}, "x.npy: numbers of type float64; expected uint8, 0 to 255"),
    ({"x": pixels(3).reshape(3, -1)}, "x.npy: 3 x 108 numbers; expected images x height x width"),
    ({"x": pixels(3).transpose(0, 3, 1, 2)}, "x.npy: 3 x 3 x 6 x 6 numbers; expected images x"),
    ({"x": np.zeros((0, 6, 6), np.uint8), "y": np.zeros(0, int)}, "x.npy: 0 x 6 x 6 numbers"),
    ({"y": np.array([0.5, 1, 0])}, "y.npy: expected whole numbers or texts in one row"),
    ({"y": np.zeros((3, 2), int)}, "y.npy: expected whole numbers or texts in one row"),
    ({"classes": np.array(["a"])}, "y.npy: label 1 of image 1; expected 0 to 0, as many"),
    ({"classes": np.array(["a", "a"])}, "classes.npy: expected texts in one row, each once"),
    ({"classes": np.array([1, 2])}, "classes.npy: expected texts in one row, each once"),
    ({"y": np.array(["a", "b", "a"]), "classes": np.array(["a", "b"])}, "y.npy: texts; expected"),
    ({"x_test": pixels(1)}, "x_test.npy: without its labels"),
    ({"test_labels": np.array([1])}, "test_labels.npy: without its images"),
    (
        {"x_test": pixels(1, side=7), "y_test": np.array([1])},
        "x_test.npy: images of 7 x 7 pixels, 3 channels; expected 6 x 6 pixels, 3 channels, as in",
    ),
]


@pytest.mark.parametrize(("arrays", "told"), ARRAY_FAULTS)
def test_arrays_that_do_not_fit_are_named(tmp_path, arrays, told):
    assert told in said(report_on(io, npz(tmp_path / "t.npz", ARRAYS | arrays)), "error")


def test_an_npz_of_other_arrays_is_refused_with_what_it_has(tmp_path):
    told = said(report_on(io, npz(tmp_path / "t.npz", {"adj_data": np.zeros(3)})), "error")
    assert "expected arrays x and y" in told
    assert "there are: adj_data" in told


def test_arrays_too_large_are_refused_before_they_are_read(tmp_path):
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2000, 1024, 1024), }"
    path = npz(tmp_path / "t.npz", ARRAYS | {"x": raw_npy(header)})
    assert "x.npy: the header claims" in said(report_on(io, path), "error")


PACK_FAULTS = [
    ({"offset": PACK["offset"][::-1]}, "offset.npy: expected to rise from 0 or more to at most"),
    ({"offset": PACK["offset"] + 1}, "offset.npy: expected to rise from 0 or more to at most"),
    ({"offset": PACK["offset"] * 1.0}, "offset.npy: expected whole numbers in one row"),
    ({"offset": np.array([0])}, "offset.npy: expected whole numbers in one row"),
    ({"jpeg": PACK["jpeg"].astype(int)}, "jpeg.npy: expected uint8 in one row"),
    ({"offset": PACK["offset"] - [0, 40, 0]}, "jpeg.npy image 0: truncated or damaged"),
    ({"y": np.array([0, 1, 0])}, "y.npy: 3 labels; expected 2, one for each image"),
    ({"y": np.array([0, 2])}, "y.npy: label 2 of image 1; expected 0 to 1"),
]


@pytest.mark.parametrize(("arrays", "told"), PACK_FAULTS)
def test_files_back_to_back_that_do_not_fit_are_named(tmp_path, arrays, told):
    assert told in said(report_on(io, npz(tmp_path / "t.npz", PACK | arrays)), "error")


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
IDX = {IMAGES: idx(pixels(3, channels=1)[..., 0]), LABELS: idx(np.array([0, 1, 0]))}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({IMAGES: IDX[IMAGES]}, f"{IMAGES}: without its labels; expected train-labels too"),
        ({LABELS: IDX[LABELS]}, f"{LABELS}: without its images; expected train-images too"),
        (IDX | {IMAGES: IDX[IMAGES][:-1]}, "the header claims 3 x 6 x 6 bytes, but 107 are there"),
        (IDX | {IMAGES: IDX[IMAGES][:9]}, "ends within its header"),
        (IDX | {LABELS: idx(np.array([0, 1]))}, f"{LABELS}: 2 labels; expected 3"),
        (IDX | {"train.images": IDX[IMAGES]}, "expected images and labels"),
    ],
)
def test_idx_files_that_do_not_fit_are_named(tmp_path, files, told):
    assert told in said(report_on(io, folder_of(tmp_path / "t", files)), "error")


def test_what_holds_no_images_is_refused(tmp_path):
    path = zip_of(tmp_path / "t.zip", {"a.txt": "a"})
    assert "no images: expected JPEG or PNG" in said(report_on(io, path), "error")
    assert not io.sniff(path)


def test_bounds_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "MAX_VALUES", 200)
    for path in (
        folder_of(tmp_path / "t", GOOD),
        npz(tmp_path / "t.npz", ARRAYS),
        folder_of(tmp_path / "u", IDX | {IMAGES: idx(pixels(6, channels=1)[..., 0])}),
    ):
        assert "over 200 bytes, which is the most held" in said(report_on(io, path), "error")
    monkeypatch.setattr(io, "LIMITS", Limits(members=1))
    assert "over 1 members" in said(report_on(io, tmp_path / "t"), "error")


def test_what_is_odd_is_counted(tmp_path):
    one, two = pixels(2)
    arrays = {
        "x_train": np.stack([one, one, two]),
        "y_train": np.array([0, 0, 1]),
        "x_test": np.stack([two, pixels(1, seed=9)[0]]),
        "y_test": np.array([1, 2]),
        "classes": np.array(["a", "b", "c", "d"]),
    }
    report = report_on(io, npz(tmp_path / "t.npz", arrays))
    told = said(report, "warning")
    assert "the same pixels as an earlier image of its part: 1 image (number 1)" in told
    assert "test has images that train has too, so that it judges what was learned: 1 image" in told
    assert "test has classes that train has not: c" in told
    assert "1 class of one image, which cannot be in train and test both: c" in told
    assert "1 class without an image: d" in told
    assert (report.facts["duplicates"], report.facts["overlap"]) == (1, 1)
    alone = npz(tmp_path / "one.npz", {"x": pixels(2), "y": np.zeros(2, int)})
    assert "one class alone" in said(report_on(io, alone), "warning")
    tested = npz(tmp_path / "test.npz", {"x_test": pixels(2), "y_test": np.arange(2)})
    assert "no images of train" in said(report_on(io, tested), "warning")
