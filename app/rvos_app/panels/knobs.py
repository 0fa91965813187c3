"""Rows of a panel that set one value each: a slider with a number, a colour, a choice, a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal, SignalInstance
from PySide6.QtGui import QColor, QHideEvent, QIcon, QKeyEvent, QKeySequence, QPixmap, QWheelEvent
from PySide6.QtWidgets import (
    QColorDialog,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QSlider,
    QWidget,
)

from rvos_app.i18n import tr
from rvos_app.panels.parts import IconButton, label

Colour = tuple[int, int, int]

_TITLE_PX, _NUMBER_PX = 92, 66
_SWATCH_PX = 14


@dataclass(frozen=True)
class Knob:
    """One number. The slider goes from `low` to `high`; the field takes all that is possible.

    Attributes:
        factor: what a person reads is the value times this.
    """

    name: str
    title: str
    tip: str
    low: float
    high: float
    possible: tuple[float, float]
    suffix: str = " px"
    step: float = 0.5
    decimals: int = 1
    factor: float = 1.0


def share(name: str, title: str, tip: str, possible: tuple[float, float]) -> Knob:
    """A knob of 0..1 that is read in percent."""
    return Knob(name, title, tip, 0, 100, possible, suffix=" %", step=1, decimals=0, factor=100)


class SliderRow(QWidget):
    """Title, slider, number.

    Signals:
        tried(float): the slider is held at this value.
        chosen(float, bool): the value is meant; True: it came by a key, the wheel or the field, maybe one of several.
        let_go(): the slider was held and is where it was.
    """

    tried = Signal(float)
    chosen = Signal(float, bool)
    let_go = Signal()

    def __init__(self, knob: Knob) -> None:
        super().__init__()
        self.knob = knob
        title = tr(knob.title)
        self._title = label(title)
        self._title.setFixedWidth(_TITLE_PX)
        self.slider = _Slider(Qt.Orientation.Horizontal)  # counts steps: a slider of floats knows no keys
        self.slider.setRange(round(knob.low / knob.step), round(knob.high / knob.step))
        self.slider.setPageStep(10)
        self.number = _Number()
        self.number.setRange(*(each * knob.factor for each in knob.possible))
        self.number.setSingleStep(knob.step)
        self.number.setDecimals(knob.decimals)
        self.number.setSuffix(knob.suffix)
        self.number.setFixedWidth(_NUMBER_PX)
        self.number.setAccessibleName(title)
        self.slider.setAccessibleName(tr("{name}, slider", name=title))
        keys = tr("arrow keys: {step}, Page Up and Down: ten times that", step=f"{knob.step:g}{knob.suffix}")
        for each in (self._title, self.slider, self.number):
            each.setToolTip(f"{tr(knob.tip)} ({keys})")
        self._title.setBuddy(self.number)
        self._held_from = 0
        row = _row(self)
        row.addWidget(self._title)
        row.addWidget(self.slider, stretch=1)
        row.addWidget(self.number)
        self.slider.sliderPressed.connect(self._on_pressed)
        self.slider.sliderReleased.connect(self._on_released)
        self.slider.valueChanged.connect(self._on_slider)
        self.number.valueChanged.connect(self._on_number)

    @property
    def held(self) -> bool:
        return self.slider.isSliderDown()

    def set_value(self, value: float) -> None:
        """Show a value; nothing is told."""
        read = value * self.knob.factor
        with QSignalBlocker(self.slider), QSignalBlocker(self.number):
            if not self.held:
                self.slider.setValue(round(read / self.knob.step))
            self.number.setValue(read)

    def _on_pressed(self) -> None:
        self._held_from = self.slider.value()

    def _on_slider(self, steps: int) -> None:
        read = steps * self.knob.step
        with QSignalBlocker(self.number):
            self.number.setValue(read)
        if self.held:
            self.tried.emit(read / self.knob.factor)
        else:
            self.chosen.emit(read / self.knob.factor, True)

    def _on_released(self) -> None:
        if self.slider.value() == self._held_from:
            self.let_go.emit()
        else:
            self.chosen.emit(self.number.value() / self.knob.factor, False)

    def _on_number(self, read: float) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(read / self.knob.step))
        self.chosen.emit(read / self.knob.factor, True)


class Picker(Protocol):
    """Takes a colour from the picture, see `canvas.eyedropper`."""

    began: SignalInstance
    ended: SignalInstance

    def begin(self, then: Callable[[Colour], object]) -> bool: ...
    def end(self) -> None: ...


class ColourRow(QWidget):
    """Title, a button in the colour, an eyedropper.

    Signals:
        chosen(object): a colour, or None where there may be none.
    """

    chosen = Signal(object)

    def __init__(self, title: str, tip: str, picker: Picker, *, without: str = "") -> None:
        """`without`: what having no colour is called; empty: there is always one."""
        super().__init__()
        self._colour: Colour | None = (0, 0, 0)
        self._title = label(tr(title))
        self._title.setFixedWidth(_TITLE_PX)
        self.button = QPushButton()
        self.button.setAccessibleName(tr(title))
        self.button.setToolTip(tr(tip))
        self.button.setAutoDefault(False)
        self._title.setBuddy(self.button)
        self.dialog: QColorDialog | None = None
        row = _row(self)
        row.addWidget(self._title)
        row.addWidget(self.button, stretch=1)
        self._picker = picker
        self.pipette = IconButton(
            "ph.eyedropper",
            tr("Take the colour from the picture"),
            tr("Take the colour from the picture: click there; Esc or a right click leaves"),
        )
        self.pipette.setCheckable(True)
        self.pipette.clicked.connect(self._pick)
        picker.ended.connect(self._on_ended)
        row.addWidget(self.pipette)
        self._without = without
        self.clear: QPushButton | None = None
        self.button.clicked.connect(self._ask)
        if without:
            self.clear = QPushButton(tr(without))
            self.clear.setAutoDefault(False)
            self.clear.setToolTip(tr("No colour"))
            self.clear.clicked.connect(self._on_clear)
            row.addWidget(self.clear)

    def set_value(self, colour: Colour | None) -> None:
        """Show a colour; nothing is told."""
        self._colour = colour
        if self.clear is not None:
            self.clear.setEnabled(colour is not None)
        if colour is None:
            self.button.setIcon(QIcon())
            self.button.setText(tr(self._without))
            return
        swatch = QPixmap(_SWATCH_PX, _SWATCH_PX)
        swatch.fill(QColor(*colour))
        self.button.setIcon(QIcon(swatch))
        self.button.setText(QColor(*colour).name().upper())

    def _ask(self) -> None:
        dialog = QColorDialog(QColor(*(self._colour or (255, 255, 255))), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(self._on_selected)
        self.dialog = dialog
        dialog.open()

    def _pick(self, checked: bool) -> None:
        if checked:
            self.pipette.setChecked(self._picker.begin(self.chosen.emit))
        else:
            self._picker.end()

    def _on_ended(self) -> None:
        self.pipette.setChecked(False)

    def hideEvent(self, event: QHideEvent) -> None:
        """What is not to be seen picks nothing."""
        if self.pipette.isChecked():
            self._picker.end()
        super().hideEvent(event)

    def _on_selected(self, colour: QColor) -> None:
        self.chosen.emit((colour.red(), colour.green(), colour.blue()))

    def _on_clear(self) -> None:
        self.chosen.emit(None)


class ChoiceRow(QWidget):
    """Title and a list. Signals: chosen(str)."""

    chosen = Signal(str)

    def __init__(self, title: str, tip: str, choices: Sequence[tuple[str, str]]) -> None:
        """`choices`: (value, title)."""
        super().__init__()
        self._title = label(tr(title))
        self._title.setFixedWidth(_TITLE_PX)
        self.box = _Box()
        self.box.setAccessibleName(tr(title))
        self.box.setToolTip(tr(tip))
        self._title.setBuddy(self.box)
        for value, words in choices:
            self.box.addItem(tr(words), value)
        row = _row(self)
        row.addWidget(self._title)
        row.addWidget(self.box, stretch=1)
        self.box.activated.connect(self._on_activated)

    def set_value(self, value: str) -> None:
        """Show a choice; nothing is told."""
        self.box.setCurrentIndex(self.box.findData(value))

    def _on_activated(self, index: int) -> None:
        self.chosen.emit(self.box.itemData(index))


class FileRow(QWidget):
    """Title and a button with a file's name. Signals: chosen(str): its path."""

    chosen = Signal(str)

    def __init__(self, title: str, tip: str) -> None:
        super().__init__()
        self._title = label(tr(title))
        self._title.setFixedWidth(_TITLE_PX)
        self.button = QPushButton()
        self.button.setAccessibleName(tr(title))
        self.button.setAutoDefault(False)
        self._tip = tr(tip)
        self._path = ""
        self._title.setBuddy(self.button)
        self.dialog: QFileDialog | None = None
        row = _row(self)
        row.addWidget(self._title)
        row.addWidget(self.button, stretch=1)
        self.button.clicked.connect(self._ask)

    def set_value(self, path: str) -> None:
        """Show a file; nothing is told."""
        self._path = path
        name = Path(path).name
        shown = self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, 150)
        self.button.setText(shown or tr("Choose …"))
        self.button.setToolTip(f"{self._tip}\n{path}" if path else self._tip)

    def _ask(self) -> None:
        dialog = QFileDialog(self, tr("Choose a picture or a clip"), str(Path(self._path).parent) if self._path else "")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.chosen)
        self.dialog = dialog
        dialog.open()


class _Slider(QSlider):
    """Turned by the wheel only while it has the focus: scrolling the panel must not change a value."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        super().wheelEvent(event) if self.hasFocus() else event.ignore()


class _Number(QDoubleSpinBox):
    """As `_Slider`; what is typed counts from Enter or the next field on, and from then on undo is the document's."""

    def __init__(self) -> None:
        super().__init__()
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setProperty("knob", True)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            undoes = event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo)
            if undoes and not self.lineEdit().isModified():
                event.ignore()
                return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        super().wheelEvent(event) if self.hasFocus() else event.ignore()


class _Box(QComboBox):
    """As `_Slider`."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        super().wheelEvent(event) if self.hasFocus() else event.ignore()


def _row(widget: QWidget) -> QHBoxLayout:
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    return row
