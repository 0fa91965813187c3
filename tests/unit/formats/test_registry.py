"""The table of what is lost is true on paper too, and a path is taken for what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers_data import REPOSITORY
from helpers_datasets import mini_videos, write_jhmdb, write_mevis, write_refdavis, write_refytvos
from rvos_core.errors import UsageError
from rvos_core.formats.registry import FORMATS, detect, format_of, layouts_table, losses_table


def test_the_table_in_the_documents_is_the_programs() -> None:
    text = (REPOSITORY / "docs" / "formats" / "annotations.md").read_text(encoding="utf-8")
    assert losses_table() in text and layouts_table() in text
    for name in FORMATS:
        assert f"**{name}**" in text, f"{name} has no line on its layout"


@pytest.mark.parametrize(
    ("write", "name"),
    [(write_refytvos, "refytvos"), (write_refdavis, "refytvos"), (write_mevis, "mevis"), (write_jhmdb, "jhmdb")],
)
def test_a_data_set_is_known_by_its_files(tmp_path: Path, write, name: str) -> None:
    assert detect(write(tmp_path, mini_videos(1))).format_id == name


def test_an_unknown_format_is_a_wrong_call() -> None:
    with pytest.raises(UsageError, match="no annotation format 'psd'"):
        format_of("psd")
