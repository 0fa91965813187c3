"""The bar between picture and timeline: transport, time, speed, view modes, zoom."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from rvos_app.actions.hub import ActionHub
from rvos_app.i18n import tr
from rvos_app.panels.parts import ActionButton, label
from rvos_app.timeline.timecode import timecode
from rvos_core.types import MediaInfo

_TRANSPORT = ("playback.first", "playback.back", "playback.play", "playback.forward", "playback.last")
_SPAN = ("playback.set_in", "playback.set_out", "playback.loop", "playback.mute")
_VIEWS = ("view.overlay", "view.outline", "view.matte", "view.original", "view.boxes")


class TransportBar(QWidget):
    """Buttons are the commands' own; the labels are told what to show."""

    def __init__(self, hub: ActionHub) -> None:
        super().__init__()
        self._play = ActionButton(hub.action("playback.play"), size=20)
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        self._time = label("–")
        self._time.setFont(fixed)
        self._time.setAccessibleName(tr("Time"))
        self._frame = label("", role="muted")
        self._frame.setAccessibleName(tr("Frame"))
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
        layout.addWidget(self._time)
        layout.addSpacing(8)
        layout.addWidget(self._frame)
        layout.addStretch(1)
        for command in _TRANSPORT:
            layout.addWidget(self._play if command == "playback.play" else ActionButton(hub.action(command)))
        layout.addSpacing(12)
        for command in _SPAN:
            layout.addWidget(ActionButton(hub.action(command)))
        layout.addSpacing(6)
        layout.addWidget(self._speed)
        layout.addStretch(1)
        for command in _VIEWS:
            layout.addWidget(ActionButton(hub.action(command)))
        layout.addSpacing(6)
        layout.addWidget(self.opacity)
        layout.addSpacing(10)
        layout.addWidget(ActionButton(hub.action("view.fit")))
        layout.addWidget(self._zoom)

    def set_clip(self, info: MediaInfo | None) -> None:
        """Take the clip whose times are shown."""
        self._info = info
        self.set_frame(0)
        self.setEnabled(info is not None)

    def set_frame(self, index: int) -> None:
        """Show time and number of a frame."""
        info = self._info
        if info is None or not info.frame_count:
            self._time.setText("–")
            self._frame.setText("")
            return
        self._time.setText(timecode(info, index))
        self._frame.setText(tr("Frame {index} of {last}", index=index, last=info.frame_count - 1))

    def set_speed(self, speed: float) -> None:
        """Show the playing speed where it is not 1x forward."""
        self._speed.setText("" if speed in (0.0, 1.0) else f"{speed:g}×")

    def set_zoom(self, factor: float) -> None:
        """Show the zoom."""
        self._zoom.setText(f"{round(factor * 100)} %" if self._info is not None else "")
