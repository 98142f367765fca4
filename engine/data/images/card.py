"""The card of the kind images. Light: no numpy."""

from engine.data.kind import Fact, Kind

KIND = Kind(
    slug="images",
    title="Images",
    summary="Small images of one size, each of a class.",
    suffixes=(".zip", ".npz"),
    formats=(
        "zip or folder of JPEG or PNG in a folder for each class: cat/1.png, or train/cat/1.png "
        "and test/cat/2.png",
        "npz of arrays: images (n, height, width) or with channels last, uint8, and labels; as "
        "x and y, images and labels, or for each part x_train, y_train, x_test, y_test",
        "npz of JPEG files back to back: jpeg, offset, y, classes",
        "zip or folder of IDX files as of MNIST, packed by gzip or not: …-images-idx3-ubyte beside "
        "…-labels-idx1-ubyte",
    ),
    facts=(
        Fact("images", "Images"),
        Fact("height", "Height", "pixels"),
        Fact("width", "Width", "pixels"),
        Fact("channels", "Channels"),
        Fact("classes", "Classes"),
        Fact("train", "Images of train"),
        Fact("dev", "Images of dev"),
        Fact("test", "Images of test"),
        Fact("duplicates", "Images that repeat another of their part"),
        Fact("overlap", "Images of dev and test that are in train too"),
    ),
)
