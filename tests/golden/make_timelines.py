"""Makes timelines/: timeline files of the examples in tests/helpers/helpers_timelines.py. Read what changed.

PYTHONPATH=.:tests/helpers python tests/golden/make_timelines.py
"""

from __future__ import annotations

from pathlib import Path

from helpers_timelines import golden_files

if __name__ == "__main__":
    folder = Path(__file__).parent / "timelines"
    folder.mkdir(exist_ok=True)
    for name, content in golden_files().items():
        (folder / name).write_bytes(content)
