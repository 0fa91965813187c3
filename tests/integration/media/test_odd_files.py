"""Ninety-one difficult real files: each opens with the frames FFmpeg decodes, or is refused in one sentence."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers_data import REPOSITORY
from rvos_core.errors import UserError
from rvos_core.media import MediaReader, open_media

CHEAP_PX = 25_000_000  # pixels that the random reads of one file may decode in the quick test

# Where our count is not FFmpeg's by design.
OTHER_COUNT = {
    "decord__tests__test_data__corrupted.mp4": (49, "only the broken packet is lost, not all that follow"),
}
# Files that measured.json does not list, that change size, or that are encrypted and decode to rubbish: frames or code.
OTHER_END: dict[str, int | str] = {
    "fate__image__apng__alogo.png": 20,
    "fate__image__gif__Newtons_cradle_animation_book_2.jpeg": 36,
    "fate__image__gif__banner2.jpeg": 3,
    "fate__image__gif__tc217.jpeg": 173,
    "fate__image__webp__rgb_lena_lossless.jpeg": 1,
    "fate__image__webp__anim.jpeg": "media.unsupported_image",
    "fate__image__webp__anim_yuv_rgb.jpeg": "media.unsupported_image",
    "fate__video__h264__brokensps.mp4": "media.size_change",
    "fate__video__h264__extradata-reload-multi-stsd.mp4": "media.size_change",
    "fate__video__hevc__extradata-reload-multi-stsd.mp4": "media.size_change",
    "fate__video__vp9__vp90-2-05-resize.mp4": "media.size_change",
    "fate__video__wmv3__wmv_drm.wmv": "media.encrypted",
    "mp4parse__mp4parse_capi__tests__av1-clearkey-cbcs-video.mp4": "media.encrypted",
}


def odd_folder() -> Path:
    """Where the files lie, asked before any test runs: `helpers_data.shared_data` would skip the whole module."""
    return Path(os.environ.get("RVOS_TEST_DATA", REPOSITORY.parent / "shared" / "data")) / "odd"


def odd_names() -> list[Any]:
    folder = odd_folder()
    if not folder.is_dir():
        return [pytest.param("none", marks=pytest.mark.skip(reason=f"{folder} is not here (set RVOS_TEST_DATA)"))]
    return sorted(path.name for path in folder.iterdir() if path.name != "measured.json")


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((odd_folder() / "measured.json").read_text())
    return found


def expected(name: str, measured: dict[str, dict[str, Any]]) -> int | str:
    """Frames, or the word that some refusal is due."""
    if name in OTHER_END:
        return OTHER_END[name]
    if name in OTHER_COUNT:
        return OTHER_COUNT[name][0]
    return measured[name].get("n") or "refusal"


@pytest.fixture
def opened(request: pytest.FixtureRequest, measured: dict[str, dict[str, Any]]) -> Iterator[MediaReader | None]:
    """The reader of the named file, or None where it is rightly refused; opening takes less than 20 s."""
    name = request.param
    due = expected(name, measured)
    begin = time.monotonic()
    if isinstance(due, str):
        with pytest.raises(UserError) as caught:
            open_media(odd_folder() / name)
        error = caught.value
        assert name in error.message and error.hint and error.code.startswith("media.")
        assert due in ("refusal", error.code)
        yield None
    else:
        with open_media(odd_folder() / name) as reader:
            assert time.monotonic() - begin < 20
            assert len(reader) == due
            yield reader


@pytest.mark.parametrize("opened", odd_names(), indirect=True, ids=str)
def test_frames_are_those_that_ffmpeg_decodes(opened: MediaReader | None, measured: dict[str, dict[str, Any]]) -> None:
    if opened is None:
        return
    info = opened.info
    facts = measured.get(info.path.name)
    if facts is not None:
        assert (info.coded_width, info.coded_height) == _only_size(facts)
        assert info.rotation_deg == -facts["rot"] % 360
        sar = facts["sar"]
        numerator, _, denominator = ("1" if sar == "None" else sar).partition("/")
        width = round(info.coded_width * int(numerator) / int(denominator or 1))
        turned = info.rotation_deg in (90, 270)
        assert (info.width, info.height) == ((info.coded_height, width) if turned else (width, info.coded_height))
    if info.path.name in OTHER_COUNT:
        assert info.warnings
    pictures = [_digest(frame) for frame in opened.frames()]
    assert len(pictures) == len(opened)
    _read_at_random(opened, pictures, reads=_cheap_reads(opened))


@pytest.mark.slow
@pytest.mark.parametrize("opened", odd_names(), indirect=True, ids=str)
def test_two_hundred_random_frames_equal_sequential_decoding(opened: MediaReader | None) -> None:
    if opened is not None:
        _read_at_random(opened, [_digest(frame) for frame in opened.frames()], reads=200)


def test_opening_all_of_them_stays_in_bounds() -> None:
    """In one process with 3 GB of address space: nothing crashes it, nothing takes 20 s."""
    folder = odd_folder()
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here (set RVOS_TEST_DATA)")
    program = (
        "import json, resource, sys, time; from pathlib import Path\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "from rvos_core.errors import UserError; from rvos_core.media import open_media\n"
        "times = {}\n"
        "for path in sorted(Path(sys.argv[1]).iterdir()):\n"
        "    begin = time.monotonic()\n"
        "    try:\n"
        "        open_media(path).close()\n"
        "    except UserError: pass\n"
        "    times[path.name] = time.monotonic() - begin\n"
        "print(json.dumps(times))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        cwd=REPOSITORY,
    )
    assert done.returncode == 0, done.stderr
    times = json.loads(done.stdout)
    assert len(times) >= 91 and max(times.values()) < 20


def _only_size(facts: dict[str, Any]) -> tuple[int, int]:
    (size,) = facts["sizes"]
    width, height, _ = size.strip("()").split(", ")
    return int(width), int(height)


def _cheap_reads(reader: MediaReader) -> int:
    per_read = len(reader) // 2 * reader.info.coded_width * reader.info.coded_height
    return max(4, min(200, CHEAP_PX // max(1, per_read), 8 * len(reader)))


def _read_at_random(reader: MediaReader, pictures: list[int], *, reads: int) -> None:
    assert _digest(reader.frame(len(reader) - 1)) == pictures[-1]
    for index in random.Random(reader.info.path.name).choices(range(len(reader)), k=reads):
        assert _digest(reader.frame(index)) == pictures[index], index


def _digest(picture: np.ndarray) -> int:
    return hash(picture.tobytes())
