"""What a source says besides masks: its sentences, and notes on what was left out or could not be said in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QTabWidget

from rvos_app.dialogs.import_objects import ImportRow
from rvos_app.i18n import tr

if TYPE_CHECKING:
    from rvos_core.formats.annotations import Expression
    from rvos_core.formats.format import Format

_HEIGHT_PX = 132
_SENTENCES_SHOWN = 200


class ImportLists(QTabWidget):
    """Two lists, one behind the other."""

    def __init__(self) -> None:
        super().__init__()
        self.sentences = _list(tr("Sentences of the source"))
        self.notes = _list(tr("Notes on what was read"))
        self.setDocumentMode(True)
        self.setFixedHeight(_HEIGHT_PX)
        self.addTab(self.sentences, "")
        self.addTab(self.notes, "")
        self.show_sentences((), [])
        self.show_notes((), None)

    def show_sentences(self, said: Sequence[Expression], taken: Sequence[ImportRow]) -> None:
        """List sentences with the names of the objects that they mean. `taken`: the objects that are not left out."""
        names = {row.plan.source.object_id: row.name for row in taken}
        self.sentences.clear()
        for each in said[:_SENTENCES_SHOWN]:
            meant = each.object_ids or ()
            about = ", ".join(names[one] for one in meant) if names.keys() >= set(meant) else tr("left out")
            self.sentences.addItem(f"“{each.text}”  →  {about or tr('no object, left out')}")
        if len(said) > _SENTENCES_SHOWN:
            self.sentences.addItem(tr("… and {number:,} more", number=len(said) - _SENTENCES_SHOWN))
        self.setTabText(0, tr("Sentences ({number})", number=len(said)))

    def show_notes(self, notes: Sequence[str], chosen: Format | None) -> None:
        """List notes, and what the format has no room for."""
        self.notes.clear()
        self.notes.addItems(list(notes))
        if chosen is not None and chosen.losses:
            lost = "; ".join(sorted(tr(loss.value) for loss in chosen.losses))
            self.notes.addItem(tr("{format} has no room for: {lost}.", format=chosen.title, lost=lost))
        self.setTabText(1, tr("Notes ({number})", number=self.notes.count()))
        self.setCurrentWidget(self.sentences if self.sentences.count() or not self.notes.count() else self.notes)


def _list(name: str) -> QListWidget:
    made = QListWidget()
    made.setAccessibleName(name)
    made.setWordWrap(True)
    made.setTextElideMode(Qt.TextElideMode.ElideNone)
    return made
