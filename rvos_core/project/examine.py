"""The subprocess of `recovery.examine`: `python -m rvos_core.project.examine COPY NAME` prints what COPY holds."""

from __future__ import annotations

import sys
from pathlib import Path

from rvos_core.project.recovery import as_json, examine_here

if __name__ == "__main__":
    sys.stdout.write(as_json(examine_here(Path(sys.argv[1]), Path(sys.argv[2]))))
