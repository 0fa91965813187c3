"""From an expression and a clip to masks: sliding windows, linking, one vote, constant memory.

Importing it loads no torch.
"""

from rvos_core.inference.events import (
    FrameResult,
    FramesRevised,
    QueriesSettled,
    RunCost,
    RunEvent,
    RunFinished,
    RunRequest,
    RunStarted,
    RunSummary,
    Timings,
    Vote,
    WindowDone,
)
from rvos_core.inference.runner import Runner, estimate_cost

__all__ = [
    "FrameResult",
    "FramesRevised",
    "QueriesSettled",
    "RunCost",
    "RunEvent",
    "RunFinished",
    "RunRequest",
    "RunStarted",
    "RunSummary",
    "Runner",
    "Timings",
    "Vote",
    "WindowDone",
    "estimate_cost",
]
