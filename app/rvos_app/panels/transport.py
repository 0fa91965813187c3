"""The bar between picture and timeline: view modes, transport, in and out, zoom."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from rvos_app.actions.hub import ActionHub
from rvos_app.i18n import tr
from rvos_app.panels.parts import ActionButton, label
from rvos_core.types import MediaInfo

_TRANSPORT = ("playback.first", "playback.back", "playback.play", "playback.forward", "playback.last")
_SPAN = ("playback.set_in", "playback.set_out", "playback.loop", "playback.mute")
_VIEWS = (
    "view.overlay",
    "view.outline",
    "view.matte",
    "view.cut_out",
    "view.effects",
    "view.original",
    "view.boxes",
)


class TransportBar(QWidget):
    """Buttons are the commands' own; the labels are told what to show."""

    def __init__(self, hub: ActionHub) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._speed = label("", role="muted")
        self._speed.setAccessibleName(tr("Playing speed"))
        self._zoom = label("", role="muted")
        self._zoom.setAccessibleName(tr("Zoom"))
        self._zoom.setMinimumWidth(44)
        self._zoom.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(5, 100)
        self.opacity.setFixedWidth(80)
        self.opacity.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.opacity.setAccessibleName(tr("Opacity of the masks"))
        self.opacity.setToolTip(tr("Opacity of the masks"))
        self._info: MediaInfo | None = None
        self._lay_out(hub)

    def _lay_out(self, hub: ActionHub) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 4, 10, 4)
        layout.setSpacing(2)
        left, middle, right = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        for command in _VIEWS:
            left.addWidget(ActionButton(hub.action(command)))
        left.addSpacing(6)
        left.addWidget(self.opacity)
        left.addStretch(1)
        for command in _TRANSPORT:
            middle.addWidget(ActionButton(hub.action(command), size=20 if command == "playback.play" else 16))
        right.addWidget(self._speed)
        right.addStretch(1)
        for command in _SPAN:
            right.addWidget(ActionButton(hub.action(command)))
        right.addSpacing(10)
        right.addWidget(ActionButton(hub.action("view.fit")))
        right.addWidget(self._zoom)
        for part, stretch in ((left, 1), (middle, 0), (right, 1)):
            part.setSpacing(2)
            layout.addLayout(part, stretch=stretch)

    def set_clip(self, info: MediaInfo | None) -> None:
        """Take the clip whose times are shown."""
        self._info = info
        self.setEnabled(info is not None)

    def set_speed(self, speed: float) -> None:
        """Show the playing speed where it is not 1x forward."""
        self._speed.setText("" if speed in (0.0, 1.0) else f"{speed:g}×")

    def set_zoom(self, factor: float) -> None:
        """Show the zoom."""
        self._zoom.setText(f"{round(factor * 100)} %" if self._info is not None else "")
