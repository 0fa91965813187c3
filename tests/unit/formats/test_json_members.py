"""Members of a large object one at a time: the values of `json`, and the same refusals."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rvos_core.errors import UserError
from rvos_core.formats.json_members import JsonMembers
from rvos_core.masks import empty, to_coco

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('[]{}",:\\é\n'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('a{"\\', max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    document=st.dictionaries(st.text('ab{}[]":,\\é', max_size=4), VALUES, max_size=5), indent=st.sampled_from((None, 2))
)
def test_members_are_those_of_json(
    tmp_path_factory: pytest.TempPathFactory, document: dict, indent: int | None
) -> None:
    path = tmp_path_factory.mktemp("members") / "a.json"
    path.write_text(json.dumps(document, indent=indent or None, ensure_ascii=bool(indent)) + "\n", encoding="utf-8")
    assert dict(JsonMembers(path)) == document


@pytest.mark.parametrize(
    "text", ["", " ", "[1]", '{"a": 1', '{"a": 1} x', '{"a": 1, "a": 2}', '{"a": [}', '{"a": nope}', '"a"']
)
def test_what_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(UserError):
        list(JsonMembers(path).values())


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    masks = json.dumps([to_coco(empty(480, 854))] * 80)
    path = tmp_path / "mask_dict.json"
    path.write_text("{" + ", ".join(f'"{number}": {masks}' for number in range(150)) + "}")
    tracemalloc.start()
    members = JsonMembers(path)
    assert sum(len(each) for each in members.values()) == 12_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6
