"""Translation of what a person reads. One context, so that a translator gets one list."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

_CONTEXT = "RVOS Studio"


def tr(text: str, **values: object) -> str:
    """`text` in the person's language, with `{name}` places filled from `values` after the translation."""
    translated = QCoreApplication.translate(_CONTEXT, text)
    return translated.format(**values) if values else translated


def count(number: int, one: str, many: str) -> str:
    """`1 frame`, `12 frames`: the number and the fitting noun, both translated."""
    return f"{number:,} {tr(one if number == 1 else many)}"


def duration(seconds: float) -> str:
    """A length of time as a person says it: `8 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return tr("{s} s", s=whole)
    minutes, rest = divmod(whole, 60)
    if minutes < 10:
        return tr("{m} min {s} s", m=minutes, s=rest) if rest else tr("{m} min", m=minutes)
    hours, minutes = divmod(round(whole / 60), 60)
    if not hours:
        return tr("{m} min", m=minutes)
    return tr("{h} h {m} min", h=hours, m=minutes)


def memory(mib: float) -> str:
    """An amount of memory: `640 MB`, `3.1 GB`."""
    return f"{mib / 1024:.1f} GB" if mib >= 1000 else f"{round(mib)} MB"
