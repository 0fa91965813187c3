"""What leaves the studio: orders of exports, their dialog, their panel, and word of how they ended. A part of the
composition root."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from rvos_app.controllers.clip import ClipController
from rvos_app.controllers.document import DocumentController
from rvos_app.controllers.export import ExportController
from rvos_app.controllers.export_preview import ExportPreview
from rvos_app.dialogs.export import ExportDialog
from rvos_app.i18n import count, tr
from rvos_app.jobs.queue import Queues
from rvos_app.main_window import MainWindow
from rvos_app.panels.exports import ExportsPanel
from rvos_app.settings import Settings
from rvos_app.state import StudioState
from rvos_core.orders import Entry, OrderBook

_TOLD_MS = 10_000


class Shipping(QObject):
    """Makes the parts and joins them.

    Signals:
        said(str): a sentence for the status bar.
    """

    said = Signal(str)

    def __init__(
        self,
        state: StudioState,
        *,
        queues: Queues,
        clips: ClipController,
        documents: DocumentController,
        settings: Settings,
    ) -> None:
        super().__init__()
        self._state = state
        self._documents = documents
        self._settings = settings
        self._window: MainWindow | None = None
        self._tray: QSystemTrayIcon | None = None
        folder = documents.library.folder
        self._presets = folder / "presets"
        self.exports = ExportController(
            state, queue=queues.export, clips=clips, documents=documents, book=OrderBook(folder / "exports")
        )
        self.preview = ExportPreview(plans=queues.media, previews=queues.preview, clips=clips, documents=documents)
        self.panel = ExportsPanel(self.exports)
        self.exports.finished.connect(self._on_finished)
        self.exports.failed.connect(self._on_failed)

    def show_in(self, window: MainWindow) -> None:
        """The window that dialog and panel belong to."""
        self._window = window

    def begin(self) -> None:
        """Take in the orders of earlier starts; where some were interrupted, the panel offers to go on."""
        self.exports.open_book()
        left = self.exports.unfinished
        if left and self._window is not None:
            self.panel.offer_unfinished()
            self._window.bring_forward(self.panel)
            self.said.emit(tr("{what} not finished the last time.", what=count(len(left), "export is", "exports are")))

    def open_dialog(self) -> None:
        """Ask what is to be exported."""
        clip, project, window = self._state.clip, self._documents.path, self._window
        if clip is None or project is None or window is None:
            return
        dialog = ExportDialog(
            self._state,
            clip,
            project=project,
            exports=self.exports,
            preview=self.preview,
            presets=self._presets,
            settings=self._settings,
            parent=window,
        )
        dialog.accepted.connect(self._on_ordered)
        dialog.open()

    def close(self) -> None:
        """The program ends; orders that are at work are offered at the next start."""
        self.preview.stop()
        self.exports.close()
        if self._tray is not None:
            self._tray.hide()

    @Slot()
    def _on_ordered(self) -> None:
        if self._window is not None:
            self._window.bring_forward(self.panel)

    @Slot(object)
    def _on_finished(self, entry: Entry) -> None:
        self._tell(tr("Exported and read back: {title}, in {path}", title=entry.order.title, path=entry.order.target))

    @Slot(object)
    def _on_failed(self, entry: Entry) -> None:
        self._tell(tr("The export “{title}” failed: {why}", title=entry.order.title, why=entry.problem))

    def _tell(self, sentence: str) -> None:
        """In the status bar; and, where the person looks elsewhere, as the desktop does it."""
        self.said.emit(sentence)
        window = self._window
        if window is None or window.isActiveWindow():
            return
        QApplication.alert(window)
        if QSystemTrayIcon.isSystemTrayAvailable():
            if self._tray is None:
                self._tray = QSystemTrayIcon(window.windowIcon(), self)
            self._tray.show()
            self._tray.showMessage("RVOS Studio", sentence, window.windowIcon(), _TOLD_MS)
