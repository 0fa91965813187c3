"""Paths are judged before any decoder sees them; every refusal names the file and says what to do."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from rvos_core.errors import UserError
from rvos_core.media.sniff import PathKind, check_unchanged, file_identity, inspect_path, iter_boxes, shown_name

PNG = b"\x89PNG\r\n\x1a\n"


def refusal(path: str | Path) -> UserError:
    with pytest.raises(UserError) as caught:
        inspect_path(path)
    error = caught.value
    assert error.code.startswith("media.")
    assert error.message.endswith(".") and "\n" not in error.message and error.hint
    return error


@pytest.mark.parametrize(
    ("content", "code", "word"),
    [
        (b"", "media.empty_file", "0 bytes"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "media.not_a_video", "web page"),
        (b"\xef\xbb\xbf  <html>", "media.not_a_video", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n", "media.not_a_video", "Git LFS"),
        (b"ffconcat version 1.0\nfile other.mp4\n", "media.not_a_video", "playlist"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\nhttp://example.com/a.ts\n", "media.not_a_video", "playlist"),
        (b"v=0\no=- 0 0 IN IP4 127.0.0.1\n", "media.not_a_video", "playlist"),
        ("nur ein wenig Text, größer\n".encode() * 300, "media.not_a_video", "text"),
        (b"\x76\x2f\x31\x01" + bytes(60), "media.unsupported_image", "OpenEXR"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8X\n\x00\x00\x00\x02\x00\x00\x00", "media.unsupported_image", "animated WebP"),
    ],
)
def test_what_is_no_video_is_refused_by_content(tmp_path: Path, content: bytes, code: str, word: str) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    error = refusal(path)
    assert error.code == code
    assert "clip.mp4" in error.message and word in error.message


@pytest.mark.parametrize("address", ["https://example.com/a.mp4", "rtsp://h/x", "concat:a.mp4|b.mp4", "data:video/mp4"])
def test_addresses_are_never_opened(address: str) -> None:
    assert refusal(address).code == "media.is_url"
    assert refusal(Path(address)).code == "media.is_url"


def test_a_file_that_is_named_like_an_address_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("concat:a").write_bytes(b"\x00\x01")
    assert inspect_path("concat:a") is PathKind.VIDEO


def test_pipes_sockets_and_devices_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert refusal(tmp_path / "pipe.mp4").code == "media.not_a_file"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.mp4"))
        assert refusal(tmp_path / "s.mp4").code == "media.not_a_file"
    assert refusal("/dev/zero").code == "media.not_a_file"


def test_missing_looping_and_impossible_paths(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.mp4").code == "media.not_found"
    assert refusal(tmp_path / ("x" * 300)).code == "media.unreadable"
    assert refusal("a\0b.mp4").code == "media.not_found"
    loop = tmp_path / "loop.mp4"
    loop.symlink_to(loop)
    assert refusal(loop).code == "media.unreadable"
    (tmp_path / "dangling.mp4").symlink_to(tmp_path / "gone")
    assert refusal(tmp_path / "dangling.mp4").code == "media.not_found"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.mp4"
    path.write_bytes(b"\x00")
    path.chmod(0)
    assert refusal(path).code == "media.no_permission"


def test_kinds_go_by_content_not_by_suffix(tmp_path: Path) -> None:
    for name, content, kind in (
        ("a.mp4", PNG + b"\x00\x00\x00\rIHDR" + bytes(30) + b"IDAT", PathKind.IMAGE),
        ("b.png", PNG + b"\x00\x00\x00\rIHDR" + bytes(30) + b"acTL" + b"IDAT", PathKind.VIDEO),
        ("c.dat", b"\xff\xd8\xff\xe0" + bytes(30), PathKind.IMAGE),
        ("d.mjpeg", b"\xff\xd8\xff\xe0" + bytes(30), PathKind.VIDEO),
        ("e.jpg", b"GIF89a" + bytes(30), PathKind.VIDEO),
        ("f.avi", b"YUV4MPEG2 W8 H8 F25:1\nFRAME\n", PathKind.VIDEO),
    ):
        (tmp_path / name).write_bytes(content)
        assert inspect_path(tmp_path / name) is kind, name
    assert inspect_path(tmp_path) is PathKind.FOLDER


def test_protected_files_are_told_by_their_headers(tmp_path: Path) -> None:
    box = b"\x00\x00\x00\x18encv" + bytes(4) + b"schmcenc" + bytes(4)
    moov = (8 + len(box)).to_bytes(4, "big") + b"moov" + box
    path = tmp_path / "p.mp4"
    path.write_bytes(b"\x00\x00\x00\x10ftypisom\x00\x00\x00\x00" + b"\x00\x00\x00\x0cmdat\x01\x02\x03\x04" + moov)
    assert refusal(path).code == "media.encrypted"


def test_boxes_stop_at_nonsense(tmp_path: Path) -> None:
    path = tmp_path / "b.mp4"
    path.write_bytes(b"\x00\x00\x00\x08ftyp" + b"\x00\x00\x00\x01mdat" + (24).to_bytes(8, "big") + bytes(8) + bytes(9))
    with path.open("rb") as file:
        assert list(iter_boxes(file)) == [(b"ftyp", 0, 8), (b"mdat", 8, 24), (b"\0\0\0\0", 32, 9)]
    path.write_bytes(b"\x00\x00\x00\x02free")
    with path.open("rb") as file:
        assert list(iter_boxes(file)) == []


def test_names_are_shown_in_one_line() -> None:
    assert shown_name(Path("x/a\nb.mp4")) == "a\\nb.mp4"
    assert shown_name(Path("x/" + os.fsdecode(b"\xff.mp4"))) == "\\udcff.mp4"
    assert shown_name(Path("clip 🎬.mp4")) == "clip 🎬.mp4"


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"123")
    identity = file_identity(path)
    check_unchanged(path, identity)
    path.write_bytes(b"1234")
    with pytest.raises(UserError, match="has changed"):
        check_unchanged(path, identity)
    path.unlink()
    with pytest.raises(UserError, match="does not exist"):
        check_unchanged(path, identity)
