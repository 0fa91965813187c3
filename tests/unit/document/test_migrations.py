"""Every version of the format that was ever released opens, with a copy of how it was beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw
import pytest

from documents import numbered_mask, painted, state_of, verify_file
from rvos_core.errors import UserError
from rvos_core.project import migrations, schema
from rvos_core.project.copies import backup_folder
from rvos_core.project.database import create
from rvos_core.project.edits import SetLook
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.reading import ProjectReader
from rvos_core.project.recovery import recover
from rvos_core.project.store import Project
from rvos_core.project.trimaps import PaintTrimap
from rvos_core.types import FrameSpan

_GOLDEN = Path(__file__).parents[2] / "golden"
_VERSIONS = list(range(1, schema.VERSION + 1))


@pytest.mark.parametrize("version", _VERSIONS)
def test_the_golden_project_of_each_version_opens_with_all_that_it_has(tmp_path: Path, version: int) -> None:
    path = tmp_path / "p.rvos"
    shutil.copyfile(_GOLDEN / f"project-v{version}.rvos", path)
    with ProjectReader(path) as reader:
        assert reader.version == version
        before = state_of(reader)
        assert list(reader.query_masks(1)) == []
    with Project(path, program="test") as project:
        assert project.version == schema.VERSION
        assert state_of(project) == before
        assert [each.name for each in project.objects()] == ["the man in red", "a dog"]
        assert project.mask(1, 4) is not None
        assert project.mask(1, 4).mask == numbered_mask(4)  # type: ignore[union-attr]
        assert project.mask(1, 3).locked  # type: ignore[union-attr]
        assert [each.text for each in project.expressions(1)] == ["the man in red riding a bike"]
        assert [each.name for each in project.snapshots()] == ["half way"]
        marks = [mask.absence for mask in project.masks(1, FrameSpan(20, 30))]
        assert marks == (["occluded", "out_of_frame"] if version >= 3 else [])
        assert project.look(1) == ('{"matte": {"default": {"feather_px": 2.5}}}' if version >= 4 else "")
        assert [*project.trimaps(1)] == ([4] if version >= 5 else [])
        assert project.undo() is not None
        assert project.redo() is not None
        assert state_of(project) == before
        project.apply(SetLook(2, "{}"))
        project.apply(PaintTrimap(2, 30, painted(1)))
        project.apply(DrawMask(2, 30, numbered_mask(30)))
    copies = list(backup_folder(path).glob("before-format-*.rvos")) if version < schema.VERSION else []
    assert len(copies) == (version < schema.VERSION)
    for each in copies:
        assert verify_file(each) == before
        with ProjectReader(each) as reader:
            assert reader.version == version


@pytest.mark.parametrize("version", _VERSIONS)
def test_what_an_older_project_holds_is_saved_whole(tmp_path: Path, version: int) -> None:
    report = recover(_GOLDEN / f"project-v{version}.rvos", tmp_path / "new.rvos")
    assert report.complete
    assert verify_file(tmp_path / "new.rvos") == verify_file(_GOLDEN / f"project-v{version}.rvos")


def test_a_new_project_has_the_tables_of_all_steps(tmp_path: Path) -> None:
    create(tmp_path / "p.rvos")
    connection = apsw.Connection(str(tmp_path / "p.rvos"))
    try:
        found = schema.schema_objects(connection)
        assert found == schema.expected_objects(schema.VERSION)
        for table in schema.JOURNALED.values():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")]
            assert tuple(columns) == (*table.columns, "crc")
    finally:
        connection.close()


def test_a_step_that_would_lose_rows_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.rvos"
    shutil.copyfile(_GOLDEN / "project-v1.rvos", path)
    before = verify_file(path)
    monkeypatch.setattr(migrations, "STEPS", (schema.STEPS[0], "DELETE FROM mask WHERE frame=3;"))
    with pytest.raises(UserError, match="would lose rows"):
        Project(path, program="test")
    assert verify_file(path) == before
    with ProjectReader(path) as reader:
        assert reader.version == 1
