"""What the import worker is asked to do. No torch: both sides of it use this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Job:
    """One conversion.

    Attributes:
        source: the checkpoint.
        output: where the safetensors go; None: check only.
        arch: what the person says it is: an architecture or a published configuration; or None.
        config: its configuration as JSON values with the key `arch`, where one came with it; or None.
        half: store float16 instead of float32.
    """

    source: str
    output: str | None = None
    arch: str | None = None
    config: dict[str, Any] | None = None
    half: bool = False
