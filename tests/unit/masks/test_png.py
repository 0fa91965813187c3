"""Mask files: what is written is read back, other programs read it too, and what is no mask is refused by name."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from helpers_data import shared_data
from rvos_core.errors import UserError
from rvos_core.masks import (
    davis_palette,
    mask_png_bytes,
    read_indexed_png,
    read_mask_png,
    write_indexed_png,
    write_mask_png,
)

SIZES = [(1, 1), (1, 9), (9, 1), (7, 13), (240, 427), (1080, 1920)]


def some_mask(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(height * width)
    noise = cv2.GaussianBlur(rng.standard_normal((height, width)), (0, 0), 2.0)
    return np.asarray(noise > 0.02)


@pytest.mark.parametrize("size", SIZES)
def test_a_mask_file_is_plain_grey_for_every_reader(tmp_path: Path, size: tuple[int, int]) -> None:
    mask = some_mask(*size)
    path = tmp_path / "00000.png"
    write_mask_png(path, mask)
    with Image.open(path) as image:
        assert image.mode == "L"
        assert image.size == (size[1], size[0])
        np.testing.assert_array_equal(np.asarray(image), mask * np.uint8(255))
    np.testing.assert_array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), mask * np.uint8(255))
    np.testing.assert_array_equal(read_mask_png(path, size=size), mask)


@pytest.mark.parametrize("mode", ["L", "1", "P"])
@pytest.mark.parametrize("value", [1, 255])
def test_modes_that_are_masks(tmp_path: Path, mode: str, value: int) -> None:
    mask = some_mask(20, 30)
    path = tmp_path / "m.png"
    if mode == "1":
        Image.fromarray(mask).save(path)
    elif mode == "L":
        Image.fromarray(mask * np.uint8(value)).save(path)
    else:
        write_indexed_png(path, mask * np.uint8(3))
    np.testing.assert_array_equal(read_mask_png(path), mask)


def test_indexed_files_keep_ids_and_the_davis_colours(tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 256, (40, 50))
    path = tmp_path / "00000.png"
    write_indexed_png(path, labels)
    read = read_indexed_png(path, size=(40, 50))
    np.testing.assert_array_equal(read, labels)
    assert read.dtype == np.uint8
    assert read.flags.writeable
    with Image.open(path) as image:
        assert image.mode == "P"
        colours = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(colours, davis_palette()[labels])


def test_palette_is_the_published_one() -> None:
    palette = davis_palette()
    published = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128)]
    assert [tuple(colour) for colour in palette[:7].tolist()] == published
    assert [tuple(colour) for colour in palette[8:10].tolist()] == [(64, 0, 0), (192, 0, 0)]
    assert tuple(palette[255]) == (224, 224, 192)
    assert len({tuple(colour) for colour in palette.tolist()}) == 256


def test_void_is_no_object(tmp_path: Path) -> None:
    labels = np.array([[0, 1, 255, 2]])
    write_indexed_png(tmp_path / "a.png", labels)
    np.testing.assert_array_equal(read_mask_png(tmp_path / "a.png"), [[False, True, False, True]])


def test_grey_and_grey_palette_masks_are_object_one(tmp_path: Path) -> None:
    mask = some_mask(20, 30)
    write_mask_png(tmp_path / "grey.png", mask)
    image = Image.fromarray(mask * np.uint8(255), mode="P")
    image.putpalette(np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes())
    image.save(tmp_path / "ramp.png")
    for name in ("grey.png", "ramp.png"):
        np.testing.assert_array_equal(read_indexed_png(tmp_path / name), mask)
        np.testing.assert_array_equal(read_mask_png(tmp_path / name), mask)


def test_void_alone_is_no_object_in_files_of_the_davis_authors(tmp_path: Path) -> None:
    """Their palette has 22 colours, then greys up to white: an object that is gone leaves frames of 0 and void."""
    palette = davis_palette().copy()
    palette[22:] = np.arange(22, 256)[:, None]
    labels = np.array([[0, 255, 255, 0]], dtype=np.uint8)
    image = Image.fromarray(labels, mode="P")
    image.putpalette(palette.tobytes())
    image.save(tmp_path / "00007.png")
    np.testing.assert_array_equal(read_indexed_png(tmp_path / "00007.png"), labels)
    assert not read_mask_png(tmp_path / "00007.png").any()


def test_grey_files_with_small_values_hold_ids(tmp_path: Path) -> None:
    labels = np.array([[0, 1, 2, 255]], dtype=np.uint8)
    Image.fromarray(labels).save(tmp_path / "ids.png")
    np.testing.assert_array_equal(read_indexed_png(tmp_path / "ids.png"), labels)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_indexed_files_with_few_bits(tmp_path: Path, bits: int) -> None:
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4) % 2**bits
    image = Image.fromarray(labels, mode="P")
    image.putpalette(davis_palette()[: 2**bits].tobytes())
    image.save(tmp_path / "few.png", bits=bits)
    np.testing.assert_array_equal(read_indexed_png(tmp_path / "few.png"), labels)


@pytest.mark.parametrize("worst", [256, 1000, -1])
def test_more_objects_than_a_byte_holds(tmp_path: Path, worst: int) -> None:
    labels = np.zeros((4, 4), dtype=np.int32)
    labels[0, 0] = worst
    with pytest.raises(UserError, match="room for 254 objects") as caught:
        write_indexed_png(tmp_path / "many.png", labels)
    assert caught.value.code == "masks.too_many_objects"
    assert not list(tmp_path.iterdir())


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def header(width: int, height: int, *, depth: int = 8, colour: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def header_only(width: int, height: int, *, depth: int = 8, colour: int = 0) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + header(width, height, depth=depth, colour=colour)


def two_headers(second: bytes, rows: bytes) -> bytes:
    """5 x 5 greys, says the first header."""
    return header_only(5, 5) + second + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "masks.not_png"),
        (b"<!DOCTYPE html><html>" + b" " * 50, "masks.not_png"),
        (b"version https://git-lfs.github.com/spec/v1\n", "masks.not_png"),
        (header_only(100_000, 100_000), "masks.size"),
        (header_only(0, 5), "masks.size"),
        (header_only(5, 5), "masks.damaged_png"),
        (header_only(5, 5, colour=2), "masks.mode"),
        (header_only(5, 5, depth=16), "masks.mode"),
        (mask_png_bytes(np.eye(50, dtype=bool))[:70], "masks.damaged_png"),
        (mask_png_bytes(np.eye(50, dtype=bool))[:-30] + b"\0" * 30, "masks.damaged_png"),
        (two_headers(header(6, 5), bytes(7 * 5)), "masks.damaged_png"),
        (two_headers(header(5, 5, colour=2), bytes(16 * 5)), "masks.damaged_png"),
        (two_headers(header(30_000, 30_000), b""), "masks.damaged_png"),
    ],
)
@pytest.mark.parametrize("read", [read_mask_png, read_indexed_png])
def test_what_is_no_mask_is_refused_by_name(tmp_path: Path, content: bytes, code: str, read) -> None:
    path = tmp_path / "mask.png"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read(path)
    assert str(path) in caught.value.message
    assert caught.value.code == code


def test_a_mask_of_another_size_is_never_resized(tmp_path: Path) -> None:
    write_mask_png(tmp_path / "m.png", some_mask(20, 30))
    with pytest.raises(UserError, match=r"m\.png is 30x20, the frames are 31x20"):
        read_mask_png(tmp_path / "m.png", size=(20, 31))


def test_grey_mattes_and_missing_files(tmp_path: Path) -> None:
    Image.fromarray(np.arange(30, dtype=np.uint8).reshape(5, 6)).save(tmp_path / "grey.png")
    with pytest.raises(UserError, match="grey values"):
        read_mask_png(tmp_path / "grey.png")
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read_mask_png(tmp_path / "none.png")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_mask_png(tmp_path)


def test_real_davis_and_palette_masks() -> None:
    grey = sorted((shared_data() / "davis16" / "Annotations").rglob("*.png"))[0]
    ids = read_indexed_png(grey)
    assert set(np.unique(ids)) == {0, 1}
    np.testing.assert_array_equal(ids == 1, read_mask_png(grey))
    palette = sorted((shared_data() / "clips" / "caps_xmem2" / "Annotations").glob("*.png"))[0]
    assert set(np.unique(read_indexed_png(palette))) <= {0, 1, 2}
