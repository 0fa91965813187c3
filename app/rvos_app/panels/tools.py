"""The tools: a slim bar of buttons at the left of the picture, and a line above it about the one in hand."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QSlider, QSpinBox, QVBoxLayout, QWidget
from superqt import QElidingLabel

from rvos_app.actions.hub import ActionHub
from rvos_app.actions.mask import TOOLS
from rvos_app.canvas.tools.brush import LARGEST_PX
from rvos_app.canvas.trimap_art import swatch
from rvos_app.controllers.drawing import Drawing
from rvos_app.controllers.trimap_painting import BRUSHES
from rvos_app.i18n import tr
from rvos_app.panels.parts import ActionButton, label, rule

_GROUPS = (
    tuple(f"mask.{name}" for name, *_ in TOOLS),
    ("mask.fill_holes", "mask.copy_previous", "mask.copy_next", "mask.delete_here"),
    ("mask.accept", "mask.lock", "mask.unlock"),
    ("mask.magnifier", "mask.onion_skin"),
)
_SLIDER_PX = 110


class ToolsBar(QWidget):
    """Buttons are the commands' own."""

    def __init__(self, hub: ActionHub) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 6, 4, 6)
        layout.setSpacing(1)
        for number, group in enumerate(_GROUPS):
            if number:
                layout.addSpacing(4)
                layout.addWidget(rule())
                layout.addSpacing(4)
            for command in group:
                layout.addWidget(ActionButton(hub.action(command)))
        layout.addStretch(1)


class ToolLine(QWidget):
    """What the tool in hand does, for brushes their size and hardness, and what the brush of the trimap paints."""

    def __init__(self, hub: ActionHub, drawing: Drawing) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._hub = hub
        self._drawing = drawing
        self._name = label(role="heading")
        self._hint = QElidingLabel()
        self._hint.setProperty("role", "muted")
        self.diameter = QSpinBox()
        self.diameter.setRange(1, LARGEST_PX)
        self.diameter.setSuffix(" px")
        self.diameter.setFixedWidth(88)
        self.diameter.setAccessibleName(tr("Size of the brush"))
        self.diameter.setToolTip(
            tr("Diameter in pixels of the clip ([ and ], with Shift by 10; Ctrl and drag; Alt and wheel)")
        )
        self.hardness = QSlider(Qt.Orientation.Horizontal)
        self.hardness.setRange(0, 100)
        self.hardness.setFixedWidth(_SLIDER_PX)
        self.hardness.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.hardness.setAccessibleName(tr("Hardness of the brush"))
        self.hardness.setToolTip(
            tr(
                "100 %: the brush takes all that it goes over. Less: only its core does, and from there to the rim it"
                " takes what has the colour of what lies under the core, so that it stops at edges"
            )
        )
        self._percent = label(role="muted")
        self._percent.setMinimumWidth(40)
        self._brush, self._hard, self._kinds = QWidget(), QWidget(), QWidget()
        self.kinds = {name: self._kind_button(name, value) for name, value in BRUSHES.items()}
        self._lay_out()
        drawing.tool_changed.connect(self._show_tool)
        drawing.options_changed.connect(self._show_options)
        self.diameter.valueChanged.connect(self._on_size)
        self.hardness.valueChanged.connect(self._on_hardness)
        self._show_tool(drawing.tool)
        self._show_options()

    def _lay_out(self) -> None:
        for whole, parts in (
            (self._kinds, tuple(self.kinds.values())),
            (self._hard, (label(tr("Hardness"), role="muted"), self.hardness, self._percent)),
            (self._brush, (label(tr("Size"), role="muted"), self.diameter, self._hard)),
        ):
            row = QHBoxLayout(whole)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(8 if whole is not self._kinds else 2)
            for part in parts:
                row.addWidget(part)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 3, 10, 3)
        layout.setSpacing(14)
        layout.addWidget(self._name)
        layout.addWidget(self._kinds)
        layout.addWidget(self._brush)
        layout.addWidget(self._hint, stretch=1)
        self.setFixedHeight(36)

    def _kind_button(self, name: str, value: int) -> ActionButton:
        """Its picture is what it paints, as the canvas shows it."""
        action = self._hub.action(f"matte.trimap_{name}")
        action.setIcon(swatch(value))
        return ActionButton(action, text=tr(name.capitalize()))

    @property
    def shows_brush(self) -> bool:
        """Size and hardness can be set."""
        return not self._brush.isHidden()

    @Slot(str)
    def _show_tool(self, name: str) -> None:
        action = self._hub.action(f"mask.{name}")
        self._name.setText(action.text().replace("&", ""))
        self._hint.setText(action.toolTip())
        self._hint.setToolTip(action.toolTip())
        self._brush.setVisible(name in ("brush", "eraser", "trimap"))
        self._hard.setVisible(name != "trimap")
        self._kinds.setVisible(name == "trimap")

    @Slot()
    def _show_options(self) -> None:
        options = self._drawing.options
        for widget, value in ((self.diameter, round(options.size)), (self.hardness, round(100 * options.hardness))):
            widget.blockSignals(True)
            widget.setValue(value)
            widget.blockSignals(False)
        self._percent.setText(f"{round(100 * options.hardness)} %")

    @Slot(int)
    def _on_size(self, size: int) -> None:
        self._drawing.set_size(size)

    @Slot(int)
    def _on_hardness(self, percent: int) -> None:
        self._drawing.set_hardness(percent / 100)
