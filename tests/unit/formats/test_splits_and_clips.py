"""Data sets of several splits and clips: which there are, and that only those are read that are asked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from rvos_core.errors import UserError
from rvos_core.formats import registry
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, AnnotationSet, Expression, Sight
from rvos_core.formats.format import ReadOptions, WriteOptions
from rvos_core.masks import encode

# Formats with splits, how two of theirs are called, and whether they can be read as one.
SPLITS = {
    "davis": ("train", "val", True),
    "refdavis17": ("train", "val", True),
    "voc": ("train", "val", True),
    "refytvos": ("train", "valid", False),
    "mevis": ("train", "valid_u", False),
}
# Formats that ask which clips are wanted before they read the masks of one.
ASKING = ("a2d", "davis", "mevis", "mots-png", "plain", "refdavis17", "refytvos")


def clip(name: str) -> AnnotatedClip:
    mask = Sight(encode(np.eye(9, 12, dtype=bool)))
    said = (Expression("0", f"the thing in {name}", (1,)),)
    return AnnotatedClip(name, 12, 9, ("00000", "00001"), (AnnotatedObject(1, "object 1"),), lambda _: {1: mask}, said)


def several_splits(folder: Path, name: str) -> Path:
    """A data set with the clips `a` and `b` in its first split and `c` in its second."""
    chosen, (first, second, _) = registry.format_of(name), SPLITS[name]
    for split, clips in ((first, "ab"), (second, "c")):
        part = registry.write(
            AnnotationSet(tuple(map(clip, clips))), chosen, folder / split, WriteOptions(split=split)
        ).path
        if name == "refdavis17" and (folder / "all").exists():  # the sentences of all splits lie in the same files
            for path in (part / "davis_text_annotations").iterdir():
                with (folder / "all" / "davis_text_annotations" / path.name).open("ab") as file:
                    file.write(path.read_bytes())
            shutil.rmtree(part / "davis_text_annotations")
        shutil.copytree(part, folder / "all", dirs_exist_ok=True)
    return folder / "all"


@pytest.mark.parametrize("name", SPLITS)
def test_every_split_is_named_and_read(tmp_path: Path, name: str) -> None:
    source, chosen = several_splits(tmp_path, name), registry.format_of(name)
    first, second, together = SPLITS[name]
    assert registry.detect(source) is chosen
    assert chosen.splits(source) == (*([""] if together else []), first, second)

    def read(split: str) -> list[str]:
        return [each.name for each in registry.read(source, chosen, ReadOptions(split)).clips]

    assert read(first) == ["a", "b"]
    assert read(second) == ["c"]
    assert read("") == (["a", "b", "c"] if together else ["a", "b"])
    with pytest.raises(UserError, match="has no split 'nothing'") as refused:
        read("nothing")
    assert first in refused.value.hint and second in refused.value.hint


def test_a_split_of_what_has_none_is_refused(tmp_path: Path) -> None:
    chosen = registry.format_of("ytvis")
    path = registry.write(AnnotationSet((clip("a"),)), chosen, tmp_path / "a.json").path
    assert chosen.splits(path) == ()
    with pytest.raises(UserError, match="has no split 'val'"):
        registry.read(path, chosen, ReadOptions("val"))


@pytest.mark.parametrize("name", ASKING)
def test_only_the_clips_that_are_wanted_are_read(tmp_path: Path, name: str) -> None:
    chosen = registry.format_of(name)
    source = registry.write(AnnotationSet(tuple(map(clip, "abc"))), chosen, tmp_path / "out").path
    told: list[str] = []

    def wanted(names: tuple[str, ...]) -> tuple[str, ...]:
        told.extend(names)
        return ("b",)

    for path in source.rglob("*"):
        if path.is_file() and {"a", "c"} & {each.name for each in path.parents}:
            path.write_bytes(b"damaged")
    found = registry.read(source, chosen, ReadOptions(wanted=wanted))
    assert told == ["a", "b", "c"]
    assert [each.name for each in found.clips] == ["b"]
    assert found.clips[0].sights(1)[1].mask == clip("b").sights(1)[1].mask
