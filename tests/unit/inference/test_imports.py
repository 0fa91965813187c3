"""A window is painted before torch is there: what it needs of inference loads none."""

from __future__ import annotations

import subprocess
import sys


def test_requests_events_and_cards_load_without_torch() -> None:
    code = (
        "import sys\n"
        "from rvos_core.inference import Runner, RunRequest, estimate_cost\n"
        "from rvos_core.models.registry import list_cards\n"
        "import rvos_core.models.devices, rvos_core.weights\n"
        "list_cards()\n"
        "print(*({'torch', 'transformers', 'onnxruntime', 'numba'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "", f"loaded too early: {done.stdout}"
