"""Ten hours of masks: a project of a million opens at once, and every single thing stays quick."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from documents import clip_record, thing
from rvos_core.masks import Rle, encode
from rvos_core.project.edits import AddObject
from rvos_core.project.mask_edits import PutMasks
from rvos_core.project.records import MaskRecord
from rvos_core.project.store import Project

_MASKS = 1_000_000

_MEASURE = """
import json, random, sys, time
from pathlib import Path
import numpy as np
from documents import numbered_mask
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.reading import ProjectReader
from rvos_core.project.store import Project

def timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

path, masks = Path(sys.argv[1]), int(sys.argv[2])
found = {}
began = time.perf_counter()
project = Project(path, program="test")
found["open_s"] = time.perf_counter() - began
reader = ProjectReader(path)
dice = random.Random(1)
found["read_ms"] = 1e3 * float(np.median([timed(lambda: reader.mask(1, dice.randrange(masks))) for _ in range(3000)]))
edits = [DrawMask(1, dice.randrange(masks), numbered_mask(number)) for number in range(300)]
found["edit_ms"] = 1e3 * float(np.median([timed(lambda each=each: project.apply(each)) for each in edits]))
found["undo_ms"] = 1e3 * float(np.median([timed(project.undo) for _ in range(100)]))
found["check_s"] = timed(reader.check)
found["lane_s"] = timed(lambda: reader.lane(1))
found["copy_s"] = timed(lambda: project.save_as(path.with_name("copy.rvos")))
found["close_s"] = timed(project.close)
status = Path("/proc/self/status")  # getrusage would count what the parent had before exec
lines = status.read_text().splitlines() if status.exists() else []
peaks = [line.split()[1] for line in lines if line.startswith("VmHWM")]
found["peak_mb"] = int(peaks[0]) / 1024 if peaks else 0.0
print(json.dumps(found))
"""


def ellipse(number: int) -> Rle:
    """A disc of 480p, of about 350 bytes."""
    import numpy as np

    rows, columns = np.mgrid[:480, :854]
    return encode((rows - 240 - number) ** 2 + (columns - 400 - 3 * number) ** 2 < (60 + number) ** 2)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_million_masks(tmp_path: Path) -> None:
    path = tmp_path / "long.rvos"
    discs = [ellipse(number) for number in range(50)]
    with Project.create(path, program="test") as project:
        project.add_media(clip_record(frames=_MASKS), range(_MASKS))
        project.apply(AddObject(thing(1)))
        for start in range(0, _MASKS, 20_000):
            frames = range(start, start + 20_000)
            project.apply(PutMasks(tuple(MaskRecord(1, each, discs[each % 50], "model", 0.5) for each in frames)))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(path), str(_MASKS)], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    sys.stderr.write(f"{path.stat().st_size / 1e6:.0f} MB: {found}\n")
    assert found["open_s"] < 1
    assert found["read_ms"] < 1
    assert found["edit_ms"] < 10
    assert found["undo_ms"] < 10
    assert found["check_s"] < 3
    assert found["peak_mb"] < 300
