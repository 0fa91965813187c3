"""Which picture a command has: glyphs of the Phosphor font that qtawesome carries, in the theme's colours."""

from __future__ import annotations

import qtawesome
from PySide6.QtGui import QIcon, QPalette
from PySide6.QtWidgets import QApplication

ICONS = {
    "file.open": "ph.video-camera",
    "file.open_folder": "ph.folder-open",
    "file.export": "ph.export",
    "file.import": "ph.download-simple",
    "file.save": "ph.floppy-disk",
    "edit.undo": "ph.arrow-u-up-left",
    "edit.redo": "ph.arrow-u-up-right",
    "playback.play": "ph.play-fill",
    "playback.first": "ph.skip-back",
    "playback.back": "ph.caret-left",
    "playback.forward": "ph.caret-right",
    "playback.last": "ph.skip-forward",
    "playback.loop": "ph.repeat",
    "playback.mute": "ph.speaker-high",
    "playback.set_in": "ph.arrow-line-left",
    "playback.set_out": "ph.arrow-line-right",
    "mask.select": "ph.cursor",
    "mask.points": "ph.crosshair",
    "mask.box": "ph.selection",
    "mask.brush": "ph.paint-brush",
    "mask.eraser": "ph.eraser",
    "mask.polygon": "ph.polygon",
    "mask.lasso": "ph.scribble-loop",
    "mask.move": "ph.arrows-out-cardinal",
    "mask.trimap": "ph.circles-three",
    "mask.fill_holes": "ph.paint-bucket",
    "mask.copy_next": "ph.arrow-square-right",
    "mask.copy_previous": "ph.arrow-square-left",
    "mask.delete_here": "ph.trash",
    "mask.accept": "ph.check-circle",
    "mask.lock": "ph.lock-simple",
    "mask.unlock": "ph.lock-simple-open",
    "mask.magnifier": "ph.magnifying-glass-plus",
    "mask.onion_skin": "ph.stack",
    "track.forward": "ph.arrow-right",
    "track.backward": "ph.arrow-left",
    "track.both_ways": "ph.arrows-left-right",
    "track.stop": "ph.x",
    "track.accept": "ph.check",
    "track.discard": "ph.x",
    "track.before": "ph.swap",
    "track.through_cuts": "ph.fast-forward",
    "track.next_suspect": "ph.caret-double-right",
    "track.previous_suspect": "ph.caret-double-left",
    "track.review": "ph.check-square-offset",
    "matte.keyframe": "ph.diamond",
    "matte.previous_keyframe": "ph.caret-left",
    "matte.next_keyframe": "ph.caret-right",
    "matte.reset": "ph.arrow-counter-clockwise",
    "matte.copy": "ph.copy",
    "matte.clear_trimap": "ph.eraser",
    "run.start": "ph.play",
    "run.again": "ph.arrow-clockwise",
    "run.believe": "ph.question",
    "run.pause": "ph.pause",
    "run.cancel": "ph.x",
    "run.remove_object": "ph.trash",
    "run.toggle_visible": "ph.eye",
    "view.overlay": "ph.circle-half-fill",
    "view.outline": "ph.circle-dashed",
    "view.matte": "ph.circle-fill",
    "view.original": "ph.image",
    "view.cut_out": "ph.scissors",
    "view.effects": "ph.magic-wand",
    "view.boxes": "ph.bounding-box",
    "view.fit": "ph.arrows-out",
}


# What a command shows while it is on, where that is another picture.
_ICONS_ON = {"ph.play-fill": "ph.pause-fill", "ph.speaker-high": "ph.speaker-slash"}


def icon(name: str, *, colour: str | None = None) -> QIcon:
    """A glyph in the theme's text colour (or `colour`), greyed where disabled."""
    palette = QApplication.palette()
    normal = colour or palette.color(QPalette.ColorRole.ButtonText).name()
    disabled = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText).name()
    made: QIcon = qtawesome.icon(name, on=_ICONS_ON.get(name, name), color=normal, color_disabled=disabled)
    return made
