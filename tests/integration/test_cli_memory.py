"""Memory does not grow with the clip: the demo clip and the same clip looped to 3,000 frames."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from helpers_cli import rvos_process, write_tiny_model
from rvos_core.media import open_media
from rvos_resources.paths import demo_dir, weights_dir

FRAMES = 3000


def write_loop(path: Path, *, frames: int) -> Path:
    import av

    with open_media(demo_dir() / "street.mp4") as reader, av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=reader.info.rate, options={"preset": "ultrafast", "crf": "30"})
        stream.width, stream.height, stream.pix_fmt = reader.info.width, reader.info.height, "yuv420p"
        pictures = itertools.chain.from_iterable(reader.frames() for _ in itertools.count())
        for picture in itertools.islice(pictures, frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p", threads=1)))
        container.mux(stream.encode(None))
    return path


def peak_mib(*call: str | Path) -> float:
    with rvos_process(*call) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read()
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    return usage.ru_maxrss / 1024


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", ["ifirvos-mini", "motion"])
def test_three_thousand_frames_take_the_memory_of_a_few(tmp_path: Path, engine: str):
    bundled = weights_dir() / "ifirvos-mini"
    learned = bundled if bundled.is_dir() else write_tiny_model(tmp_path / "tiny")
    model = engine if engine == "motion" else learned
    long = write_loop(tmp_path / "long.mp4", frames=FRAMES)
    # The first look of motion keeps up to 240 moments, of every third frame: its memory is full from 720 frames on.
    short = write_loop(tmp_path / "short.mp4", frames=750) if engine == "motion" else demo_dir() / "street.mp4"
    few, many = (
        peak_mib("segment", clip, "the man in red riding a bike", "-o", tmp_path / clip.stem, "--model", model)
        for clip in (short, long)
    )
    assert len(list((tmp_path / "long" / "masks").iterdir())) == FRAMES
    assert many < 1.1 * few, f"{few:.0f} MiB and {many:.0f} MiB"
