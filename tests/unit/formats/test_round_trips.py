"""Written and read again, a random document is what it was, up to what the format's table says is lost."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers_formats import LATIN, TEXTS, documents, what_is_left
from rvos_core.formats.annotations import AnnotationSet
from rvos_core.formats.format import Format, Loss, Overlap, WriteOptions
from rvos_core.formats.registry import FORMATS, detect, read, write

FEW = 8
MANY = 200
FAMILIES = sorted(FORMATS)


def round_trip(annotations: AnnotationSet, chosen: Format, overlap: Overlap) -> None:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / (f"out{Path(chosen.layout).suffix}" if chosen.target == "file" else "out")
        write(annotations, chosen, target, WriteOptions(overlap=overlap))
        assert detect(target) is chosen, detect(target).format_id
        back = read(target, chosen)
        losses = chosen.losses - ({Loss.OVERLAP, Loss.UNSEEN} if overlap == "files" else set())
        before, after = (what_is_left(each, chosen, losses=losses) for each in (annotations, back))
        if Loss.SURPLUS in losses:
            _compare_surplus(before, after)
        assert after == before


def _compare_surplus(before: list[dict], after: list[dict]) -> None:
    """Two sentences of a kind for an object stay, whichever; then they are taken out of the comparison."""
    for old, new in zip(before, after, strict=True):
        was, kept = Counter(old.pop("expressions")), Counter(new.pop("expressions"))
        assert kept <= was

        def of_a_kind(found: Counter) -> Counter:
            return Counter(
                {key: sum(n for each, n in found.items() if each[2:4] == key) for key in {e[2:4] for e in found}}
            )

        assert of_a_kind(kept) == Counter({key: min(2, n) for key, n in of_a_kind(was).items()})


def documents_for(chosen: Format) -> st.SearchStrategy[AnnotationSet]:
    letters = LATIN if chosen.format_id == "refdavis17" else TEXTS
    found = documents(letters=letters, ids=(1,)) if chosen.format_id == "jhmdb" else documents(letters=letters)
    if Loss.EMPTY_CLIPS in chosen.losses:
        found = found.filter(lambda each: bool(what_is_left(each, chosen)))
    if chosen.format_id == "refdavis17":  # its lines need a letter
        return found.filter(
            lambda each: all(any(c.isalnum() for c in e.text) for clip in each.clips for e in clip.expressions)
        )
    return found


def options_for(chosen: Format) -> list[Overlap]:
    return ["order", "files"] if chosen.splits_objects else ["order"]


CASES = [(name, overlap) for name in FAMILIES for overlap in options_for(FORMATS[name])]
QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@pytest.mark.parametrize(("name", "overlap"), CASES)
def test_what_is_written_is_read_again(name: str, overlap: Overlap) -> None:
    @settings(max_examples=FEW, deadline=None, suppress_health_check=QUIET, derandomize=True, database=None)
    @given(documents_for(FORMATS[name]))
    def holds(annotations: AnnotationSet) -> None:
        round_trip(annotations, FORMATS[name], overlap)

    holds()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "overlap"), CASES)
def test_two_hundred_documents_are_read_as_they_were_written(name: str, overlap: Overlap) -> None:
    @settings(max_examples=MANY, deadline=None, suppress_health_check=QUIET, database=None)
    @given(documents_for(FORMATS[name]))
    def holds(annotations: AnnotationSet) -> None:
        round_trip(annotations, FORMATS[name], overlap)

    holds()
