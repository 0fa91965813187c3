"""Folders of images and single images as clips."""

from __future__ import annotations

import zlib
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numbered_clips import draw_number, read_number
from PIL import Image

from rvos_core.errors import UsageError, UserError
from rvos_core.media import open_media


def save(path: Path, number: int, *, size: tuple[int, int] = (64, 48)) -> None:
    picture = draw_number(number, *size)
    data = cv2.imencode(path.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1]
    path.write_bytes(data.tobytes())


def refusal(path: Path) -> UserError:
    with pytest.raises(UserError) as caught:
        open_media(path)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".bmp", ".tif", ".webp", ".PNG"])
def test_images_are_ordered_by_their_number(suffix: str, tmp_path: Path) -> None:
    for number in range(1, 13):
        save(tmp_path / f"shot_{number}{suffix}", number)
    (tmp_path / ".hidden.png").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("x")
    with open_media(tmp_path) as reader:
        assert [read_number(frame) for frame in reader.frames()] == list(range(1, 13))
        info = reader.info
        assert (info.kind, info.width, info.height, info.frame_count) == ("images", 64, 48, 12)
        assert (info.rate, info.rate_is_assumed, info.is_variable_rate) == (Fraction(24), True, False)
        assert info.warnings == ()
        assert read_number(reader.reopen().frame(5)) == 6


def test_the_rate_can_be_given(tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / f"{number:04}.png", number)
    with open_media(tmp_path, fps=Fraction(30000, 1001)) as reader:
        assert (reader.info.rate, reader.info.rate_is_assumed) == (Fraction(30000, 1001), False)
        assert reader.info.time_s(2) == Fraction(2002, 30000)
    with pytest.raises(UsageError):
        open_media(tmp_path, fps=Fraction(0))


def test_gaps_are_told_and_closed(tmp_path: Path) -> None:
    for number in (1, 2, 5, 9):
        save(tmp_path / f"a{number:03}.png", number)
    with open_media(tmp_path) as reader:
        assert [read_number(frame) for frame in reader.frames()] == [1, 2, 5, 9]
        assert any("5 images are missing" in w and "3 to 4" in w for w in reader.info.warnings)
    for number in (3, 4, 6, 7):
        save(tmp_path / f"a{number:03}.png", number)
    with open_media(tmp_path) as reader:
        assert reader.info.warnings == ("1 image is missing (number 8); the clip goes on without.",)


def test_mixed_sizes_are_refused_with_the_image_named(tmp_path: Path) -> None:
    save(tmp_path / "a1.png", 1)
    save(tmp_path / "a2.png", 2, size=(32, 48))
    error = refusal(tmp_path)
    assert error.code == "media.mixed_sizes" and "a2.png" in error.message


def test_several_sequences_are_refused_and_strangers_left_out(tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / f"a{number}.png", number)
        save(tmp_path / f"b{number}.png", number)
    assert refusal(tmp_path).code == "media.several_sequences"
    for number in range(3, 9):
        save(tmp_path / f"a{number}.png", number)
    with open_media(tmp_path) as reader:
        assert len(reader) == 9 and any("3 other images" in w for w in reader.info.warnings)


def test_unnumbered_images_go_by_name(tmp_path: Path) -> None:
    save(tmp_path / "beta.png", 2)
    save(tmp_path / "alpha.png", 1)
    with open_media(tmp_path) as reader:
        assert [read_number(frame) for frame in reader.frames()] == [1, 2]
        assert any("no numbers" in w for w in reader.info.warnings)


def test_folders_without_images(tmp_path: Path) -> None:
    assert refusal(tmp_path).code == "media.no_images"
    (tmp_path / "a.0001.exr").write_bytes(b"\x76\x2f\x31\x01")
    assert "OpenEXR" in refusal(tmp_path).message


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1", "LA"])
def test_every_kind_of_pixel_becomes_rgb(mode: str, tmp_path: Path) -> None:
    Image.fromarray(draw_number(77, 64, 48)).convert(mode, dither=Image.Dither.NONE).save(tmp_path / "a.png")
    with open_media(tmp_path / "a.png") as reader:
        assert len(reader) == 1 and reader.frame(0).dtype == np.uint8
        assert read_number(reader.frame(0)) == 77


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_become_eight(suffix: str, tmp_path: Path) -> None:
    wide = draw_number(99, 64, 48).astype(np.uint16) * 257
    (tmp_path / f"a{suffix}").write_bytes(cv2.imencode(suffix, wide)[1].tobytes())
    with open_media(tmp_path / f"a{suffix}") as reader:
        assert np.abs(reader.frame(0).astype(int) - draw_number(99, 64, 48)).max() <= 1


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned clockwise by a quarter
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(draw_number(5, 64, 48), 1)))
    turned.save(tmp_path / "a.jpg", exif=exif, quality=95)
    with open_media(tmp_path / "a.jpg") as reader:
        assert (reader.info.width, reader.info.height) == (64, 48)
        assert read_number(reader.frame(0)) == 5


def test_a_percent_name_is_one_image(tmp_path: Path) -> None:
    save(tmp_path / "a0001.png", 1)
    save(tmp_path / "a%04d.png", 9)
    with open_media(tmp_path / "a%04d.png") as reader:
        assert [read_number(frame) for frame in reader.frames()] == [9]


def test_damaged_and_vanished_images_are_named(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / f"a{number}.png", number)
    data = (tmp_path / "a2.png").read_bytes()
    (tmp_path / "a2.png").write_bytes(data[:60] + bytes(len(data) - 60))
    with open_media(tmp_path) as reader:
        assert read_number(reader.frame(3)) == 3
        with pytest.raises(UserError, match=r"a2\.png") as caught:
            reader.frame(2)
        assert caught.value.code == "media.bad_image"
        (tmp_path / "a1.png").unlink()
        with pytest.raises(UserError, match=r"a1\.png"):
            reader.frame(1)
        save(tmp_path / "a0.png", 0, size=(10, 10))
        with pytest.raises(UserError, match=r"a0\.png"):
            reader.frame(0)
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    assert refusal(tmp_path / "b.png").code == "media.bad_image"


@pytest.mark.parametrize("side", [17_000, 60_000])
def test_an_image_with_a_huge_claim_is_refused(side: int, tmp_path: Path) -> None:
    save(tmp_path / "a.png", 1)
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[16:24] = side.to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(bytes(data))
    assert refusal(tmp_path / "a.png").code == "media.too_large"
