"""Pictures of the window for the documentation: `python -m rvos_app.screenshots OUT`. The real window, the real model.

Nothing is staged: the demo clip is opened, sentences are run, and the window is grabbed at each step.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import chdir
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QBuffer, QPoint, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QDockWidget, QWidget

from rvos_app.bootstrap import Studio
from rvos_app.controllers.front import demo_expressions
from rvos_app.dialogs.commands import CommandList
from rvos_app.dialogs.export import ExportDialog
from rvos_app.dialogs.importing import ImportDialog
from rvos_app.settings import Settings
from rvos_core.errors import UserError
from rvos_core.formats import registry
from rvos_core.formats.annotations import AnnotationSet
from rvos_core.formats.format import WriteOptions
from rvos_core.formats.project_export import annotations_of
from rvos_core.project.reading import ProjectReader

_SIZE = QSize(1360, 860)
_COLOURS = 256
_LARGEST_BYTES = 300_000
_PATIENCE_S = 900.0
_SHOWN_FRAME = 0.35  # of the clip


class Camera:
    """Lets the window live until something has happened, then takes its picture."""

    def __init__(self, app: QApplication, folder: Path) -> None:
        self._app = app
        self._folder = folder

    def wait(self, happened: Callable[[], bool]) -> None:
        """Raises: UserError: it has not happened in a quarter of an hour."""
        end = time.monotonic() + _PATIENCE_S
        while not happened():
            if time.monotonic() > end:
                raise UserError("The window did not get to where the picture is taken.", code="screenshots.stuck")
            self._app.processEvents()
            time.sleep(0.005)

    def rest(self, seconds: float) -> None:
        """Let thumbnails and fades come to an end."""
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end)

    def take(self, widget: QWidget, name: str) -> None:
        """Write `name`.png with a palette, within 300 kB."""
        self.rest(0.3)
        buffer = QBuffer()
        buffer.open(QBuffer.OpenModeFlag.WriteOnly)
        widget.grab().save(buffer, "PNG")
        picture = Image.open(BytesIO(bytes(buffer.data().data()))).convert("RGB")
        target = self._folder / f"{name}.png"
        colours = _COLOURS
        while True:
            picture.quantize(colours, dither=Image.Dither.NONE).save(target, optimize=True)
            if target.stat().st_size <= _LARGEST_BYTES or colours <= 32:
                break
            colours //= 2
        sys.stderr.write(f"{target}\n")


def take_all(app: QApplication, folder: Path, *, model: str | None = None) -> None:
    """Take every picture.

    Args:
        model: the model to run; None: the bundled one.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(export_folder="~/Videos")
    settings.model = model or settings.model
    studio = Studio(app, settings=settings)
    camera = Camera(app, folder)
    try:
        studio.start()
        studio.window.resize(_SIZE)
        camera.take(studio.window, "welcome")
        _take_runs(studio, camera)
        _take_views(studio, camera)
        _take_looks(studio, camera)
        _take_trimap(studio, camera)
        _take_history(studio, camera)
        _take_dialogs(studio, camera)
        _take_import(studio, camera)
    finally:
        studio.window.close()


def _take_runs(studio: Studio, camera: Camera) -> None:
    sentences = demo_expressions()
    studio.hub.trigger("file.open_demo")
    camera.wait(lambda: studio.state.clip is not None and studio.runs.engine is not None)
    camera.wait(lambda: not studio.queues.gpu.tickets)
    clip = studio.state.clip
    assert clip is not None
    studio.playback.seek(round(clip.frame_count * _SHOWN_FRAME))
    camera.rest(2.0)
    for number, sentence in enumerate(sentences):
        studio.field.setText(sentence)
        studio.hub.trigger("run.start")
        if number == 1:
            camera.wait(lambda: studio.state.run.windows_done * 2 >= studio.state.run.windows > 0)
            camera.take(studio.window, "running")
        camera.wait(lambda: not studio.state.run.active)
    camera.rest(0.5)
    studio.state.select(studio.state.objects[0].object_id)
    camera.take(studio.window, "studio")


