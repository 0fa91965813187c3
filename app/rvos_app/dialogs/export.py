"""The export dialog: what, which objects, which frames, where to; then its progress."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QCloseEvent, QColor, QDesktopServices, QIcon, QPixmap
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from rvos_app.controllers.export import ExportController, ExportWish
from rvos_app.errors import ErrorReport
from rvos_app.i18n import count, tr
from rvos_app.jobs.export_jobs import ExportDone
from rvos_app.panels.parts import label, set_role
from rvos_app.settings import Settings
from rvos_app.state import StudioState
from rvos_core.errors import UserError
from rvos_core.types import FrameSpan

_SWATCH_PX = 12


class ExportDialog(QDialog):
    """Stays open while it writes, so that Cancel is at hand; nothing half-written stays."""

    def __init__(self, state: StudioState, *, exports: ExportController, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Export"))
        self.setMinimumWidth(560)
        self._state = state
        self._exports = exports
        self._settings = settings
        self._outputs: tuple[Path, ...] = ()
        self.masks = QRadioButton(tr("Masks: a folder of PNG files per object (white object on black)"))
        self.overlay = QRadioButton(tr("Overlay video: the clip with the masks drawn on it (MP4, H.264)"))
        self.masks.setChecked(True)
        kinds = QButtonGroup(self)
        kinds.addButton(self.masks)
        kinds.addButton(self.overlay)
        self.objects = _object_list(state)
        self.whole = QRadioButton(tr("Whole clip"))
        self.between = QRadioButton()
        spans = QButtonGroup(self)
        spans.addButton(self.whole)
        spans.addButton(self.between)
        self.sound = QCheckBox(tr("With the clip's sound"))
        self.sound.setChecked(True)
        self.target = QLineEdit()
        self.target.setAccessibleName(tr("Where to"))
        self._browse = QPushButton(tr("Browse…"))
        self._line = label(role="muted", wraps=True)
        self._line.setAccessibleName(tr("Export status"))
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(tr("Export progress"))
        self._bar.hide()
        self._set_up_span()
        self._lay_out()
        self._connect()
        self._suggest_target()
        self._refresh()

    # -- building ------------------------------------------------------------------------------------------------

    def _set_up_span(self) -> None:
        clip, span = self._state.clip, self._state.span
        total = clip.frame_count if clip else 0
        self.between.setText(
            tr("In to out: frames {first} to {last}", first=span.start, last=max(span.stop - 1, span.start))
        )
        partial = 0 < len(span) < total
        self.between.setEnabled(partial)
        (self.between if partial else self.whole).setChecked(True)
        self.sound.setVisible(bool(clip and clip.has_audio))

    def _lay_out(self) -> None:
        where = QHBoxLayout()
        where.addWidget(self.target, stretch=1)
        where.addWidget(self._browse)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(10)
        form.addRow(tr("What"), _column(self.masks, self.overlay, self.sound))
        form.addRow(tr("Objects"), self.objects)
        form.addRow(tr("Frames"), _column(self.whole, self.between))
        form.addRow(tr("Where to"), where)
        self._form = QWidget()
        self._form.setLayout(form)
        form.setContentsMargins(0, 0, 0, 0)
        self.buttons = QDialogButtonBox()
        self.export_button = QPushButton(tr("Export"))
        self.export_button.setProperty("primary", True)
        self.export_button.setDefault(True)
        self.folder_button = QPushButton(tr("Show in Folder"))
        self.close_button = QPushButton(tr("Cancel"))
        self.buttons.addButton(self.folder_button, QDialogButtonBox.ButtonRole.ActionRole)
        self.buttons.addButton(self.export_button, QDialogButtonBox.ButtonRole.ActionRole)
        self.buttons.addButton(self.close_button, QDialogButtonBox.ButtonRole.ActionRole)
        self.folder_button.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 14)
        layout.setSpacing(12)
        layout.addWidget(self._form)
        layout.addWidget(self._bar)
        layout.addWidget(self._line)
        layout.addStretch(1)
        layout.addWidget(self.buttons)

    def _connect(self) -> None:
        self.masks.toggled.connect(self._on_kind)
        self.objects.itemChanged.connect(self._refresh)
        self.whole.toggled.connect(self._refresh)
        self.target.textChanged.connect(self._refresh)
        self._browse.clicked.connect(self._choose_target)
        self.export_button.clicked.connect(self._start)
        self.close_button.clicked.connect(self.reject)
        self.folder_button.clicked.connect(self._show_folder)
        self._exports.progressed.connect(self._on_progress)
        self._exports.finished.connect(self._on_finished)
        self._exports.failed.connect(self._on_failed)
        self._exports.cancelled.connect(self._on_cancelled)

    # -- the wish ------------------------------------------------------------------------------------------------

    def wish(self) -> ExportWish:
        """What is chosen now."""
        clip = self._state.clip
        whole = FrameSpan(0, clip.frame_count if clip else 0)
        chosen = [self.objects.item(row) for row in range(self.objects.count())]
        ids = tuple(
            item.data(Qt.ItemDataRole.UserRole) for item in chosen if item.checkState() == Qt.CheckState.Checked
        )
        return ExportWish(
            kind="masks" if self.masks.isChecked() else "overlay",
            target=Path(self.target.text()).expanduser(),
            span=whole if self.whole.isChecked() else self._state.span,
            object_ids=ids,
            with_audio=self.sound.isChecked(),
        )

    def _suggest_target(self) -> None:
        clip = self._state.clip
        stem = clip.path.stem if clip else "clip"
        folder = Path(self._settings.export_folder or Path.home())
        name = f"{stem}_masks" if self.masks.isChecked() else f"{stem}_overlay.mp4"
        self.target.setText(str(folder / name))

    def _on_kind(self) -> None:
        self.sound.setEnabled(self.overlay.isChecked())
        self._suggest_target()

    def _choose_target(self) -> None:
        dialog = QFileDialog(self, tr("Export To"), self.target.text())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self.masks.isChecked():
            dialog.setFileMode(QFileDialog.FileMode.Directory)
        else:
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.setDefaultSuffix("mp4")
            dialog.setNameFilter(tr("MP4 video (*.mp4)"))
        dialog.fileSelected.connect(self.target.setText)
        dialog.open()

    def _refresh(self) -> None:
        wish = self.wish()
        ready = bool(wish.object_ids) and bool(self.target.text().strip()) and not self._exports.active
        self.export_button.setEnabled(ready)
        if not wish.object_ids:
            self._say(tr("Choose at least one object."), role="warn")
            return
        frames = count(len(wish.span), "frame", "frames")
        missing = self._exports.missing_frames(wish.object_ids, wish.span)
        if missing:
            self._say(
                tr(
                    "{frames}. {missing} of them have no result yet and are written without a mask.",
                    frames=frames,
                    missing=missing,
                ),
                role="warn",
            )
        else:
            self._say(tr("{frames}, every one with a result.", frames=frames))

    def _say(self, text: str, *, role: str = "muted") -> None:
        self._line.setText(text)
        set_role(self._line, role)

    @property
    def status(self) -> str:
        """What the dialog says at its foot."""
        return self._line.text()

    # -- the work ------------------------------------------------------------------------------------------------

    @Slot()
    def _start(self) -> None:
        try:
            self._exports.start(self.wish())
        except UserError as error:
            self._say(str(error), role="error")
            return
        self._form.setEnabled(False)
        self.export_button.setEnabled(False)
        self.folder_button.hide()
        self._bar.setRange(0, 0)
        self._bar.show()
        self._say(tr("Writing …"))

    @Slot(int, int)
    def _on_progress(self, done: int, total: int) -> None:
        self._bar.setRange(0, total)
        self._bar.setValue(done)
        self._say(
            tr("Written {done} of {total} …", done=done, total=total)
            if done < total
            else tr("Checking what was written …")
        )

    @Slot(object)
    def _on_finished(self, result: ExportDone) -> None:
        self._outputs = result.outputs
        self._end()
        where = "\n".join(str(path) for path in result.outputs)
        self._say("\n".join([tr("Written and read back:"), where, *result.notes]))
        self.close_button.setText(tr("Close"))
        self.folder_button.show()
        self.close_button.setFocus()

    @Slot(object)
    def _on_failed(self, report: ErrorReport) -> None:
        self._end()
        self._say(f"{report.message} {report.hint}".strip(), role="error")

    @Slot()
    def _on_cancelled(self) -> None:
        self._end()
        self._say(tr("Cancelled; nothing unfinished was left behind."))

    def _end(self) -> None:
        self._form.setEnabled(True)
        self.export_button.setEnabled(True)
        self._bar.hide()

    @Slot()
    def _show_folder(self) -> None:
        if self._outputs:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._outputs[0].parent)))

    def reject(self) -> None:
        """Cancel stops a running export first; the second one closes."""
        if self._exports.active:
            self._say(tr("Stopping …"))
            self._exports.cancel()
            return
        super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._exports.active:
            self._exports.cancel()
        super().closeEvent(event)


def _object_list(state: StudioState) -> QListWidget:
    made = QListWidget()
    made.setAccessibleName(tr("Objects to export"))
    made.setMaximumHeight(120)
    for thing in state.objects:
        swatch = QPixmap(_SWATCH_PX, _SWATCH_PX)
        swatch.fill(QColor(*thing.colour))
        item = QListWidgetItem(QIcon(swatch), thing.name)
        item.setData(Qt.ItemDataRole.UserRole, thing.object_id)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsSelectable)
        has_masks = bool(state.results(thing.object_id))
        item.setCheckState(Qt.CheckState.Checked if thing.visible and has_masks else Qt.CheckState.Unchecked)
        made.addItem(item)
    return made


def _column(*widgets: QWidget) -> QVBoxLayout:
    made = QVBoxLayout()
    made.setSpacing(4)
    for widget in widgets:
        made.addWidget(widget)
    return made
