"""A folder of predictions belongs to one model, data set and rule."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rvos_core.errors import UserError
from rvos_core.evaluation.predict.record import FILE_NAME, Record, claim

RECORD = Record("mevis", "valid_u", "tiny", "ifirvos", "ab12", 360, "the whole video at once")


def test_the_same_call_may_come_again(tmp_path: Path) -> None:
    claim(tmp_path / "out", RECORD)
    before = (tmp_path / "out" / FILE_NAME).read_bytes()
    claim(tmp_path / "out", RECORD)
    assert (tmp_path / "out" / FILE_NAME).read_bytes() == before
    assert json.loads(before)["weights"] == "ab12"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "other"), ("weights", "cd34"), ("data", "a2d"), ("split", "valid"), ("rule", "clips of 24 frames"),
        ("size", 288),
    ],
)  # fmt: skip
def test_another_call_is_refused_and_says_what_differs(tmp_path: Path, name: str, value: object) -> None:
    claim(tmp_path, RECORD)
    with pytest.raises(UserError) as caught:
        claim(tmp_path, replace(RECORD, **{name: value}))  # type: ignore[arg-type]
    assert f"another {name}: {getattr(RECORD, name)} instead of {value}" in caught.value.message
    assert caught.value.code == "predict.other_run"


def test_other_peoples_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("...")
    with pytest.raises(UserError, match=r"holds other files, for example thesis\.tex"):
        claim(tmp_path, RECORD)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 99}', "nonsense"])
def test_a_record_that_is_none_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(UserError, match="is not the record"):
        claim(tmp_path, RECORD)