def _take_history(studio: Studio, camera: Camera) -> None:
    """Three more steps, two of them undone, with the panel in front."""
    for command in ("run.toggle_visible", "run.toggle_visible", "run.remove_object", "edit.undo"):
        studio.hub.trigger(command)
        camera.rest(0.5)
    for dock in studio.window.findChildren(QDockWidget):
        if dock.widget() is studio.parts.history:
            dock.raise_()
    camera.rest(0.5)
    camera.take(studio.window, "history")


def _take_views(studio: Studio, camera: Camera) -> None:
    studio.hub.trigger("view.outline")
    studio.hub.trigger("view.boxes")
    camera.take(studio.window, "outline")
    studio.hub.trigger("view.boxes")
    studio.hub.trigger("view.matte")
    camera.wait(lambda: not studio.looking.preview.busy)
    camera.take(studio.window, "matte")
    studio.hub.trigger("view.overlay")
    studio.hub.trigger("view.theme_light")
    camera.take(studio.window, "light")
    studio.hub.trigger("view.theme_dark")


def _take_looks(studio: Studio, camera: Camera) -> None:
    """The Matte panel with effects, two of them, taken back at the end."""
    for command in ("matte.add_grey_background", "matte.add_outline"):
        studio.hub.trigger(command)
    for mode in ("cut_out", "effects"):
        studio.hub.trigger(f"view.{mode}")
        camera.rest(0.2)
        camera.wait(lambda: not studio.looking.preview.busy)
        camera.take(studio.window, mode.replace("_", "-"))
    for command in ("edit.undo", "edit.undo", "view.overlay"):
        studio.hub.trigger(command)


def _take_trimap(studio: Studio, camera: Camera) -> None:
    """The trimap of the selected object with two strokes, drawn as a hand would."""
    studio.hub.trigger("mask.trimap")
    camera.wait(lambda: not studio.looking.painting.busy)
    view = studio.canvas.viewport()
    middle = view.rect().center()
    for brush, x, y in (("unknown", -75, -40), ("outside", 30, -60)):
        studio.hub.trigger(f"matte.trimap_{brush}")
        places = [middle + QPoint(x + step * 2, y + step * 8) for step in range(12)]
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=places[0])
        for place in places[1:]:
            QTest.mouseMove(view, place)
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=places[-1])
        camera.wait(lambda: not studio.looking.painting.busy)
    camera.take(studio.window, "trimap")
    for command in ("edit.undo", "edit.undo", "mask.select"):
        studio.hub.trigger(command)


def _take_import(studio: Studio, camera: Camera) -> None:
    """The project's own objects as a data set of two clips, of which the dialog finds the one that is open."""
    path = studio.documents.path
    assert path is not None
    with tempfile.TemporaryDirectory() as folder, chdir(folder), ProjectReader(path) as reader:
        known = annotations_of(reader)
        clips = tuple(replace(each, name=name) for each in known.clips for name in (each.name, "another"))
        place = Path("Ref-YouTube-VOS")
        registry.write(AnnotationSet(clips), registry.format_of("refytvos"), place, WriteOptions(overlap="order"))
        studio.importing.ask(studio.window)
        dialog = studio.window.findChildren(ImportDialog)[-1]
        dialog.take(place)
        camera.rest(0.5)
        camera.wait(lambda: not studio.importing.active)
        camera.take(dialog, "import")
        dialog.reject()


def _take_dialogs(studio: Studio, camera: Camera) -> None:
    for command, kind, name in (
        ("file.export", ExportDialog, "export"),
        ("help.shortcuts", CommandList, "shortcuts"),
    ):
        studio.hub.trigger(command)
        dialog: QDialog | None = studio.window.findChild(kind)
        assert dialog is not None
        camera.rest(0.3)
        camera.wait(lambda: not studio.shipping.preview.busy)
        camera.take(dialog, name)
        dialog.reject()


def main() -> int:
    """Returns: the exit code."""
    parser = argparse.ArgumentParser(prog="python -m rvos_app.screenshots", description="Take pictures of the window.")
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder for the pictures")
    parser.add_argument("--model", metavar="NAME|PATH", help="the model to run")
    chosen = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as home:
        os.environ["RVOS_LOG_DIR"] = os.environ["RVOS_DATA_DIR"] = home
        app = QApplication(sys.argv[:1])
        app.setCursorFlashTime(0)
        app.setAttribute(Qt.ApplicationAttribute.AA_DontShowIconsInMenus)
        take_all(app, chosen.out, model=chosen.model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
