"""The strip of candidates: things that move, or what else a model found; one click takes another one for the object."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QWidget

from rvos_app.i18n import tr
from rvos_app.jobs.candidate_pictures import CandidatePicture
from rvos_app.panels.parts import label
from rvos_app.state import StudioState


class CandidateStrip(QWidget):
    """Shows the candidates of the selected object; hidden where there is nothing to choose.

    Signals:
        chosen(int, int): object id and number of the moving thing that a person takes.
        query_chosen(int, int, int): object id, frame and query of what a person meant.
        correction_used(int): object id; the person's correction is to choose.
    """

    chosen = Signal(int, int)
    query_chosen = Signal(int, int, int)
    correction_used = Signal(int)

    def __init__(self, state: StudioState) -> None:
        super().__init__()
        self._state = state
        self.setObjectName("candidates")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.buttons: list[QToolButton] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(10, 4, 10, 4)
        self._row.setSpacing(6)
        self._title = label(role="muted")
        self._row.addWidget(self._title)
        self._row.addStretch(1)
        self._offer = label(tr("Your correction fits another candidate:"))
        self.use = QPushButton(tr("Use It"))
        self.use.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.use.setAccessibleName(tr("Use the candidate that fits your correction"))
        self.use.setToolTip(tr("All frames that are not locked show it then; one Undo brings the former back"))
        self.use.setProperty("primary", True)
        self.use.clicked.connect(self._use)
        self._row.addWidget(self._offer)
        self._row.addWidget(self.use)
        self.setVisible(False)
        state.selection_changed.connect(self._show, max_args=0)
        state.candidates_changed.connect(self._show, max_args=0)
        state.clip_changed.connect(self._show, max_args=0)

    def _show(self) -> None:
        object_id = self._state.selected
        pictures = self._state.candidates(object_id) if object_id is not None else ()
        for button in self.buttons:
            self._row.removeWidget(button)
            button.hide()  # it goes with the next round of events; until then it would stand in the others' way
            button.deleteLater()
        self.buttons = [self._button(each) for each in pictures]
        for place, button in enumerate(self.buttons, start=1):
            self._row.insertWidget(place, button)
        queries = any(each.kind == "query" for each in pictures)
        self._title.setText(tr("I meant this one:") if queries else tr("What moves:"))
        offers = object_id is not None and self._state.fits_another(object_id)
        self._offer.setVisible(offers)
        self.use.setVisible(offers)
        self.use.setEnabled(True)
        self.setVisible(offers or len(pictures) > 1 or (len(pictures) == 1 and not pictures[0].candidate.chosen))

    def _button(self, picture: CandidatePicture) -> QToolButton:
        candidate = picture.candidate
        said = ", ".join(f"{word} {round(100 * score)} %" for word, score in candidate.words)
        if picture.kind == "query":
            name = tr("Candidate {number}", number=candidate.number)
            said = tr("fits the sentence {percent} %", percent=round(100 * candidate.fit))
        else:
            name = tr("Moving thing {number}", number=candidate.number)
        made = QToolButton()
        made.setIcon(QIcon(_pixmap(picture.pixels)))
        made.setIconSize(QSize(picture.pixels.shape[1], picture.pixels.shape[0]))
        made.setCheckable(True)
        made.setChecked(candidate.chosen)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.setAccessibleName(f"{name}: {said}" if said else name)
        made.setToolTip(
            f"{name}\n{said}\n" + tr("Click to take this one") if said else f"{name}\n" + tr("Click to take this one")
        )
        made.clicked.connect(lambda: self._choose(picture))
        return made

    def _choose(self, taken: CandidatePicture) -> None:
        object_id = self._state.selected
        for button, picture in zip(self.buttons, self._state.candidates(object_id or 0), strict=True):
            button.setChecked(picture is taken)
        if object_id is None:
            return
        if taken.kind == "query":
            self.query_chosen.emit(object_id, taken.candidate.frame_index, taken.candidate.number - 1)
        else:
            self.chosen.emit(object_id, taken.candidate.number)

    def _use(self) -> None:
        if self._state.selected is not None:
            self.use.setEnabled(False)
            self.correction_used.emit(self._state.selected)


def _pixmap(pixels: np.ndarray) -> QPixmap:
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    return QPixmap.fromImage(QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB888).copy())
